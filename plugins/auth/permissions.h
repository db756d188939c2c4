/* permissions.h - sets of the permissions that this server knows. [call]
 *
 * A set knows every permission that some plugin declares, by its place in the list of them; names that nobody declares
 * are in none. What roles are given are patterns: "notes.read", "notes.*", "*". */
#ifndef AUTH_PERMISSIONS_H
#define AUTH_PERMISSIONS_H

#include "account.h"

struct permissions {
    bool *has;
    size_t n;
};

struct permissions permissions_none(dw_call *c);

/* What the pattern means, but never AUTH_OPERATE: no role gives that. How many it means. */
size_t permissions_add(dw_call *c, struct permissions *set, const char *pattern);

/* What plugins mean for a role of that name; for "admin" everything. */
void permissions_add_meant(dw_call *c, struct permissions *set, const char *role);

void permissions_add_operate(dw_call *c, struct permissions *set);

/* NULL, or a name that is in `inner` and not in `outer`. */
const char *permissions_missing(dw_call *c, const struct permissions *inner, const struct permissions *outer);

bool permissions_has(dw_call *c, const struct permissions *set, const char *name);

/* Their names, in the order of the list. */
struct account_permissions permissions_names(dw_call *c, const struct permissions *set);

/* ---- of roles and members ---- */

/* What a role gives, whose name it is where it is automatic. */
int permissions_of_role(dw_call *c, const char *role_id, struct permissions *out);

/* What a member may; nothing where the membership, the tenant or the user is not active. */
int permissions_of_member(dw_call *c, const char *user, const char *tenant, struct permissions *out);

/* What a member's roles give, active or not, and what an operator may besides: what has to be had by who changes him. */
int permissions_of_roles(dw_call *c, const char *user, const char *tenant, struct permissions *out);

#endif
