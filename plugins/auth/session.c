#include "session.h"

#include <string.h>

#include "account.h"
#include "auth.h"

enum { AGENT_MAX = 200 };

static const char *hash_of(dw_call *c, const char *cookie)
{
    return dw_digest_hex(c, DW_SHA256, (dw_bytes){ cookie, strlen(cookie) });
}

static dw_time earlier(dw_time a, dw_time b)
{
    return a.us < b.us ? a : b;
}

/* Who does nothing for session_idle has left; and nobody stays for longer than refresh_ttl. */
static dw_time end_of(dw_call *c, dw_time created_at)
{
    const struct auth_conf *conf = auth_conf(c);

    return earlier((dw_time){ dw_now(c).us + conf->session_idle.us },
                   (dw_time){ created_at.us + conf->refresh_ttl.us });
}

/* What a client says it is, for people: of its own making, so only what is plain. */
static const char *agent_of(dw_call *c, dw_request *req)
{
    const char *field = dw_request_header(req, "User-Agent");
    size_t n = field ? strnlen(field, AGENT_MAX) : 0;
    char *text = dw_alloc(c, n + 1);

    for (size_t i = 0; i < n; i++)
        text[i] = field[i] >= ' ' && field[i] <= '~' ? field[i] : '?';
    return text;
}

/* Not every credential that the host knows is a session of ours: PostgreSQL takes nothing else for a UUID. */
static bool is_id(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    size_t i = 0;

    for (; text[i] && form[i]; i++) {
        bool is_dash = text[i] == '-', is_hex = strchr("0123456789abcdef", text[i]) != NULL;
        if (form[i] == '-' ? !is_dash : !is_hex)
            return false;
    }
    return text[i] == form[i];
}

/* ---- the beginning ---- */

int session_hold_account(dw_call *c, const struct account *a)
{
    int n =
        dw_db_exec(c,
                   "UPDATE auth_users SET last_login_at = :now"
                   " WHERE id = $1 AND active AND (password_changed_at = $2 OR password_changed_at IS NULL)",
                   a->id, a->password_changed_at);

    if (n == 0)
        return dw_fail(c, DW_EAUTH, "the account was changed while you signed in; sign in again");
    return n < 0 ? n : 0;
}

int session_open(dw_call *c, dw_request *req, const struct session_grant *grant, struct session *out,
                 const char **cookie)
{
    bool is_browser = strcmp(grant->kind, SESSION_BROWSER) == 0;
    const char *secret = is_browser ? dw_random_token(c, 32) : NULL;

    *out = (struct session){
        .id = dw_id(c),
        .user = grant->account->id,
        .tenant = grant->tenant,
        .kind = grant->kind,
        .client_id = grant->client_id,
        .scopes = grant->scopes,
        .created_at = dw_now(c),
        .seen_at = dw_now(c),
        .ends_at = end_of(c, dw_now(c)),
    };
    if (cookie)
        *cookie = secret;
    DW_TRY(session_hold_account(c, grant->account));
    return dw_db_exec(
        c,
        "INSERT INTO auth_sessions (id, user_id, tenant, kind, cookie_hash, client_id, scopes, address,"
        "                           agent, created_at, seen_at, ends_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, :now, :now, $10)",
        out->id, out->user, out->tenant, out->kind, secret ? hash_of(c, secret) : NULL, out->client_id,
        out->scopes, dw_request_address(req), agent_of(c, req), out->ends_at);
}

/* ---- while it goes on ---- */

#define ALIVE                                                                                             \
    "SELECT s.id, s.user_id, s.tenant, s.kind, s.client_id, s.scopes, s.created_at, s.seen_at, s.ends_at" \
    "  FROM auth_sessions s"                                                                              \
    "  JOIN auth_users u ON u.id = s.user_id AND u.active"                                                \
    "  JOIN auth_tenants t ON t.id = s.tenant AND t.active"                                               \
    "  JOIN auth_members m ON m.tenant = s.tenant AND m.user_id = s.user_id AND m.active"                 \
    " WHERE s.ended_at IS NULL AND s.ends_at > :now AND "

#define INTO(s)                                                                                            \
    DW_TO(&(s)->id, &(s)->user, &(s)->tenant, &(s)->kind, &(s)->client_id, &(s)->scopes, &(s)->created_at, \
          &(s)->seen_at, &(s)->ends_at)

int session_by_cookie(dw_call *c, const char *cookie, struct session *out)
{
    *out = (struct session){ 0 };
    return dw_db_find(c, INTO(out), ALIVE "s.cookie_hash = $1", hash_of(c, cookie));
}

int session_by_id(dw_call *c, const char *id, struct session *out)
{
    *out = (struct session){ 0 };
    return is_id(id) ? dw_db_find(c, INTO(out), ALIVE "s.id = $1", id) : 0;
}

int session_seen(dw_call *c, const struct session *s)
{
    if (dw_now(c).us - s->seen_at.us < DW_MINUTES(1).us)
        return 0;
    if (strcmp(s->kind, SESSION_BROWSER) == 0)
        return dw_db_exec(
            c, "UPDATE auth_sessions SET seen_at = :now, ends_at = $2 WHERE id = $1 AND ended_at IS NULL",
            s->id, end_of(c, s->created_at));
    /* A program's ends as it is renewed, perhaps just now. */
    return dw_db_exec(c, "UPDATE auth_sessions SET seen_at = :now WHERE id = $1 AND ended_at IS NULL", s->id);
}

int session_renew(dw_call *c, struct session *s)
{
    s->ends_at = end_of(c, s->created_at);
    return dw_db_exec(
        c, "UPDATE auth_sessions SET seen_at = :now, ends_at = $2 WHERE id = $1 AND ended_at IS NULL", s->id,
        s->ends_at);
}

int session_move(dw_call *c, struct session *s, const char *tenant, const char **cookie)
{
    *cookie = dw_random_token(c, 32);
    s->tenant = tenant;
    DW_TRY(dw_db_change(c,
                        "UPDATE auth_sessions SET tenant = $2, cookie_hash = $3, seen_at = :now"
                        " WHERE id = $1 AND ended_at IS NULL",
                        s->id, tenant, hash_of(c, *cookie)));
    return auth_forget(c, s->id);
}

/* ---- the end ---- */

int session_end(dw_call *c, const char *id, const char *why)
{
    if (!is_id(id))
        return 0;
    int n = dw_db_exec(
        c, "UPDATE auth_sessions SET ended_at = :now, why = $2 WHERE id = $1 AND ended_at IS NULL", id, why);
    if (n > 0)
        DW_TRY(auth_forget(c, id));
    return n;
}

int sessions_end_all(dw_call *c, const char *user, const char *except)
{
    static const char nobody[] = "00000000-0000-0000-0000-000000000000"; /* an id that is never made */

    DW_TRY(dw_db_exec(c,
                      "UPDATE auth_sessions SET ended_at = :now, why = 'account'"
                      " WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL",
                      user, except && *except ? except : nobody));
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_codes WHERE user_id = $1", user));
    return auth_forget(c, user);
}
