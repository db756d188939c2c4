/* jws.h - JSON Web Signatures (RFC 7515) in their compact form: three parts, one key, no choices. [any thread]
 *
 * The algorithm is the key's. The header's is only compared with it, and a header that brings a key along, or says where
 * to find one (jwk, jku, x5u, x5c), or wants something understood (crit), is refused before anything is computed.
 *
 * Why not libjwt, docs/dependencies.md says. */
#ifndef AUTH_JWS_H
#define AUTH_JWS_H

#include "json_safe.h"
#include "key_set.h"

enum { JWS_MAX = 8192 }; /* characters of a token; what is longer is not read */

/* Of tokens, here and in access_token.h. */
enum token_error {
    TOKEN_OK = 0,
    TOKEN_MALFORMED,   /* too long, not three parts of base64url, not JSON, a member twice */
    TOKEN_HEADER,      /* a member that may not be there, or no algorithm or kid */
    TOKEN_UNKNOWN_KEY, /* no key of this kid, or its time is over */
    TOKEN_ALGORITHM,   /* not the key's */
    TOKEN_SIGNATURE,
    TOKEN_TYPE,     /* signed by us, but for something else */
    TOKEN_CLAIMS,   /* one is missing, or is of the wrong type */
    TOKEN_EXPIRED,  /* exp */
    TOKEN_TOO_SOON, /* nbf or iat lies in the future */
    TOKEN_ISSUER,
    TOKEN_AUDIENCE,
    TOKEN_MEMORY, /* nothing is known about the token: memory was out */
    TOKEN_ERRORS
};

/* What is wrong, in a few words for a log or a reply: "the token has expired". Never NULL. */
const char *token_error_text(enum token_error error);

/* What the reading of a token's JSON means for the token. */
enum token_error token_error_of(enum json_safe read);

struct jws {
    const struct signing_key *key; /* the set's; it lives as long as that */
    char *type;                    /* the header's typ, NULL when there is none */
    char *payload;                 /* terminated */
    size_t payload_n;
};

/* `out` is filled when the answer is TOKEN_OK, and empty otherwise; jws_finish() is safe for both. The kid decides which
 * key of the set it is. */
enum token_error jws_verify(const struct key_set *keys, const char *token, size_t n, int64_t now_s,
                            struct jws *out);

/* The same with a key that is known from elsewhere: the kid is not looked at. */
enum token_error jws_verify_with(const struct signing_key *key, const char *token, size_t n, struct jws *out);

void jws_finish(struct jws *jws);

/* A token to be freed with free(); its header is alg, kid and, when not NULL, typ. 0; or -1 when memory is out, the token
 * would be longer than JWS_MAX, or the key cannot sign. */
int jws_sign(const struct signing_key *key, const char *type, const char *payload, size_t n, char **token);

#endif
