/* Keys: made, written, read, refused; and what of them is published. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "jwks.h"
#include "keys.h"
#include "vectors.h"

/* ---- keys ---- */

static void names_are_those_of_jose(void **state)
{
    static const char *const others[] = { "", "none", "None", "hs256", "HS384", "PS256", "ES256K", "HS256 " };
    (void)state;

    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++)
        assert_int_equal(signing_alg_of(signing_alg_name((enum signing_alg)alg)), alg);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(signing_alg_of(others[i]), 0);
    assert_string_equal(signing_alg_name(0), "");
    assert_string_equal(signing_alg_name(SIGNING_ALGS), "");
}

static void what_a_key_signs_it_verifies(void **state)
{
    static const size_t sizes[] = {
        [SIGNING_HS256] = 32, [SIGNING_RS256] = 256, [SIGNING_ES256] = 64, [SIGNING_EDDSA] = 64
    };
    unsigned char signature[SIGNATURE_MAX];
    size_t n;
    (void)state;

    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++) {
        struct signing_key *key = keys_make((enum signing_alg)alg), *other = keys_make((enum signing_alg)alg);
        assert_int_equal(signing_key_alg(key), alg);
        assert_true(signing_key_can_sign(key));
        assert_int_equal(signing_key_sign(key, "hello", 5, signature, &n), 0);
        assert_int_equal(n, sizes[alg]);
        assert_int_equal(signing_key_verify(key, "hello", 5, signature, n), 1);
        assert_int_equal(signing_key_verify(key, "hellp", 5, signature, n), 0);
        assert_int_equal(signing_key_verify(key, "hello", 4, signature, n), 0);
        assert_int_equal(signing_key_verify(other, "hello", 5, signature, n), 0);
        assert_int_equal(signing_key_verify(key, "hello", 5, signature, n - 1), 0);
        assert_int_equal(signing_key_verify(key, "hello", 5, signature, 0), 0);
        signature[n] = 0; /* nor with a byte too many */
        assert_int_equal(signing_key_verify(key, "hello", 5, signature, n + 1), 0);
        for (size_t i = 0; i < n; i += 7) {
            signature[i] ^= 0x40;
            assert_int_equal(signing_key_verify(key, "hello", 5, signature, n), 0);
            signature[i] ^= 0x40;
        }
        signing_key_destroy(key);
        signing_key_destroy(other);
    }
    signing_key_destroy(NULL);
}

/* OpenSSL's queue belongs to the thread, and the server's TLS reads it. */
static void nothing_stays_in_the_queue_of_errors(void **state)
{
    static const unsigned char nonsense[64] = { 1 };
    struct signing_key *key;
    const char *problem;
    (void)state;

    ERR_clear_error();
    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++) {
        struct signing_key *made = keys_make((enum signing_alg)alg);
        assert_int_equal(signing_key_verify(made, "hello", 5, nonsense, sizeof(nonsense)), 0);
        signing_key_destroy(made);
    }
    assert_int_equal(signing_key_read(&key, "nonsense", 8, NULL, &problem), -1);
    assert_int_equal(ERR_peek_error(), 0);
}

static void keys_return_from_their_pem(void **state)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t n;
    (void)state;

    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++) {
        struct signing_key *key = keys_make((enum signing_alg)alg);
        char *pem = signing_key_pem(key);
        assert_non_null(pem);
        struct signing_key *again = keys_read(pem, NULL), *half = keys_public(key);
        assert_int_equal(signing_key_alg(again), alg);
        assert_string_equal(signing_key_kid(again), signing_key_kid(key));
        assert_int_equal(signing_key_sign(again, "hello", 5, signature, &n), 0);
        assert_int_equal(signing_key_verify(key, "hello", 5, signature, n), 1);
        if (alg == SIGNING_HS256) {
            assert_null(half);
        } else {
            assert_false(signing_key_can_sign(half));
            assert_int_equal(signing_key_verify(half, "hello", 5, signature, n), 1);
            assert_int_equal(signing_key_sign(half, "hello", 5, signature, &n), -1);
            assert_null(signing_key_pem(half));
        }
        signing_key_pem_free(pem);
        signing_key_destroy(half);
        signing_key_destroy(again);
        signing_key_destroy(key);
    }
    signing_key_pem_free(NULL);
}

/* Of every length: as OpenSSL writes it, and back. */
static void secrets_return_from_their_pem(void **state)
{
    unsigned char bytes[SIGNING_SECRET_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7);
    for (size_t n = SIGNING_SECRET; n <= sizeof(bytes); n++) {
        BIO *bio = BIO_new(BIO_s_mem());
        assert_true(PEM_write_bio(bio, "DOWEL HMAC SECRET", "", bytes, (long)n) > 0);
        char *pem = keys_text_of(bio);
        struct signing_key *key = keys_read(pem, NULL);
        char *again = signing_key_pem(key);
        assert_string_equal(again, pem);
        signing_key_pem_free(again);
        signing_key_destroy(key);
        free(pem);
    }
}

static void a_kid_may_be_given(void **state)
{
    struct signing_key *key = keys_make(SIGNING_EDDSA), *named, *not_named;
    char *pem = signing_key_pem(key), long_kid[SIGNING_KID_MAX + 2];
    const char *problem;
    (void)state;

    memset(long_kid, 'k', sizeof(long_kid) - 1);
    long_kid[sizeof(long_kid) - 1] = 0;
    named = keys_read(pem, long_kid + 1);
    assert_string_equal(signing_key_kid(named), long_kid + 1);
    assert_int_equal(signing_key_read(&not_named, pem, strlen(pem), long_kid, &problem), -1);
    assert_null(not_named);
    assert_int_equal(signing_key_read(&not_named, pem, strlen(pem), "", &problem), -1);
    assert_string_equal(problem, "a kid has 1 to 128 characters");
    signing_key_pem_free(pem);
    signing_key_destroy(named);
    signing_key_destroy(key);
}

static void refuse(const char *pem, const char *why)
{
    struct signing_key *key;
    const char *problem;

    assert_int_equal(signing_key_read(&key, pem, strlen(pem), NULL, &problem), -1);
    assert_null(key);
    assert_string_equal(problem, why);
}

static void refuse_pkey(EVP_PKEY *pkey, const char *why)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_non_null(pkey);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    char *pem = keys_text_of(bio);
    refuse(pem, why);
    free(pem);
    EVP_PKEY_free(pkey);
}

static void weak_and_strange_keys_are_refused(void **state)
{
    (void)state;
    refuse_pkey(EVP_RSA_gen(1024), "an RSA key has 2048 to 4096 bits");
    refuse_pkey(EVP_EC_gen("P-384"), "an elliptic curve key is of the curve P-256");
    refuse_pkey(EVP_EC_gen("secp256k1"), "an elliptic curve key is of the curve P-256");
    refuse_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), "a key is of RSA, P-256 or Ed25519");
    refuse_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), "a key is of RSA, P-256 or Ed25519");
    refuse("", "the text is no PEM of a key");
    refuse("/etc/passwd", "the text is no PEM of a key");
    refuse("-----BEGIN DOWEL HMAC SECRET-----\nAAAA\n-----END DOWEL HMAC SECRET-----\n",
           "a secret has 32 to 512 bytes");
    refuse("-----BEGIN DOWEL HMAC SECRET-----\n", "the text is no PEM of a key");
    refuse("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "the text is no PEM of a key");
}

/* One with a passphrase is not asked for at the terminal. */
static void an_encrypted_key_is_refused(void **state)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char word[] = "secret";
    (void)state;

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_256_cbc(), word, 6, NULL, NULL), 1);
    char *pem = keys_text_of(bio);
    refuse(pem, "the text is no PEM of a key");
    free(pem);
    EVP_PKEY_free(pkey);
}

/* ---- sets ---- */

static void kids_are_exact_texts(void **state)
{
    struct key_set *set = keys_set_of(keys_make(SIGNING_ES256));
    const char *kid = signing_key_kid(key_set_current(set));
    static const char *const others[] = { "",  ".",         "../keys",     "*",
                                          "%", "/dev/null", "' OR 1=1 --", "http://127.0.0.1/" };
    size_t n = strlen(kid);
    (void)state;

    assert_ptr_equal(key_set_find(set, kid, n, 0), key_set_current(set));
    assert_null(key_set_find(set, kid, n - 1, 0));
    assert_null(key_set_find(set, kid, 0, 0));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_null(key_set_find(set, others[i], strlen(others[i]), 0));
    key_set_release(set);
    key_set_release(NULL);
}

static void a_retired_key_verifies_until_its_time(void **state)
{
    struct key_set *set = keys_set_of(keys_make(SIGNING_EDDSA));
    struct signing_key *old = keys_make(SIGNING_EDDSA);
    const char *kid = signing_key_kid(old);
    (void)state;

    assert_int_equal(key_set_add_take(set, old, 1000), 0);
    assert_ptr_equal(key_set_find(set, kid, strlen(kid), 999), old);
    assert_null(key_set_find(set, kid, strlen(kid), 1000));
    key_set_release(set);
}

static void a_set_has_bounds(void **state)
{
    struct key_set *set = key_set_create();
    struct signing_key *key = keys_make(SIGNING_HS256), *half;
    char *pem = signing_key_pem(key);
    char kid[8];
    (void)state;

    assert_null(key_set_current(set));
    assert_int_equal(key_set_use(set, "none"), -1);
    for (int i = 0; i < KEY_SET_MAX; i++) {
        snprintf(kid, sizeof(kid), "k%d", i);
        assert_int_equal(key_set_add_take(set, keys_read(pem, kid), KEY_SET_FOR_EVER), 0);
    }
    assert_int_equal(key_set_add_take(set, key, KEY_SET_FOR_EVER), -1);
    key_set_release(set);
    set = key_set_create();
    assert_int_equal(key_set_add_take(set, keys_read(pem, "twice"), KEY_SET_FOR_EVER), 0);
    assert_int_equal(key_set_add_take(set, keys_read(pem, "twice"), KEY_SET_FOR_EVER), -1);
    key = keys_make(SIGNING_ES256);
    half = keys_public(key);
    snprintf(kid, sizeof(kid), "%.7s", signing_key_kid(half));
    assert_int_equal(key_set_add_take(set, half, KEY_SET_FOR_EVER), 0);
    assert_int_equal(key_set_use(set, signing_key_kid(key)), -1); /* it cannot sign */
    signing_key_destroy(key);
    signing_key_pem_free(pem);
    key_set_release(set);
}

static void a_set_lives_as_long_as_it_is_held(void **state)
{
    struct key_set *set = keys_set_of(keys_make(SIGNING_HS256));
    (void)state;

    assert_ptr_equal(key_set_hold(set), set);
    key_set_release(set);
    assert_non_null(key_set_current(set));
    key_set_release(set);
}

/* ---- what is published ---- */

static void the_thumbprint_is_that_of_the_rfc(void **state)
{
    json_t *vectors = vectors_load("rfc-misc/vectors.json"),
           *v = json_object_get(vectors, "rfc7638_thumbprint");
    char *pem = keys_pem_of_jwk(json_object_get(v, "jwk"));
    struct signing_key *key = keys_read(pem, NULL);
    (void)state;

    assert_string_equal(signing_key_kid(key), vectors_text(v, "sha256"));
    signing_key_destroy(key);
    free(pem);
    json_decref(vectors);
}

/* RFC 8037, A.2 and A.3: an Ed25519 key and its thumbprint. */
static void the_thumbprint_of_ed25519_is_that_of_the_rfc(void **state)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                              "-----END PUBLIC KEY-----\n";
    struct signing_key *key = keys_read(pem, NULL);
    json_t *jwk = signing_key_jwk(key);
    (void)state;

    assert_string_equal(signing_key_kid(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_string_equal(vectors_text(jwk, "x"), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    json_decref(jwk);
    signing_key_destroy(key);
}

/* What is in the document verifies what the set signs, for whoever reads nothing else. */
static void check_published(const json_t *jwk, const struct signing_key *key)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t n;

    assert_string_equal(vectors_text(jwk, "alg"), signing_alg_name(signing_key_alg(key)));
    assert_string_equal(vectors_text(jwk, "use"), "sig");
    assert_string_equal(vectors_text(jwk, "kid"), signing_key_kid(key));
    if (signing_key_alg(key) == SIGNING_EDDSA) {
        assert_int_equal(json_object_size(jwk), 6);
        return;
    }
    char *pem = keys_pem_of_jwk(jwk);
    struct signing_key *half = keys_read(pem, NULL);
    assert_int_equal(signing_key_sign(key, "hello", 5, signature, &n), 0);
    assert_int_equal(signing_key_verify(half, "hello", 5, signature, n), 1);
    signing_key_destroy(half);
    free(pem);
}

static void the_document_has_what_is_public(void **state)
{
    struct key_set *set = key_set_create();
    (void)state;

    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++)
        assert_int_equal(key_set_add_take(set, keys_make((enum signing_alg)alg),
                                          alg == SIGNING_RS256 ? 1000 : KEY_SET_FOR_EVER),
                         0);
    int64_t until_s;
    const struct signing_key *current = key_set_at(set, 2, &until_s);
    assert_int_equal(key_set_use(set, signing_key_kid(current)), 0);

    char *text = jwks_document(set, 999);
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL),
           *keys = json_object_get(document, "keys");
    assert_int_equal(json_array_size(keys), 3);
    assert_null(strstr(text, "oct"));
    assert_null(strstr(text, "\"d\""));
    check_published(json_array_get(keys, 0), current);
    check_published(json_array_get(keys, 1), key_set_at(set, 1, &until_s));
    check_published(json_array_get(keys, 2), key_set_at(set, 3, &until_s));
    free(text);
    json_decref(document);

    text = jwks_document(set, 1000); /* the RSA key's time is over */
    assert_null(strstr(text, "RSA"));
    free(text);
    key_set_release(set);
}

static void an_empty_document_is_one(void **state)
{
    struct key_set *set = key_set_create();
    char *text = jwks_document(set, 0);
    (void)state;

    assert_string_equal(text, "{\"keys\":[]}");
    free(text);
    key_set_release(set);
}

/* A coordinate that begins with zeros keeps them: 32 bytes, whatever the number. One key of 256 has one. */
static void coordinates_keep_their_width(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        struct signing_key *key = keys_make(SIGNING_ES256);
        json_t *jwk = signing_key_jwk(key);
        assert_int_equal(strlen(vectors_text(jwk, "x")), 43);
        assert_int_equal(strlen(vectors_text(jwk, "y")), 43);
        json_decref(jwk);
        signing_key_destroy(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_jose),
        cmocka_unit_test(what_a_key_signs_it_verifies),
        cmocka_unit_test(nothing_stays_in_the_queue_of_errors),
        cmocka_unit_test(keys_return_from_their_pem),
        cmocka_unit_test(secrets_return_from_their_pem),
        cmocka_unit_test(a_kid_may_be_given),
        cmocka_unit_test(weak_and_strange_keys_are_refused),
        cmocka_unit_test(an_encrypted_key_is_refused),
        cmocka_unit_test(kids_are_exact_texts),
        cmocka_unit_test(a_retired_key_verifies_until_its_time),
        cmocka_unit_test(a_set_has_bounds),
        cmocka_unit_test(a_set_lives_as_long_as_it_is_held),
        cmocka_unit_test(the_thumbprint_is_that_of_the_rfc),
        cmocka_unit_test(the_thumbprint_of_ed25519_is_that_of_the_rfc),
        cmocka_unit_test(the_document_has_what_is_public),
        cmocka_unit_test(an_empty_document_is_one),
        cmocka_unit_test(coordinates_keep_their_width),
    };

    return cmocka_run_group_tests_name("signing_key", tests, NULL, NULL);
}
