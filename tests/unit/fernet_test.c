/* Fernet: the cases of github.com/fernet/spec (generate.json, verify.json, invalid.json), tokens of Python's
 * `cryptography`, and every byte of a token changed. */
#include "secure/fernet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "secure/base64.h"
#include "secure/digest.h"

static struct fernet_key key_of(const char *text)
{
    struct fernet_key key;

    assert_int_equal(fernet_key_parse(str_from(text), &key), 0);
    return key;
}

/* In a room of exactly the promised size, so that ASan sees a byte too many; `plain` gets a terminated copy. */
static int unseal(const struct fernet_key *keys, size_t n, struct str token, const struct fernet_limit *limit,
                  struct fernet_opened *out, char plain[300])
{
    char *room = malloc(token.n ? token.n : 1);

    assert_non_null(room);
    int result = fernet_unseal(keys, n, token, limit, room, out);
    if (result == 0) {
        assert_in_range(out->plain.n, 0, 299);
        memcpy(plain, out->plain.p, out->plain.n);
        plain[out->plain.n] = 0;
    }
    free(room);
    assert_int_equal(ERR_peek_error(), 0); /* nothing for the thread's next TLS connection to stumble upon */
    return result;
}

/* Into a room of exactly the promised size. */
static char *seal(const struct fernet_key *key, struct str plain, int64_t made_s, const unsigned char *iv)
{
    size_t n = fernet_sealed_size(plain.n);
    char *out = malloc(n + 1);

    assert_non_null(out);
    assert_int_equal(
        iv ? fernet_seal_with(key, plain, made_s, iv, out) : fernet_seal(key, plain, made_s, out), 0);
    assert_int_equal(strlen(out), n);
    return out;
}

/* ---- the specification's cases ---- */

#define SPEC_KEY "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="

static const int64_t spec_now = 499162800; /* 1985-10-26T01:20:00-07:00 */
static const unsigned char counting[FERNET_IV] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

#define SPEC_TOKEN \
    "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="

static void generate_json(void **state)
{
    struct fernet_key key = key_of(SPEC_KEY);
    (void)state;

    char *token = seal(&key, STR_OF("hello"), spec_now, counting);
    assert_string_equal(token, SPEC_TOKEN);
    free(token);
}

static void verify_json(void **state)
{
    const struct fernet_limit limit = { .ttl_s = 60, .now_s = spec_now + 1 };
    struct fernet_key key = key_of(SPEC_KEY);
    struct fernet_opened opened;
    char plain[300];
    (void)state;

    assert_int_equal(unseal(&key, 1, STR_OF(SPEC_TOKEN), &limit, &opened, plain), 0);
    assert_string_equal(plain, "hello");
    assert_int_equal(opened.made_s, spec_now);
    assert_int_equal(opened.key, 0);
}

/* now: seconds after spec_now. */
static const struct {
    const char *about, *token;
    int64_t now;
    int result;
} invalid[] = {
    { "incorrect mac",
      "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==",
      1, FERNET_INVALID },
    { "too short", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==", 1, FERNET_INVALID },
    { "invalid base64",
      "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
      1, FERNET_INVALID },
    { "payload size not multiple of block size",
      "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm", 1,
      FERNET_INVALID },
    { "payload padding error",
      "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==",
      1, FERNET_INVALID },
    { "far-future TS (unacceptable clock skew)",
      "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw==",
      1, FERNET_EXPIRED },
    { "expired TTL",
      "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
      91, FERNET_EXPIRED },
    { "incorrect IV (causes padding error)",
      "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==",
      1, FERNET_INVALID },
};

static void invalid_json(void **state)
{
    struct fernet_key key = key_of(SPEC_KEY);
    struct fernet_opened opened;
    char plain[300];
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(invalid); i++) {
        const struct fernet_limit limit = { .ttl_s = 60, .now_s = spec_now + invalid[i].now };
        int result = unseal(&key, 1, str_from(invalid[i].token), &limit, &opened, plain);
        if (result != invalid[i].result)
            fail_msg("%s: %d", invalid[i].about, result);
    }
}

/* ---- tokens that cryptography 48.0.0 wrote: Fernet._encrypt_from_parts(plain, 1700000000, bytes(range(16))) ---- */

#define PYTHON_KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const struct {
    const char *plain, *token;
} python[] = {
    { "", "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD7eteCFsVWnW2hqrh_bbxWG2kgARxHn5BD1_8db41B-"
          "9AjTeFsfNLWkqNE3aSOKVfQ==" },
    { "x", "gAAAAABlU_EAAAECAwQFBgcICQoLDA0ODwdMXh2dJmvmw5JlEH27reu3ePuW-oTLDE98jPCL5ZrJH1Bhdbuhu-UVMoAQ-"
           "0PuOw==" },
    { "fifteen bytes..", "gAAAAABlU_EAAAECAwQFBgcICQoLDA0ODyKkxbpCmTK20LrHjNYGn98rrnODtqMkDoRhx15_"
                         "tmnC6Jko0OV851cTfgQh_SHNyQ==" },
    { "sixteen bytes...", "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD9vBNASK80ek7dz9IaO9VYsSHqN7-VNbBVo8npa-"
                          "CcGHgiJ4d1CNffQAYNP1uelmhtSoxY29AJqt5Xu"
                          "A2zw3xKE=" },
    { "Gr\xc3\xbc\xc3\x9f"
      "e, \xe2\x82\xac",
      "gAAAAABlU_EAAAECAwQFBgcICQoLDA0ODxOOMNB3n811IP7n2GrM46y1Ixm8EeBR1wLdgQy5dY_BDLgIYb5w92YGvYQxd2fvjw="
      "=" },
};

static void pythons_tokens_are_ours(void **state)
{
    struct fernet_key key = key_of(PYTHON_KEY);
    struct fernet_opened opened;
    char plain[300];
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(python); i++) {
        assert_int_equal(unseal(&key, 1, str_from(python[i].token), NULL, &opened, plain), 0);
        assert_string_equal(plain, python[i].plain);
        assert_int_equal(opened.made_s, 1700000000);
        char *token = seal(&key, str_from(python[i].plain), 1700000000, counting);
        assert_string_equal(token, python[i].token);
        free(token);
    }
}

/* ---- keys ---- */

static void keys_have_one_spelling(void **state)
{
    static const char *const bad[] = {
        "",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",  /* no padding */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* bits beyond the last byte */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8h", /* 33 bytes */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", /* 31 bytes */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "cw/0x689RpI+jtRR7oE8h/eQsKImvJapLeSbXpwF4e4=", /* of the standard alphabet */
    };
    struct fernet_key key = key_of(SPEC_KEY);
    char text[FERNET_KEY_TEXT + 1];
    (void)state;

    fernet_key_format(&key, text);
    assert_string_equal(text, SPEC_KEY);
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (fernet_key_parse(str_from(bad[i]), &key) == 0)
            fail_msg("%s was read", bad[i]);
    }
}

static void the_first_key_that_fits_opens(void **state)
{
    struct fernet_key keys[3] = { key_of(PYTHON_KEY), key_of(SPEC_KEY), key_of(SPEC_KEY) };
    struct fernet_opened opened;
    char plain[300];
    (void)state;

    assert_int_equal(unseal(keys, 3, STR_OF(SPEC_TOKEN), NULL, &opened, plain), 0);
    assert_int_equal(opened.key, 1);
    assert_string_equal(plain, "hello");
    assert_int_equal(unseal(keys, 1, STR_OF(SPEC_TOKEN), NULL, &opened, plain), FERNET_INVALID);
    assert_int_equal(unseal(keys, 0, STR_OF(SPEC_TOKEN), NULL, &opened, plain), FERNET_INVALID);
}

/* ---- our own ---- */

static void texts_of_every_length_come_back(void **state)
{
    struct fernet_key key = key_of(SPEC_KEY);
    struct fernet_opened opened;
    char text[200], plain[300];
    (void)state;

    for (size_t n = 0; n < sizeof(text); n++) {
        for (size_t i = 0; i < n; i++)
            text[i] = (char)(i * 7 + n);
        char *token = seal(&key, str_make(text, n), spec_now + (int64_t)n, NULL);
        assert_int_equal(unseal(&key, 1, str_from(token), NULL, &opened, plain), 0);
        assert_int_equal(opened.plain.n, n);
        assert_memory_equal(plain, text, n);
        assert_int_equal(opened.made_s, spec_now + (int64_t)n);
        free(token);
    }
}

static void no_two_tokens_are_the_same(void **state)
{
    struct fernet_key key = key_of(SPEC_KEY);
    char *a = seal(&key, STR_OF("hello"), spec_now, NULL), *b = seal(&key, STR_OF("hello"), spec_now, NULL);
    (void)state;

    assert_string_not_equal(a, b);
    free(a);
    free(b);
}

/* Every single character of a token replaced by every other one of the alphabet. */
static void a_changed_token_is_refused(void **state)
{
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=% ";
    char token[] = SPEC_TOKEN, plain[300];
    struct fernet_key key = key_of(SPEC_KEY);
    struct fernet_opened opened;
    (void)state;

    for (size_t i = 0; i < sizeof(token) - 1; i++) {
        char kept = token[i];
        for (const char *other = others; *other; other++) {
            token[i] = *other;
            int result = unseal(&key, 1, str_from(token), NULL, &opened, plain);
            if (result != (*other == kept ? 0 : FERNET_INVALID))
                fail_msg("%c at %zu: %d", *other, i, result);
        }
        token[i] = kept;
    }
}

static void a_cut_token_is_refused(void **state)
{
    struct fernet_key key = key_of(SPEC_KEY);
    struct fernet_opened opened;
    char plain[300];
    (void)state;

    for (size_t n = 0; n < sizeof(SPEC_TOKEN) - 1; n++)
        assert_int_equal(unseal(&key, 1, str_make(SPEC_TOKEN, n), NULL, &opened, plain), FERNET_INVALID);
    assert_int_equal(unseal(&key, 1, STR_OF(SPEC_TOKEN "="), NULL, &opened, plain), FERNET_INVALID);
    assert_int_equal(unseal(&key, 1, STR_OF(SPEC_TOKEN "\n"), NULL, &opened, plain), FERNET_INVALID);
    assert_int_equal(unseal(&key, 1, STR_OF(SPEC_TOKEN SPEC_TOKEN), NULL, &opened, plain), FERNET_INVALID);
}

/* Signed with the right key, and yet none: only the key's owner can make one, by mistake. */
static char *sign_bytes(const struct fernet_key *key, const char *bytes, size_t n)
{
    unsigned char mac[DIGEST_SIZE_MAX];
    struct buf raw = BUF_INIT, token = BUF_INIT;

    assert_int_equal(
        digest_hmac(DIGEST_SHA256, str_make((const char *)key->bytes, 16), str_make(bytes, n), mac), 0);
    buf_add(&raw, bytes, n);
    buf_add(&raw, mac, 32);
    base64_add(&token, buf_str(&raw), BASE64_URL_PADDED);
    buf_finish(&raw);
    buf_add_char(&token, 0);
    assert_false(buf_failed(&token));
    return token.p;
}

static void a_signature_alone_is_not_enough(void **state)
{
    char bytes[80] = { (char)0x80 }, plain[300];
    struct fernet_key key = key_of(SPEC_KEY);
    struct fernet_opened opened;
    (void)state;

    for (size_t n = 0; n < sizeof(bytes); n++) {
        char *token = sign_bytes(&key, bytes, n);
        assert_int_equal(unseal(&key, 1, str_from(token), NULL, &opened, plain), FERNET_INVALID);
        free(token);
    }
    char *raw = malloc(sizeof(SPEC_TOKEN));
    size_t n;
    assert_non_null(raw);
    assert_int_equal(base64_decode(raw, &n, STR_OF(SPEC_TOKEN), BASE64_URL_PADDED), 0);
    char *same = sign_bytes(&key, raw, n - 32);
    assert_string_equal(same, SPEC_TOKEN);
    raw[0] = (char)0x81; /* another version */
    char *other = sign_bytes(&key, raw, n - 32);
    assert_int_equal(unseal(&key, 1, str_from(other), NULL, &opened, plain), FERNET_INVALID);
    free(raw);
    free(same);
    free(other);
}

/* ---- age ---- */

static const struct {
    int64_t made, ttl, now;
    int result;
} ages[] = {
    { 1000, 60, 1000, 0 },
    { 1000, 60, 1060, 0 },
    { 1000, 60, 1061, FERNET_EXPIRED },
    { 1000, 0, 1000, 0 },
    { 1000, 0, 1001, FERNET_EXPIRED },
    { 1000, 60, 940, 0 },
    { 1000, 60, 939, FERNET_EXPIRED },
    { 1000, 0, 940, 0 },
    { 0, INT64_MAX, INT64_MAX, 0 },
    { INT64_MAX, INT64_MAX, 0, FERNET_EXPIRED },
    { INT64_MAX, 60, INT64_MAX, 0 },
    { -1, INT64_MAX, 1000, FERNET_EXPIRED }, /* as 64 bits without a sign: the end of time */
    { 1000, 60, -1000, FERNET_EXPIRED },
    { INT64_MAX, 60, INT64_MIN, FERNET_EXPIRED },
};

static void age_is_limited_when_asked(void **state)
{
    struct fernet_key key = key_of(SPEC_KEY);
    struct fernet_opened opened;
    char plain[300];
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(ages); i++) {
        const struct fernet_limit limit = { .ttl_s = ages[i].ttl, .now_s = ages[i].now };
        char *token = seal(&key, STR_OF("x"), ages[i].made, NULL);
        int result = unseal(&key, 1, str_from(token), &limit, &opened, plain);
        if (result != ages[i].result)
            fail_msg("case %zu: %d", i, result);
        assert_int_equal(unseal(&key, 1, str_from(token), NULL, &opened, plain), 0);
        free(token);
    }
}

/* Whether a token is too old is told to nobody who could not have made it. */
static void a_foreign_token_is_invalid_before_it_is_old(void **state)
{
    const struct fernet_limit limit = { .ttl_s = 60, .now_s = spec_now + 1000 };
    struct fernet_key key = key_of(PYTHON_KEY);
    struct fernet_opened opened;
    char plain[300];
    (void)state;

    assert_int_equal(unseal(&key, 1, STR_OF(SPEC_TOKEN), &limit, &opened, plain), FERNET_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generate_json),
        cmocka_unit_test(verify_json),
        cmocka_unit_test(invalid_json),
        cmocka_unit_test(pythons_tokens_are_ours),
        cmocka_unit_test(keys_have_one_spelling),
        cmocka_unit_test(the_first_key_that_fits_opens),
        cmocka_unit_test(texts_of_every_length_come_back),
        cmocka_unit_test(no_two_tokens_are_the_same),
        cmocka_unit_test(a_changed_token_is_refused),
        cmocka_unit_test(a_cut_token_is_refused),
        cmocka_unit_test(a_signature_alone_is_not_enough),
        cmocka_unit_test(age_is_limited_when_asked),
        cmocka_unit_test(a_foreign_token_is_invalid_before_it_is_old),
    };
    return cmocka_run_group_tests_name("fernet", tests, NULL, NULL);
}
