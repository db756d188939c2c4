#include "password_foreign.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "b64.h"

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Decimal digits without a sign, the first not 0, and at most nine; moves *text behind them. */
static bool read_number(const char **text, uint32_t *out)
{
    const char *p = *text;
    uint32_t number = 0;

    if (*p < '1' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (p - *text == 9)
            return false;
        number = number * 10 + (uint32_t)(*p - '0');
    }
    *text = p;
    *out = number;
    return true;
}

/* ---- the crypt family, by libxcrypt ---- */

static const char crypt_digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool password_is_bcrypt(const char *stored)
{
    return begins(stored, "$2a$") || begins(stored, "$2b$") || begins(stored, "$2y$");
}

/* $2b$12$ and 53 digits, 22 of which are the salt. The last one of those has four bits that mean nothing, which libxcrypt
 * writes as zeros and others did not: so only the hash is compared. */
enum { BCRYPT_HASH_AT = 29 };

static enum password_result judge_bcrypt(const char *stored)
{
    const char *cost = stored + 4;

    if (cost[0] < '0' || cost[0] > '9' || cost[1] < '0' || cost[1] > '9' || cost[2] != '$' ||
        strspn(cost + 3, crypt_digits) != 53 || cost[56])
        return PASSWORD_UNREADABLE;
    int rounds = (cost[0] - '0') * 10 + cost[1] - '0';
    if (rounds < 4)
        return PASSWORD_UNREADABLE;
    return rounds > PASSWORD_BCRYPT_COST ? PASSWORD_TOO_COSTLY : PASSWORD_OK;
}

/* $6$rounds=656000$salt$ and the digits of the hash. */
static enum password_result judge_shacrypt(const char *stored)
{
    size_t hash_n = stored[1] == '5' ? 43 : 86;
    const char *at = stored + 3;
    uint32_t rounds = 5000;

    if (begins(at, "rounds=")) {
        at += strlen("rounds=");
        if (!read_number(&at, &rounds) || *at++ != '$')
            return PASSWORD_UNREADABLE;
    }
    size_t salt_n = strcspn(at, "$");
    if (salt_n > 16 || at[salt_n] != '$')
        return PASSWORD_UNREADABLE;
    at += salt_n + 1;
    if (strspn(at, crypt_digits) != hash_n || at[hash_n])
        return PASSWORD_UNREADABLE;
    return rounds > PASSWORD_SHACRYPT_ROUNDS ? PASSWORD_TOO_COSTLY : PASSWORD_OK;
}

/* `hash_at`: where in the text the hash begins. */
static enum password_result verify_crypt(const char *stored, size_t hash_at, const void *password, size_t n)
{
    enum password_result rc = PASSWORD_WRONG;

    /* The hash of what comes before a NUL is another password's. */
    if (memchr(password, 0, n))
        return PASSWORD_WRONG;
    struct crypt_data *data = calloc(1, sizeof(*data)); /* 32 kB */
    char *text = malloc(n + 1);
    if (!data || !text) {
        rc = PASSWORD_MEMORY;
        goto done;
    }
    memcpy(text, password, n);
    text[n] = 0;
    errno = 0;
    const char *made = crypt_r(text, stored, data);
    if ((!made || *made == '*') && errno == ENOMEM)
        rc = PASSWORD_MEMORY;
    else if (!made || *made == '*')
        rc = n >= CRYPT_MAX_PASSPHRASE_SIZE ? PASSWORD_WRONG : PASSWORD_UNREADABLE;
    else if (strlen(made) == strlen(stored) &&
             CRYPTO_memcmp(made + hash_at, stored + hash_at, strlen(stored + hash_at)) == 0)
        rc = PASSWORD_OK;
done:
    if (data)
        OPENSSL_cleanse(data, sizeof(*data));
    if (text)
        OPENSSL_cleanse(text, n);
    free(data);
    free(text);
    return rc;
}

static enum password_result verify_bcrypt(const char *stored, const void *password, size_t n)
{
    enum password_result rc = judge_bcrypt(stored);

    if (rc != PASSWORD_OK)
        return rc;
    /* A NUL beyond what counts does not count either. libxcrypt itself would refuse more than 511 bytes. */
    return verify_crypt(stored, BCRYPT_HASH_AT, password,
                        n < PASSWORD_BCRYPT_SEEN ? n : PASSWORD_BCRYPT_SEEN);
}

static enum password_result verify_shacrypt(const char *stored, const void *password, size_t n)
{
    enum password_result rc = judge_shacrypt(stored);

    return rc == PASSWORD_OK ? verify_crypt(stored, 0, password, n) : rc;
}

/* ---- PBKDF2, by OpenSSL ---- */

struct pbkdf2 {
    const EVP_MD *digest;
    uint32_t rounds;
    unsigned char salt[PASSWORD_STORED_MAX], hash[PASSWORD_STORED_MAX];
    size_t salt_n, hash_n;
};

static enum password_result verify_pbkdf2(const struct pbkdf2 *p, const void *password, size_t n)
{
    unsigned char made[EVP_MAX_MD_SIZE];
    enum password_result rc = PASSWORD_WRONG;

    if (p->hash_n != (size_t)EVP_MD_get_size(p->digest))
        return PASSWORD_UNREADABLE;
    if (p->rounds > PASSWORD_PBKDF2_ROUNDS)
        return PASSWORD_TOO_COSTLY;
    ERR_set_mark();
    if (PKCS5_PBKDF2_HMAC(password, (int)n, p->salt, (int)p->salt_n, (int)p->rounds, p->digest,
                          (int)p->hash_n, made) != 1)
        rc = PASSWORD_MEMORY;
    else if (CRYPTO_memcmp(made, p->hash, p->hash_n) == 0)
        rc = PASSWORD_OK;
    ERR_pop_to_mark();
    OPENSSL_cleanse(made, sizeof(made));
    return rc;
}

/* pbkdf2_sha256$600000$salt$hash: the salt is text, the hash padded base64. */
static enum password_result verify_django(const char *stored, const void *password, size_t n)
{
    struct pbkdf2 p = { .digest = EVP_sha256() };
    const char *at = stored + strlen("pbkdf2_sha256$");

    if (!read_number(&at, &p.rounds) || *at++ != '$')
        return PASSWORD_UNREADABLE;
    p.salt_n = strcspn(at, "$");
    if (p.salt_n == 0 || at[p.salt_n] != '$')
        return PASSWORD_UNREADABLE;
    memcpy(p.salt, at, p.salt_n);
    at += p.salt_n + 1;
    size_t hash_n = strcspn(at, "=");
    if (strcmp(at + hash_n, "=") != 0 || b64_read(p.hash, &p.hash_n, at, hash_n, B64_PLAIN) != 0)
        return PASSWORD_UNREADABLE;
    return verify_pbkdf2(&p, password, n);
}

/* $pbkdf2-sha256$29000$salt$hash: both in passlib's base64. */
static enum password_result verify_passlib(const char *stored, const void *password, size_t n)
{
    struct pbkdf2 p = { .digest = begins(stored, "$pbkdf2-sha256$") ? EVP_sha256() : EVP_sha512() };
    const char *at = stored + strlen("$pbkdf2-sha256$");

    if (!read_number(&at, &p.rounds) || *at++ != '$')
        return PASSWORD_UNREADABLE;
    size_t salt_n = strcspn(at, "$");
    if (at[salt_n] != '$' || b64_read(p.salt, &p.salt_n, at, salt_n, B64_PASSLIB) != 0)
        return PASSWORD_UNREADABLE;
    at += salt_n + 1;
    if (b64_read(p.hash, &p.hash_n, at, strlen(at), B64_PASSLIB) != 0)
        return PASSWORD_UNREADABLE;
    return verify_pbkdf2(&p, password, n);
}

/* ---- which one it is ---- */

static const struct {
    const char *prefix;
    enum password_result (*verify)(const char *stored, const void *password, size_t n);
} kinds[] = {
    { "$2a$", verify_bcrypt },
    { "$2b$", verify_bcrypt },
    { "$2y$", verify_bcrypt },
    { "$5$", verify_shacrypt },
    { "$6$", verify_shacrypt },
    { "pbkdf2_sha256$", verify_django },
    { "$pbkdf2-sha256$", verify_passlib },
    { "$pbkdf2-sha512$", verify_passlib },
};

enum password_result password_foreign_verify(const char *stored, const void *password, size_t n)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (begins(stored, kinds[i].prefix))
            return kinds[i].verify(stored, password, n);
    }
    return PASSWORD_UNREADABLE;
}
