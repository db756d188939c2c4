#include "member_roles.h"

#include <string.h>

#include "create.h"
#include "guard.h"

static bool is_among(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
            return true;
    }
    return false;
}

int member_role_take(dw_call *c, const char *tenant, const char *user, const char *role_id,
                     const char *role_name)
{
    DW_TRY(guard_role(c, role_id, role_name));
    if (strcmp(role_name, AUTH_ADMIN) == 0)
        DW_TRY(guard_last_admin(c, tenant, user));
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_member_roles WHERE tenant = $1 AND user_id = $2 AND role_id = $3",
                      tenant, user, role_id));
    return audit(c, "auth.role.taken", user, "role", role_name);
}

/* Those that the caller does not want any more. */
static int take(dw_call *c, const char *tenant, const char *user, const json_t *names)
{
    const char *id, *name;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT r.id, r.name FROM auth_member_roles x JOIN auth_roles r ON r.id = x.role_id"
                       " WHERE x.tenant = $1 AND x.user_id = $2",
                       tenant, user));
    while ((rc = dw_rows_next(rows, &id, &name)) > 0) {
        if (!is_among(names, name))
            DW_TRY(member_role_take(c, tenant, user, id, name));
    }
    return rc;
}

static int has(dw_call *c, const char *user, const char *role_id)
{
    int64_t one;

    return dw_db_find(c, DW_TO(&one), "SELECT 1 FROM auth_member_roles WHERE user_id = $1 AND role_id = $2",
                      user, role_id);
}

static int give(dw_call *c, const char *tenant, const char *user, const char *name, size_t i)
{
    const char *id;
    int rc =
        dw_db_find(c, DW_TO(&id), "SELECT id FROM auth_roles WHERE tenant = $1 AND name = $2", tenant, name);

    if (rc == 0)
        return dw_fail_at(c, dw_format(c, "/roles/%zu", i), "is no role of this tenant", "name", name);
    DW_TRY(rc);
    DW_TRY(rc = has(c, user, id));
    if (rc > 0)
        return 0;
    DW_TRY(guard_role(c, id, name));
    return create_member_role(c, tenant, user, name);
}

int member_roles_set(dw_call *c, const char *tenant, const char *user, const json_t *names)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        DW_TRY(give(c, tenant, user, json_string_value(json_array_get(names, i)), i));
    DW_TRY(take(c, tenant, user, names));
    return auth_forget(c, user);
}
