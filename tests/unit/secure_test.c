/* Random bytes, ids, digests, base64: against the vectors of RFCs and of $DOWEL_VECTORS/wycheproof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secure/digest.h"
#include "secure/random.h"
#include "secure/uuid.h"
#include "vectors.h"

/* ---- random ---- */

static void random_bytes_fill_all(void **state)
{
    enum { MANY = 100000 };
    unsigned char *bytes = malloc(MANY + 2);
    size_t seen[256] = { 0 };
    (void)state;

    assert_non_null(bytes);
    bytes[0] = bytes[MANY + 1] = 42;
    assert_int_equal(random_bytes(bytes + 1, MANY), 0);
    assert_int_equal(bytes[0], 42);
    assert_int_equal(bytes[MANY + 1], 42);
    for (size_t i = 1; i <= MANY; i++)
        seen[bytes[i]]++;
    /* About 390 each; 8 standard deviations off is no chance. */
    for (size_t i = 0; i < 256; i++)
        assert_in_range(seen[i], 230, 550);
    assert_int_equal(random_bytes(NULL, 0), 0);
    free(bytes);
}

static void random_tokens_are_base64url(void **state)
{
    char token[RANDOM_TOKEN_SIZE(32)], other[RANDOM_TOKEN_SIZE(32)];
    unsigned char bytes[BASE64_DECODED_MAX(43)];
    size_t n;
    (void)state;

    for (size_t size = 0; size <= 32; size++) {
        memset(token, '!', sizeof(token));
        assert_int_equal(random_token(token, size), 0);
        assert_int_equal(strlen(token), RANDOM_TOKEN_SIZE(size) - 1);
        assert_int_equal(base64_decode(bytes, &n, str_from(token), BASE64_URL_BARE), 0);
        assert_int_equal(n, size);
    }
    assert_int_equal(random_token(other, 32), 0);
    assert_string_not_equal(token, other);
}

/* ---- UUIDs ---- */

/* RFC 9562, A.6: 2022-02-22 14:22:22 -05:00. */
static const int64_t rfc_us = INT64_C(0x17F22E279B0) * 1000;

static void a_uuid_says_its_time(void **state)
{
    _Atomic uint64_t last = 0;
    char text[UUID_TEXT_SIZE];
    struct uuid id;
    (void)state;

    assert_int_equal(uuid_make_at(&last, rfc_us, &id), 0);
    uuid_format(&id, text);
    assert_memory_equal(text, "017f22e2-79b0-7000-", 19);
    assert_non_null(strchr("89ab", text[19]));
    assert_int_equal(uuid_make_at(&last, rfc_us + 999, &id), 0);
    uuid_format(&id, text);
    assert_memory_equal(text, "017f22e2-79b0-7ffb-", 19); /* 999 / 1000 * 4096 = 4091.9 */
    last = 0;
    assert_int_equal(uuid_make_at(&last, -5, &id), 0);
    uuid_format(&id, text);
    assert_memory_equal(text, "00000000-0000-7001-", 19);
}

/* A child goes on from its parent's memory, and must not go on with its bytes. */
static void a_forked_child_s_uuids_are_others(void **state)
{
    struct uuid mine, theirs;
    int fds[2], status;

    (void)state;
    assert_int_equal(uuid_make(&mine), 0); /* this thread has a supply now */
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        bool told = uuid_make(&theirs) == 0 && write(fds[1], &theirs, sizeof(theirs)) == sizeof(theirs);
        _exit(told ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(uuid_make(&mine), 0);
    assert_int_equal(read(fds[0], &theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_memory_not_equal(mine.bytes + 8, theirs.bytes + 8, 8);
    close(fds[0]);
    close(fds[1]);
}

static void assert_after(const struct uuid *before, const struct uuid *id)
{
    char a[UUID_TEXT_SIZE], b[UUID_TEXT_SIZE];

    uuid_format(before, a);
    uuid_format(id, b);
    assert_true(memcmp(before->bytes, id->bytes, 16) < 0);
    assert_true(strcmp(a, b) < 0);
    assert_int_equal(b[14], '7');
}

static void uuids_increase_whatever_the_clock_does(void **state)
{
    _Atomic uint64_t last = 0;
    struct uuid before, id;
    (void)state;

    assert_int_equal(uuid_make_at(&last, rfc_us, &before), 0);
    for (int i = 0; i < 20000; i++) {
        /* Standing still, then a day back, then forth again. */
        int64_t now = i < 10000 ? rfc_us : i < 15000 ? rfc_us - 86400 * INT64_C(1000000) : rfc_us + i;
        assert_int_equal(uuid_make_at(&last, now, &id), 0);
        assert_after(&before, &id);
        before = id;
    }
    assert_int_equal(uuid_make_at(&last, rfc_us + 3000000, &id), 0);
    assert_memory_equal(id.bytes, "\x01\x7f\x22\xe2\x85\x68\x70\x00", 8); /* no longer ahead */
}

enum { THREADS = 4, IDS = 5000 };

static void *make_ids(void *ud)
{
    struct uuid *ids = ud;

    for (size_t i = 0; i < IDS; i++) {
        if (uuid_make(&ids[i]) != 0)
            return "failed";
    }
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct uuid));
}

static void threads_never_get_the_same_place(void **state)
{
    struct uuid *ids = calloc((size_t)THREADS * IDS, sizeof(*ids));
    pthread_t threads[THREADS];
    void *failed;
    (void)state;

    assert_non_null(ids);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids + i * IDS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
        for (size_t k = 1; k < IDS; k++)
            assert_true(compare_ids(&ids[i * IDS + k - 1], &ids[i * IDS + k]) < 0);
    }
    qsort(ids, (size_t)THREADS * IDS, sizeof(*ids), compare_ids);
    /* Not even before the random bits. */
    for (size_t i = 1; i < (size_t)THREADS * IDS; i++)
        assert_true(memcmp(&ids[i - 1], &ids[i], 8) < 0);
    free(ids);
}

static void uuids_are_read_strictly(void **state)
{
    static const char good[] = "017F22E2-79b0-7cc3-98C4-dc0c0c07398f";
    static const char *const bad[] = {
        "",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "017f22e279b07cc398c4dc0c0c07398f0000",
        "017f22e2-79b0-7cc3-98c4_dc0c0c07398f",
        "017f22e2-79b0-7cc39-8c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2-79b0-7cc3-98c4-dc0c0c0-398f",
        " 17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
    };
    char text[UUID_TEXT_SIZE];
    struct uuid id;
    (void)state;

    assert_int_equal(uuid_parse(str_from(good), &id), 0);
    assert_int_equal(uuid_parse(str_from(good), NULL), 0);
    uuid_format(&id, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (uuid_parse(str_from(bad[i]), &id) == 0)
            fail_msg("%s was read", bad[i]);
    }
    assert_int_equal(uuid_parse(str_make(good, 8), &id), -1);
}

/* ---- digests ---- */

/* FIPS 180-4's examples, as in RFC 6234, 8.5. */
static const struct {
    enum digest_kind kind;
    const char *text, *hex;
} digests[] = {
    { DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { DIGEST_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
    { DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { DIGEST_SHA512, "abc",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

static void digests_are_those_of_the_standard(void **state)
{
    char hex[DIGEST_HEX_SIZE];
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(digests); i++) {
        assert_int_equal(digest_hex(digests[i].kind, str_from(digests[i].text), hex), 0);
        assert_string_equal(hex, digests[i].hex);
        assert_int_equal(strlen(hex), 2 * digest_size(digests[i].kind));
    }
    assert_int_equal(digest_hex(DIGEST_SHA256, str_make(NULL, 0), hex), 0);
    assert_memory_equal(hex, "e3b0c442", 8);
}

static void an_unknown_kind_is_an_error(void **state)
{
    unsigned char out[DIGEST_SIZE_MAX];
    char hex[DIGEST_HEX_SIZE];
    (void)state;

    for (int i = 0; i < 2; i++) {
        enum digest_kind kind = (enum digest_kind)(i ? DIGEST_KINDS : 0);
        assert_int_equal(digest_size(kind), 0);
        assert_int_equal(digest(kind, STR_OF("x"), out), -1);
        assert_int_equal(digest_hex(kind, STR_OF("x"), hex), -1);
        assert_int_equal(digest_hmac(kind, STR_OF("x"), STR_OF("x"), out), -1);
        assert_int_equal(digest_hmac_hex(kind, STR_OF("x"), STR_OF("x"), hex), -1);
    }
}

#define AA20 "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"

/* RFC 2202 (SHA-1) and RFC 4231; the last with a key longer than a block. */
static const struct {
    enum digest_kind kind;
    struct str key;
    const char *text, *hex;
} macs[] = {
    { DIGEST_SHA1, STR("Jefe"), "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
    { DIGEST_SHA256, STR("Jefe"), "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { DIGEST_SHA512, STR("Jefe"), "what do ya want for nothing?",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
    { DIGEST_SHA256, STR(AA20 AA20 AA20 AA20 AA20 AA20 "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { DIGEST_SHA256, { NULL, 0 }, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
};

static void macs_are_those_of_the_rfcs(void **state)
{
    char hex[DIGEST_HEX_SIZE];
    (void)state;

    /* Twice: a key must not stay behind for the next. */
    for (size_t i = 0; i < 2 * DW_COUNT_OF(macs); i++) {
        size_t k = i % DW_COUNT_OF(macs);
        assert_int_equal(digest_hmac_hex(macs[k].kind, macs[k].key, str_from(macs[k].text), hex), 0);
        assert_string_equal(hex, macs[k].hex);
    }
}

static void *digest_often(void *ud)
{
    char hex[DIGEST_HEX_SIZE];
    (void)ud;

    for (size_t i = 0; i < 200; i++) {
        size_t k = i % DW_COUNT_OF(macs), m = i % DW_COUNT_OF(digests);
        if (digest_hmac_hex(macs[k].kind, macs[k].key, str_from(macs[k].text), hex) != 0 ||
            strcmp(hex, macs[k].hex) != 0)
            return "another MAC";
        if (digest_hex(digests[m].kind, str_from(digests[m].text), hex) != 0 ||
            strcmp(hex, digests[m].hex) != 0)
            return "another digest";
    }
    return NULL;
}

/* Runs before all other tests of digests: the first calls of all threads come at once. */
static void threads_digest_at_once(void **state)
{
    pthread_t threads[THREADS];
    void *failed;
    (void)state;

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, digest_often, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

static struct str from_hex(const json_t *text)
{
    size_t n = json_string_length(text) / 2;
    const char *hex = json_string_value(text);
    char *bytes = malloc(n + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(str_hex_digit(hex[2 * i]) << 4 | str_hex_digit(hex[2 * i + 1]));
    return str_make(bytes, n);
}

/* True when the vector's verdict is ours, too. Tags may be cut. */
static bool is_judged_right(enum digest_kind kind, const json_t *vector)
{
    struct str key = from_hex(json_object_get(vector, "key"));
    struct str data = from_hex(json_object_get(vector, "msg"));
    struct str tag = from_hex(json_object_get(vector, "tag"));
    bool valid = strcmp(json_string_value(json_object_get(vector, "result")), "valid") == 0;
    unsigned char mac[DIGEST_SIZE_MAX];

    assert_in_range(tag.n, 1, digest_size(kind));
    assert_int_equal(digest_hmac(kind, key, data, mac), 0);
    bool equal = secure_equal(mac, tag.p, tag.n);
    free((char *)key.p);
    free((char *)data.p);
    free((char *)tag.p);
    return equal == valid;
}

static size_t play_wycheproof(enum digest_kind kind, const char *name)
{
    char path[500];
    json_error_t error;
    size_t n = 0, i, k;
    json_t *group, *vector;

    if (!vectors_path(path, sizeof(path), name))
        return 0;
    json_t *root = json_load_file(path, 0, &error);
    assert_non_null(root);
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), k, vector)
        {
            if (!is_judged_right(kind, vector))
                fail_msg("%s: tcId %d", name, (int)json_integer_value(json_object_get(vector, "tcId")));
            n++;
        }
    }
    assert_int_equal(n, json_integer_value(json_object_get(root, "numberOfTests")));
    json_decref(root);
    return n;
}

static void macs_are_those_of_wycheproof(void **state)
{
    static const struct {
        enum digest_kind kind;
        const char *name;
    } files[] = {
        { DIGEST_SHA1, "wycheproof/testvectors_v1/hmac_sha1_test.json" },
        { DIGEST_SHA256, "wycheproof/testvectors_v1/hmac_sha256_test.json" },
        { DIGEST_SHA512, "wycheproof/testvectors_v1/hmac_sha512_test.json" },
    };
    size_t n = 0;
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(files); i++) {
        size_t played = play_wycheproof(files[i].kind, files[i].name);
        print_message("%s: %zu vectors\n", files[i].name, played);
        n += played;
    }
    if (n == 0)
        skip();
}

static void equal_is_equal(void **state)
{
    char a[] = "secret", b[] = "secret";
    (void)state;

    assert_true(secure_equal(a, b, 6));
    assert_true(secure_equal(a, "", 0));
    assert_true(secure_equal_text(a, b));
    assert_true(secure_equal_text("", ""));
    for (size_t i = 0; i < 6; i++) {
        b[i] ^= 0x20;
        assert_false(secure_equal(a, b, 6));
        assert_false(secure_equal_text(a, b));
        b[i] ^= 0x20;
    }
    assert_false(secure_equal_text(a, "secre"));
    assert_false(secure_equal_text(a, "secrets"));
    assert_false(secure_equal_text(a, NULL));
    assert_false(secure_equal_text(NULL, a));
    assert_false(secure_equal_text(NULL, NULL));
}

/* ---- base64 ---- */

/* RFC 4648, 10, and one of each digit that the alphabets have of their own. */
static const struct {
    const char *bytes, *padded, *bare, *url_padded, *url_bare;
} texts[] = {
    { "", "", "", "", "" },
    { "f", "Zg==", "Zg", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy", "Zm9vYmFy", "Zm9vYmFy" },
    { "\xfb\xff\xbf\xfe", "+/+//g==", "+/+//g", "-_-__g==", "-_-__g" },
};

/* Into and out of memory of exactly the promised size, so that ASan sees a byte too many. */
static void check_base64(struct str bytes, const char *text, enum base64_form form)
{
    size_t length = strlen(text), n, room = BASE64_DECODED_MAX(length);
    char *encoded = malloc(length + 1), *decoded = malloc(room + 1);

    assert_int_equal(base64_size(bytes.n, form), length);
    memcpy(encoded + length - bytes.n, bytes.p, bytes.n); /* the place that it promises to take them from */
    base64_encode(encoded, str_make(encoded + length - bytes.n, bytes.n), form);
    assert_memory_equal(encoded, text, length);
    assert_in_range(bytes.n, 0, room);
    assert_int_equal(base64_decode(decoded, &n, str_make(encoded, length), form), 0);
    assert_int_equal(n, bytes.n);
    assert_memory_equal(decoded, bytes.p, n);
    free(encoded);
    free(decoded);
}

static void base64_is_that_of_the_rfc(void **state)
{
    struct buf out = BUF_INIT;
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(texts); i++) {
        struct str bytes = str_from(texts[i].bytes);
        check_base64(bytes, texts[i].padded, BASE64_PADDED);
        check_base64(bytes, texts[i].bare, BASE64_BARE);
        check_base64(bytes, texts[i].url_padded, BASE64_URL_PADDED);
        check_base64(bytes, texts[i].url_bare, BASE64_URL_BARE);
        base64_add(&out, bytes, BASE64_PADDED);
    }
    assert_string_equal(buf_text(&out), "Zg==Zm8=Zm9vZm9vYg==Zm9vYmE=Zm9vYmFy+/+//g==");
    buf_finish(&out);
}

static const struct {
    const char *text;
    enum base64_form form;
} not_base64[] = {
    { "Zg", BASE64_PADDED },         { "Zg=", BASE64_PADDED },      { "Zg===", BASE64_PADDED },
    { "Zm8", BASE64_PADDED },        { "=", BASE64_PADDED },        { "==", BASE64_PADDED },
    { "===", BASE64_PADDED },        { "====", BASE64_PADDED },     { "Z===", BASE64_PADDED },
    { "Zm9v====", BASE64_PADDED },   { "Zg==Zg==", BASE64_PADDED }, { "Z=g=", BASE64_PADDED },
    { "=Zg=", BASE64_PADDED },       { "Zh==", BASE64_PADDED },     { "Zm9=", BASE64_PADDED },
    { "Zm9v\n", BASE64_PADDED },     { " Zm9", BASE64_PADDED },     { "Zm 9", BASE64_PADDED },
    { "-_-_", BASE64_PADDED },       { "Zm9\x80", BASE64_PADDED },  { "Zm9v-g==", BASE64_PADDED },
    { "Zg==", BASE64_BARE },         { "Zm8=", BASE64_BARE },       { "Z", BASE64_BARE },
    { "Zm9vY", BASE64_BARE },        { "Zh", BASE64_BARE },         { "Zm9", BASE64_BARE },
    { "+/+/", BASE64_URL_PADDED },   { "+g==", BASE64_URL_PADDED }, { "Zg", BASE64_URL_PADDED },
    { "Zg==", BASE64_URL_BARE },     { "/g", BASE64_URL_BARE },     { "Zm9v,", BASE64_URL_BARE },
    { "Zm9v\xff\xff", BASE64_BARE },
};

static void base64_is_read_strictly(void **state)
{
    char out[16];
    size_t n;
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(not_base64); i++) {
        if (base64_decode(out, &n, str_from(not_base64[i].text), not_base64[i].form) == 0)
            fail_msg("%s was read as form %d", not_base64[i].text, (int)not_base64[i].form);
    }
    assert_int_equal(base64_decode(out, &n, str_make("Zm9\0", 4), BASE64_PADDED), -1);
}

/* Each character alone: 64 of the 256 belong to a form. */
static void each_digit_is_known(void **state)
{
    char text[] = "AAAA", out[4];
    (void)state;

    for (int form = BASE64_PADDED; form <= BASE64_URL_BARE; form++) {
        int known = 0;
        size_t n;
        for (int c = 0; c < 256; c++) {
            text[1] = (char)c;
            known += base64_decode(out, &n, str_make(text, 4), (enum base64_form)form) == 0;
        }
        assert_int_equal(known, 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes_fill_all),
        cmocka_unit_test(random_tokens_are_base64url),
        cmocka_unit_test(a_uuid_says_its_time),
        cmocka_unit_test(a_forked_child_s_uuids_are_others),
        cmocka_unit_test(uuids_increase_whatever_the_clock_does),
        cmocka_unit_test(threads_never_get_the_same_place),
        cmocka_unit_test(uuids_are_read_strictly),
        cmocka_unit_test(threads_digest_at_once),
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(an_unknown_kind_is_an_error),
        cmocka_unit_test(macs_are_those_of_the_rfcs),
        cmocka_unit_test(macs_are_those_of_wycheproof),
        cmocka_unit_test(equal_is_equal),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(base64_is_read_strictly),
        cmocka_unit_test(each_digit_is_known),
    };
    return cmocka_run_group_tests_name("secure", tests, NULL, NULL);
}
