/* auth - who somebody is, and what they may: accounts, roles, tenants; passwords, sessions, tokens. */
#include "auth.h"

#include "setup.h"
#include "throttle.h"

/* ---- what every change does ---- */

int audit_(dw_call *c, const char *action, const char *target, dw_list pairs)
{
    return DW_HAS(auth, audit) ? (dw_host_->auth->audit)(c, action, target, pairs) : 0;
}

int auth_forget(dw_call *c, const char *id)
{
    return DW_HAS(auth, forget) ? dw_auth_forget(c, id) : 0;
}

const dw_permission *auth_permission(dw_call *c, size_t i)
{
    return DW_HAS(auth, permission) ? dw_permission_at(c, i) : NULL;
}

/* ---- life ---- */

static int init(dw_call *c)
{
    const struct auth_conf *conf = auth_conf(c);
    const struct password_pool_options options = {
        .threads = (unsigned)conf->argon2_threads,
        .queue = (unsigned)conf->argon2_queue,
    };

    if (password_pool_create(&auth_of(c)->pool, &options) != 0)
        return dw_fail(c, DW_ENOMEM, "the threads that hash passwords cannot be started");
    return 0;
}

static void fini(dw_call *c)
{
    struct auth *self = auth_of(c);

    password_pool_destroy(self->pool);
    self->pool = NULL;
}

static int stop(dw_call *c)
{
    fini(c);
    return 0;
}

/* ---- what it is ---- */

static const dw_operation operations[] = {
    /* accounts */
    { "setUp", auth_setup },
    { "register", auth_register },
    { "changePassword", auth_change_password },
    { "listUsers", auth_list_users },
    { "createUser", auth_create_user },
    { "getUser", auth_get_user },
    { "changeUser", auth_change_user },
    { "deleteUser", auth_delete_user },
    { "resetPassword", auth_reset_password },
    { "listMembers", auth_list_members },
    { "addMember", auth_add_member },
    { "getMember", auth_get_member },
    { "changeMember", auth_change_member },
    { "removeMember", auth_remove_member },
    { "listRoles", auth_list_roles },
    { "createRole", auth_create_role },
    { "getRole", auth_get_role },
    { "changeRole", auth_change_role },
    { "deleteRole", auth_delete_role },
    { "listPermissions", auth_list_permissions },
    { "getTenant", auth_get_tenant },
    { "changeTenant", auth_change_tenant },
    { "listTenants", auth_list_tenants },
    { "createTenant", auth_create_tenant },
    { "getAnyTenant", auth_get_any_tenant },
    { "changeAnyTenant", auth_change_any_tenant },
    /* sessions */
    { 0 },
};

static const dw_job_kind jobs[] = {
    { .name = "sweep", .run = throttle_sweep },
    { 0 },
};

static const dw_schedule schedules[] = {
    { .name = "sweep", .job = "sweep", .when = "every 1h", .across_tenants = true, .jitter = "5m" },
    { 0 },
};

/* Until there are sessions and keys nobody can show anything that is good. */
static int nobody(dw_call *c, dw_credential *credential)
{
    (void)credential;
    return dw_fail(c, DW_EAUTH, "this is no credential of this server's");
}

DOWEL_PLUGIN(.name = "auth", .version = "0.1.0", .summary = "Users, roles, tenants, sign-in",
             .license = "MIT", .self_size = sizeof(struct auth),
             .conf = DW_ITEMS(struct auth_conf, auth_items), .operations = operations, .jobs = jobs,
             .schedules = schedules,
             .authenticator = DW_AUTHENTICATOR(.authenticate = nobody, .tenants = auth_each_tenant),
             .check = auth_check, .init = init, .start = setup_offer, .stop = stop, .fini = fini);
