/* jwt_fuzz.c - tokens, headers, claims, keys and password hashes as strangers write them.
 *
 * A token is accepted when it is signed with the very key, and then it has one text only; a header that is signed rightly may
 * still say nothing but alg, kid and typ; and whatever is accepted has all its claims. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access_token.h"
#include "b64.h"
#include "password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1700000000 };

static const struct access_token_rules rules = { "https://dowel.example", "dowel", 5 };

/* One key, known to the corpus: 32 zeros, called k. */
static const struct key_set *make_keys(void)
{
    static const char pem[] = "-----BEGIN DOWEL HMAC SECRET-----\n"
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                              "-----END DOWEL HMAC SECRET-----\n";
    static struct key_set *keys;
    struct signing_key *key;
    const char *problem;

    if (keys)
        return keys;
    keys = key_set_create();
    int read = signing_key_read(&key, pem, strlen(pem), "k", &problem);
    assert(keys && read == 0);
    int added = key_set_add_take(keys, key, KEY_SET_FOR_EVER);
    assert(added == 0);
    int used = key_set_use(keys, "k");
    assert(used == 0);
    return keys;
}

static void check_access(const struct key_set *keys, const char *token, size_t n)
{
    struct access_token out;
    enum token_error error = access_token_verify(keys, &rules, token, n, NOW, &out);

    assert((size_t)error < TOKEN_ERRORS && (error == TOKEN_OK) == (out.claims != NULL));
    if (error == TOKEN_OK) {
        assert(*out.subject && *out.id);
        assert(out.expires_at_s > NOW - 5 && out.issued_at_s <= NOW + 5);
    }
    access_token_finish(&out);
}

static void check_token(const struct key_set *keys, const char *token, size_t n)
{
    struct jws jws;

    if (jws_verify(keys, token, n, NOW, &jws) == TOKEN_OK) {
        char again[B64_SIZE(JWS_MAX) + 1];
        size_t length = b64_write(again, jws.payload, jws.payload_n, B64_URL);
        const char *payload = memchr(token, '.', n);
        assert(payload && (size_t)(token + n - payload) > length && memcmp(payload + 1, again, length) == 0);
        assert(payload[1 + length] == '.');
    }
    jws_finish(&jws);
    check_access(keys, token, n);
}

/* A token of this header and payload, whose signature is right; to be freed. */
static char *forge(const struct signing_key *key, const char *header, size_t header_n, const char *payload,
                   size_t payload_n)
{
    unsigned char signature[SIGNATURE_MAX];
    char *token = malloc(B64_SIZE(header_n) + B64_SIZE(payload_n) + B64_SIZE(SIGNATURE_MAX) + 3);
    size_t n, signature_n;

    assert(token);
    n = b64_write(token, header, header_n, B64_URL);
    token[n++] = '.';
    n += b64_write(token + n, payload, payload_n, B64_URL);
    int made = signing_key_sign(key, token, n, signature, &signature_n);
    assert(made == 0);
    token[n++] = '.';
    b64_write(token + n, signature, signature_n, B64_URL);
    return token;
}

static void check_claims(const struct key_set *keys, const char *claims, size_t n)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}";
    char *token = forge(key_set_current(keys), header, strlen(header), claims, n);

    check_access(keys, token, strlen(token));
    free(token);
}

static void check_header(const struct key_set *keys, const char *header, size_t n)
{
    char *token = forge(key_set_current(keys), header, n, "{}", 2);
    struct jws jws;

    if (jws_verify(keys, token, strlen(token), NOW, &jws) == TOKEN_OK) {
        json_t *json = json_loadb(header, n, JSON_REJECT_DUPLICATES, NULL);
        assert(json && json_object_size(json) == (jws.type ? 3 : 2));
        assert(strcmp(json_string_value(json_object_get(json, "alg")), "HS256") == 0);
        assert(strcmp(json_string_value(json_object_get(json, "kid")), "k") == 0);
        json_decref(json);
    }
    jws_finish(&jws);
    free(token);
}

static void check_pem(const char *pem, size_t n)
{
    struct signing_key *key;
    const char *problem;

    if (signing_key_read(&key, pem, n, NULL, &problem) == 0) {
        assert(!problem && strlen(signing_key_kid(key)) == 43);
        signing_key_destroy(key);
    } else {
        assert(problem && !key);
    }
}

/* Only read: to compute it is slow by intention, which password_test bounds. */
static void check_hash(const char *data, size_t n)
{
    const struct password_cost cost = PASSWORD_COST_DEFAULT;
    char *stored = malloc(n + 1);

    assert(stored);
    memcpy(stored, data, n);
    stored[n] = 0;
    if (!password_needs_upgrade(stored, 10, &cost))
        assert(strncmp(stored, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
    free(stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct key_set *keys = make_keys();
    const char *text = (const char *)data;

    check_token(keys, text, size);
    check_claims(keys, text, size);
    check_header(keys, text, size);
    check_pem(text, size);
    check_hash(text, size);
    return 0;
}
