/* login.c - signing in and out by JSON, for programs that ask for a password themselves, and for browsers. */
#include "login.h"

#include <string.h>

#include "auth.h"
#include "cookie.h"
#include "credentials.h"
#include "grant.h"
#include "scopes.h"
#include "who.h"

static int no_store(dw_request *req)
{
    return dw_reply_header(req, "Cache-Control", "no-store");
}

static int merge(dw_call *c, json_t *into, json_t *more)
{
    if (!into || !more || json_object_update(into, more) != 0)
        return dw_fail(c, DW_ENOMEM, "there is no memory for the answer");
    return 0;
}

/* ---- the answers ---- */

static int answer_browser(dw_call *c, dw_request *req, const struct session *s, const char *cookie)
{
    json_t *answer;

    DW_TRY(who_brief(c, s->user, s->tenant, &answer));
    DW_TRY(merge(c, answer, dw_json(c, "csrf_token", cookie_csrf(c, cookie), "ends_at", s->ends_at)));
    DW_TRY(cookie_set(c, req, COOKIE_SESSION, cookie, auth_conf(c)->session_idle));
    DW_TRY(no_store(req));
    return dw_reply_json(req, 200, answer);
}

static int answer_program(dw_call *c, dw_request *req, const struct session *s, const char *refresh_token)
{
    json_t *answer, *who;

    DW_TRY(grant_answer(c, s, refresh_token, &answer));
    DW_TRY(who_brief(c, s->user, s->tenant, &who));
    DW_TRY(merge(c, answer, who));
    DW_TRY(no_store(req));
    return dw_reply_json(req, 200, answer);
}

/* A session is always a new one: a cookie that a browser had before, whoever put it there, is worth nothing after. */
static int begin_session(dw_call *c, dw_request *req, const struct session_grant *grant)
{
    const char *credential;
    struct session s;

    DW_TRY(grant_begin(c, req, grant, &s, &credential));
    return strcmp(s.kind, SESSION_BROWSER) == 0 ? answer_browser(c, req, &s, credential)
                                                : answer_program(c, req, &s, credential);
}

/* ---- operations ---- */

int auth_login(dw_call *c, dw_request *req)
{
    const char *email, *password, *wanted = NULL, *scope = NULL;
    struct session_grant grant = { .kind = SESSION_TOKEN };
    struct account_permissions has;
    bool is_browser = false;
    struct account a;

    DW_TRY(dw_request_read(req, "email", &email, "password", &password, "tenant", &wanted, "scope", &scope,
                           "cookie", &is_browser));
    if (scopes_check(c, scope) < 0)
        return dw_fail_at(c, "/scope", dw_format(c, "%s", dw_error_of(c)->text));
    DW_TRY(login_prove(c, req, is_browser ? LOGIN_BROWSER : LOGIN_PROGRAM, email, password, &a));
    grant.account = &a;
    grant.kind = is_browser ? SESSION_BROWSER : SESSION_TOKEN;
    DW_TRY(login_tenant(c, &a, wanted, &grant.tenant));
    DW_TRY(account_permissions(c, a.id, grant.tenant, &has));
    grant.scopes = scopes_permitted(c, scope, &has);
    return begin_session(c, req, &grant);
}

int auth_logout(dw_call *c, dw_request *req)
{
    const dw_principal *me = dw_principal_of(c);

    if (me->kind == DW_KEY)
        return dw_fail(c, DW_EDENIED,
                       "an API key does not sign out; DELETE /api/v1/auth/keys/{id} revokes it");
    DW_TRY(dw_tx_begin(c));
    DW_TRY(session_end(c, me->credential, "logout"));
    DW_TRY(audit(c, "auth.logout", me->credential, "user", me->id));
    if (cookie_of(c, req, COOKIE_SESSION))
        DW_TRY(cookie_clear(c, req, COOKIE_SESSION));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}

/* Is the session that is asked for the cookie's? A token may come along with one. */
static bool is_cookies(const struct session *s, const dw_principal *me, const char *cookie)
{
    return cookie && s->id && strcmp(s->id, me->credential) == 0 && strcmp(s->kind, SESSION_BROWSER) == 0;
}

int auth_me(dw_call *c, dw_request *req)
{
    const dw_principal *me = dw_principal_of(c);
    const char *cookie = cookie_of(c, req, COOKIE_SESSION);
    struct session s = { 0 };
    json_t *answer;

    DW_TRY(who_whole(c, me->id, dw_tenant(c), &answer));
    if (me->kind != DW_KEY && *me->credential)
        DW_TRY(session_by_id(c, me->credential, &s));
    DW_TRY(
        merge(c, answer, dw_json(c, "credential", me->kind == DW_KEY ? "key" : s.kind, "scope", s.scopes)));
    if (is_cookies(&s, me, cookie)) {
        DW_TRY(merge(c, answer, dw_json(c, "csrf_token", cookie_csrf(c, cookie), "ends_at", s.ends_at)));
        DW_TRY(cookie_set(c, req, COOKIE_SESSION, cookie,
                          auth_conf(c)->session_idle)); /* or it ends before the session */
    }
    DW_TRY(no_store(req));
    return dw_reply_json(req, 200, answer);
}

static int move_browser(dw_call *c, dw_request *req, struct session *s, const char *tenant)
{
    const char *cookie;

    DW_TRY(dw_tx_begin(c));
    DW_TRY(session_move(c, s, tenant, &cookie));
    DW_TRY(audit(c, "auth.switch", s->id, "user", s->user, "tenant", tenant));
    DW_TRY(answer_browser(c, req, s, cookie));
    return dw_tx_commit(c);
}

/* A browser's session moves; a program gets tokens of another one, and keeps those it has: it may work in both. */
int auth_switch(dw_call *c, dw_request *req)
{
    const dw_principal *me = dw_principal_of(c);
    struct session_grant grant = { .kind = SESSION_TOKEN };
    struct session s = { 0 };
    const char *wanted;
    struct account a;

    DW_TRY(dw_request_read(req, "tenant", &wanted));
    if (me->kind == DW_KEY)
        return dw_fail(c, DW_EDENIED, "an API key belongs to one tenant; make one in the other");
    DW_TRY(account_by_id(c, me->id, &a));
    DW_TRY(login_tenant(c, &a, wanted, &grant.tenant));
    if (*me->credential) {
        int rc = session_by_id(c, me->credential, &s);
        if (rc <= 0) /* what another plugin knows must not become a session of ours, which may more */
            return rc < 0 ? rc : dw_fail(c, DW_EDENIED, "this is for those who have signed in here");
    }
    if (s.id && strcmp(s.kind, SESSION_BROWSER) == 0)
        return move_browser(c, req, &s, grant.tenant);
    grant.account = &a;
    grant.client_id = s.client_id;
    grant.scopes = s.scopes;
    return begin_session(c, req, &grant);
}
