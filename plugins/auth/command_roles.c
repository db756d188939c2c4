/* command_roles.c - `dowel role ...`. */
#include <string.h>

#include "commands.h"
#include "create.h"
#include "guard.h"
#include "member_roles.h"
#include "permissions.h"
#include "role.h"

/* The role that the arguments name, and its tenant. */
static int read_role(dw_call *c, dw_command_run *run, const char **tenant, struct role *out)
{
    const char *in = NULL, *name;

    DW_TRY(dw_command_read(run, "role", &name, "in", &in));
    DW_TRY(commands_tenant(c, in, tenant));
    int rc = role_by_name(c, *tenant, name, out);
    return rc == DW_ENOTFOUND
               ? dw_fail(c, rc, "there is no such role; `dowel role list` shows them", "role", name)
               : rc;
}

/* ---- looking ---- */

int command_role_list(dw_call *c, dw_command_run *run)
{
    const char *in = NULL, *tenant;
    dw_rows *rows;

    DW_TRY(dw_command_read(run, "in", &in));
    DW_TRY(commands_tenant(c, in, &tenant));
    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT r.name, r.summary, r.is_builtin AS builtin, count(x.user_id) AS members FROM auth_roles r"
        " LEFT JOIN auth_member_roles x ON x.role_id = r.id"
        " WHERE r.tenant = $1 GROUP BY r.id, r.name, r.summary, r.is_builtin ORDER BY r.name",
        tenant));
    return dw_command_rows(run, rows);
}

/* What it gives today, whether it is automatic or not. */
static int show_permissions(dw_call *c, dw_command_run *run, const struct role *role)
{
    struct account_permissions names;
    struct permissions set;
    json_t *list = dw_json_own(c, json_array());

    DW_TRY(permissions_of_role(c, role->id, &set));
    names = permissions_names(c, &set);
    for (size_t i = 0; i < names.n; i++) {
        if (json_array_append_new(list, json_string(names.names[i])) != 0)
            return dw_fail(c, DW_ENOMEM, "no memory for a list");
    }
    return dw_command_show(run, "role", role->name, "summary", role->summary, "builtin", role->is_builtin,
                           "automatic", role->is_automatic, "permissions", list);
}

int command_role_show(dw_call *c, dw_command_run *run)
{
    const char *tenant;
    struct role role;
    dw_rows *rows;

    DW_TRY(read_role(c, run, &tenant, &role));
    DW_TRY(show_permissions(c, run, &role));
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT u.email, u.name FROM auth_member_roles x JOIN auth_users u ON u.id = x.user_id"
                       " WHERE x.role_id = $1 ORDER BY u.email_key LIMIT 10000",
                       role.id));
    return dw_command_rows(run, rows);
}

/* ---- making and deleting ---- */

/* As in an api.yaml: what people type is checked by no contract here. */
static int check_name(dw_call *c, const char *name)
{
    size_t n = strlen(name);

    if (n >= 1 && n <= 64 && *name >= 'a' && *name <= 'z' &&
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n)
        return 0;
    return dw_fail(c, DW_EINVALID, "a role is called by small letters, digits, _ and -, a letter first",
                   "name", name);
}

int command_role_add(dw_call *c, dw_command_run *run)
{
    const char *in = NULL, *name, *summary = "", *tenant, *id;
    json_t *permissions = NULL;

    DW_TRY(dw_command_read(run, "role", &name, "permission", &permissions, "summary", &summary, "in", &in));
    DW_TRY(check_name(c, name));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(commands_tenant(c, in, &tenant));
    DW_TRY(guard_lock(c, tenant));
    DW_TRY(role_create(c, tenant, name, summary, permissions, &id));
    DW_TRY(dw_command_print(run, "added", "role", name, "id", id));
    return dw_tx_commit(c);
}

int command_role_delete(dw_call *c, dw_command_run *run)
{
    const char *tenant;
    struct role role;
    int rc;

    DW_TRY(read_role(c, run, &tenant, &role));
    DW_TRY(rc = dw_command_ask(run,
                               dw_format(c, "Delete the role %s, and take it from who has it?", role.name)));
    if (rc == 0)
        return 0;
    DW_TRY(dw_tx_begin(c));
    DW_TRY(guard_lock(c, tenant));
    DW_TRY(role_delete(c, tenant, &role));
    DW_TRY(dw_command_print(run, "deleted", "role", role.name));
    return dw_tx_commit(c);
}

/* ---- what it gives ---- */

/* What it gives now, as names: from here on it is automatic no more. */
static int permissions_now(dw_call *c, const struct role *role, json_t **out)
{
    const char *permission;
    dw_rows *rows;
    int rc;

    *out = dw_json_own(c, json_array());
    if (role->is_automatic) {
        struct permissions meant = permissions_none(c);
        permissions_add_meant(c, &meant, role->name);
        const struct account_permissions names = permissions_names(c, &meant);
        for (size_t i = 0; i < names.n; i++)
            json_array_append_new(*out, json_string(names.names[i]));
        return 0;
    }
    DW_TRY(
        dw_db_query(c, &rows, "SELECT permission FROM auth_role_permissions WHERE role_id = $1", role->id));
    while ((rc = dw_rows_next(rows, &permission)) > 0)
        json_array_append_new(*out, json_string(permission));
    return rc;
}

static size_t find_text(const json_t *list, const char *text)
{
    size_t i = 0;

    while (i < json_array_size(list) && strcmp(json_string_value(json_array_get(list, i)), text) != 0)
        i++;
    return i;
}

static void merge(json_t *now, const json_t *change, bool grants)
{
    for (size_t i = 0; i < json_array_size(change); i++) {
        json_t *one = json_array_get(change, i);
        size_t at = find_text(now, json_string_value(one));
        if (grants && at == json_array_size(now))
            json_array_append(now, one);
        else if (!grants && at < json_array_size(now))
            json_array_remove(now, at);
    }
}

static int store(dw_call *c, const char *tenant, const struct role *role, const json_t *permissions)
{
    if (role->is_builtin && strcmp(role->name, AUTH_ADMIN) == 0)
        return dw_fail(c, DW_ECONFLICT, "the role admin has all permissions; make another role for less");
    DW_TRY(role_store_permissions(c, role->id, permissions));
    DW_TRY(dw_db_change(
        c, "UPDATE auth_roles SET is_automatic = $2, version = version + 1, changed_at = :now WHERE id = $1",
        role->id, DW_FALSE));
    DW_TRY(audit(c, "auth.role.changed", role->id, "name", role->name, "permissions", permissions));
    return auth_forget(c, tenant);
}

static int change(dw_call *c, dw_command_run *run, bool grants)
{
    json_t *permissions = NULL, *now;
    const char *tenant;
    struct role role;

    DW_TRY(dw_command_read(run, "permission", &permissions));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(read_role(c, run, &tenant, &role));
    DW_TRY(guard_lock(c, tenant));
    if (grants)
        DW_TRY(role_check_permissions(c, permissions));
    DW_TRY(permissions_now(c, &role, &now));
    merge(now, permissions, grants);
    DW_TRY(store(c, tenant, &role, now));
    DW_TRY(dw_command_print(run, "the role has changed", "role", role.name, "permissions", now));
    return dw_tx_commit(c);
}

int command_role_grant(dw_call *c, dw_command_run *run)
{
    return change(c, run, true);
}

int command_role_revoke(dw_call *c, dw_command_run *run)
{
    return change(c, run, false);
}

/* ---- who has it ---- */

static int read_member(dw_call *c, dw_command_run *run, const char *tenant, struct account *out)
{
    const char *wanted;
    int64_t one;
    int rc;

    DW_TRY(dw_command_read(run, "user", &wanted));
    DW_TRY(commands_user(c, wanted, out));
    rc = dw_db_find(c, DW_TO(&one), "SELECT 1 FROM auth_members WHERE tenant = $1 AND user_id = $2", tenant,
                    out->id);
    if (rc == 0)
        return dw_fail(c, DW_ENOTFOUND,
                       "this user is no member of the tenant; `dowel tenant join` makes him one");
    return rc;
}

int command_role_give(dw_call *c, dw_command_run *run)
{
    const char *tenant;
    struct account a;
    struct role role;

    DW_TRY(dw_tx_begin(c));
    DW_TRY(read_role(c, run, &tenant, &role));
    DW_TRY(guard_lock(c, tenant));
    DW_TRY(read_member(c, run, tenant, &a));
    DW_TRY(create_member_role(c, tenant, a.id, role.name));
    DW_TRY(auth_forget(c, a.id));
    DW_TRY(dw_command_print(run, "given", "role", role.name, "email", a.email));
    return dw_tx_commit(c);
}

int command_role_take(dw_call *c, dw_command_run *run)
{
    const char *tenant;
    struct account a;
    struct role role;

    DW_TRY(dw_tx_begin(c));
    DW_TRY(read_role(c, run, &tenant, &role));
    DW_TRY(guard_lock(c, tenant));
    DW_TRY(read_member(c, run, tenant, &a));
    DW_TRY(member_role_take(c, tenant, a.id, role.id, role.name));
    DW_TRY(auth_forget(c, a.id));
    DW_TRY(dw_command_print(run, "taken", "role", role.name, "email", a.email));
    return dw_tx_commit(c);
}
