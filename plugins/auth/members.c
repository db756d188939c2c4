/* Who belongs to a tenant, and in which roles; accounts themselves are users.c's. */
#include <string.h>

#include "create.h"
#include "guard.h"
#include "member_roles.h"
#include "sql.h"
#include "tenant.h"

#define MEMBER                                           \
    "m.user_id AS id, u.email, u.name, m.active,"        \
    " u.home_tenant = m.tenant AS \"is_home::boolean\"," \
    " m.created_at, m.changed_at, m.version, "
#define MEMBERS " FROM auth_members m JOIN auth_users u ON u.id = m.user_id WHERE m.tenant = $1"
#define ONE     MEMBERS " AND m.user_id = $2"

static const struct sql list = { "SELECT " MEMBER SQL_ROLES_SQLITE MEMBERS,
                                 "SELECT " MEMBER SQL_ROLES_POSTGRES MEMBERS };
static const struct sql one = { "SELECT " MEMBER SQL_ROLES_SQLITE ONE,
                                "SELECT " MEMBER SQL_ROLES_POSTGRES ONE };

static int reply_member(dw_call *c, dw_request *req, int status, const char *id)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows, sql_of(c, &one), dw_tenant(c), id));
    return dw_reply_row(req, status, rows);
}

int auth_list_members(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, sql_of(c, &list), dw_tenant(c));
}

int auth_get_member(dw_call *c, dw_request *req)
{
    struct account a;
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(guard_member(c, id, &a));
    return reply_member(c, req, 200, id);
}

/* ---- adding ---- */

static int add(dw_call *c, const char *email, const json_t *roles, struct account *a)
{
    int rc;

    DW_TRY(guard_lock(c, dw_tenant(c)));
    rc = account_by_email(c, email, a);
    if (rc == DW_ENOTFOUND)
        return dw_fail_at(c, "/email", "nobody with this address has an account; POST /users makes one");
    DW_TRY(rc);
    DW_TRY(create_member(c, dw_tenant(c), a->id));
    DW_TRY(roles ? member_roles_set(c, dw_tenant(c), a->id, roles) : 0);
    return auth_forget(c, a->id);
}

int auth_add_member(dw_call *c, dw_request *req)
{
    json_t *roles = NULL;
    const char *email;
    struct account a;

    DW_TRY(dw_request_read(req, "email", &email, "roles", &roles));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(add(c, email, roles, &a));
    DW_TRY(reply_member(c, req, 201, a.id));
    DW_TRY(dw_reply_header(req, "Location", dw_format(c, "/api/v1/members/%s", a.id)));
    return dw_tx_commit(c);
}

/* ---- changing ---- */

static int close_tenant(dw_call *c, const char *user)
{
    DW_TRY(guard_not_self(c, user));
    return guard_last_admin(c, dw_tenant(c), user);
}

/* First of all, so that nobody changes what he has not seen. */
static int check_version(dw_call *c, const char *user, int64_t version, bool *active)
{
    int rc = dw_db_find(c, DW_TO(active),
                        "UPDATE auth_members SET version = version + 1, changed_at = :now"
                        " WHERE tenant = $1 AND user_id = $2 AND version = $3 RETURNING active",
                        dw_tenant(c), user, version);

    return rc == 0 ? dw_fail(c, DW_EPRECONDITION, "the member was changed meanwhile; read it again") : rc;
}

static int change(dw_call *c, dw_request *req, const struct account *a, int64_t version)
{
    bool was_active = false, active;
    json_t *roles = NULL;

    DW_TRY(guard_rank(c, a));
    DW_TRY(check_version(c, a->id, version, &was_active));
    active = was_active;
    DW_TRY(dw_request_read(req, "active", &active, "roles", &roles));
    if (was_active && !active)
        DW_TRY(close_tenant(c, a->id));
    DW_TRY(dw_db_change(c, "UPDATE auth_members SET active = $3 WHERE tenant = $1 AND user_id = $2",
                        dw_tenant(c), a->id, active));
    DW_TRY(roles ? member_roles_set(c, dw_tenant(c), a->id, roles) : 0);
    DW_TRY(audit(c, "auth.member.changed", a->id, "active", active));
    return auth_forget(c, a->id);
}

int auth_change_member(dw_call *c, dw_request *req)
{
    struct account a;
    const char *id;
    int64_t version;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(guard_lock(c, dw_tenant(c)));
    DW_TRY(guard_member(c, id, &a));
    DW_TRY(change(c, req, &a, version));
    DW_TRY(reply_member(c, req, 200, id));
    return dw_tx_commit(c);
}

/* ---- removing ---- */

int auth_remove_member(dw_call *c, dw_request *req)
{
    struct account a;
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(guard_lock(c, dw_tenant(c)));
    DW_TRY(guard_member(c, id, &a));
    DW_TRY(guard_rank(c, &a));
    DW_TRY(tenant_remove_member(c, dw_tenant(c), &a));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}
