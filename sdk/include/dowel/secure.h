/* secure.h - ids, digests, secrets. [call] unless said; results are owned by the call and never NULL unless said. */
#ifndef DOWEL_SECURE_H
#define DOWEL_SECURE_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

enum dw_digest { DW_SHA1 = 1, DW_SHA256, DW_SHA512 };

typedef struct dw_secure_api {
    uint32_t struct_size;
    const char *(*id)(dw_call *c);
    const char *(*token)(dw_call *c, size_t bytes);
    const char *(*digest)(dw_call *c, int kind, dw_bytes data);
    const char *(*hmac)(dw_call *c, int kind, dw_secret key, dw_bytes data);
    int (*equal)(const char *a, const char *b);
    int (*seal)(dw_call *c, dw_str plain, const char **sealed);
    int (*unseal)(dw_call *c, const char *sealed, dw_str *plain);
    int (*unseal_with)(dw_call *c, dw_secret key, const char *sealed, dw_str *plain);
} dw_secure_api;

/* A new UUIDv7: ids sort by their creation. [call] */
static inline const char *dw_id(dw_call *c) { return dw_host_->secure->id(c); }

/* So many random bytes from the system's generator, as base64url. [call] */
static inline const char *dw_random_token(dw_call *c, size_t bytes)
{
    return dw_host_->secure->token(c, bytes);
}

/* Of the data, as lower-case hex. NULL for a kind that does not exist, an empty key, and when it could not be made: as
 * dw_equal() says, NULL equals nothing. [call] */
static inline const char *dw_digest_hex(dw_call *c, enum dw_digest kind, dw_bytes data)
{
    return dw_host_->secure->digest(c, (int)kind, data);
}
static inline const char *dw_hmac_hex(dw_call *c, enum dw_digest kind, dw_secret key, dw_bytes data)
{
    return dw_host_->secure->hmac(c, (int)kind, key, data);
}

/* 1 or 0, in a time that does not depend on where they differ; NULL equals nothing. [any] */
static inline int dw_equal(const char *a, const char *b) { return dw_host_->secure->equal(a, b); }

/* Encrypts under the server's key, for what is stored: a Fernet token, as Python's cryptography writes it. DW_ENOMEM.
 * [call] */
static inline DW_MUST_CHECK int dw_seal(dw_call *c, dw_str plain, const char **sealed)
{
    return dw_host_->secure->seal(c, plain, sealed);
}

/* The other way, under any of the server's keys, old ones included. *plain is terminated. DW_EINVALID for what was not
 * sealed by this server. [call] */
static inline DW_MUST_CHECK int dw_unseal(dw_call *c, const char *sealed, dw_str *plain)
{
    return dw_host_->secure->unseal(c, sealed, plain);
}

/* A Fernet token that another system made, under that system's key (44 characters of base64url), as long ago as may be; for
 * moving from there. *plain is terminated, and wiped at the end of the call. DW_EINVALID: the key is none, or this is no token
 * of it; nobody is told which of both is wrong about a token. Since ABI minor 2. [call] */
static inline DW_MUST_CHECK int dw_unseal_with(dw_call *c, dw_secret key, const char *sealed, dw_str *plain)
{
    return dw_host_->secure->unseal_with(c, key, sealed, plain);
}

/* The secret in the open: grep for it. A member such as .bearer takes the secret itself and is nearly always what you
 * want. [any] */
static inline const char *dw_secret_reveal(dw_secret s) { return s.hidden; }

#ifdef __cplusplus
}
#endif
#endif
