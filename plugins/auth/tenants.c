/* Tenants: one's own, and all of them for operators. */
#include <string.h>

#include "create.h"
#include "tenant.h"

#define TENANT "id, slug, name, active, created_at, changed_at, version"

/* ---- reading ---- */

static int reply_tenant(dw_call *c, dw_request *req, int status, const char *id)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows, "SELECT " TENANT " FROM auth_tenants WHERE id = $1", id));
    return dw_reply_row(req, status, rows);
}

int auth_get_tenant(dw_call *c, dw_request *req)
{
    return reply_tenant(c, req, 200, dw_tenant(c));
}

int auth_list_tenants(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, "SELECT " TENANT " FROM auth_tenants");
}

int auth_get_any_tenant(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    return reply_tenant(c, req, 200, id);
}

int auth_each_tenant(dw_call *c, int (*take)(void *ud, const char *tenant), void *ud)
{
    const char *id;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows, "SELECT id FROM auth_tenants WHERE active ORDER BY id"));
    while ((rc = dw_rows_next(rows, &id)) > 0) {
        int taken = take(ud, id);
        if (taken != 0)
            return taken;
    }
    return rc;
}

/* ---- making one ---- */

/* Whoever makes it is in it, or nobody could get in. */
static int make(dw_call *c, const char *name, const char *slug, const char **id)
{
    const dw_principal *me = dw_principal_of(c);

    DW_TRY(create_tenant(c, name, slug, id));
    DW_TRY(create_member(c, *id, me->id));
    DW_TRY(create_member_role(c, *id, me->id, AUTH_ADMIN));
    return auth_forget(c, me->id);
}

int auth_create_tenant(dw_call *c, dw_request *req)
{
    const char *name, *slug = NULL, *id;

    DW_TRY(dw_request_read(req, "name", &name, "slug", &slug));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(make(c, name, slug, &id));
    DW_TRY(reply_tenant(c, req, 201, id));
    DW_TRY(dw_reply_header(req, "Location", dw_format(c, "/api/v1/tenants/%s", id)));
    return dw_tx_commit(c);
}

/* ---- changing one ---- */

int auth_change_tenant(dw_call *c, dw_request *req)
{
    struct tenant_changes changes = { 0 };
    int64_t version;

    DW_TRY(dw_request_read(req, "if_match", &version, "name", &changes.name));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(tenant_change(c, dw_tenant(c), version, &changes));
    DW_TRY(reply_tenant(c, req, 200, dw_tenant(c)));
    return dw_tx_commit(c);
}

static int there_is(dw_call *c, const char *id, bool *active)
{
    int rc = dw_db_find(c, DW_TO(active), "SELECT active FROM auth_tenants WHERE id = $1", id);

    return rc == 0 ? dw_fail(c, DW_ENOTFOUND, "there is no such tenant") : rc;
}

int auth_change_any_tenant(dw_call *c, dw_request *req)
{
    bool active;
    struct tenant_changes changes = { .active = &active };
    const char *id;
    int64_t version;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(there_is(c, id, &active));
    DW_TRY(dw_request_read(req, "name", &changes.name, "slug", &changes.slug, "active", &active));
    if (!active && strcmp(id, dw_tenant(c)) == 0)
        return dw_fail(c, DW_ECONFLICT,
                       "this is the tenant that you are signed in to; switch to another one first");
    DW_TRY(tenant_change(c, id, version, &changes));
    DW_TRY(reply_tenant(c, req, 200, id));
    return dw_tx_commit(c);
}
