#include "secure/fernet.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdatomic.h>

#include "secure/base64.h"
#include "secure/digest.h"
#include "secure/random.h"

/* Where things stand in the bytes of a token; the signature is the last. */
enum { VERSION = 0x80, AT_TIME = 1, AT_IV = 9, AT_TEXT = AT_IV + FERNET_IV, BLOCK = 16, SIGNATURE = 32 };

/* ---- keys ---- */

int fernet_key_parse(struct str text, struct fernet_key *out)
{
    unsigned char bytes[BASE64_DECODED_MAX(FERNET_KEY_TEXT)];
    int result = -1;
    size_t n;

    if (text.n != FERNET_KEY_TEXT)
        return -1;
    if (base64_decode(bytes, &n, text, BASE64_URL_PADDED) == 0 && n == FERNET_KEY) {
        memcpy(out->bytes, bytes, FERNET_KEY);
        result = 0;
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return result;
}

void fernet_key_format(const struct fernet_key *key, char out[FERNET_KEY_TEXT + 1])
{
    base64_encode(out, str_make((const char *)key->bytes, FERNET_KEY), BASE64_URL_PADDED);
    out[FERNET_KEY_TEXT] = 0;
}

static struct str signing_part(const struct fernet_key *key)
{
    return str_make((const char *)key->bytes, FERNET_KEY / 2);
}

static const unsigned char *encrypting_part(const struct fernet_key *key)
{
    return key->bytes + FERNET_KEY / 2;
}

/* ---- the cipher ---- */

/* Looked up once; see digest.c. */
static const EVP_CIPHER *cipher(void)
{
    static _Atomic(EVP_CIPHER *) kept;
    EVP_CIPHER *found = atomic_load_explicit(&kept, memory_order_acquire);

    if (found)
        return found;
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    if (!fetched || atomic_compare_exchange_strong(&kept, &found, fetched))
        return fetched;
    EVP_CIPHER_free(fetched);
    return found;
}

enum direction { DECRYPT, ENCRYPT };

/* A context for one text, or NULL when memory is out. */
static EVP_CIPHER_CTX *cipher_begin(const struct fernet_key *key, const unsigned char *iv,
                                    enum direction direction)
{
    const EVP_CIPHER *aes = cipher();
    EVP_CIPHER_CTX *context = aes ? EVP_CIPHER_CTX_new() : NULL;

    if (context &&
        EVP_CipherInit_ex2(context, aes, encrypting_part(key), iv, direction == ENCRYPT, NULL) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

/* From `in` to `to`, which may be the same place. False when the padding at the end is wrong. */
static bool cipher_run(EVP_CIPHER_CTX *context, struct str in, unsigned char *to, size_t *n)
{
    int done, last;

    if (EVP_CipherUpdate(context, to, &done, (const unsigned char *)in.p, (int)in.n) != 1 ||
        EVP_CipherFinal_ex(context, to + done, &last) != 1)
        return false;
    *n = (size_t)done + (size_t)last;
    return true;
}

/* ---- sealing ---- */

static size_t raw_size(size_t n)
{
    return AT_TEXT + (n / BLOCK + 1) * BLOCK + SIGNATURE;
}

size_t fernet_sealed_size(size_t n)
{
    return base64_size(raw_size(n), BASE64_URL_PADDED);
}

static void put_time(unsigned char *at, int64_t made_s)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)((uint64_t)made_s >> (56 - 8 * i));
}

static int encrypt(const struct fernet_key *key, struct str plain, unsigned char *raw)
{
    EVP_CIPHER_CTX *context = cipher_begin(key, raw + AT_IV, ENCRYPT);
    size_t n;

    bool done = context && cipher_run(context, plain, raw + AT_TEXT, &n);
    EVP_CIPHER_CTX_free(context);
    return done ? 0 : -1;
}

static int sign(const struct fernet_key *key, const unsigned char *raw, size_t n, unsigned char *out)
{
    unsigned char signature[DIGEST_SIZE_MAX];

    if (digest_hmac(DIGEST_SHA256, signing_part(key), str_make((const char *)raw, n), signature) != 0)
        return -1;
    memcpy(out, signature, SIGNATURE);
    return 0;
}

int fernet_seal_with(const struct fernet_key *key, struct str plain, int64_t made_s,
                     const unsigned char iv[FERNET_IV], char *out)
{
    size_t n = raw_size(plain.n), length = fernet_sealed_size(plain.n);
    /* The bytes are put together where base64_encode() may find what it overwrites. */
    unsigned char *raw = (unsigned char *)out + length - n;

    if (plain.n > FERNET_PLAIN_MAX)
        return -1;
    raw[0] = VERSION;
    put_time(raw + AT_TIME, made_s);
    memcpy(raw + AT_IV, iv, FERNET_IV);
    if (encrypt(key, plain, raw) != 0 || sign(key, raw, n - SIGNATURE, raw + n - SIGNATURE) != 0)
        return -1;
    base64_encode(out, str_make((const char *)raw, n), BASE64_URL_PADDED);
    out[length] = 0;
    return 0;
}

int fernet_seal(const struct fernet_key *key, struct str plain, int64_t made_s, char *out)
{
    unsigned char iv[FERNET_IV];

    if (random_bytes(iv, sizeof(iv)) != 0)
        return -1;
    return fernet_seal_with(key, plain, made_s, iv, out);
}

/* ---- unsealing ---- */

/* The bytes of a token in `room`, if they can be one at all. */
static int decode(struct str token, char *room, size_t *n)
{
    if (token.n > fernet_sealed_size(FERNET_PLAIN_MAX) ||
        base64_decode(room, n, token, BASE64_URL_PADDED) != 0)
        return FERNET_INVALID;
    bool fits = *n >= AT_TEXT + BLOCK + SIGNATURE && (*n - AT_TEXT - SIGNATURE) % BLOCK == 0;
    return fits && (unsigned char)room[0] == VERSION ? 0 : FERNET_INVALID;
}

static int find_key(const struct fernet_key *keys, size_t keys_n, const unsigned char *raw, size_t n,
                    size_t *found)
{
    unsigned char wanted[SIGNATURE];

    for (size_t i = 0; i < keys_n; i++) {
        if (sign(&keys[i], raw, n - SIGNATURE, wanted) != 0)
            return FERNET_FAILED;
        if (secure_equal(wanted, raw + n - SIGNATURE, SIGNATURE)) {
            *found = i;
            return 0;
        }
    }
    return FERNET_INVALID;
}

static int64_t get_time(const unsigned char *at)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value < INT64_MAX ? (int64_t)value : INT64_MAX;
}

/* A token may be of any second of 64 bits, hence the subtractions without a sign. */
static bool is_expired(int64_t made_s, const struct fernet_limit *limit)
{
    uint64_t made = (uint64_t)made_s, now = (uint64_t)limit->now_s;

    if (made_s > limit->now_s)
        return made - now > FERNET_SKEW_S;
    return now - made > (uint64_t)limit->ttl_s;
}

/* In place. Only what was signed with the key comes here, so that wrong padding tells an attacker nothing. */
static int decrypt(const struct fernet_key *key, unsigned char *raw, size_t n, struct str *plain)
{
    unsigned char *text = raw + AT_TEXT;
    EVP_CIPHER_CTX *context = cipher_begin(key, raw + AT_IV, DECRYPT);
    size_t length;

    if (!context)
        return FERNET_FAILED;
    ERR_set_mark(); /* an error left in the thread's queue would be taken for one of its next TLS connection */
    bool done = cipher_run(context, str_make((const char *)text, n - AT_TEXT - SIGNATURE), text, &length);
    ERR_pop_to_mark();
    EVP_CIPHER_CTX_free(context);
    if (!done)
        return FERNET_INVALID;
    *plain = str_make((const char *)text, length);
    return 0;
}

int fernet_unseal(const struct fernet_key *keys, size_t keys_n, struct str token,
                  const struct fernet_limit *limit, char *room, struct fernet_opened *out)
{
    unsigned char *raw = (unsigned char *)room;
    size_t n;
    int result;

    *out = (struct fernet_opened){ .key = 0 };
    if ((result = decode(token, room, &n)) != 0 || (result = find_key(keys, keys_n, raw, n, &out->key)) != 0)
        return result;
    out->made_s = get_time(raw + AT_TIME);
    if (limit && is_expired(out->made_s, limit))
        return FERNET_EXPIRED;
    return decrypt(&keys[out->key], raw, n, &out->plain);
}
