/* member_roles.h - which roles a member has. In the open transaction, after guard_lock(). */
#ifndef AUTH_MEMBER_ROLES_H
#define AUTH_MEMBER_ROLES_H

#include "account.h"

/* He has these from now on, and no others: an array of names. The caller may give what he may himself (DW_EDENIED), of what
 * the tenant has (DW_EINVALID at /roles/i); the last administrator stays one (DW_ECONFLICT). */
int member_roles_set(dw_call *c, const char *tenant, const char *user, const json_t *names);

/* One of them less, under the same rules. Nothing happens where he has it not. */
int member_role_take(dw_call *c, const char *tenant, const char *user, const char *role_id,
                     const char *role_name);

#endif
