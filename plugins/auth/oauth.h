/* oauth.h - how OAuth's endpoints refuse: RFC 6749 wants a JSON object with `error`; it has the members of a problem
 * (RFC 9457) as well, so that every client finds what it knows. [call] */
#ifndef AUTH_OAUTH_H
#define AUTH_OAUTH_H

#include <dowel/dowel.h>

/* Why not, in both languages; English in ASCII without quotes, as error_description takes nothing else. */
struct oauth_error {
    const char *code; /* "invalid_grant" */
    const char *english, *german;
};

/* Stages the reply: 400, and 401 for the invalid_client who has shown himself in an Authorization field. The content type is application/json, which OAuth's clients insist on. */
int oauth_refuse(dw_call *c, dw_request *req, const struct oauth_error *error);

/* The same for what a step has failed with, if it is the client's fault (DW_EAUTH, DW_EDENIED, DW_EINVALID): with that code and
 * its text. Others are returned as they are. */
int oauth_refuse_step(dw_call *c, dw_request *req, int rc, const char *code);

/* No answer about credentials belongs into a cache. */
int oauth_no_store(dw_request *req);

/* Does the client like German better? By Accept-Language. */
bool oauth_is_german(dw_request *req);

#endif
