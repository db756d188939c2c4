/* setup.h - the one-time link of a server that has no users yet. */
#ifndef AUTH_SETUP_H
#define AUTH_SETUP_H

#include "account.h"

#define SETUP_PATH "/setup?token="

/* 1 when somebody has an account, 0, or an error. */
int setup_is_done(dw_call *c);

/* A new token, good for the setting setup_ttl. Those before it stay good as long as they were. */
int setup_make_token(dw_call *c, const char **token);

struct setup_asked {
    const char *token, *email, *password;
    const char *name, *tenant; /* or NULL */
};

struct setup_made {
    const char *user, *tenant;
};

/* 0; or why this token opens nothing: DW_EDENIED, or DW_ECONFLICT as somebody has an account. */
int setup_check_token(dw_call *c, const char *token);

/* The first tenant and its administrator, in a transaction that is left open: say so, then commit. DW_EINVALID marked at
 * /email or /password, and as setup_check_token(). */
int setup_make(dw_call *c, const struct setup_asked *asked, struct setup_made *out);

/* At the server's start: makes and logs a link where nobody has an account. */
int setup_offer(dw_call *c);

#endif
