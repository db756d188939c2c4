#include "tenant.h"

#include <string.h>

#include "guard.h"

int tenant_change(dw_call *c, const char *id, int64_t version, const struct tenant_changes *changes)
{
    const bool active = changes->active ? *changes->active : false;
    int rc = dw_db_exec(c,
                        "UPDATE auth_tenants SET name = coalesce($3, name), slug = coalesce($4, slug),"
                        "  active = CASE WHEN $5 THEN $6 ELSE active END, version = version + 1,"
                        "  changed_at = :now"
                        " WHERE id = $1 AND ($2 = 0 OR version = $2)",
                        id, version, changes->name, changes->slug, (bool)(changes->active != NULL), active);

    if (rc == DW_ECONFLICT)
        return dw_fail(c, rc, "another tenant is called so", "slug", changes->slug);
    if (rc == 0)
        return dw_fail(c, DW_EPRECONDITION, "the tenant was changed meanwhile; read it again");
    DW_TRY(rc);
    DW_TRY(changes->active
               ? audit(c, "auth.tenant.changed", id, "active", active)
               : audit(c, "auth.tenant.changed", id, "name", changes->name, "slug", changes->slug));
    return auth_forget(c, id);
}

int tenant_remove_member(dw_call *c, const char *tenant, const struct account *a)
{
    if (strcmp(a->home_tenant, tenant) == 0)
        return dw_fail(c, DW_ECONFLICT,
                       "his account is at home in this tenant; deactivate or delete it instead");
    DW_TRY(guard_not_self(c, a->id));
    DW_TRY(guard_last_admin(c, tenant, a->id));
    DW_TRY(dw_db_change(c, "DELETE FROM auth_members WHERE tenant = $1 AND user_id = $2", tenant, a->id));
    DW_TRY(audit(c, "auth.member.removed", a->id, "@person", a->id, "@email", a->email));
    return auth_forget(c, a->id);
}
