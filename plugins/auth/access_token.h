/* access_token.h - access tokens as signed JWTs in the profile of RFC 9068. [any thread] */
#ifndef AUTH_ACCESS_TOKEN_H
#define AUTH_ACCESS_TOKEN_H

#include "jws.h"

/* Of access tokens, so that nothing else that is signed with the same keys passes for one. */
#define ACCESS_TOKEN_TYPE "at+jwt"

/* What a new one says. All texts are borrowed; those that are not optional are neither NULL nor empty. */
struct access_token_grant {
    const char *issuer, *audience, *subject;
    const char *id;        /* jti; names this token, for revoking it */
    const char *client_id; /* optional */
    int64_t issued_at_s, lifetime_s;
    const json_t *more; /* an object with further claims, or NULL; none of those above */
};

/* Signed by the set's current key; to be freed with free(). 0; or -1 when memory is out, a text is missing, `more` repeats
 * a claim, or there is no key that signs. */
int access_token_sign(const struct key_set *keys, const struct access_token_grant *grant, char **token);

struct access_token_rules {
    const char *issuer, *audience; /* both must be the token's; aud may be a list that has it */
    int64_t leeway_s;              /* by which clocks may differ: a few seconds */
};

struct access_token {
    json_t *claims; /* all of them; the texts below are in it */
    const char *subject, *id;
    const char *client_id; /* NULL when there is none */
    int64_t issued_at_s, expires_at_s;
};

/* Checks the signature, the type, and iss, aud, exp, nbf and iat against `now_s`. `out` is filled when the answer is
 * TOKEN_OK, and empty otherwise; access_token_finish() is safe for both. */
enum token_error access_token_verify(const struct key_set *keys, const struct access_token_rules *rules,
                                     const char *token, size_t n, int64_t now_s, struct access_token *out);

void access_token_finish(struct access_token *token);

#endif
