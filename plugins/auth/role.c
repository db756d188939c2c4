#include "role.h"

#include <string.h>

#include "guard.h"

/* ---- finding ---- */

#define ROLE "SELECT id, name, summary, is_builtin, is_automatic FROM auth_roles WHERE tenant = $1"

static int there_is(dw_call *c, int rc)
{
    return rc == 0 ? dw_fail(c, DW_ENOTFOUND, "there is no such role") : rc < 0 ? rc : 0;
}

int role_by_id(dw_call *c, const char *tenant, const char *id, struct role *out)
{
    return there_is(
        c, dw_db_find(c, DW_TO(&out->id, &out->name, &out->summary, &out->is_builtin, &out->is_automatic),
                      ROLE " AND id = $2", tenant, id));
}

int role_by_name(dw_call *c, const char *tenant, const char *name, struct role *out)
{
    return there_is(
        c, dw_db_find(c, DW_TO(&out->id, &out->name, &out->summary, &out->is_builtin, &out->is_automatic),
                      ROLE " AND name = $2", tenant, name));
}

/* ---- what it gives ---- */

static const char *text_at(const json_t *permissions, size_t i)
{
    return json_string_value(json_array_get(permissions, i));
}

int role_check_permissions(dw_call *c, const json_t *permissions)
{
    struct permissions own;
    int rc = 0;

    DW_TRY(guard_own(c, &own));
    for (size_t i = 0; i < json_array_size(permissions); i++) {
        struct permissions meant = permissions_none(c);
        const char *pointer = dw_format(c, "/permissions/%zu", i), *name = text_at(permissions, i), *missing;
        if (strcmp(name, AUTH_OPERATE) == 0)
            rc = dw_fail_at(c, pointer, "is given by no role; `dowel user operator` makes operators");
        else if (permissions_add(c, &meant, name) == 0)
            rc =
                dw_fail_at(c, pointer, "is no permission that there is; GET /api/v1/permissions has them all",
                           "name", name);
        else if ((missing = permissions_missing(c, &meant, &own)) != NULL)
            return dw_fail(c, DW_EDENIED, "this role would give what you may not do yourself", "permission",
                           missing);
    }
    return rc;
}

int role_store_permissions(dw_call *c, const char *id, const json_t *permissions)
{
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_role_permissions WHERE role_id = $1", id));
    for (size_t i = 0; i < json_array_size(permissions); i++)
        DW_TRY(dw_db_exec(c, "INSERT INTO auth_role_permissions (role_id, permission) VALUES ($1, $2)", id,
                          text_at(permissions, i)));
    return 0;
}

/* ---- making and deleting ---- */

static int insert(dw_call *c, const char *tenant, const char *id, const char *name, const char *summary)
{
    int rc =
        dw_db_exec(c,
                   "INSERT INTO auth_roles (id, tenant, name, summary, is_builtin, is_automatic, created_at,"
                   "                        changed_at)"
                   " VALUES ($1, $2, $3, $4, $5, $5, :now, :now)",
                   id, tenant, name, summary, DW_FALSE);

    return rc == DW_ECONFLICT ? dw_fail(c, rc, "there is a role of this name", "name", name) : rc;
}

int role_create(dw_call *c, const char *tenant, const char *name, const char *summary,
                const json_t *permissions, const char **id)
{
    *id = dw_id(c);
    DW_TRY(role_check_permissions(c, permissions));
    DW_TRY(insert(c, tenant, *id, name, summary));
    DW_TRY(role_store_permissions(c, *id, permissions));
    return audit(c, "auth.role.created", *id, "name", name, "permissions", permissions);
}

int role_delete(dw_call *c, const char *tenant, const struct role *role)
{
    if (role->is_builtin)
        return dw_fail(c, DW_ECONFLICT, "built-in roles stay; take their permissions away instead", "role",
                       role->name);
    DW_TRY(guard_role(c, role->id, role->name));
    DW_TRY(dw_db_change(c, "DELETE FROM auth_roles WHERE id = $1", role->id));
    DW_TRY(audit(c, "auth.role.deleted", role->id, "name", role->name));
    return auth_forget(c, tenant); /* of all who had it: they may be many */
}
