/* codes.h - authorization codes: what the browser carries from the login page to the program, which shows it once, together
 * with what its challenge was made of (RFC 7636). [call] */
#ifndef AUTH_CODES_H
#define AUTH_CODES_H

#include "session.h"

#define CODE_TTL DW_SECONDS(60)

struct code_grant {
    const struct account *account; /* has proved who they are; in code_use(): as it is now */
    const char *tenant, *client_id, *redirect_uri, *scopes;
    const char *challenge; /* S256's, as it was asked for */
};

/* Is it what S256 gives: 32 bytes in base64url? [any] */
bool code_is_challenge(const char *challenge);

/* A new one. In a transaction, which holds the account as session_open() does. */
int code_add(dw_call *c, const struct code_grant *grant, const char **code);

/* What a program shows for a session. */
struct code_proof {
    const char *code, *verifier, *client_id, *redirect_uri;
};

/* A session for the code, in a transaction that is open when this returns 0: the caller commits. DW_EAUTH with the reason:
 * the code is none, is too old, was given to another client or another address, or the verifier
 * is not its challenge's; it is used up by that. One that is used up ends the session that it was exchanged for, for one of the
 * two who had it has stolen it. */
int code_exchange(dw_call *c, dw_request *req, const struct code_proof *proof, struct session *out);

#endif
