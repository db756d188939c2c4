/* conf.h - what an admin sets in conf.d/auth.yaml; conf.c has a line about each. */
#ifndef AUTH_CONF_H
#define AUTH_CONF_H

#include <dowel/dowel.h>

#include "password.h"

struct auth_conf {
    /* who may have an account */
    const char *registration; /* "closed", "open" */
    dw_span setup_ttl;
    dw_span temporary_password_ttl;
    int64_t password_least; /* characters */

    /* what somebody who has signed in holds */
    const char *public_url; /* "": what the request called the server */
    const char *audience;   /* "": public_url */
    const char *algorithm;
    dw_span access_token_ttl;
    dw_span refresh_ttl;
    dw_span session_idle;

    /* what a password costs */
    int64_t argon2_memory; /* KiB */
    int64_t argon2_passes;
    int64_t argon2_lanes;
    int64_t argon2_threads; /* of the pool */
    int64_t argon2_queue;

    /* what wrong passwords cost */
    int64_t lockout_free;
    int64_t lockout_free_address;
    dw_span lockout_first;
    dw_span lockout_max;
    dw_span lockout_forget;
};

extern const dw_item auth_items[];

/* What one line cannot say. */
int auth_check(dw_call *c, const void *ud);

/* Of new passwords. */
struct password_cost auth_cost(const struct auth_conf *conf);

static inline const struct auth_conf *auth_conf(dw_call *c)
{
    return dw_conf(c);
}

#endif
