/* guard.h - who may change whom: what a permission alone cannot say.
 *
 * All in the open transaction, after guard_lock(): those who change roles and members of a tenant do so one after the other,
 * so that two cannot take away each other's last administrator. */
#ifndef AUTH_GUARD_H
#define AUTH_GUARD_H

#include "permissions.h"

/* The tenant's row is held until the transaction ends. DW_ENOTFOUND where there is none. */
int guard_lock(dw_call *c, const char *tenant);

/* What the caller may: all for the machine (the command line); of a key no more than the key. */
int guard_own(dw_call *c, struct permissions *out);

/* Somebody who belongs to the call's tenant, else DW_ENOTFOUND, as for an id that nobody has. */
int guard_member(dw_call *c, const char *user, struct account *out);

/* His account is this tenant's to change, or the caller is an operator; else DW_EDENIED. */
int guard_home(dw_call *c, const struct account *a);

/* The caller may all that he may: nobody gets further by changing whom he could not be. DW_EDENIED. */
int guard_rank(dw_call *c, const struct account *a);

/* He belongs to no other tenant, or the caller is a full administrator of this one: a password that somebody sets opens
 * every tenant of its owner. DW_EDENIED. */
int guard_elsewhere(dw_call *c, const struct account *a);

/* The caller may all that this role gives. DW_EDENIED with what he may not. */
int guard_role(dw_call *c, const char *role_id, const char *role_name);

/* Not the caller himself. DW_ECONFLICT. */
int guard_not_self(dw_call *c, const char *user);

/* The tenant has another active administrator, or this one is none; the same of operators. DW_ECONFLICT. */
int guard_last_admin(dw_call *c, const char *tenant, const char *user);
int guard_last_operator(dw_call *c, const struct account *a);

#endif
