/* keys.h - keys and sets of them for tests. Include after <cmocka.h>. */
#ifndef AUTH_TESTS_KEYS_H
#define AUTH_TESTS_KEYS_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "b64.h"
#include "key_set.h"

static inline struct signing_key *keys_make(enum signing_alg alg)
{
    struct signing_key *key;

    assert_int_equal(signing_key_generate(&key, alg), 0);
    return key;
}

static inline struct signing_key *keys_read(const char *pem, const char *kid)
{
    struct signing_key *key;
    const char *problem;

    if (signing_key_read(&key, pem, strlen(pem), kid, &problem) != 0)
        fail_msg("%s: %s", pem, problem);
    return key;
}

/* A new key of its kind that has only what is public; NULL for a secret. */
static inline struct signing_key *keys_public(const struct signing_key *key)
{
    char *pem = signing_key_public_pem(key);
    struct signing_key *half = pem ? keys_read(pem, signing_key_kid(key)) : NULL;

    signing_key_pem_free(pem);
    return half;
}

/* A set with this one, which signs. */
static inline struct key_set *keys_set_of(struct signing_key *key)
{
    struct key_set *set = key_set_create();

    assert_non_null(set);
    assert_int_equal(key_set_add_take(set, key, KEY_SET_FOR_EVER), 0);
    assert_int_equal(key_set_use(set, signing_key_kid(key)), 0);
    return set;
}

/* ---- JWKs of vectors: in the product keys come as PEM only ---- */

static inline size_t keys_member(const json_t *jwk, const char *name, unsigned char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    size_t n;

    assert_non_null(text);
    assert_true(B64_MAX_READ(strlen(text)) <= size);
    assert_int_equal(b64_read(out, &n, text, strlen(text), B64_URL), 0);
    return n;
}

static inline char *keys_text_of(BIO *bio)
{
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    char *text = malloc((size_t)n + 1);

    assert_non_null(text);
    memcpy(text, data, (size_t)n);
    text[n] = 0;
    BIO_free(bio);
    return text;
}

static inline char *keys_pem_of_secret(const json_t *jwk)
{
    unsigned char secret[1024];
    size_t n = keys_member(jwk, "k", secret, sizeof(secret));
    BIO *bio = BIO_new(BIO_s_mem());

    assert_true(PEM_write_bio(bio, "DOWEL HMAC SECRET", "", secret, (long)n) > 0);
    return keys_text_of(bio);
}

static inline char *keys_pem_of_params(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params), 1);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return keys_text_of(bio);
}

static inline char *keys_pem_of_rsa(const json_t *jwk)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    unsigned char bytes[1024];
    size_t size = keys_member(jwk, "n", bytes, sizeof(bytes));
    BIGNUM *n = BN_bin2bn(bytes, (int)size, NULL);
    size = keys_member(jwk, "e", bytes, sizeof(bytes));
    BIGNUM *e = BN_bin2bn(bytes, (int)size, NULL);

    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e), 1);
    char *pem = keys_pem_of_params("RSA", build);
    BN_free(n);
    BN_free(e);
    return pem;
}

static inline char *keys_pem_of_ec(const json_t *jwk, const char *group)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    unsigned char point[256] = { POINT_CONVERSION_UNCOMPRESSED };
    size_t n = keys_member(jwk, "x", point + 1, 100);

    n += keys_member(jwk, "y", point + 1 + n, 100);
    assert_int_equal(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, n + 1), 1);
    return keys_pem_of_params("EC", build);
}

/* As PEM, to be freed. */
static inline char *keys_pem_of_jwk(const json_t *jwk)
{
    const char *kind = json_string_value(json_object_get(jwk, "kty"));

    assert_non_null(kind);
    if (strcmp(kind, "oct") == 0)
        return keys_pem_of_secret(jwk);
    if (strcmp(kind, "RSA") == 0)
        return keys_pem_of_rsa(jwk);
    assert_string_equal(kind, "EC");
    return keys_pem_of_ec(jwk, json_string_value(json_object_get(jwk, "crv")));
}

#endif
