/* Access tokens: what they say, and every way in which one is put in another's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <pthread.h>

#include "access_token.h"
#include "keys.h"

enum { NOW = 1700000000, LEEWAY = 5 };

static const struct access_token_rules rules = { "https://dowel.example", "dowel", LEEWAY };
static const struct access_token_grant grant = {
    .issuer = "https://dowel.example",
    .audience = "dowel",
    .subject = "ann",
    .id = "t-1",
    .client_id = "console",
    .issued_at_s = NOW,
    .lifetime_s = 600,
};

static char *sign(const struct key_set *keys, const struct access_token_grant *g)
{
    char *token, *copy;

    assert_int_equal(access_token_sign(keys, g, &token), 0);
    copy = strdup(token); /* gcc 12 takes what was stored through a pointer for that pointer itself */
    assert_non_null(copy);
    free(token);
    return copy;
}

static enum token_error verify_at(const struct key_set *keys, const char *token, int64_t now_s)
{
    struct access_token out;
    enum token_error error = access_token_verify(keys, &rules, token, strlen(token), now_s, &out);

    assert_true((error == TOKEN_OK) == (out.claims != NULL));
    access_token_finish(&out);
    return error;
}

/* ---- what is right ---- */

static void what_was_granted_is_read(void **state)
{
    json_t *more = json_pack("{s:s, s:[s,s]}", "tenant", "acme", "scope", "a", "b");
    struct access_token_grant g = grant;
    (void)state;

    g.more = more;
    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++) {
        struct key_set *keys = keys_set_of(keys_make((enum signing_alg)alg));
        char *token = sign(keys, &g);
        struct access_token out;
        assert_int_equal(access_token_verify(keys, &rules, token, strlen(token), NOW + 1, &out), TOKEN_OK);
        assert_string_equal(out.subject, "ann");
        assert_string_equal(out.id, "t-1");
        assert_string_equal(out.client_id, "console");
        assert_int_equal(out.issued_at_s, NOW);
        assert_int_equal(out.expires_at_s, NOW + 600);
        assert_string_equal(json_string_value(json_object_get(out.claims, "tenant")), "acme");
        assert_int_equal(json_array_size(json_object_get(out.claims, "scope")), 2);
        access_token_finish(&out);
        access_token_finish(&out);
        free(token);
        key_set_release(keys);
    }
    json_decref(more);
}

static void a_client_is_optional(void **state)
{
    struct key_set *keys = keys_set_of(keys_make(SIGNING_EDDSA));
    struct access_token_grant g = grant;
    struct access_token out;
    (void)state;

    g.client_id = NULL;
    char *token = sign(keys, &g);
    assert_int_equal(access_token_verify(keys, &rules, token, strlen(token), NOW, &out), TOKEN_OK);
    assert_null(out.client_id);
    access_token_finish(&out);
    free(token);
    key_set_release(keys);
}

static void an_incomplete_grant_is_not_signed(void **state)
{
    struct key_set *keys = keys_set_of(keys_make(SIGNING_HS256)), *empty = key_set_create();
    json_t *more = json_pack("{s:s}", "sub", "bob");
    struct access_token_grant wrong[9];
    char *token;
    (void)state;

    for (size_t i = 0; i < 9; i++)
        wrong[i] = grant;
    wrong[0].issuer = NULL;
    wrong[1].audience = "";
    wrong[2].subject = NULL;
    wrong[3].id = "";
    wrong[4].issued_at_s = 0;
    wrong[5].lifetime_s = 0;
    wrong[6].lifetime_s = INT64_MAX;
    wrong[7].more = more;      /* says who it is a second time */
    wrong[8].subject = "\xff"; /* not UTF-8 */
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(access_token_sign(keys, &wrong[i], &token), -1);
        assert_null(token);
    }
    assert_int_equal(access_token_sign(empty, &grant, &token), -1);
    json_decref(more);
    key_set_release(empty);
    key_set_release(keys);
}

/* ---- time ---- */

static void a_token_has_its_time(void **state)
{
    struct key_set *keys = keys_set_of(keys_make(SIGNING_EDDSA));
    char *token = sign(keys, &grant);
    (void)state;

    assert_int_equal(verify_at(keys, token, NOW - LEEWAY - 1), TOKEN_TOO_SOON);
    assert_int_equal(verify_at(keys, token, NOW - LEEWAY), TOKEN_OK);
    assert_int_equal(verify_at(keys, token, NOW + 600 + LEEWAY - 1), TOKEN_OK);
    assert_int_equal(verify_at(keys, token, NOW + 600 + LEEWAY), TOKEN_EXPIRED);
    free(token);
    key_set_release(keys);
}

/* ---- what is forged: a header and claims of any kind, signed rightly ---- */

#define HEADER "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}"
#define CLAIMS                                                                              \
    "{\"iss\":\"https://"                                                                   \
    "dowel.example\",\"aud\":\"dowel\",\"sub\":\"ann\",\"jti\":\"t-1\",\"iat\":1700000000," \
    "\"exp\":1700000600}"

static char *join(const char *header, const char *claims, const void *signature, size_t n)
{
    size_t room = B64_SIZE(strlen(header)) + B64_SIZE(strlen(claims)) + B64_SIZE(n) + 3;
    char *token = malloc(room);

    assert_non_null(token);
    size_t length = b64_write(token, header, strlen(header), B64_URL);
    token[length++] = '.';
    length += b64_write(token + length, claims, strlen(claims), B64_URL);
    token[length++] = '.';
    b64_write(token + length, signature, n, B64_URL);
    return token;
}

static char *forge(const struct signing_key *key, const char *header, const char *claims)
{
    unsigned char signature[SIGNATURE_MAX];
    char *token = join(header, claims, "", 0);
    size_t n;

    assert_int_equal(signing_key_sign(key, token, strlen(token) - 1, signature, &n), 0);
    free(token);
    return join(header, claims, signature, n);
}

/* What becomes of it at NOW. `header` may have two %s: the algorithm's name and the kid. */
static enum token_error judge(const struct key_set *keys, const char *header, const char *claims)
{
    const struct signing_key *key = key_set_current(keys);
    const char *parts[2] = { signing_alg_name(signing_key_alg(key)), signing_key_kid(key) };
    char text[1024] = "";
    size_t n = 0, part = 0;

    for (const char *p = header; *p; p++) {
        if (p[0] == '%' && p[1] == 's' && part < 2) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", parts[part++]);
            p++;
        } else {
            text[n++] = *p;
        }
    }
    text[n] = 0;
    char *token = forge(key, text, claims);
    enum token_error error = verify_at(keys, token, NOW);
    free(token);
    return error;
}

static struct key_set *any_keys(void)
{
    return keys_set_of(keys_make(SIGNING_EDDSA));
}

/* The forger's own tools make what is accepted, or the tests below would prove nothing. */
static void what_is_forged_rightly_is_accepted(void **state)
{
    struct key_set *keys = any_keys();
    (void)state;

    assert_int_equal(judge(keys, HEADER, CLAIMS), TOKEN_OK);
    assert_int_equal(judge(keys, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"application/AT+JWT\"}", CLAIMS),
                     TOKEN_OK);
    key_set_release(keys);
}

static void alg_none_is_refused(void **state)
{
    static const char *const nones[] = { "none", "None", "NONE", "nOnE", "", " ", "null" };
    struct key_set *keys = any_keys();
    const char *kid = signing_key_kid(key_set_current(keys));
    char header[256];
    (void)state;

    for (size_t i = 0; i < sizeof(nones) / sizeof(nones[0]); i++) {
        snprintf(header, sizeof(header), HEADER, nones[i], kid);
        char *unsigned_token = join(header, CLAIMS, "", 0), *zeros = join(header, CLAIMS, "\0\0\0", 3);
        assert_int_equal(verify_at(keys, unsigned_token, NOW), TOKEN_MALFORMED);
        assert_int_equal(verify_at(keys, zeros, NOW), TOKEN_ALGORITHM);
        free(unsigned_token);
        free(zeros);
        assert_int_equal(judge(keys, header, CLAIMS),
                         TOKEN_ALGORITHM); /* even with a signature that is right */
    }
    key_set_release(keys);
}

/* The public key is public: as an HMAC secret it must be worth nothing, in any form. */
static void rs_to_hs_is_refused(void **state)
{
    static const enum signing_alg algs[] = { SIGNING_RS256, SIGNING_ES256, SIGNING_EDDSA };
    (void)state;

    for (size_t i = 0; i < 3; i++) {
        struct key_set *keys = keys_set_of(keys_make(algs[i]));
        const struct signing_key *key = key_set_current(keys);
        char *pem = signing_key_public_pem(key), header[256];
        for (size_t cut = 0; cut < 2; cut++) { /* with and without its last newline */
            unsigned char mac[32];
            snprintf(header, sizeof(header), HEADER, "HS256", signing_key_kid(key));
            char *unsigned_token = join(header, CLAIMS, "", 0);
            assert_non_null(HMAC(EVP_sha256(), pem, (int)(strlen(pem) - cut), (unsigned char *)unsigned_token,
                                 strlen(unsigned_token) - 1, mac, NULL));
            char *token = join(header, CLAIMS, mac, sizeof(mac));
            assert_int_equal(verify_at(keys, token, NOW), TOKEN_ALGORITHM);
            free(token);
            /* and under the right name it is no signature */
            snprintf(header, sizeof(header), HEADER, signing_alg_name(algs[i]), signing_key_kid(key));
            token = join(header, CLAIMS, mac, sizeof(mac));
            assert_int_equal(verify_at(keys, token, NOW), TOKEN_SIGNATURE);
            free(token);
            free(unsigned_token);
        }
        signing_key_pem_free(pem);
        key_set_release(keys);
    }
}

/* Two keys of one set: the kid of one, the signature of the other. */
static void a_kid_names_its_own_key(void **state)
{
    struct key_set *keys = any_keys();
    struct signing_key *other = keys_make(SIGNING_EDDSA), *stranger = keys_make(SIGNING_EDDSA);
    char header[256];
    (void)state;

    assert_int_equal(key_set_add_take(keys, other, KEY_SET_FOR_EVER), 0);
    snprintf(header, sizeof(header), HEADER, "EdDSA", signing_key_kid(other));
    assert_int_equal(judge(keys, header, CLAIMS), TOKEN_SIGNATURE);
    snprintf(header, sizeof(header), HEADER, "EdDSA", signing_key_kid(stranger));
    char *token = forge(stranger, header, CLAIMS);
    assert_int_equal(verify_at(keys, token, NOW), TOKEN_UNKNOWN_KEY);
    free(token);
    signing_key_destroy(stranger);
    key_set_release(keys);
}

/* All that a kid has been abused for elsewhere: files, URLs, SQL, commands; each is just no name of a key. */
static void kids_are_names_only(void **state)
{
    static const char *const kids[] = {
        "",
        ".",
        "..",
        "/dev/null",
        "../../../../etc/passwd",
        "file:///dev/null",
        "https://evil.example/jwks.json",
        "' UNION SELECT 'secret' --",
        "$(id)",
        "|id",
        "*",
        "%s",
        "%n",
        "\\u0041",
    };
    struct key_set *keys = any_keys();
    char header[256];
    (void)state;

    for (size_t i = 0; i < sizeof(kids) / sizeof(kids[0]); i++) {
        snprintf(header, sizeof(header), HEADER, "EdDSA", kids[i]);
        char *token = forge(key_set_current(keys), header, CLAIMS);
        assert_int_equal(verify_at(keys, token, NOW), TOKEN_UNKNOWN_KEY);
        free(token);
    }
    /* A NUL behind the right name, no name, and what is no text. */
    assert_int_equal(judge(keys, "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"%s\\u0000\"}", CLAIMS),
                     TOKEN_MALFORMED);
    assert_int_equal(judge(keys, "{\"alg\":\"%s\",\"typ\":\"at+jwt\"}", CLAIMS), TOKEN_HEADER);
    assert_int_equal(judge(keys, "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":null}", CLAIMS), TOKEN_HEADER);
    assert_int_equal(judge(keys, "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":[\"%s\"]}", CLAIMS),
                     TOKEN_HEADER);
    key_set_release(keys);
}

/* The header brings its key along, or an address of one, or wants something understood. */
static void headers_bring_no_keys(void **state)
{
    static const char *const members[] = {
        "\"jku\":\"https://evil.example/jwks.json\"",
        "\"x5u\":\"https://evil.example/cert.pem\"",
        "\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
        "\"x5c\":[\"MIIB\"]",
        "\"x5t\":\"AAAA\"",
        "\"crit\":[\"exp\"]",
        "\"crit\":[]",
        "\"b64\":false",
        "\"zip\":\"DEF\"",
        "\"enc\":\"A128GCM\"",
        "\"cty\":\"JWT\"",
        "\"x\":\"y\"",
    };
    struct key_set *keys = any_keys();
    char header[512];
    (void)state;

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        snprintf(header, sizeof(header), "{\"alg\":\"%%s\",\"typ\":\"at+jwt\",\"kid\":\"%%s\",%s}",
                 members[i]);
        if (judge(keys, header, CLAIMS) != TOKEN_HEADER)
            fail_msg("%s: %s", header, token_error_text(judge(keys, header, CLAIMS)));
    }
    key_set_release(keys);
}

static void members_stand_once(void **state)
{
    struct key_set *keys = any_keys();
    (void)state;

    assert_int_equal(
        judge(keys, "{\"alg\":\"none\",\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", CLAIMS),
        TOKEN_MALFORMED);
    assert_int_equal(judge(keys, "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"kid\":\"x\"}", CLAIMS),
                     TOKEN_MALFORMED);
    assert_int_equal(
        judge(keys, HEADER,
              "{\"iss\":\"https://dowel.example\",\"aud\":\"dowel\",\"sub\":\"ann\",\"sub\":\"root\","
              "\"jti\":\"t-1\",\"iat\":1700000000,\"exp\":1700000600}"),
        TOKEN_MALFORMED);
    key_set_release(keys);
}

/* Signed with the same key, but for something else. */
static void other_types_are_refused(void **state)
{
    static const char *const types[] = { "JWT",          "jwt",       "",
                                         "id+jwt",       "at+jwtx",   "application/jwt",
                                         "application/", "logout+jwt" };
    struct key_set *keys = any_keys();
    char header[256];
    (void)state;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        snprintf(header, sizeof(header), "{\"alg\":\"%%s\",\"kid\":\"%%s\",\"typ\":\"%s\"}", types[i]);
        assert_int_equal(judge(keys, header, CLAIMS), TOKEN_TYPE);
    }
    assert_int_equal(judge(keys, "{\"alg\":\"%s\",\"kid\":\"%s\"}", CLAIMS), TOKEN_TYPE);
    assert_int_equal(judge(keys, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":1}", CLAIMS), TOKEN_HEADER);
    key_set_release(keys);
}

static void claims_are_checked(void **state)
{
#define WITH(rest) "{\"sub\":\"ann\",\"jti\":\"t-1\"," rest "}"
#define ISS        "\"iss\":\"https://dowel.example\","
#define AUD        "\"aud\":\"dowel\","
#define TIMES      "\"iat\":1700000000,\"exp\":1700000600"
    static const struct {
        enum token_error expected;
        const char *claims;
    } cases[] = {
        { TOKEN_OK, WITH(ISS AUD TIMES) },
        { TOKEN_OK, WITH(ISS "\"aud\":[\"other\",\"dowel\"]," TIMES) },
        { TOKEN_OK, WITH(ISS AUD "\"iat\":1700000000.5,\"exp\":1700000600.9") },
        { TOKEN_OK, WITH(ISS AUD TIMES ",\"nbf\":1700000005") },
        { TOKEN_ISSUER, WITH("\"iss\":\"https://dowel.example/\"," AUD TIMES) },
        { TOKEN_ISSUER, WITH("\"iss\":\"https://evil.example\"," AUD TIMES) },
        { TOKEN_CLAIMS, WITH("\"iss\":\"\"," AUD TIMES) },
        { TOKEN_CLAIMS, WITH("\"iss\":[\"https://dowel.example\"]," AUD TIMES) },
        { TOKEN_CLAIMS, WITH(AUD TIMES) },
        { TOKEN_AUDIENCE, WITH(ISS "\"aud\":\"Dowel\"," TIMES) },
        { TOKEN_AUDIENCE, WITH(ISS "\"aud\":\"\"," TIMES) },
        { TOKEN_AUDIENCE, WITH(ISS "\"aud\":[]," TIMES) },
        { TOKEN_AUDIENCE, WITH(ISS "\"aud\":[1,null,[\"dowel\"]]," TIMES) },
        { TOKEN_AUDIENCE, WITH(ISS "\"aud\":{\"dowel\":1}," TIMES) },
        { TOKEN_CLAIMS, WITH(ISS TIMES) },
        { TOKEN_EXPIRED, WITH(ISS AUD "\"iat\":1600000000,\"exp\":1699999995") },
        { TOKEN_EXPIRED, WITH(ISS AUD "\"iat\":0,\"exp\":0") },
        { TOKEN_CLAIMS, WITH(ISS AUD "\"iat\":1700000000") },
        { TOKEN_CLAIMS, WITH(ISS AUD "\"exp\":1700000600") },
        { TOKEN_CLAIMS, WITH(ISS AUD "\"iat\":1700000000,\"exp\":\"1700000600\"") },
        { TOKEN_CLAIMS, WITH(ISS AUD "\"iat\":1700000000,\"exp\":null") },
        { TOKEN_CLAIMS, WITH(ISS AUD "\"iat\":1700000000,\"exp\":-1") },
        { TOKEN_CLAIMS, WITH(ISS AUD "\"iat\":1700000000,\"exp\":1e300") },
        { TOKEN_OK, WITH(ISS AUD "\"iat\":1700000000,\"exp\":9223372036854775807") },
        { TOKEN_MALFORMED, WITH(ISS AUD "\"iat\":1700000000,\"exp\":9223372036854775808") },
        { TOKEN_TOO_SOON, WITH(ISS AUD "\"iat\":1700000006,\"exp\":1700000600") },
        { TOKEN_TOO_SOON, WITH(ISS AUD TIMES ",\"nbf\":1700000006") },
        { TOKEN_TOO_SOON, WITH(ISS AUD TIMES ",\"nbf\":9223372036854775807") },
        { TOKEN_CLAIMS, WITH(ISS AUD TIMES ",\"nbf\":\"0\"") },
        { TOKEN_CLAIMS, WITH(ISS AUD TIMES ",\"nbf\":null") },
        { TOKEN_CLAIMS, WITH(ISS AUD TIMES ",\"client_id\":7") },
        { TOKEN_CLAIMS, "{\"jti\":\"t\"," ISS AUD TIMES "}" },
        { TOKEN_CLAIMS, "{\"sub\":\"\",\"jti\":\"t\"," ISS AUD TIMES "}" },
        { TOKEN_CLAIMS, "{\"sub\":1,\"jti\":\"t\"," ISS AUD TIMES "}" },
        { TOKEN_CLAIMS, "{\"sub\":\"ann\"," ISS AUD TIMES "}" },
        { TOKEN_CLAIMS, "{}" },
        { TOKEN_MALFORMED, "[]" },
        { TOKEN_MALFORMED, "" },
        { TOKEN_MALFORMED, "null" },
        { TOKEN_MALFORMED, "{" },
        { TOKEN_MALFORMED, CLAIMS "x" },
        { TOKEN_MALFORMED, "{\"sub\":\"a\\u0000b\"}" },
    };
    struct key_set *keys = any_keys();
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum token_error error = judge(keys, HEADER, cases[i].claims);
        if (error != cases[i].expected)
            fail_msg("%s: %s", cases[i].claims, token_error_text(error));
    }
    key_set_release(keys);
}

/* ---- signatures in another form ---- */

static void a_der_signature_is_refused(void **state)
{
    struct key_set *keys = keys_set_of(keys_make(SIGNING_ES256));
    char *token = sign(keys, &grant), *last = strrchr(token, '.');
    unsigned char raw[64], der[SIGNATURE_MAX], *at = der;
    size_t n;
    (void)state;

    assert_int_equal(b64_read(raw, &n, last + 1, strlen(last + 1), B64_URL), 0);
    assert_int_equal(n, 64);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    assert_int_equal(ECDSA_SIG_set0(pair, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)), 1);
    int der_n = i2d_ECDSA_SIG(pair, &at);
    ECDSA_SIG_free(pair);
    assert_true(der_n > 64);
    char *forged = malloc(strlen(token) + SIGNATURE_MAX);
    assert_non_null(forged);
    memcpy(forged, token, (size_t)(last + 1 - token));
    b64_write(forged + (last + 1 - token), der, (size_t)der_n, B64_URL);
    assert_int_equal(verify_at(keys, token, NOW), TOKEN_OK);
    assert_int_equal(verify_at(keys, forged, NOW), TOKEN_SIGNATURE);
    free(forged);
    free(token);
    key_set_release(keys);
}

static void a_shortened_signature_is_refused(void **state)
{
    (void)state;
    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++) {
        struct key_set *keys = keys_set_of(keys_make((enum signing_alg)alg));
        char *token = sign(keys, &grant);
        size_t signed_n = (size_t)(strrchr(token, '.') + 1 - token);
        for (size_t n = strlen(token) - 1; n > signed_n; n--) {
            token[n] = 0;
            enum token_error error = verify_at(keys, token, NOW);
            assert_true(error == TOKEN_SIGNATURE || error == TOKEN_MALFORMED);
        }
        token[signed_n] = 0;
        assert_int_equal(verify_at(keys, token, NOW), TOKEN_MALFORMED);
        free(token);
        key_set_release(keys);
    }
}

/* The same bytes in other letters: the unused bits of the last one, padding, the other alphabet, white space. */
static void base64_in_other_letters_is_refused(void **state)
{
    struct key_set *keys = keys_set_of(keys_make(SIGNING_HS256));
    char *token = sign(keys, &grant), *other = malloc(strlen(token) + 16);
    size_t n = strlen(token);
    (void)state;

    assert_non_null(other);
    for (int delta = 1; delta < 4; delta++) { /* 32 bytes end in a letter of four bits */
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        memcpy(other, token, n + 1);
        other[n - 1] = digits[(strchr(digits, token[n - 1]) - digits) ^ delta];
        assert_int_equal(verify_at(keys, other, NOW), TOKEN_MALFORMED);
    }
    static const char *const tails[] = { "=", "==", "\n", " ", "\r\n", ".", "A", "AA", "AAAA" };
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(other, n + 16, "%s%s", token, tails[i]);
        assert_int_not_equal(verify_at(keys, other, NOW), TOKEN_OK);
        snprintf(other, n + 16, "%s%s", tails[i], token);
        assert_int_not_equal(verify_at(keys, other, NOW), TOKEN_OK);
    }
    free(other);
    free(token);
    key_set_release(keys);
}

/* ---- keys that go ---- */

static void a_rotated_key_verifies_until_its_time(void **state)
{
    struct key_set *before = keys_set_of(keys_make(SIGNING_ES256)), *after;
    char *token = sign(before, &grant), *pem = signing_key_pem(key_set_current(before));
    (void)state;

    after = keys_set_of(keys_make(SIGNING_EDDSA));
    assert_int_equal(key_set_add_take(after, keys_read(pem, NULL), NOW + 60), 0);
    char *newer = sign(after, &grant);
    assert_int_equal(verify_at(after, token, NOW + 59), TOKEN_OK);
    assert_int_equal(verify_at(after, token, NOW + 60), TOKEN_UNKNOWN_KEY);
    assert_int_equal(verify_at(after, newer, NOW + 60), TOKEN_OK);
    assert_int_equal(verify_at(before, newer, NOW + 60), TOKEN_UNKNOWN_KEY);
    signing_key_pem_free(pem);
    free(newer);
    free(token);
    key_set_release(before);
    key_set_release(after);
}

/* ---- many at once, for ThreadSanitizer to look at ---- */

struct crowd {
    struct key_set *keys;
    const char *token;
};

static void *verify_often(void *ud)
{
    const struct crowd *crowd = ud;

    for (int i = 0; i < 50; i++) {
        struct key_set *held = key_set_hold(crowd->keys);
        struct access_token out;
        enum token_error error =
            access_token_verify(held, &rules, crowd->token, strlen(crowd->token), NOW, &out);
        char *token = NULL;
        int rc = access_token_sign(held, &grant, &token);
        access_token_finish(&out);
        free(token);
        key_set_release(held);
        if (error != TOKEN_OK || rc != 0)
            return ud;
    }
    return NULL;
}

static void a_set_serves_many_threads(void **state)
{
    (void)state;
    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++) {
        struct key_set *keys = keys_set_of(keys_make((enum signing_alg)alg));
        char *token = sign(keys, &grant);
        struct crowd crowd = { keys, token };
        pthread_t threads[4];
        void *wrong;
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &crowd), 0);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(pthread_join(threads[i], &wrong), 0);
            assert_null(wrong);
        }
        free(token);
        key_set_release(keys);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_granted_is_read),
        cmocka_unit_test(a_client_is_optional),
        cmocka_unit_test(an_incomplete_grant_is_not_signed),
        cmocka_unit_test(a_token_has_its_time),
        cmocka_unit_test(what_is_forged_rightly_is_accepted),
        cmocka_unit_test(alg_none_is_refused),
        cmocka_unit_test(rs_to_hs_is_refused),
        cmocka_unit_test(a_kid_names_its_own_key),
        cmocka_unit_test(kids_are_names_only),
        cmocka_unit_test(headers_bring_no_keys),
        cmocka_unit_test(members_stand_once),
        cmocka_unit_test(other_types_are_refused),
        cmocka_unit_test(claims_are_checked),
        cmocka_unit_test(a_der_signature_is_refused),
        cmocka_unit_test(a_shortened_signature_is_refused),
        cmocka_unit_test(base64_in_other_letters_is_refused),
        cmocka_unit_test(a_rotated_key_verifies_until_its_time),
        cmocka_unit_test(a_set_serves_many_threads),
    };

    return cmocka_run_group_tests_name("access_token", tests, NULL, NULL);
}
