#include "signing_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "b64.h"
#include "jwks.h"

#define SECRET_LABEL "DOWEL HMAC SECRET"

enum { RSA_BITS = 2048, RSA_BITS_MAX = 4096, COORDINATE = 32, SHA256_SIZE = 32 };

struct signing_key {
    enum signing_alg alg;
    bool can_sign;
    EVP_PKEY *pkey; /* all but HS256 */
    unsigned char secret[SIGNING_SECRET_MAX];
    size_t secret_n;
    char kid[SIGNING_KID_MAX + 1];
};

static const char *const names[SIGNING_ALGS] = {
    [SIGNING_HS256] = "HS256",
    [SIGNING_RS256] = "RS256",
    [SIGNING_ES256] = "ES256",
    [SIGNING_EDDSA] = "EdDSA",
};

const char *signing_alg_name(enum signing_alg alg)
{
    return alg >= SIGNING_HS256 && alg < SIGNING_ALGS ? names[alg] : "";
}

enum signing_alg signing_alg_of(const char *name)
{
    for (int alg = SIGNING_HS256; alg < SIGNING_ALGS; alg++) {
        if (strcmp(name, names[alg]) == 0)
            return (enum signing_alg)alg;
    }
    return 0;
}

enum signing_alg signing_key_alg(const struct signing_key *key)
{
    return key->alg;
}

const char *signing_key_kid(const struct signing_key *key)
{
    return key->kid;
}

bool signing_key_can_sign(const struct signing_key *key)
{
    return key->can_sign;
}

void signing_key_destroy(struct signing_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    OPENSSL_cleanse(key, sizeof(*key));
    free(key);
}

/* ---- its name ---- */

/* Of a secret the digest would be a way to guess it by, were it a weak one: so the name is a MAC, which costs the same,
 * but is good for nothing else. */
static int name_secret(struct signing_key *key)
{
    static const unsigned char what[] = "dowel kid";
    unsigned char mac[SHA256_SIZE];

    if (!HMAC(EVP_sha256(), key->secret, (int)key->secret_n, what, sizeof(what) - 1, mac, NULL))
        return -1;
    b64_write(key->kid, mac, sizeof(mac), B64_URL);
    return 0;
}

static int name_by_thumbprint(struct signing_key *key)
{
    if (key->alg == SIGNING_HS256)
        return name_secret(key);
    json_t *jwk = signing_key_jwk(key);
    int rc = jwk ? jwks_thumbprint(jwk, key->kid) : -1;
    json_decref(jwk);
    return rc;
}

/* ---- making ---- */

static EVP_PKEY *generate(enum signing_alg alg)
{
    switch (alg) {
    case SIGNING_RS256: return EVP_RSA_gen(RSA_BITS);
    case SIGNING_ES256: return EVP_EC_gen("P-256");
    case SIGNING_EDDSA: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    default: return NULL;
    }
}

int signing_key_generate(struct signing_key **out, enum signing_alg alg)
{
    struct signing_key *key = calloc(1, sizeof(*key));
    bool made = false;

    *out = NULL;
    if (!key)
        return -1;
    ERR_set_mark();
    key->alg = alg;
    key->can_sign = true;
    if (alg == SIGNING_HS256) {
        key->secret_n = SIGNING_SECRET;
        made = RAND_priv_bytes(key->secret, SIGNING_SECRET) == 1;
    } else {
        key->pkey = generate(alg);
        made = key->pkey != NULL;
    }
    made = made && name_by_thumbprint(key) == 0;
    ERR_pop_to_mark();
    if (made)
        *out = key;
    else
        signing_key_destroy(key);
    return made ? 0 : -1;
}

/* ---- reading ---- */

/* NULL when the key is one of ours, and key->alg is set; or what is wrong with it. */
static const char *judge(struct signing_key *key)
{
    char group[32];

    if (EVP_PKEY_is_a(key->pkey, "RSA")) {
        int bits = EVP_PKEY_get_bits(key->pkey);
        key->alg = SIGNING_RS256;
        return bits >= RSA_BITS && bits <= RSA_BITS_MAX ? NULL : "an RSA key has 2048 to 4096 bits";
    }
    if (EVP_PKEY_is_a(key->pkey, "EC")) {
        key->alg = SIGNING_ES256;
        if (EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), NULL) == 1 &&
            strcmp(group, SN_X9_62_prime256v1) == 0)
            return NULL;
        return "an elliptic curve key is of the curve P-256";
    }
    if (EVP_PKEY_is_a(key->pkey, "ED25519")) {
        key->alg = SIGNING_EDDSA;
        return NULL;
    }
    return "a key is of RSA, P-256 or Ed25519";
}

/* Without this OpenSSL asks at the terminal. */
static int no_passphrase(char *out, int size, int writing, void *ud)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)ud;
    return -1;
}

static const char *read_secret(struct signing_key *key, BIO *pem)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long n = 0;
    const char *problem = "the text is no PEM of a key";

    /* The flag: OpenSSL wipes what it reads into. */
    if (PEM_read_bio_ex(pem, &name, &header, &data, &n, PEM_FLAG_SECURE) == 1 &&
        strcmp(name, SECRET_LABEL) == 0) {
        if (n >= SIGNING_SECRET && n <= SIGNING_SECRET_MAX) {
            memcpy(key->secret, data, (size_t)n);
            key->secret_n = (size_t)n;
            problem = NULL;
        } else {
            problem = "a secret has 32 to 512 bytes";
        }
    }
    key->alg = SIGNING_HS256;
    key->can_sign = true;
    OPENSSL_secure_free(name);
    OPENSSL_secure_free(header);
    OPENSSL_secure_clear_free(data, n > 0 ? (size_t)n : 0);
    return problem;
}

static const char *read_pem(struct signing_key *key, const char *text, size_t n)
{
    static const char begin_secret[] = "-----BEGIN " SECRET_LABEL "-----";
    BIO *pem = n <= 32768 ? BIO_new_mem_buf(text, (int)n) : NULL;

    if (!pem)
        return n <= 32768 ? "memory is out" : "the PEM is longer than 32768 characters";
    if (n >= sizeof(begin_secret) && memcmp(text, begin_secret, sizeof(begin_secret) - 1) == 0) {
        const char *problem = read_secret(key, pem);
        BIO_free(pem);
        return problem;
    }
    key->pkey = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
    key->can_sign = key->pkey != NULL;
    if (!key->pkey && BIO_reset(pem) == 1)
        key->pkey = PEM_read_bio_PUBKEY(pem, NULL, no_passphrase, NULL);
    BIO_free(pem);
    return key->pkey ? judge(key) : "the text is no PEM of a key";
}

int signing_key_read(struct signing_key **out, const char *pem, size_t n, const char *kid,
                     const char **problem)
{
    struct signing_key *key = calloc(1, sizeof(*key));

    *out = NULL;
    *problem = "memory is out";
    if (!key)
        return -1;
    ERR_set_mark();
    *problem = read_pem(key, pem, n);
    if (!*problem && kid && (!*kid || strlen(kid) > SIGNING_KID_MAX))
        *problem = "a kid has 1 to 128 characters";
    else if (!*problem && kid)
        memcpy(key->kid, kid, strlen(kid) + 1);
    else if (!*problem && name_by_thumbprint(key) != 0)
        *problem = "memory is out";
    ERR_pop_to_mark();
    if (*problem) {
        signing_key_destroy(key);
        return -1;
    }
    *out = key;
    return 0;
}

/* ---- writing ---- */

/* A terminated copy of what was written. */
static char *text_of(BIO *bio)
{
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);
    char *text = n > 0 ? malloc((size_t)n + 1) : NULL;

    if (text) {
        memcpy(text, data, (size_t)n);
        text[n] = 0;
    }
    return text;
}

static char *write_pem(const struct signing_key *key, bool secret)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    int written = 0;

    ERR_set_mark();
    if (bio && secret)
        written = PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL);
    else if (bio)
        written = PEM_write_bio_PUBKEY(bio, key->pkey);
    if (written == 1)
        text = text_of(bio);
    BIO_free(bio);
    ERR_pop_to_mark();
    return text;
}

/* By hand: OpenSSL's PEM_write_bio() leaves the secret in memory that it gives back. */
static char *write_secret(const struct signing_key *key)
{
    static const char begin[] = "-----BEGIN " SECRET_LABEL "-----\n",
                      end[] = "-----END " SECRET_LABEL "-----\n";
    enum { LINE = 48 }; /* bytes, 64 characters */
    size_t lines = (key->secret_n + LINE - 1) / LINE;
    char *text = malloc(sizeof(begin) + sizeof(end) + lines * (B64_SIZE(LINE) + 1));
    size_t n = sizeof(begin) - 1;

    if (!text)
        return NULL;
    memcpy(text, begin, n);
    for (size_t at = 0; at < key->secret_n; at += LINE) {
        size_t left = key->secret_n - at;
        n += b64_write(text + n, key->secret + at, left < LINE ? left : LINE, B64_PLAIN);
        if (left < LINE)
            for (size_t i = left; i % 3 != 0; i++)
                text[n++] = '=';
        text[n++] = '\n';
    }
    memcpy(text + n, end, sizeof(end));
    return text;
}

char *signing_key_pem(const struct signing_key *key)
{
    if (!key->can_sign)
        return NULL;
    return key->alg == SIGNING_HS256 ? write_secret(key) : write_pem(key, true);
}

char *signing_key_public_pem(const struct signing_key *key)
{
    return key->alg == SIGNING_HS256 ? NULL : write_pem(key, false);
}

void signing_key_pem_free(char *pem)
{
    if (pem)
        OPENSSL_cleanse(pem, strlen(pem));
    free(pem);
}

/* ---- as a JWK ---- */

static json_t *b64_json(const unsigned char *bytes, size_t n)
{
    char text[B64_SIZE(SIGNATURE_MAX) + 1];
    size_t length = b64_write(text, bytes, n, B64_URL);

    return json_stringn(text, length);
}

/* A number of the key as base64url: `width` bytes, or as many as it has when that is 0. */
static json_t *number_json(const EVP_PKEY *pkey, const char *name, size_t width)
{
    unsigned char bytes[SIGNATURE_MAX];
    BIGNUM *number = NULL;
    json_t *json = NULL;

    if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1)
        return NULL;
    size_t n = width ? width : (size_t)BN_num_bytes(number);
    if (n <= sizeof(bytes) && BN_bn2binpad(number, bytes, (int)n) == (int)n)
        json = b64_json(bytes, n);
    BN_free(number);
    return json;
}

static json_t *okp_x_json(const EVP_PKEY *pkey)
{
    unsigned char bytes[COORDINATE];
    size_t n = sizeof(bytes);

    if (EVP_PKEY_get_raw_public_key(pkey, bytes, &n) != 1 || n != sizeof(bytes))
        return NULL;
    return b64_json(bytes, n);
}

/* json_pack's "o" takes the reference, and fails for NULL. */
json_t *signing_key_jwk(const struct signing_key *key)
{
    const EVP_PKEY *pkey = key->pkey;

    switch (key->alg) {
    case SIGNING_RS256:
        return json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n", number_json(pkey, OSSL_PKEY_PARAM_RSA_N, 0),
                         "e", number_json(pkey, OSSL_PKEY_PARAM_RSA_E, 0));
    case SIGNING_ES256:
        return json_pack("{s:s, s:s, s:o, s:o}", "kty", "EC", "crv", "P-256", "x",
                         number_json(pkey, OSSL_PKEY_PARAM_EC_PUB_X, COORDINATE), "y",
                         number_json(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, COORDINATE));
    case SIGNING_EDDSA:
        return json_pack("{s:s, s:s, s:o}", "kty", "OKP", "crv", "Ed25519", "x", okp_x_json(pkey));
    default: return NULL;
    }
}

/* ---- signing ---- */

/* ES256's two numbers from DER, and back. */
static int from_der(const unsigned char *der, size_t der_n, unsigned char out[SIGNATURE_MAX], size_t *out_n)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_n);
    int rc = -1;

    if (pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, COORDINATE) == COORDINATE &&
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + COORDINATE, COORDINATE) == COORDINATE) {
        *out_n = 2 * COORDINATE;
        rc = 0;
    }
    ECDSA_SIG_free(pair);
    return rc;
}

/* -1 when memory is out. */
static int to_der(const unsigned char *raw, unsigned char out[SIGNATURE_MAX], size_t *out_n)
{
    BIGNUM *r = BN_bin2bn(raw, COORDINATE, NULL);
    BIGNUM *s = BN_bin2bn(raw + COORDINATE, COORDINATE, NULL);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int n = -1;

    if (r && s && pair && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* the pair's now */
        n = i2d_ECDSA_SIG(pair, &out);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    *out_n = n > 0 ? (size_t)n : 0;
    return n > 0 ? 0 : -1;
}

static const EVP_MD *digest_of(enum signing_alg alg)
{
    return alg == SIGNING_EDDSA ? NULL : EVP_sha256(); /* Ed25519 has its own inside */
}

static int sign(const struct signing_key *key, const void *data, size_t n, unsigned char out[SIGNATURE_MAX],
                size_t *out_n)
{
    unsigned char der[SIGNATURE_MAX];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_ec = key->alg == SIGNING_ES256;

    *out_n = SIGNATURE_MAX;
    bool made = context && EVP_DigestSignInit(context, NULL, digest_of(key->alg), NULL, key->pkey) == 1 &&
                EVP_DigestSign(context, is_ec ? der : out, out_n, data, n) == 1;
    EVP_MD_CTX_free(context);
    if (made && is_ec)
        return from_der(der, *out_n, out, out_n);
    return made ? 0 : -1;
}

static int mac_of(const struct signing_key *key, const void *data, size_t n, unsigned char out[SHA256_SIZE])
{
    return HMAC(EVP_sha256(), key->secret, (int)key->secret_n, data, n, out, NULL) ? 0 : -1;
}

int signing_key_sign(const struct signing_key *key, const void *data, size_t n,
                     unsigned char out[SIGNATURE_MAX], size_t *out_n)
{
    int rc = -1;

    *out_n = 0;
    if (!key->can_sign)
        return -1;
    /* What stays in a thread's queue of errors is found by the next TLS connection there, and taken for its own. */
    ERR_set_mark();
    if (key->alg == SIGNING_HS256) {
        rc = mac_of(key, data, n, out);
        *out_n = SHA256_SIZE;
    } else {
        rc = sign(key, data, n, out, out_n);
    }
    ERR_pop_to_mark();
    return rc;
}

/* ---- verifying ---- */

static int verify_mac(const struct signing_key *key, const void *data, size_t n,
                      const unsigned char *signature, size_t signature_n)
{
    unsigned char mac[SHA256_SIZE];

    if (signature_n != sizeof(mac))
        return 0;
    if (mac_of(key, data, n, mac) != 0)
        return -1;
    int same = CRYPTO_memcmp(mac, signature, sizeof(mac)) == 0;
    OPENSSL_cleanse(mac, sizeof(mac)); /* it is the signature that the caller lacked */
    return same;
}

static int verify(const struct signing_key *key, const void *data, size_t n, const unsigned char *signature,
                  size_t signature_n)
{
    unsigned char der[SIGNATURE_MAX];

    if (key->alg == SIGNING_ES256) {
        if (signature_n != 2 * COORDINATE)
            return 0;
        if (to_der(signature, der, &signature_n) != 0)
            return -1;
        signature = der;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int rc = -1;
    if (context && EVP_DigestVerifyInit(context, NULL, digest_of(key->alg), NULL, key->pkey) == 1)
        rc = EVP_DigestVerify(context, signature, signature_n, data, n) == 1;
    EVP_MD_CTX_free(context);
    return rc;
}

int signing_key_verify(const struct signing_key *key, const void *data, size_t n,
                       const unsigned char *signature, size_t signature_n)
{
    ERR_set_mark();
    int rc = (key->alg == SIGNING_HS256 ? verify_mac : verify)(key, data, n, signature, signature_n);
    ERR_pop_to_mark();
    return rc;
}
