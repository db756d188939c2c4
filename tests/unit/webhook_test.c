/* Signatures of webhooks: against the vectors of $DOWEL_VECTORS/standard-webhooks and zammad-webhook, and what those say
 * in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "secure/webhook.h"
#include "vectors.h"

static json_t *load_vectors(const char *name)
{
    char path[4096];
    json_error_t error;
    json_t *vectors;

    if (!vectors_path(path, sizeof(path), name))
        skip();
    vectors = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!vectors)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return vectors;
}

static struct str text_of(const json_t *object, const char *name)
{
    const json_t *text = json_object_get(object, name);

    assert_true(json_is_string(text));
    return str_make(json_string_value(text), json_string_length(text));
}

static struct webhook_key key_of(const char *secret)
{
    struct webhook_key key;
    const char *wrong = webhook_secret_read(str_from(secret), &key);

    if (wrong)
        fail_msg("%s: %s", secret, wrong);
    return key;
}

/* ---- Standard Webhooks ---- */

static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char other_secret[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
enum { SENT = 1614265330 };
static const struct str id = STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), body = STR("{\"test\": 2432232314}");

static void signatures_are_those_of_the_vectors(void **state)
{
    json_t *vectors = load_vectors("standard-webhooks/vectors.json"), *v;
    size_t i;
    (void)state;

    assert_true(json_array_size(json_object_get(vectors, "positive")) > 0);
    json_array_foreach(json_object_get(vectors, "positive"), i, v)
    {
        struct webhook_key key = key_of(text_of(v, "secret").p);
        int64_t sent_s = json_integer_value(json_object_get(v, "timestamp"));
        struct buf made = BUF_INIT, second = BUF_INIT;

        assert_int_equal(webhook_sign(&made, &key, 1, text_of(v, "msg_id"), sent_s, text_of(v, "payload")),
                         0);
        assert_string_equal(buf_text(&made), text_of(v, "signature").p);
        buf_add_int(&second, sent_s);
        struct webhook_fields fields = { text_of(v, "msg_id"), buf_str(&second), text_of(v, "signature") };
        assert_int_equal(webhook_verify(&fields, text_of(v, "payload"), &key, 1, sent_s, WEBHOOK_TOLERANCE_S),
                         WEBHOOK_GENUINE);
        buf_finish(&made);
        buf_finish(&second);
    }
    json_decref(vectors);
}

static const char signature[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

static enum webhook_verdict verify(const char *timestamp, const char *signatures, int64_t now_s)
{
    struct webhook_key keys[] = { key_of(other_secret), key_of(secret) };
    struct webhook_fields fields = { id, str_from(timestamp), str_from(signatures) };

    return webhook_verify(&fields, body, keys, 2, now_s, WEBHOOK_TOLERANCE_S);
}

static void one_signature_of_many_is_enough(void **state)
{
    (void)state;
    assert_int_equal(verify("1614265330", signature, SENT), WEBHOOK_GENUINE);
    assert_int_equal(verify("1614265330",
                            "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= "
                            "v2,Gur4pLd03BjNJIWLRvxb45RvJhVmJqEmU7wLqPlfPvc= "
                            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,hnO3",
                            SENT),
                     WEBHOOK_GENUINE);
}

static void other_signatures_are_none(void **state)
{
    static const char *const forged[] = {
        "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=",
        "v1,G0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE==",
        "V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1 g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,",
        "v1",
        ",",
        " ",
        "v1,dGhpcyBpcyBub3QgaXQgYnV0IGhhcyA0NCBjaGFyYWN0ZXJz",
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(forged); i++) {
        if (verify("1614265330", forged[i], SENT) != WEBHOOK_FORGED)
            fail_msg("believed: %s", forged[i]);
    }
}

static void what_is_missing_is_not_signed(void **state)
{
    struct webhook_key key = key_of(secret);
    struct webhook_fields whole = { id, STR("1614265330"), STR(signature) }, cut;
    (void)state;

    assert_int_equal(webhook_verify(&whole, body, &key, 1, SENT, 0), WEBHOOK_GENUINE);
    cut = whole, cut.id = str_from(NULL);
    assert_int_equal(webhook_verify(&cut, body, &key, 1, SENT, 0), WEBHOOK_UNSIGNED);
    cut = whole, cut.timestamp = str_from("");
    assert_int_equal(webhook_verify(&cut, body, &key, 1, SENT, 0), WEBHOOK_UNSIGNED);
    cut = whole, cut.signature = str_from(NULL);
    assert_int_equal(webhook_verify(&cut, body, &key, 1, SENT, 0), WEBHOOK_UNSIGNED);
    assert_int_equal(webhook_verify(&whole, body, &key, 0, SENT, 0), WEBHOOK_UNVERIFIABLE);
}

static void five_minutes_are_forgiven(void **state)
{
    (void)state;
    assert_int_equal(verify("1614265330", signature, SENT + 300), WEBHOOK_GENUINE);
    assert_int_equal(verify("1614265330", signature, SENT + 301), WEBHOOK_TOO_OLD);
    assert_int_equal(verify("1614265330", signature, SENT - 300), WEBHOOK_GENUINE);
    assert_int_equal(verify("1614265330", signature, SENT - 301), WEBHOOK_IN_FUTURE);
}

static void times_are_read_strictly(void **state)
{
    static const char *const wrong[] = {
        "x",          "-1614265330",          "+1614265330", " 1614265330", "1614265330.0",
        "0x60379E72", "16142653301614265330", "1614265330 ",
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        if (verify(wrong[i], signature, SENT) != WEBHOOK_MALFORMED)
            fail_msg("was read: %s", wrong[i]);
    }
    /* The same second in another spelling is another text to sign. */
    assert_int_equal(verify("01614265330", signature, SENT), WEBHOOK_FORGED);
    assert_int_equal(verify("0", signature, SENT), WEBHOOK_TOO_OLD);
}

static void all_three_parts_are_signed(void **state)
{
    struct webhook_key key = key_of(secret);
    struct webhook_fields fields = { STR("msg_p5jXN8AQM9LWM0D4loKWxJeK"), STR("1614265330"), STR(signature) };
    (void)state;

    assert_int_equal(webhook_verify(&fields, body, &key, 1, SENT, 300), WEBHOOK_FORGED);
    fields.id = id;
    fields.timestamp = str_from("1614265331");
    assert_int_equal(webhook_verify(&fields, body, &key, 1, SENT, 300), WEBHOOK_FORGED);
    fields.timestamp = str_from("1614265330");
    assert_int_equal(webhook_verify(&fields, str_from("{\"test\":2432232314}"), &key, 1, SENT, 300),
                     WEBHOOK_FORGED);
    assert_int_equal(webhook_verify(&fields, str_make(body.p, body.n - 1), &key, 1, SENT, 300),
                     WEBHOOK_FORGED);
    assert_int_equal(webhook_verify(&fields, body, &key, 1, SENT, 300), WEBHOOK_GENUINE);
}

/* "a" at second 7 with the body "8.x" and "a.7" at second 8 with the body "x" are one text. */
static void the_border_between_id_and_time_cannot_be_moved(void **state)
{
    struct webhook_key key = key_of(secret);
    struct buf made = BUF_INIT;
    struct webhook_fields fields;
    (void)state;

    assert_int_equal(webhook_sign(&made, &key, 1, STR_OF("a"), 7, STR_OF("8.x")), 0);
    fields = (struct webhook_fields){ STR("a"), STR("7"), buf_str(&made) };
    assert_int_equal(webhook_verify(&fields, STR_OF("8.x"), &key, 1, 8, 300), WEBHOOK_GENUINE);
    fields.id = str_from("a.7");
    fields.timestamp = str_from("8");
    assert_int_equal(webhook_verify(&fields, STR_OF("x"), &key, 1, 8, 300), WEBHOOK_MALFORMED);
    assert_int_equal(webhook_sign(&made, &key, 1, STR_OF("a.7"), 8, STR_OF("x")), -1);
    assert_int_equal(webhook_sign(&made, &key, 1, STR_OF(""), 8, STR_OF("x")), -1);
    assert_int_equal(webhook_sign(&made, &key, 1, STR_OF("a\nb: c"), 8, STR_OF("x")), -1);
    assert_int_equal(webhook_sign(&made, &key, 0, STR_OF("a"), 8, STR_OF("x")), -1);
    buf_finish(&made);
}

static void each_key_signs(void **state)
{
    struct webhook_key keys[] = { key_of(other_secret), key_of(secret) }, third;
    char made_secret[WEBHOOK_SECRET_SIZE];
    struct webhook_fields fields = { id, STR("1614265330"), { NULL, 0 } };
    struct buf made = BUF_INIT;
    (void)state;

    assert_int_equal(webhook_sign(&made, keys, 2, id, SENT, body), 0);
    assert_int_equal(made.n, 2 * 47 + 1);
    assert_true(str_ends_with(buf_str(&made), str_from(signature)));
    fields.signature = buf_str(&made);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(webhook_verify(&fields, body, &keys[i], 1, SENT, 300), WEBHOOK_GENUINE);
    assert_int_equal(webhook_secret_make(made_secret), 0);
    third = key_of(made_secret);
    assert_int_equal(webhook_verify(&fields, body, &third, 1, SENT, 300), WEBHOOK_FORGED);
    buf_finish(&made);
}

static void a_body_may_be_empty_or_binary(void **state)
{
    static const struct str bodies[] = { STR(""), STR("\0\xff\x00."), { NULL, 0 } };
    struct webhook_key key = key_of(secret);
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(bodies); i++) {
        struct buf made = BUF_INIT;
        assert_int_equal(webhook_sign(&made, &key, 1, id, SENT, bodies[i]), 0);
        struct webhook_fields fields = { id, STR("1614265330"), buf_str(&made) };
        assert_int_equal(webhook_verify(&fields, bodies[i], &key, 1, SENT, 300), WEBHOOK_GENUINE);
        assert_int_equal(webhook_verify(&fields, STR_OF("x"), &key, 1, SENT, 300), WEBHOOK_FORGED);
        buf_finish(&made);
    }
}

/* ---- secrets ---- */

static void secrets_are_made(void **state)
{
    char one[WEBHOOK_SECRET_SIZE], two[WEBHOOK_SECRET_SIZE];
    struct webhook_key key;
    (void)state;

    assert_int_equal(webhook_secret_make(one), 0);
    assert_int_equal(webhook_secret_make(two), 0);
    assert_string_not_equal(one, two);
    assert_true(str_starts_with(str_from(one), STR_OF("whsec_")));
    key = key_of(one);
    assert_int_equal(key.n, 32);
}

static void secrets_are_read_with_and_without_their_prefix(void **state)
{
    struct webhook_key with = key_of(secret), without = key_of(secret + 6);
    struct webhook_key padded = key_of(other_secret);
    char bare[sizeof(other_secret)];
    (void)state;

    assert_int_equal(with.n, 24);
    assert_int_equal(without.n, 24);
    assert_memory_equal(with.bytes, without.bytes, 24);
    memcpy(bare, other_secret, sizeof(bare));
    bare[strlen(bare) - 1] = 0;
    without = key_of(bare);
    assert_int_equal(padded.n, 32);
    assert_memory_equal(without.bytes, padded.bytes, 32);
    assert_memory_equal(padded.bytes, "\0\1\2\3", 4);
}

static void wrong_secrets_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "whsec_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==",
        "whsec_short",
        "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
        "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "A", /* 66 bytes */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAA",
    };
    struct webhook_key key;
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        const char *said = webhook_secret_read(str_from(wrong[i]), &key);
        if (!said)
            fail_msg("was read: \"%s\"", wrong[i]);
        if (*wrong[i] && strstr(said, wrong[i]))
            fail_msg("a secret stands in: %s", said);
    }
}

/* ---- the hub's ---- */

static void hub_signatures_are_zammads(void **state)
{
    json_t *vectors = load_vectors("zammad-webhook/vectors.json"), *v;
    size_t i;
    (void)state;

    assert_true(json_array_size(json_object_get(vectors, "cases")) > 0);
    json_array_foreach(json_object_get(vectors, "cases"), i, v)
    {
        struct str secrets[] = { STR("another"), text_of(v, "token") };
        char made[WEBHOOK_HUB_SIZE];

        assert_int_equal(webhook_hub_sign(made, DIGEST_SHA1, text_of(v, "token"), text_of(v, "body")), 0);
        assert_string_equal(made, text_of(v, "header").p);
        assert_int_equal(
            webhook_hub_verify(DIGEST_SHA1, text_of(v, "header"), text_of(v, "body"), secrets, 2),
            WEBHOOK_GENUINE);
        assert_int_equal(
            webhook_hub_verify(DIGEST_SHA1, text_of(v, "header"), text_of(v, "body"), secrets, 1),
            WEBHOOK_FORGED);
        assert_int_equal(
            webhook_hub_verify(DIGEST_SHA256, text_of(v, "header"), text_of(v, "body"), secrets, 2),
            WEBHOOK_FORGED);
    }
    json_decref(vectors);
}

/* RFC 4231, test case 2. */
static const struct str jefe = STR("Jefe"), asked = STR("what do ya want for nothing?");
static const char hub256[] = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

static void hub_signatures_may_be_sha256(void **state)
{
    char made[WEBHOOK_HUB_SIZE];
    (void)state;

    assert_int_equal(webhook_hub_sign(made, DIGEST_SHA256, jefe, asked), 0);
    assert_string_equal(made, hub256);
    assert_int_equal(webhook_hub_verify(DIGEST_SHA256, str_from(hub256), asked, &jefe, 1), WEBHOOK_GENUINE);
    assert_int_equal(webhook_hub_sign(made, DIGEST_SHA512, jefe, asked), -1);
    assert_string_equal(made, "");
}

static void other_hub_signatures_are_none(void **state)
{
    static const char *const forged[] = {
        "SHA256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "sha256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3842",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384",
        "sha256=",
        "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", /* genuine, of the weaker kind */
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(forged); i++) {
        if (webhook_hub_verify(DIGEST_SHA256, str_from(forged[i]), asked, &jefe, 1) != WEBHOOK_FORGED)
            fail_msg("believed: %s", forged[i]);
    }
    assert_int_equal(webhook_hub_verify(DIGEST_SHA1, str_from(forged[6]), asked, &jefe, 1), WEBHOOK_GENUINE);
}

static void without_secret_or_signature_nothing_is_believed(void **state)
{
    static const struct str empty[] = { STR(""), { NULL, 0 } };
    char made[WEBHOOK_HUB_SIZE];
    (void)state;

    assert_int_equal(webhook_hub_verify(DIGEST_SHA256, str_from(NULL), asked, &jefe, 1), WEBHOOK_UNSIGNED);
    assert_int_equal(webhook_hub_verify(DIGEST_SHA256, str_from(NULL), STR_OF(""), &jefe, 1),
                     WEBHOOK_UNSIGNED);
    assert_int_equal(webhook_hub_verify(DIGEST_SHA256, str_from(hub256), asked, NULL, 0),
                     WEBHOOK_UNVERIFIABLE);
    /* What anybody could compute. */
    assert_int_equal(webhook_hub_sign(made, DIGEST_SHA256, empty[0], asked), 0);
    assert_int_equal(webhook_hub_verify(DIGEST_SHA256, str_from(made), asked, empty, 2),
                     WEBHOOK_UNVERIFIABLE);
    assert_int_equal(webhook_hub_verify(DIGEST_SHA512, str_from(hub256), asked, &jefe, 1),
                     WEBHOOK_UNVERIFIABLE);
}

static void each_verdict_has_a_text(void **state)
{
    (void)state;
    for (int v = 0; v < WEBHOOK_VERDICTS; v++)
        assert_true(strlen(webhook_verdict_text((enum webhook_verdict)v)) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_the_vectors),
        cmocka_unit_test(one_signature_of_many_is_enough),
        cmocka_unit_test(other_signatures_are_none),
        cmocka_unit_test(what_is_missing_is_not_signed),
        cmocka_unit_test(five_minutes_are_forgiven),
        cmocka_unit_test(times_are_read_strictly),
        cmocka_unit_test(all_three_parts_are_signed),
        cmocka_unit_test(the_border_between_id_and_time_cannot_be_moved),
        cmocka_unit_test(each_key_signs),
        cmocka_unit_test(a_body_may_be_empty_or_binary),
        cmocka_unit_test(secrets_are_made),
        cmocka_unit_test(secrets_are_read_with_and_without_their_prefix),
        cmocka_unit_test(wrong_secrets_are_refused),
        cmocka_unit_test(hub_signatures_are_zammads),
        cmocka_unit_test(hub_signatures_may_be_sha256),
        cmocka_unit_test(other_hub_signatures_are_none),
        cmocka_unit_test(without_secret_or_signature_nothing_is_believed),
        cmocka_unit_test(each_verdict_has_a_text),
    };
    return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
