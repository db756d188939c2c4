/* setup.h - the one-time link of a server that has no users yet. */
#ifndef AUTH_SETUP_H
#define AUTH_SETUP_H

#include "account.h"

#define SETUP_PATH "/setup?token="

/* 1 when somebody has an account, 0, or an error. */
int setup_is_done(dw_call *c);

/* A new token, good for the setting setup_ttl. Those before it stay good as long as they were. */
int setup_make_token(dw_call *c, const char **token);

/* What is asked for; NULL where it was not said. */
struct setup_asked {
    const char *token, *email, *name, *tenant, *password;
};

/* 0; or why this token opens nothing: DW_EDENIED, or DW_ECONFLICT as somebody has an account. */
int setup_check_token(dw_call *c, const char *token);

/* At the server's start: makes and logs a link where nobody has an account. */
int setup_offer(dw_call *c);

#endif
