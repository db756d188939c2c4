/* signing_key.h - a key that signs or verifies tokens, with its one algorithm. [any thread: nothing changes a key]
 *
 * The kind of a key decides its algorithm, and nothing else does: RSA is RS256, P-256 is ES256, Ed25519 is EdDSA, a secret
 * is HS256. So there is nothing that a token could choose. A key is parsed once, when it is read. */
#ifndef AUTH_SIGNING_KEY_H
#define AUTH_SIGNING_KEY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum signing_alg { SIGNING_HS256 = 1, SIGNING_RS256, SIGNING_ES256, SIGNING_EDDSA, SIGNING_ALGS };

/* As JOSE has them: "HS256"; and back, 0 for a name that is none of these. */
const char *signing_alg_name(enum signing_alg alg);
enum signing_alg signing_alg_of(const char *name);

enum {
    SIGNING_SECRET = 32, /* bytes of a secret that is made here; fewer are not read, RFC 7518, 3.2 */
    SIGNING_SECRET_MAX = 512,
    SIGNATURE_MAX = 512, /* RSA with 4096 bits, the longest that is read; the shortest has 2048 */
    SIGNING_KID_MAX = 128,
};

struct signing_key;

/* A new one. 0, or -1 when memory is out. */
int signing_key_generate(struct signing_key **out, enum signing_alg alg);

/* From what signing_key_pem() wrote, or any unencrypted PEM of the kinds above, private or public. `kid` names it; NULL:
 * by its thumbprint. 0; or -1 and *problem, a constant text of what is wrong. */
int signing_key_read(struct signing_key **out, const char *pem, size_t n, const char *kid,
                     const char **problem);

void signing_key_destroy(struct signing_key *key); /* and wipes */

enum signing_alg signing_key_alg(const struct signing_key *key);
const char *signing_key_kid(const struct signing_key *key);
bool signing_key_can_sign(const struct signing_key *key);

/* The key with its secret half as PEM (PKCS #8; a secret in a block "DOWEL HMAC SECRET"), or its public half only (NULL
 * for a secret). To be freed, and wiped, with signing_key_pem_free(). NULL when memory is out. */
char *signing_key_pem(const struct signing_key *key);
char *signing_key_public_pem(const struct signing_key *key);
void signing_key_pem_free(char *pem);

/* The public half as a JWK of only the members that identify it (RFC 7638), a new reference. NULL for a secret, and when
 * memory is out. */
json_t *signing_key_jwk(const struct signing_key *key);

/* A signature in JOSE's form: that of ES256 is two numbers of 32 bytes, not DER. 0; or -1 when memory is out, or the key
 * has only its public half. */
int signing_key_sign(const struct signing_key *key, const void *data, size_t n,
                     unsigned char out[SIGNATURE_MAX], size_t *out_n);

/* 1: it is this key's, 0: it is not, -1: memory is out. */
int signing_key_verify(const struct signing_key *key, const void *data, size_t n,
                       const unsigned char *signature, size_t signature_n);

#endif
