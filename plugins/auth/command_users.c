/* command_users.c - `dowel user ...`. */
#include <string.h>

#include "change_user.h"
#include "commands.h"
#include "create.h"
#include "guard.h"
#include "member_roles.h"
#include "setup.h"

/* ---- adding ---- */

struct added {
    struct create_user user;
    const char *in;
    json_t *roles;
};

static dw_str given_password(dw_command_run *run)
{
    const char *text = dw_secret_reveal(dw_command_secret(run));

    return (dw_str){ text, strlen(text) };
}

/* A hash from elsewhere has to be one that will be understood when somebody signs in. */
static int take_hash(dw_call *c, dw_str given, const char **hash)
{
    const struct password_wait wait = { .timeout_ms = 60000 };
    enum password_result result;

    *hash = dw_copy(c, given);
    result = password_pool_verify(auth_of(c)->pool, &wait, *hash, "x", 1);
    if (result == PASSWORD_UNREADABLE || result == PASSWORD_TOO_COSTLY)
        return dw_fail(c, DW_EINVALID, "this hash cannot be taken", "why", password_result_text(result));
    return 0;
}

static int take_password(dw_call *c, const struct create_user *user, dw_str given, const char **hash)
{
    const struct account about = { .email = user->email, .name = user->name };

    DW_TRY(account_judge_password(c, &about, given, "/password"));
    return account_hash_password(c, given, hash);
}

static int add_first(dw_call *c, const struct added *added, const char **id, const char **tenant)
{
    const char *name = added->in;

    return create_first(c, added->user, name, id, tenant);
}

static int add_further(dw_call *c, struct added *added, const char **id, const char **tenant)
{
    DW_TRY(commands_tenant(c, added->in, tenant));
    DW_TRY(guard_lock(c, *tenant));
    added->user.home_tenant = *tenant;
    DW_TRY(create_user(c, &added->user, id));
    if (!added->roles)
        return create_member_role(c, *tenant, *id, "member");
    return member_roles_set(c, *tenant, *id, added->roles);
}

static int add(dw_call *c, dw_command_run *run, struct added *added)
{
    const char *id, *tenant;
    int done;

    DW_TRY(dw_tx_begin(c));
    DW_TRY(done = setup_is_done(c));
    if (!done)
        DW_TRY(done = !create_claim_first(c));
    if (done)
        DW_TRY(add_further(c, added, &id, &tenant));
    else
        DW_TRY(add_first(c, added, &id, &tenant));
    DW_TRY(dw_command_print(run, "added", "email", added->user.email, "id", id, "tenant", tenant));
    return dw_tx_commit(c);
}

int command_user_add(dw_call *c, dw_command_run *run)
{
    struct added added = { .in = NULL };
    bool is_hash = false;

    DW_TRY(dw_command_read(run, "email", &added.user.email, "name", &added.user.name, "role", &added.roles,
                           "operator", &added.user.is_operator, "temporary", &added.user.is_temporary, "hash",
                           &is_hash, "in", &added.in));
    if (is_hash)
        DW_TRY(take_hash(c, given_password(run), &added.user.hash));
    else
        DW_TRY(take_password(c, &added.user, given_password(run), &added.user.hash));
    return add(c, run, &added);
}

/* ---- looking ---- */

#define USER \
    "SELECT u.id, u.email, u.name, u.active, u.is_operator AS operator, u.last_login_at FROM auth_users u"

int command_user_list(dw_call *c, dw_command_run *run)
{
    const char *in = NULL, *tenant = NULL;
    bool inactive = false;
    dw_rows *rows;

    DW_TRY(dw_command_read(run, "in", &in, "inactive", &inactive));
    if (in)
        DW_TRY(commands_tenant(c, in, &tenant));
    DW_TRY(dw_db_query(
        c, &rows,
        USER " WHERE (CAST($1 AS TEXT) IS NULL OR EXISTS"
             "  (SELECT 1 FROM auth_members m WHERE m.user_id = u.id AND CAST(m.tenant AS TEXT) = $1))"
             " AND (NOT $2 OR NOT u.active)"
             " ORDER BY u.email_key LIMIT 10000",
        tenant, inactive));
    return dw_command_rows(run, rows);
}

int command_user_show(dw_call *c, dw_command_run *run)
{
    const char *wanted;
    struct account a;
    dw_rows *rows;

    DW_TRY(dw_command_read(run, "user", &wanted));
    DW_TRY(commands_user(c, wanted, &a));
    DW_TRY(
        dw_db_query(c, &rows,
                    "SELECT u.id, u.email, u.name, u.locale, u.zone, u.active, u.is_operator AS operator,"
                    "  t.slug AS home, u.created_at, u.last_login_at, u.password_changed_at, u.password_until"
                    " FROM auth_users u JOIN auth_tenants t ON t.id = u.home_tenant WHERE u.id = $1",
                    a.id));
    DW_TRY(dw_command_row(run, rows));
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT t.slug AS tenant, m.active, coalesce(r.name, '') AS role FROM auth_members m"
                       " JOIN auth_tenants t ON t.id = m.tenant"
                       " LEFT JOIN auth_member_roles x ON x.tenant = m.tenant AND x.user_id = m.user_id"
                       " LEFT JOIN auth_roles r ON r.id = x.role_id"
                       " WHERE m.user_id = $1 ORDER BY t.slug, r.name",
                       a.id));
    return dw_command_rows(run, rows);
}

/* ---- changing ---- */

int command_user_password(dw_call *c, dw_command_run *run)
{
    const char *wanted, *hash;
    bool temporary = false;
    struct account a;

    DW_TRY(dw_command_read(run, "user", &wanted, "temporary", &temporary));
    DW_TRY(commands_user(c, wanted, &a));
    DW_TRY(account_judge_password(c, &a, given_password(run), "/password"));
    DW_TRY(account_hash_password(c, given_password(run), &hash));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(account_store_password(c, a.id, hash,
                                  temporary ? ACCOUNT_TEMPORARY_PASSWORD : ACCOUNT_OWN_PASSWORD, NULL));
    DW_TRY(audit(c, "auth.password.reset", a.id, "@person", a.id, "@email", a.email));
    DW_TRY(dw_command_print(run, "the password is changed", "email", a.email));
    return dw_tx_commit(c);
}

static int set_active(dw_call *c, dw_command_run *run, bool active)
{
    const struct user_changes changes = { .active = active };
    const char *wanted;
    struct account a;

    DW_TRY(dw_command_read(run, "user", &wanted));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(commands_user(c, wanted, &a));
    DW_TRY(change_user(c, &a, 0, &changes));
    DW_TRY(dw_command_print(run, active ? "activated" : "deactivated", "email", a.email));
    return dw_tx_commit(c);
}

int command_user_activate(dw_call *c, dw_command_run *run)
{
    return set_active(c, run, true);
}

int command_user_deactivate(dw_call *c, dw_command_run *run)
{
    return set_active(c, run, false);
}

int command_user_set(dw_call *c, dw_command_run *run)
{
    struct user_changes changes = { 0 };
    const char *wanted;
    struct account a;

    DW_TRY(dw_command_read(run, "user", &wanted, "email", &changes.email, "name", &changes.name, "locale",
                           &changes.locale, "zone", &changes.zone));
    if (!changes.email && !changes.name && !changes.locale && !changes.zone)
        return dw_fail(c, DW_EINVALID, "say what to change: --email, --name, --locale or --zone");
    DW_TRY(dw_tx_begin(c));
    DW_TRY(commands_user(c, wanted, &a));
    changes.active = a.active;
    DW_TRY(change_user(c, &a, 0, &changes));
    DW_TRY(dw_command_print(run, "changed", "email", changes.email ? changes.email : a.email));
    return dw_tx_commit(c);
}

int command_user_operator(dw_call *c, dw_command_run *run)
{
    const char *wanted;
    struct account a;
    bool off = false;

    DW_TRY(dw_command_read(run, "user", &wanted, "off", &off));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(commands_user(c, wanted, &a));
    DW_TRY(change_user_operator(c, &a, !off));
    DW_TRY(dw_command_print(run, off ? "no operator any more" : "operator", "email", a.email));
    return dw_tx_commit(c);
}
