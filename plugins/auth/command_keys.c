/* command_keys.c - `dowel key ...` and `dowel client ...`: what programs show. */
#include <string.h>

#include "clients.h"
#include "commands.h"
#include "keys.h"
#include "scopes.h"
#include "signing.h"

/* ---- API keys ---- */

/* The tenant that is said, or the one that he belongs to. */
static int tenant_of(dw_call *c, const struct account *a, const char *in, const char **tenant)
{
    int rc = in ? commands_tenant(c, in, tenant) : account_first_tenant(c, a->id, tenant);

    if (rc == 0 && in && (rc = account_is_member(c, a->id, *tenant)) == 0)
        return dw_fail(c, DW_EINVALID, "he is no member of that tenant", "tenant", in);
    return rc == DW_ENOTFOUND ? dw_fail(c, rc, "he belongs to no tenant") : rc < 0 ? rc : 0;
}

int command_key_add(dw_call *c, dw_command_run *run)
{
    struct key_grant grant = { .scopes = "*" };
    const char *who, *in = NULL, *id, *key;
    json_t *scopes = NULL;
    int64_t days = 0;
    struct account a;

    DW_TRY(
        dw_command_read(run, "user", &who, "name", &grant.name, "scope", &scopes, "days", &days, "in", &in));
    if (days < 0 || days > 36500)
        return dw_fail(c, DW_EINVALID, "a key is good for 1 to 36500 days; leave --days out for no end");
    DW_TRY(commands_user(c, who, &a));
    DW_TRY(tenant_of(c, &a, in, &grant.tenant));
    grant.user = a.id;
    if (scopes)
        grant.scopes = scopes_joined(c, scopes);
    if (days > 0)
        grant.ends_at = (dw_time){ dw_now(c).us + days * DW_HOURS(24).us };
    DW_TRY(dw_tx_begin(c));
    DW_TRY(key_add(c, &grant, &id, &key));
    DW_TRY(dw_command_show(run, "id", id, "key", key));
    return dw_tx_commit(c);
}

int command_key_list(dw_call *c, dw_command_run *run)
{
    const char *who = NULL;
    bool all = false;
    struct account a = { .id = NULL };
    dw_rows *rows;

    DW_TRY(dw_command_read(run, "user", &who, "all", &all));
    if (who)
        DW_TRY(commands_user(c, who, &a));
    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT k.id, k.hint, k.name, u.email AS user_email, t.slug AS tenant, k.scopes, k.created_at,"
        "       k.ends_at, k.used_at, k.revoked_at"
        "  FROM auth_keys k"
        "  JOIN auth_users u ON u.id = k.user_id"
        "  JOIN auth_tenants t ON t.id = k.tenant"
        " WHERE (CAST(k.user_id AS TEXT) = $1 OR $2)"
        "   AND (k.revoked_at IS NULL AND (k.ends_at IS NULL OR k.ends_at > :now) OR $3)"
        " ORDER BY k.id",
        a.id ? a.id : "", (bool)(a.id == NULL), all));
    return dw_command_rows(run, rows);
}

int command_key_revoke(dw_call *c, dw_command_run *run)
{
    const char *wanted, *id;

    DW_TRY(dw_command_read(run, "key", &wanted));
    DW_TRY(dw_tx_begin(c));
    int rc = key_by_text(c, wanted, &id);
    if (rc <= 0)
        return rc < 0 ? rc : dw_fail(c, DW_ENOTFOUND, "there is no such key; `dowel key list` shows them");
    DW_TRY(key_revoke(c, id));
    DW_TRY(dw_command_print(run, "revoked", "id", id));
    return dw_tx_commit(c);
}

int command_key_rotate(dw_call *c, dw_command_run *run)
{
    bool is_urgent = false;
    const char *kid;

    DW_TRY(dw_command_read(run, "now", &is_urgent));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(signing_rotate(c, is_urgent, &kid));
    DW_TRY(dw_command_print(run,
                            is_urgent ? "access tokens are signed by a new key; all others are refused"
                                      : "access tokens are signed by a new key from now on",
                            "key", kid));
    return dw_tx_commit(c);
}

/* ---- programs ---- */

int command_client_add(dw_call *c, dw_command_run *run)
{
    const char *name, *id;
    json_t *uris = NULL;

    DW_TRY(dw_command_read(run, "name", &name, "redirect_uri", &uris));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(client_add(c, name, uris, &id));
    DW_TRY(dw_command_show(run, "client_id", id));
    return dw_tx_commit(c);
}

int command_client_list(dw_call *c, dw_command_run *run)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows, "SELECT id, name, redirect_uris, created_at FROM auth_clients ORDER BY id"));
    return dw_command_rows(run, rows);
}

int command_client_remove(dw_call *c, dw_command_run *run)
{
    const char *id;

    DW_TRY(dw_command_read(run, "client", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(client_remove(c, id));
    DW_TRY(dw_command_print(run, "removed", "client_id", id));
    return dw_tx_commit(c);
}
