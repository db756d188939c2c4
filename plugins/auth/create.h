/* create.h - new tenants, users and memberships, for whoever makes them: the setup, registration, administrators, the
 * command line. All in the open transaction. */
#ifndef AUTH_CREATE_H
#define AUTH_CREATE_H

#include "account.h"

/* Is this the server's first user? 1, once in its life and on one server only: whoever is told so makes him in the same
 * transaction. 0 or an error otherwise. */
int create_claim_first(dw_call *c);

/* With the built-in roles. slug NULL: made from the name, and with a number where that is taken. DW_ECONFLICT for one that
 * is given and taken. */
int create_tenant(dw_call *c, const char *name, const char *slug, const char **id);

struct create_user {
    const char *email, *name, *locale, *zone;
    const char *home_tenant;
    const char *hash; /* of the password; NULL: none */
    bool is_temporary, is_operator;
};

/* A user, who belongs to his home tenant. DW_EINVALID marked at /email for what is no address, DW_ECONFLICT for one that is
 * registered. */
int create_user(dw_call *c, const struct create_user *user, const char **id);

/* DW_ECONFLICT where he is one already. */
int create_member(dw_call *c, const char *tenant, const char *user);

/* Nothing happens where he has it already. DW_ENOTFOUND where the tenant has no such role. */
int create_member_role(dw_call *c, const char *tenant, const char *user, const char *role);

/* The first user of a server: with a tenant, its administrator and an operator. home_tenant is not looked at. */
int create_first(dw_call *c, struct create_user user, const char *tenant_name, const char **id,
                 const char **tenant);

#endif
