/* auth - who somebody is, and what they may: accounts, roles, tenants; passwords, sessions, tokens. */
#include "auth.h"

#include "builtin.h"
#include "commands.h"
#include "credentials.h"
#include "public/auth.h"
#include "setup.h"
#include "signing.h"

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
    if (signing_create(&auth_of(c)->signing) != 0)
        return dw_fail(c, DW_ENOMEM, "there is no memory for signing keys");
    return 0;
}

static void fini(dw_call *c)
{
    struct auth *self = auth_of(c);

    password_pool_destroy(self->pool);
    self->pool = NULL;
    signing_destroy(self->signing);
    self->signing = NULL;
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
    { "login", auth_login },
    { "logout", auth_logout },
    { "getMe", auth_me },
    { "switchTenant", auth_switch },
    { "getToken", auth_token },
    { "getTokenOfRoot", auth_token },
    { "revokeToken", auth_revoke },
    { "authorize", auth_authorize },
    { "authorizeForm", auth_authorize_form },
    { "getOAuthMetadata", auth_metadata },
    { "getJwks", auth_jwks },
    { "listClients", auth_list_clients },
    { "createClient", auth_create_client },
    { "deleteClient", auth_delete_client },
    { "listSessions", auth_list_sessions },
    { "deleteSession", auth_delete_session },
    { "listKeys", auth_list_keys },
    { "createKey", auth_create_key },
    { "deleteKey", auth_delete_key },
    { 0 },
};

/* For people, so they are no part of the contract. */
static const dw_route routes[] = {
    { "GET", "/setup", "-", auth_setup_page },
    { "POST", "/setup", "-", auth_setup_form },
    { 0 },
};

static const dw_question questions[] = { { AUTH_AUTHENTICATE, DW_SILENCE_DENIES }, { 0 } };

static const dw_job_kind jobs[] = {
    { .name = "sweep", .run = auth_sweep },
    { 0 },
};

static const dw_schedule schedules[] = {
    { .name = "sweep", .job = "sweep", .when = "every 1h", .across_tenants = true, .jitter = "5m" },
    { 0 },
};

static int start(dw_call *c)
{
    DW_TRY(builtin_roles_everywhere(c));
    return setup_offer(c);
}

static const dw_authenticator authenticator = {
    .struct_size = sizeof(authenticator),
    .cookie = "__Host-dowel",
    .authenticate = auth_who_is,
    .tenants = auth_each_tenant,
};

DOWEL_PLUGIN(.name = "auth", .version = "0.1.0", .summary = "Users, roles, tenants, sign-in",
             .license = "MIT", .self_size = sizeof(struct auth),
             .conf = DW_ITEMS(struct auth_conf, auth_items), .operations = operations, .routes = routes,
             .questions = questions, .jobs = jobs, .schedules = schedules, .commands = auth_commands,
             .authenticator = &authenticator, .check = auth_check, .init = init, .start = start, .stop = stop,
             .fini = fini);
