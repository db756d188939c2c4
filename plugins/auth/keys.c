#include "keys.h"

#include <string.h>

#include "account.h"
#include "api_key.h"
#include "auth.h"
#include "credentials.h"
#include "login.h"
#include "scopes.h"

/* How it begins, so that people recognise it. */
static dw_str hint_of(const char *key)
{
    return (dw_str){ key, API_KEY_HINT };
}

static const char *hash_of(dw_call *c, const char *key, size_t n)
{
    return dw_digest_hex(c, DW_SHA256, (dw_bytes){ key, n });
}

/* ---- making and revoking ---- */

static int check_grant(dw_call *c, const struct key_grant *g)
{
    struct account_permissions has;

    if (g->ends_at.us && g->ends_at.us <= dw_now(c).us)
        return dw_fail_at(c, "/ends_at", "is over");
    if (scopes_check(c, g->scopes) < 0)
        return dw_fail_at(c, "/scopes", dw_format(c, "%s", dw_error_of(c)->text));
    if (strcmp(g->scopes, "*") == 0)
        return 0; /* whatever that is, now and later */
    DW_TRY(account_permissions(c, g->user, g->tenant, &has));
    if (strcmp(scopes_permitted(c, g->scopes, &has), g->scopes) != 0)
        return dw_fail_at(c, "/scopes", "has a permission that the user has not got in this tenant");
    return 0;
}

int key_add(dw_call *c, const struct key_grant *g, const char **id, const char **key)
{
    DW_TRY(check_grant(c, g));
    *id = dw_id(c);
    *key = api_key_make(c);
    DW_TRY(dw_db_exec(c,
                      "INSERT INTO auth_keys (id, hash, hint, user_id, tenant, name, scopes, created_at)"
                      " VALUES ($1, $2, $3, $4, $5, $6, $7, :now)",
                      *id, hash_of(c, *key, API_KEY_SIZE), hint_of(*key), g->user, g->tenant, g->name,
                      g->scopes));
    if (g->ends_at.us)
        DW_TRY(dw_db_exec(c, "UPDATE auth_keys SET ends_at = $2 WHERE id = $1", *id, g->ends_at));
    return audit(c, "auth.key.created", *id, "user", g->user, "name", g->name, "scopes", g->scopes);
}

int key_revoke(dw_call *c, const char *id)
{
    const char *name;

    DW_TRY(
        dw_db_get(c, DW_TO(&name),
                  "UPDATE auth_keys SET revoked_at = :now WHERE CAST(id AS TEXT) = $1 AND revoked_at IS NULL"
                  " RETURNING name",
                  id));
    DW_TRY(audit(c, "auth.key.revoked", id, "name", name));
    return auth_forget(c, id);
}

int key_by_text(dw_call *c, const char *text, const char **id)
{
    const dw_str whole = { text, strlen(text) };
    const char *hash = api_key_is(whole) ? hash_of(c, text, whole.n) : "";
    int64_t n = 0;
    int rc = dw_db_find(c, DW_TO(id, &n),
                        "SELECT min(CAST(id AS TEXT)), count(*) FROM auth_keys"
                        " WHERE revoked_at IS NULL AND (CAST(id AS TEXT) = $1 OR hint = $1 OR hash = $2)",
                        text, hash);

    if (rc > 0 && n > 1)
        return dw_fail(c, DW_EINVALID, "several keys begin so; say its id");
    return rc < 0 ? rc : n == 1;
}

/* ---- being shown one ---- */

int key_find(dw_call *c, dw_str text, struct key *out)
{
    *out = (struct key){ 0 };
    if (!api_key_is(text))
        return 0;
    return dw_db_find(
        c, DW_TO(&out->id, &out->user, &out->tenant, &out->scopes, &out->ends_at, &out->used_at),
        "SELECT k.id, k.user_id, k.tenant, k.scopes, k.ends_at, k.used_at"
        "  FROM auth_keys k"
        "  JOIN auth_users u ON u.id = k.user_id AND u.active"
        "  JOIN auth_tenants t ON t.id = k.tenant AND t.active"
        "  JOIN auth_members m ON m.tenant = k.tenant AND m.user_id = k.user_id AND m.active"
        " WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.ends_at IS NULL OR k.ends_at > :now)",
        hash_of(c, text.p, text.n));
}

int key_seen(dw_call *c, const struct key *k, const char *address)
{
    if (dw_now(c).us - k->used_at.us < DW_MINUTES(1).us)
        return 0;
    return dw_db_exec(c, "UPDATE auth_keys SET used_at = :now, used_from = $2 WHERE id = $1", k->id, address);
}

int keys_warn(dw_call *c)
{
    const dw_time soon = { dw_now(c).us + KEY_SOON.us };
    const char *id, *name, *email;
    dw_time ends_at;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "UPDATE auth_keys SET warned_at = :now"
                       " WHERE revoked_at IS NULL AND warned_at IS NULL AND ends_at > :now AND ends_at < $1"
                       " RETURNING id, name, ends_at, (SELECT email FROM auth_users WHERE id = user_id)",
                       soon));
    while ((rc = dw_rows_next(rows, &id, &name, &ends_at, &email)) > 0)
        dw_warn(c, "an API key ends soon; make a new one and put it into its place", "key", id, "name", name,
                "user", email, "ends_at", ends_at);
    return rc;
}

/* ---- operations ---- */

/* Whose list it is: one's own, or, for who manages users, that of a member of the same tenant. */
static int whose(dw_call *c, dw_request *req, const char **user)
{
    struct session own;

    *user = dw_principal_of(c)->id;
    DW_TRY(login_own_session(c, &own));
    DW_TRY(dw_request_read(req, "user_id", user));
    return strcmp(*user, dw_principal_of(c)->id) == 0 ? 0 : dw_require(c, "users.manage");
}

int auth_list_keys(dw_call *c, dw_request *req)
{
    const char *user;

    DW_TRY(whose(c, req, &user));
    return dw_reply_list(c, req,
                         "SELECT id, name, hint, scopes, created_at, ends_at, used_at, used_from,"
                         "       (ends_at IS NOT NULL AND ends_at < $3) AS \"ends_soon::boolean\""
                         "  FROM auth_keys WHERE user_id = $1 AND tenant = $2 AND revoked_at IS NULL",
                         user, dw_tenant(c), (dw_time){ dw_now(c).us + KEY_SOON.us });
}

int auth_create_key(dw_call *c, dw_request *req)
{
    struct key_grant grant = { .user = dw_principal_of(c)->id, .tenant = dw_tenant(c), .scopes = "*" };
    const char *id, *key;
    json_t *scopes = NULL;
    struct session own;

    DW_TRY(login_own_session(c, &own));
    DW_TRY(dw_request_read(req, "name", &grant.name, "scopes", &scopes, "ends_at", &grant.ends_at));
    if (scopes)
        grant.scopes = scopes_joined(c, scopes);
    DW_TRY(dw_tx_begin(c));
    DW_TRY(key_add(c, &grant, &id, &key));
    DW_TRY(dw_reply_header(req, "Cache-Control", "no-store"));
    DW_TRY(dw_reply(req, 201, "id", id, "key", key, "name", grant.name, "hint", hint_of(key), "scopes",
                    grant.scopes, "created_at", dw_now(c), "ends_at",
                    grant.ends_at.us ? dw_time_format(c, grant.ends_at) : NULL));
    return dw_tx_commit(c);
}

int auth_delete_key(dw_call *c, dw_request *req)
{
    const char *id, *user;
    struct session own;

    DW_TRY(login_own_session(c, &own));
    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_get(c, DW_TO(&user),
                     "SELECT user_id FROM auth_keys WHERE id = $1 AND tenant = $2 AND revoked_at IS NULL", id,
                     dw_tenant(c)));
    if (strcmp(user, dw_principal_of(c)->id) != 0 && dw_require(c, "users.manage") < 0)
        return dw_fail(c, DW_ENOTFOUND, "there is no such thing");
    DW_TRY(key_revoke(c, id));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}
