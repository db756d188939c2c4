/* role.h - a role of a tenant, and changing what it gives. In the open transaction where something is changed. */
#ifndef AUTH_ROLE_H
#define AUTH_ROLE_H

#include "account.h"

struct role {
    const char *id, *name, *summary;
    bool is_builtin, is_automatic;
};

/* 0 or DW_ENOTFOUND, as for one of another tenant. */
int role_by_id(dw_call *c, const char *tenant, const char *id, struct role *out);
int role_by_name(dw_call *c, const char *tenant, const char *name, struct role *out);

/* Each of an array of patterns means some permission, and none that the caller has not: DW_EINVALID at /permissions/i,
 * DW_EDENIED. */
int role_check_permissions(dw_call *c, const json_t *permissions);

/* It gives these from now on, and is automatic no more. */
int role_store_permissions(dw_call *c, const char *id, const json_t *permissions);

/* DW_ECONFLICT for a name that the tenant has. */
int role_create(dw_call *c, const char *tenant, const char *name, const char *summary,
                const json_t *permissions, const char **id);

/* DW_ECONFLICT for what is built in. Who had it has it no more. */
int role_delete(dw_call *c, const char *tenant, const struct role *role);

#endif
