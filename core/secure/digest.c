#include "secure/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdatomic.h>

static const struct {
    const char *name; /* OpenSSL's */
    size_t size;
} kinds[DIGEST_KINDS] = {
    [DIGEST_SHA1] = { "SHA1", 20 },
    [DIGEST_SHA256] = { "SHA256", 32 },
    [DIGEST_SHA512] = { "SHA512", 64 },
};

static bool is_kind(enum digest_kind kind)
{
    return kind >= DIGEST_SHA1 && kind < DIGEST_KINDS;
}

size_t digest_size(enum digest_kind kind)
{
    return is_kind(kind) ? kinds[kind].size : 0;
}

static void to_hex(const unsigned char *bytes, size_t n, char *out)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *out++ = hex[bytes[i] >> 4];
        *out++ = hex[bytes[i] & 15];
    }
    *out = 0;
}

/* ---- digests ---- */

/* OpenSSL looks an algorithm up by its name under a lock, for longer than a short digest takes. So that is done once for
 * each, and what was found is kept until the process ends. Not with pthread_once(): what failed for want of memory is
 * tried again by the next caller. */
static _Atomic(EVP_MD *) algorithms[DIGEST_KINDS];

static const EVP_MD *algorithm_of(enum digest_kind kind)
{
    EVP_MD *found = atomic_load_explicit(&algorithms[kind], memory_order_acquire);

    if (found)
        return found;
    EVP_MD *fetched = EVP_MD_fetch(NULL, kinds[kind].name, NULL);
    if (!fetched || atomic_compare_exchange_strong(&algorithms[kind], &found, fetched))
        return fetched;
    EVP_MD_free(fetched);
    return found;
}

int digest(enum digest_kind kind, struct str data, unsigned char out[DIGEST_SIZE_MAX])
{
    const EVP_MD *algorithm = is_kind(kind) ? algorithm_of(kind) : NULL;

    if (!algorithm || EVP_Digest(data.n ? data.p : "", data.n, out, NULL, algorithm, NULL) != 1)
        return -1;
    return 0;
}

int digest_hex(enum digest_kind kind, struct str data, char out[DIGEST_HEX_SIZE])
{
    unsigned char raw[DIGEST_SIZE_MAX];

    if (digest(kind, data, raw) != 0)
        return -1;
    to_hex(raw, kinds[kind].size, out);
    return 0;
}

/* ---- HMAC ---- */

/* Contexts that know their digest, copied for every use for the same reason as above. Their key is the empty one, because
 * OpenSSL 3.0 cannot copy a context without any. */
static _Atomic(EVP_MAC_CTX *) templates[DIGEST_KINDS];

static EVP_MAC_CTX *make_template(enum digest_kind kind)
{
    char *name = (char *)kinds[kind].name; /* only read; the parameter's type serves both directions */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

    EVP_MAC_free(hmac); /* the context holds it */
    if (context && EVP_MAC_init(context, (const unsigned char *)"", 0, params) != 1) {
        EVP_MAC_CTX_free(context);
        context = NULL;
    }
    return context;
}

static const EVP_MAC_CTX *template_of(enum digest_kind kind)
{
    EVP_MAC_CTX *found = atomic_load_explicit(&templates[kind], memory_order_acquire);

    if (found)
        return found;
    EVP_MAC_CTX *made = make_template(kind);
    if (!made || atomic_compare_exchange_strong(&templates[kind], &found, made))
        return made;
    EVP_MAC_CTX_free(made);
    return found;
}

int digest_hmac(enum digest_kind kind, struct str key, struct str data, unsigned char out[DIGEST_SIZE_MAX])
{
    const EVP_MAC_CTX *template = is_kind(kind) ? template_of(kind) : NULL;
    EVP_MAC_CTX *context = template ? EVP_MAC_CTX_dup(template) : NULL;
    /* NULL would mean "the key that was set before". */
    const char *key_bytes = key.n ? key.p : "";
    size_t n;

    bool made = context && EVP_MAC_init(context, (const unsigned char *)key_bytes, key.n, NULL) == 1 &&
                EVP_MAC_update(context, (const unsigned char *)data.p, data.n) == 1 &&
                EVP_MAC_final(context, out, &n, DIGEST_SIZE_MAX) == 1;
    EVP_MAC_CTX_free(context);
    return made ? 0 : -1;
}

int digest_hmac_hex(enum digest_kind kind, struct str key, struct str data, char out[DIGEST_HEX_SIZE])
{
    unsigned char raw[DIGEST_SIZE_MAX];

    if (digest_hmac(kind, key, data, raw) != 0)
        return -1;
    to_hex(raw, kinds[kind].size, out);
    return 0;
}

/* ---- comparing ---- */

bool secure_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

bool secure_equal_text(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    size_t n = strlen(a);
    return n == strlen(b) && secure_equal(a, b, n);
}
