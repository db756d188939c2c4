#include "jwks.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "b64.h"
#include "json_safe.h"

int jwks_thumbprint(const json_t *jwk, char out[JWKS_THUMBPRINT_SIZE])
{
    unsigned char digest[32];
    /* Sorted and without white space: RFC 7638, 3.3. The members hold ASCII. */
    size_t n;
    char *text = json_safe_write(jwk, JSON_SORT_KEYS, &n);
    int made = text ? EVP_Digest(text, n, digest, NULL, EVP_sha256(), NULL) : 0;

    free(text);
    if (made != 1)
        return -1;
    b64_write(out, digest, sizeof(digest), B64_URL);
    return 0;
}

static int add(json_t *list, const struct signing_key *key)
{
    json_t *jwk = signing_key_jwk(key);

    if (!jwk || json_object_set_new(jwk, "alg", json_string(signing_alg_name(signing_key_alg(key)))) != 0 ||
        json_object_set_new(jwk, "use", json_string("sig")) != 0 ||
        json_object_set_new(jwk, "kid", json_string(signing_key_kid(key))) != 0) {
        json_decref(jwk);
        return -1;
    }
    return json_array_append_new(list, jwk);
}

static int add_all(json_t *list, const struct key_set *keys, int64_t now_s)
{
    const struct signing_key *current = key_set_current(keys), *key;
    int64_t until_s;

    if (current && signing_key_alg(current) != SIGNING_HS256 && add(list, current) != 0)
        return -1;
    for (size_t i = 0; (key = key_set_at(keys, i, &until_s)); i++) {
        if (key == current || now_s >= until_s || signing_key_alg(key) == SIGNING_HS256)
            continue;
        if (add(list, key) != 0)
            return -1;
    }
    return 0;
}

char *jwks_document(const struct key_set *keys, int64_t now_s)
{
    json_t *document = json_pack("{s:[]}", "keys");
    char *text = NULL;
    size_t n;

    if (document && add_all(json_object_get(document, "keys"), keys, now_s) == 0)
        text = json_safe_write(document, 0, &n);
    json_decref(document);
    return text;
}
