/* command_tenants.c - `dowel tenant ...`. */
#include <string.h>

#include "commands.h"
#include "create.h"
#include "guard.h"
#include "member_roles.h"
#include "tenant.h"

int command_tenant_add(dw_call *c, dw_command_run *run)
{
    const char *name, *slug = NULL, *id;

    DW_TRY(dw_command_read(run, "name", &name, "slug", &slug));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(create_tenant(c, name, slug, &id));
    DW_TRY(dw_db_get(c, DW_TO(&slug), "SELECT slug FROM auth_tenants WHERE id = $1", id));
    DW_TRY(dw_command_print(run, "added", "tenant", slug, "id", id));
    return dw_tx_commit(c);
}

int command_tenant_list(dw_call *c, dw_command_run *run)
{
    dw_rows *rows;

    DW_TRY(
        dw_db_query(c, &rows,
                    "SELECT t.id, t.slug, t.name, t.active, count(m.user_id) AS members FROM auth_tenants t"
                    " LEFT JOIN auth_members m ON m.tenant = t.id"
                    " GROUP BY t.id, t.slug, t.name, t.active ORDER BY t.slug LIMIT 10000"));
    return dw_command_rows(run, rows);
}

int command_tenant_members(dw_call *c, dw_command_run *run)
{
    const char *wanted, *id;
    dw_rows *rows;

    DW_TRY(dw_command_read(run, "tenant", &wanted));
    DW_TRY(commands_tenant(c, wanted, &id));
    DW_TRY(
        dw_db_query(c, &rows,
                    "SELECT u.id, u.email, u.name, m.active, coalesce(r.name, '') AS role FROM auth_members m"
                    " JOIN auth_users u ON u.id = m.user_id"
                    " LEFT JOIN auth_member_roles x ON x.tenant = m.tenant AND x.user_id = m.user_id"
                    " LEFT JOIN auth_roles r ON r.id = x.role_id"
                    " WHERE m.tenant = $1 ORDER BY u.email_key, r.name LIMIT 10000",
                    id));
    return dw_command_rows(run, rows);
}

/* ---- changing ---- */

static int change(dw_call *c, dw_command_run *run, const char *said, struct tenant_changes changes)
{
    const char *wanted, *id;

    DW_TRY(dw_command_read(run, "tenant", &wanted));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(commands_tenant(c, wanted, &id));
    DW_TRY(tenant_change(c, id, 0, &changes));
    DW_TRY(dw_command_print(run, said, "tenant", wanted));
    return dw_tx_commit(c);
}

int command_tenant_rename(dw_call *c, dw_command_run *run)
{
    struct tenant_changes changes = { 0 };

    DW_TRY(dw_command_read(run, "name", &changes.name));
    return change(c, run, "renamed", changes);
}

int command_tenant_activate(dw_call *c, dw_command_run *run)
{
    const bool active = true;

    return change(c, run, "activated", (struct tenant_changes){ .active = &active });
}

int command_tenant_deactivate(dw_call *c, dw_command_run *run)
{
    const bool active = false;

    return change(c, run, "deactivated", (struct tenant_changes){ .active = &active });
}

/* ---- members ---- */

int command_tenant_join(dw_call *c, dw_command_run *run)
{
    const char *wanted, *who, *id;
    json_t *roles = NULL;
    struct account a;

    DW_TRY(dw_command_read(run, "tenant", &wanted, "user", &who, "role", &roles));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(commands_tenant(c, wanted, &id));
    DW_TRY(guard_lock(c, id));
    DW_TRY(commands_user(c, who, &a));
    DW_TRY(create_member(c, id, a.id));
    DW_TRY(roles ? member_roles_set(c, id, a.id, roles) : create_member_role(c, id, a.id, "member"));
    DW_TRY(auth_forget(c, a.id));
    DW_TRY(dw_command_print(run, "joined", "email", a.email, "tenant", wanted));
    return dw_tx_commit(c);
}

int command_tenant_leave(dw_call *c, dw_command_run *run)
{
    const char *wanted, *who, *id;
    struct account a;

    DW_TRY(dw_command_read(run, "tenant", &wanted, "user", &who));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(commands_tenant(c, wanted, &id));
    DW_TRY(guard_lock(c, id));
    DW_TRY(commands_user(c, who, &a));
    DW_TRY(tenant_remove_member(c, id, &a));
    DW_TRY(dw_command_print(run, "left", "email", a.email, "tenant", wanted));
    return dw_tx_commit(c);
}
