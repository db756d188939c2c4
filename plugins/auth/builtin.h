/* builtin.h - the roles that each tenant has: admin, member and viewer, and those that plugins mean by their x-permissions (a plugin
 * that says `roles: [biller]` finds a role biller in each tenant, which gives what is meant for it). [call] */
#ifndef AUTH_BUILTIN_H
#define AUTH_BUILTIN_H

#include "account.h"

/* Makes those that the tenant lacks. A role of that name which somebody made stays as it is. In the open transaction. */
int builtin_roles(dw_call *c, const char *tenant);

/* The same for all tenants, when the server starts: a plugin may have come. */
int builtin_roles_everywhere(dw_call *c);

#endif
