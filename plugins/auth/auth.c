/* auth - who somebody is, and what they may: accounts, roles, tenants; passwords, sessions, tokens. */
#include "auth.h"

#include "account.h"

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
    { "listPermissions", auth_list_permissions },
    { 0 },
};

DOWEL_PLUGIN(.name = "auth", .version = "0.1.0", .summary = "Users, roles, tenants, sign-in",
             .license = "MIT", .self_size = sizeof(struct auth),
             .conf = DW_ITEMS(struct auth_conf, auth_items), .operations = operations, .check = auth_check,
             .init = init, .stop = stop, .fini = fini);
