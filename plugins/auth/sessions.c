/* sessions.c - where somebody is signed in, for themselves and for who manages users. */
#include <string.h>

#include "auth.h"
#include "credentials.h"
#include "login.h"
#include "session.h"

int auth_list_sessions(dw_call *c, dw_request *req)
{
    const dw_principal *me = dw_principal_of(c);
    const char *user = me->id;
    struct session own;

    DW_TRY(login_own_session(c, &own));
    DW_TRY(dw_request_read(req, "user_id", &user));
    bool is_own = strcmp(user, me->id) == 0;
    if (!is_own)
        DW_TRY(dw_require(c, "users.manage"));
    /* One's own in every tenant; of another's those of this one. */
    return dw_reply_list(
        c, req,
        "SELECT s.id, s.kind, s.tenant, t.name AS tenant_name, s.client_id, c.name AS client_name, s.scopes,"
        "       s.address, s.agent, s.created_at, s.seen_at, s.ends_at,"
        "       (CAST(s.id AS TEXT) = $4) AS \"is_current::boolean\""
        "  FROM auth_sessions s"
        "  JOIN auth_tenants t ON t.id = s.tenant"
        "  LEFT JOIN auth_clients c ON c.id = s.client_id"
        " WHERE s.user_id = $1 AND (s.tenant = $2 OR $3) AND s.ended_at IS NULL AND s.ends_at > :now",
        user, dw_tenant(c), is_own, me->credential);
}

int auth_delete_session(dw_call *c, dw_request *req)
{
    const dw_principal *me = dw_principal_of(c);
    const char *id, *user, *tenant;
    struct session own;

    DW_TRY(login_own_session(c, &own));
    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_get(c, DW_TO(&user, &tenant),
                     "SELECT user_id, tenant FROM auth_sessions WHERE id = $1 AND ended_at IS NULL", id));
    bool is_own = strcmp(user, me->id) == 0, is_here = strcmp(tenant, dw_tenant(c)) == 0;
    if (!is_own && (!is_here || dw_require(c, "users.manage") < 0))
        return dw_fail(c, DW_ENOTFOUND, "there is no such thing");
    DW_TRY(session_end(c, id, "revoked"));
    DW_TRY(audit(c, "auth.session.revoked", id, "user", user));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}
