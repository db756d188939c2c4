/* authenticate.c - who asks. What is found out here is remembered by the host until it expires or is forgotten. */
#include <string.h>

#include "access_token.h"
#include "account.h"
#include "api_key.h"
#include "auth.h"
#include "cookie.h"
#include "credentials.h"
#include "grant.h"
#include "keys.h"
#include "login.h"
#include "public/auth.h"
#include "scopes.h"
#include "session.h"

/* So that what was used is written down, and an end that nobody told of (a key's) is seen. */
#define REMEMBERED DW_MINUTES(1)

static dw_time soon(dw_call *c, dw_time end)
{
    int64_t us = dw_now(c).us + REMEMBERED.us;

    return (dw_time){ end.us && end.us < us ? end.us : us };
}

static int not_good(dw_call *c)
{
    return dw_fail(c, DW_EAUTH, "it was not given out here, or it has ended; sign in again");
}

/* What is written down about use is not worth refusing somebody for. */
static void note(dw_call *c, int rc)
{
    if (rc < 0)
        dw_warn(c, "it could not be written down that a credential was used", "why", dw_error_of(c)->text);
}

/* Who it is, where, and what they may there. */
static int fill(dw_call *c, dw_credential *out, const char *user, const char *tenant, const char *scopes)
{
    struct account_permissions has;
    struct account a;

    DW_TRY(account_by_id(c, user, &a));
    DW_TRY(account_permissions(c, user, tenant, &has));
    scopes_limit(c, scopes, &has);
    out->id = a.id;
    out->name = a.name;
    out->email = a.email;
    out->locale = a.locale;
    out->zone = a.zone;
    out->tenant = tenant;
    out->permissions = has.names;
    out->permissions_n = has.n;
    return 0;
}

static int fill_session(dw_call *c, dw_credential *out, const struct session *s, dw_time end)
{
    note(c, session_seen(c, s));
    out->credential = s->id;
    out->expires = soon(c, end.us < s->ends_at.us ? end : s->ends_at);
    return fill(c, out, s->user, s->tenant, s->scopes);
}

/* ---- the kinds ---- */

static int by_cookie(dw_call *c, dw_credential *out)
{
    const char *cookie = dw_copy(c, out->text);
    struct session s;
    int rc = session_by_cookie(c, cookie, &s);

    if (rc <= 0)
        return rc < 0 ? rc : not_good(c);
    out->csrf = cookie_csrf(c, cookie);
    return fill_session(c, out, &s, s.ends_at);
}

static int by_key(dw_call *c, dw_credential *out)
{
    struct key k;
    int rc = key_find(c, out->text, &k);

    if (rc <= 0)
        return rc < 0 ? rc : not_good(c);
    note(c, key_seen(c, &k, out->address));
    out->principal_kind = DW_KEY;
    out->credential = k.id;
    out->expires = soon(c, k.ends_at);
    return fill(c, out, k.user, k.tenant, k.scopes);
}

static int by_access_token(dw_call *c, dw_credential *out)
{
    const struct access_token *token;
    struct session s;

    DW_TRY(grant_verify(c, out->text, &token));
    const char *id = json_string_value(json_object_get(token->claims, "sid"));
    const char *tenant = json_string_value(json_object_get(token->claims, "tenant"));
    int rc = id ? session_by_id(c, id, &s) : 0;
    if (rc < 0)
        return rc;
    bool is_its = rc > 0 && tenant && strcmp(s.user, token->subject) == 0 && strcmp(s.tenant, tenant) == 0 &&
                  strcmp(s.kind, SESSION_TOKEN) == 0;
    return is_its ? fill_session(c, out, &s, (dw_time){ token->expires_at_s * DW_SECONDS(1).us })
                  : not_good(c);
}

/* ---- what others recognise ---- */

static int find_named(dw_call *c, const auth_authenticate *q, struct account *a, const char **tenant)
{
    int rc = q->user    ? account_by_id(c, q->user, a)
             : q->email ? account_by_email(c, q->email, a)
                        : DW_ENOTFOUND;

    if (rc == 0 && !a->active)
        rc = DW_ENOTFOUND;
    *tenant = q->tenant;
    if (rc == 0 && !*tenant)
        rc = account_first_tenant(c, a->id, tenant);
    if (rc == 0 && (rc = account_is_member(c, a->id, *tenant)) == 0)
        rc = DW_ENOTFOUND;
    return rc == DW_ENOTFOUND ? dw_fail(c, DW_EAUTH, "it stands for nobody who may sign in here")
           : rc < 0           ? rc
                              : 0;
}

static int by_others(dw_call *c, dw_credential *out)
{
    auth_authenticate q = { .struct_size = sizeof(q), .token = out->text, .address = out->address };
    const char *tenant = NULL;
    struct account a = { 0 };
    int rc = dw_hook_ask(c, AUTH_AUTHENTICATE, &q);

    if (rc == DW_EDENIED)
        return not_good(c); /* nobody knows it */
    DW_TRY(rc);
    DW_TRY(find_named(c, &q, &a, &tenant));
    out->credential = "other"; /* it is no session, so nothing can be done with it that only those may */
    out->expires = soon(c, q.expires);
    return fill(c, out, a.id, tenant, q.scopes);
}

/* header.payload.signature */
static bool is_jwt(dw_str text)
{
    size_t dots = 0;

    for (size_t i = 0; i < text.n; i++)
        dots += text.p[i] == '.';
    return dots == 2 && text.n > 2 && memcmp(text.p, "ey", 2) == 0;
}

/* A JWT may be another system's: who else could know is asked before it is refused. */
static int by_jwt(dw_call *c, dw_credential *out)
{
    int rc = by_access_token(c, out);

    if (rc != DW_EAUTH)
        return rc;
    const char *why = dw_format(c, "%s", dw_error_of(c)->text);
    rc = by_others(c, out);
    return rc == DW_EAUTH ? dw_fail(c, DW_EAUTH, why) : rc;
}

int auth_who_is(dw_call *c, dw_credential *credential)
{
    if (credential->kind == DW_COOKIE)
        return by_cookie(c, credential);
    if (api_key_is_like(credential->text))
        return by_key(c, credential);
    return is_jwt(credential->text) ? by_jwt(c, credential) : by_others(c, credential);
}
