/* jwks.h - what others need to verify our tokens: public keys as JSON (RFC 7517), named by their thumbprint. */
#ifndef AUTH_JWKS_H
#define AUTH_JWKS_H

#include "key_set.h"

enum { JWKS_THUMBPRINT_SIZE = 44 };

/* RFC 7638 with SHA-256, as base64url, of a JWK that has exactly the required members. 0, or -1 when memory is out. */
int jwks_thumbprint(const json_t *jwk, char out[JWKS_THUMBPRINT_SIZE]);

/* {"keys":[...]}: the public halves of all keys that still verify, the current one first. Secrets (HS256) are never in it.
 * Compact JSON, to be freed with free(). NULL when memory is out. */
char *jwks_document(const struct key_set *keys, int64_t now_s);

#endif
