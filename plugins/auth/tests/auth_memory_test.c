/* Memory that runs out at every step there is: our own allocations, jansson's, OpenSSL's, and what argon2 and libxcrypt say
 * when they have none. Each plays with the first step failing, then the second, until none does: every time the answer is
 * right or says that memory is out, and with AddressSanitizer nothing is left behind.
 *
 * Presets: dev asan coverage */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <argon2.h>
#include <cmocka.h>
#include <crypt.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>

#include "access_token.h"
#include "jwks.h"
#include "keys.h"
#include "password_pool.h"

/* ---- what fails ---- */

static atomic_long steps, fail_at; /* the n-th fails; 0: none does */

static bool fails(void)
{
    return atomic_load(&fail_at) > 0 && atomic_fetch_add(&steps, 1) + 1 == atomic_load(&fail_at);
}

/* What must not be in memory that is given back; NULL: nothing is looked for. */
static const char *_Atomic secret;
static atomic_long leaks;

static void look_at(void *p)
{
    const char *text = atomic_load(&secret);

    if (p && text && memmem(p, malloc_usable_size(p), text, strlen(text)))
        atomic_fetch_add(&leaks, 1);
}

/* By the linker's --wrap, for the plugin's objects and this one.
 * NOLINTBEGIN(bugprone-reserved-identifier): these are the linker's names */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *text);
int __real_argon2_ctx(argon2_context *context, argon2_type type);
char *__real_crypt_r(const char *phrase, const char *setting, struct crypt_data *data);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *ud);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *p);
int __wrap_argon2_ctx(argon2_context *context, argon2_type type);
char *__wrap_crypt_r(const char *phrase, const char *setting, struct crypt_data *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *ud);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

void __wrap_free(void *p)
{
    look_at(p);
    __real_free(p);
}

int __wrap_argon2_ctx(argon2_context *context, argon2_type type)
{
    return fails() ? ARGON2_MEMORY_ALLOCATION_ERROR : __real_argon2_ctx(context, type);
}

char *__wrap_crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
    if (!fails())
        return __real_crypt_r(phrase, setting, data);
    errno = ENOMEM;
    return NULL;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *ud)
{
    return fails() ? EAGAIN : __real_pthread_create(thread, attributes, run, ud);
}

/* NOLINTEND(bugprone-reserved-identifier) */

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : realloc(p, size);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* ---- how it is played ---- */

/* True when it came to its end; false when it said that memory is out. Anything else fails the test. */
typedef bool play(void *ud);

static void torture(play *run, void *ud)
{
    long n = 0, failed = 0;

    assert_true(run(ud)); /* once before, so that what is made once for ever is there */
    do {
        atomic_store(&steps, 0);
        atomic_store(&fail_at, ++n);
        failed += !run(ud);
    } while (atomic_load(&steps) >= n);
    atomic_store(&fail_at, 0);
    assert_true(failed >= 1);
    assert_true(run(ud)); /* and nothing has stayed broken */
}

/* ---- what is played ---- */

static bool make_key(void *ud)
{
    struct signing_key *key;
    int rc = signing_key_generate(&key, *(enum signing_alg *)ud);

    assert_true((rc == 0) == (key != NULL));
    signing_key_destroy(key);
    return rc == 0;
}

static void keys_are_made(void **state)
{
    static enum signing_alg algs[] = { SIGNING_HS256, SIGNING_ES256, SIGNING_EDDSA };
    (void)state;

    for (size_t i = 0; i < 3; i++)
        torture(make_key, &algs[i]);
}

static bool read_key(void *ud)
{
    struct signing_key *key;
    const char *problem = NULL, *pem = ud;
    int rc = signing_key_read(&key, pem, strlen(pem), NULL, &problem);

    assert_true((rc == 0) == (key != NULL) && (rc == 0) == (problem == NULL));
    signing_key_destroy(key);
    return rc == 0;
}

static bool write_key(void *ud)
{
    char *pem = signing_key_pem(ud), *half = signing_key_public_pem(ud);
    json_t *jwk = signing_key_jwk(ud);
    bool all = pem && half && jwk;

    signing_key_pem_free(pem);
    signing_key_pem_free(half);
    json_decref(jwk);
    return all;
}

/* One kind each way: OpenSSL's decoders take thousands of steps, and are the same for all kinds. */
static void keys_are_written_and_read(void **state)
{
    struct signing_key *key = keys_make(SIGNING_EDDSA), *rsa = keys_make(SIGNING_RS256);
    char *pem = signing_key_pem(key), *half = signing_key_public_pem(key);
    (void)state;

    torture(read_key, pem);
    torture(read_key, half);
    torture(write_key, key);
    torture(write_key, rsa);
    signing_key_pem_free(pem);
    signing_key_pem_free(half);
    signing_key_destroy(key);
    signing_key_destroy(rsa);
}

static bool publish(void *ud)
{
    char *text = jwks_document(ud, 0);
    bool made = text != NULL;

    assert_true(!made || strlen(text) > 400);
    free(text);
    return made;
}

static void keys_are_published(void **state)
{
    struct key_set *keys = keys_set_of(keys_make(SIGNING_ES256));
    (void)state;

    assert_int_equal(key_set_add_take(keys, keys_make(SIGNING_RS256), KEY_SET_FOR_EVER), 0);
    torture(publish, keys);
    key_set_release(keys);
}

#define SUBJECT "a name that is longer than the first sixteen bytes"

struct exchange {
    struct key_set *keys;
    char *token;
    json_t *more;
};

/* What is right is right in every letter, or memory is out. (OpenSSL does not always say so.) */
static bool verify_token(void *ud)
{
    const struct exchange *exchange = ud;
    const struct access_token_rules rules = { "iss", "aud", 0 };
    struct access_token out;
    enum token_error error =
        access_token_verify(exchange->keys, &rules, exchange->token, strlen(exchange->token), 1000, &out);

    assert_true((error == TOKEN_OK) == (out.claims != NULL));
    if (error == TOKEN_OK) {
        assert_string_equal(out.subject, SUBJECT);
        assert_true(json_equal(json_object_get(out.claims, "more"), json_object_get(exchange->more, "more")));
    } else if (error != TOKEN_MEMORY && error != TOKEN_SIGNATURE) {
        fail_msg("step %ld: %s: %s", atomic_load(&steps), token_error_text(error), exchange->token);
    }
    access_token_finish(&out);
    return error == TOKEN_OK;
}

static bool sign_token(void *ud)
{
    struct exchange *exchange = ud;
    const struct access_token_grant grant = { "iss",    "aud", SUBJECT, "jti",
                                              "client", 1000,  600,     exchange->more };
    char *token;
    int rc = access_token_sign(exchange->keys, &grant, &token);

    assert_true((rc == 0) == (token != NULL));
    if (token) {
        long kept = atomic_exchange(&fail_at, 0);
        assert_true(verify_token(&(struct exchange){ exchange->keys, token, exchange->more }));
        atomic_store(&fail_at, kept);
    }
    free(token);
    return rc == 0;
}

static bool refuse_token(void *ud)
{
    const struct exchange *exchange = ud;
    struct jws jws;
    size_t n = strlen(exchange->token);
    char kept = exchange->token[n - 2];

    exchange->token[n - 2] = kept == 'A' ? 'B' : 'A';
    enum token_error error = jws_verify(exchange->keys, exchange->token, n, 1000, &jws);
    exchange->token[n - 2] = kept;
    assert_null(jws.payload);
    assert_true(error == TOKEN_SIGNATURE || error == TOKEN_MEMORY);
    return error == TOKEN_SIGNATURE;
}

static void tokens_are_signed_and_verified(void **state)
{
    (void)state;
    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++) {
        struct exchange exchange = { keys_set_of(keys_make((enum signing_alg)alg)), NULL,
                                     json_pack("{s:[s]}", "more",
                                               "a text that is longer than the first thirty-two bytes") };
        const struct access_token_grant grant = { "iss",    "aud", SUBJECT, "jti",
                                                  "client", 1000,  600,     exchange.more };
        assert_int_equal(access_token_sign(exchange.keys, &grant, &exchange.token), 0);
        torture(sign_token, &exchange);
        torture(verify_token, &exchange);
        torture(refuse_token, &exchange);
        free(exchange.token);
        json_decref(exchange.more);
        key_set_release(exchange.keys);
    }
}

static bool hash_password(void *ud)
{
    const struct password_cost cheap = { 64, 1, 1 };
    char hash[PASSWORD_HASH_SIZE];
    enum password_result result = password_hash(&cheap, "abc", 3, hash);
    (void)ud;

    assert_true(result == PASSWORD_OK || result == PASSWORD_MEMORY);
    assert_true((result == PASSWORD_OK) == (hash[0] != 0));
    return result == PASSWORD_OK;
}

static bool verify_password(void *ud)
{
    enum password_result result = password_verify(ud, "abc", 3);

    assert_true(result == PASSWORD_OK || result == PASSWORD_MEMORY);
    return result == PASSWORD_OK;
}

static void passwords_are_hashed_and_verified(void **state)
{
    static char bcrypt[] = "$2b$04$abcdefghijklmnopqrstuuCi15uRb1eH7NAlJ/TgeJertyknQpYn2";
    static char pbkdf2[] = "pbkdf2_sha256$2$salt$OUbuFvj/xOQYbhB1Xwe8BK9Neon7ae4Ykwuz3pE8GsU=";
    const struct password_cost cheap = { 64, 1, 1 };
    char hash[PASSWORD_HASH_SIZE];
    (void)state;

    assert_int_equal(password_hash(&cheap, "abc", 3, hash), PASSWORD_OK);
    torture(hash_password, NULL);
    torture(verify_password, hash);
    torture(verify_password, bcrypt);
    torture(verify_password, pbkdf2);
}

static bool pool_lives(void *ud)
{
    const struct password_pool_options options = { 3, 2 };
    const struct password_cost cheap = { 64, 1, 1 };
    const struct password_wait wait = { 60000, NULL, NULL };
    struct password_pool *pool;
    char hash[PASSWORD_HASH_SIZE];
    (void)ud;

    if (password_pool_create(&pool, &options) != 0) {
        assert_null(pool);
        return false;
    }
    enum password_result result = password_pool_hash(pool, &wait, &cheap, "abc", 3, hash);
    assert_true(result == PASSWORD_OK || result == PASSWORD_MEMORY);
    password_pool_destroy(pool);
    return result == PASSWORD_OK;
}

static void the_pool_lives(void **state)
{
    (void)state;
    torture(pool_lives, NULL);
}

/* ---- secrets are wiped ---- */

static void secrets_are_wiped(void **state)
{
    static const char password[] = "a password that must not stay in memory";
    static const char bytes[] = "0123456789abcdef0123456789abcdef";
    static const char *const stored[] = { "$2b$04$abcdefghijklmnopqrstuuCi15uRb1eH7NAlJ/TgeJertyknQpYn2",
                                          "$6$rounds=1000$short$Ocl6K/qPAcDqPeFvc9A.3r9CpINjXCDnNaLAGbHGaUfW/"
                                          "VAnUhMnVHLP9fLC0f.gFxi5W6DCYe3HkDMICsYY21" };
    static const char pem[] = "-----BEGIN DOWEL HMAC SECRET-----\n"
                              "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"
                              "-----END DOWEL HMAC SECRET-----\n";
    const struct password_pool_options options = { 1, 1 };
    const struct password_wait wait = { 60000, NULL, NULL };
    struct password_pool *pool;
    (void)state;

    atomic_store(&secret, password);
    assert_int_equal(password_pool_create(&pool, &options), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(password_pool_verify(pool, &wait, stored[i], password, strlen(password)),
                         PASSWORD_WRONG);
    password_pool_destroy(pool);
    assert_int_equal(atomic_load(&leaks), 0);

    atomic_store(&secret, bytes);
    struct signing_key *key = keys_read(pem, NULL);
    char *text = signing_key_pem(key);
    assert_string_equal(text, pem);
    atomic_store(&secret, "MDEyMzQ1Njc4OWFi"); /* as PEM */
    signing_key_pem_free(text);
    assert_int_equal(atomic_load(&leaks), 0);
    atomic_store(&secret, bytes);
    signing_key_destroy(key);
    assert_int_equal(atomic_load(&leaks), 0);

    char *left = strdup(bytes); /* that the test sees anything at all */
    free(left);
    assert_int_equal(atomic_load(&leaks), 1);
    atomic_store(&secret, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_made),
        cmocka_unit_test(keys_are_written_and_read),
        cmocka_unit_test(keys_are_published),
        cmocka_unit_test(tokens_are_signed_and_verified),
        cmocka_unit_test(passwords_are_hashed_and_verified),
        cmocka_unit_test(the_pool_lives),
        cmocka_unit_test(secrets_are_wiped),
    };

    /* Before either has allocated anything. */
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        return 1;
    json_set_alloc_funcs(__wrap_malloc, free);
    return cmocka_run_group_tests_name("auth_memory", tests, NULL, NULL);
}
