/* grant.h - what somebody gets who has signed in: an access token and, for the next ones, a refresh token. [call] */
#ifndef AUTH_GRANT_H
#define AUTH_GRANT_H

#include "session.h"

struct access_token;

/* A new session in a transaction of its own, and what it is gone on with: *credential is its refresh token, or a browser's cookie.
 * The host does not repeat a callback that has counted a try already, so what the engine wants repeated is done here. */
int grant_begin(dw_call *c, dw_request *req, const struct session_grant *grant, struct session *s,
                const char **credential);

/* The answer of RFC 6749, 5.1: access_token, token_type, expires_in, refresh_token (unless NULL) and, where the session is
 * limited, scope. */
int grant_answer(dw_call *c, const struct session *s, const char *refresh_token, json_t **answer);

/* Is it an access token of ours, and good by itself? 0 and *out, which lives as long as the call; DW_EAUTH with the reason.
 * What it names may have ended: see session_by_id(). */
int grant_verify(dw_call *c, dw_str token, const struct access_token **out);

/* Who we say we are in tokens and OAuth's metadata: public_url, or what the request calls this server. */
const char *grant_issuer(dw_call *c, dw_request *req);

#endif
