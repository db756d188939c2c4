#include "explain.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- what it said ---- */

/* At most what has room, and never half a character. */
static void keep(struct desk *d, const char *text)
{
    size_t n = strlen(text);

    if (n >= sizeof(d->said))
        for (n = sizeof(d->said) - 1; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;)
            n--;
    memcpy(d->said, text, n);
    d->said[n] = 0;
}

/* A header is bytes of any kind: only plain ones are shown. */
static void keep_header(struct desk *d, const char *text)
{
    keep(d, text);
    for (char *p = d->said; *p; p++)
        if (!isprint((unsigned char)*p))
            *p = '?';
}

/* Zammad's refusals are {"error":"...","error_human":"..."}; error_human is often absent, and says the same. */
static void listen(struct desk *d, dw_answer *a)
{
    const char *failure = dw_answer_header(a, "X-Failure"), *said = NULL;
    json_t *json = NULL;

    if (dw_answer_json(a, &json) >= 0 && !(said = row_text(json_object_get(json, "error_human"))))
        said = row_text(json_object_get(json, "error"));
    d->is_own = said != NULL;
    if (said)
        keep(d, said);
    else if (failure)
        keep_header(d, failure);
    else
        snprintf(d->said, sizeof(d->said), "status %d", a->status);
}

static bool says(const struct desk *d, const char *part)
{
    return strstr(d->said, part) != NULL;
}

/* ---- 401 ---- */

static int explain_401(struct desk *d)
{
    if (!d->is_own)
        return dw_fail(d->c, DW_EAUTH,
                       "the credentials are refused, but not in Zammad's words; is base_url the address of "
                       "Zammad, and no "
                       "sign-in page or proxy in front of it?",
                       "said", d->said, "reason", "AUTH_EXPIRED");
    if (says(d, "expired"))
        return dw_fail(
            d->c, DW_EAUTH,
            "Zammad's access token has expired; make a new one there (profile, Token Access) and store it "
            "in this connection",
            "Zammad", d->said, "reason", "AUTH_EXPIRED");
    if (says(d, "User for Token") || says(d, "token is invalid") || says(d, "token was revoked"))
        return dw_fail(
            d->c, DW_EAUTH,
            "Zammad does not know this access token; it was mistyped, or deleted there: make a new one "
            "(profile, Token Access)",
            "Zammad", d->said, "reason", "AUTH_EXPIRED");
    if (says(d, "BasicAuth"))
        return dw_fail(
            d->c, DW_EAUTH,
            "Zammad refuses this user and password; one of them is wrong, or the user has a second factor, "
            "who needs an access token instead",
            "Zammad", d->said, "reason", "AUTH_EXPIRED");
    return dw_fail(
        d->c, DW_EAUTH,
        "Zammad refuses the credentials; make a new access token there (profile, Token Access) and store it "
        "in this connection",
        "Zammad", d->said, "reason", "AUTH_EXPIRED");
}

/* ---- 403: also what others answer with a 401 ---- */

/* What is refused whoever asks; 0: something else. */
static int explain_shut(struct desk *d)
{
    if (says(d, "Authentication required"))
        return dw_fail(
            d->c, DW_EAUTH,
            "Zammad saw no credentials; either there are none in this connection, or a proxy in front of "
            "Zammad takes the Authorization field away",
            "Zammad", d->said);
    if (says(d, "API token access disabled"))
        return dw_fail(
            d->c, DW_EAUTH,
            "Zammad takes no access tokens; an administrator switches them on (Admin, System, API, "
            "Token Access)",
            "Zammad", d->said);
    if (says(d, "API password access disabled"))
        return dw_fail(d->c, DW_EAUTH,
                       "Zammad's API takes no passwords; use an access token instead (profile, Token Access)",
                       "Zammad", d->said);
    if (says(d, "Maintenance mode"))
        return dw_fail(d->c, DW_EUNAVAILABLE,
                       "Zammad is in maintenance mode, in which only administrators may do anything",
                       "Zammad", d->said, "retry_after", DW_MINUTES(5));
    return 0;
}

static int explain_403(struct desk *d, const struct ask *ask)
{
    if (!d->is_own)
        return dw_fail(
            d->c, DW_EDENIED,
            "something in front of Zammad refuses this, and not Zammad; let the server through its firewall, "
            "proxy or sign-in page",
            "asked", ask->path, "said", d->said);
    DW_TRY(explain_shut(d));
    if (says(d, "to use 'From'") || says(d, "X-On-Behalf-Of"))
        return dw_fail(
            d->c, DW_EAUTH,
            "these credentials may not act for others; give them the permission admin.user, or leave "
            "on_behalf empty",
            "Zammad", d->said);
    if (says(d, "No such user"))
        return dw_fail(
            d->c, DW_EAUTH,
            "Zammad does not know the user of on_behalf; write an id, a login or an e-mail address", "Zammad",
            d->said);
    if (says(d, "Token authorization failed"))
        return dw_fail(
            d->c, DW_EDENIED,
            "the access token lacks a permission for this; a token has only those that were ticked when it "
            "was made",
            "asked", ask->path, "Zammad", d->said);
    if (says(d, "User authorization failed"))
        return dw_fail(d->c, DW_EDENIED,
                       "the user lacks a permission for this; an administrator gives it by a role", "asked",
                       ask->path, "Zammad", d->said);
    return dw_fail(d->c, DW_EDENIED,
                   "Zammad does not allow this; the access token or its user lacks a permission", "asked",
                   ask->path, "Zammad", d->said);
}

/* ---- the rest ---- */

static bool looks_like_a_page(const dw_answer *a)
{
    size_t i = 0;

    while (i < a->body.n && isspace((unsigned char)a->body.p[i]))
        i++;
    return strstr(a->content_type, "html") || (i < a->body.n && a->body.p[i] == '<');
}

static int explain_redirect(struct desk *d, dw_answer *a, const struct ask *ask)
{
    const char *to = dw_answer_header(a, "Location");

    keep_header(d, to ? to : "");
    return dw_fail(
        d->c, DW_EUPSTREAM,
        "base_url leads elsewhere; write the address there that it leads to, if that is your Zammad", "asked",
        ask->path, "to", to ? d->said : NULL);
}

int explain_rate(struct desk *d)
{
    dw_span wait = dw_error_of(d->c)->retry_after;

    return dw_fail(d->c, DW_ERATE,
                   "a proxy in front of Zammad asks for a pause; nothing is sent there until it is over",
                   "retry_after", wait, "reason", "RATE_LIMITED");
}

int explain_refusal(struct desk *d, int rc, dw_answer *a, const struct ask *ask)
{
    if (rc == DW_ERATE)
        return explain_rate(d);
    if (!a)
        return rc < 0 ? rc : DW_EINTERNAL;
    if (a->status >= 300 && a->status < 400)
        return explain_redirect(d, a, ask);
    if (a->status < 400 || rc == DW_ETOOLARGE)
        return rc; /* cut off, too large: the host's sentence says it */
    listen(d, a);
    switch (a->status) {
    case 401: return explain_401(d);
    case 403: return explain_403(d, ask);
    case 404: /* not found is a word of Zammad's own: to whoever syncs it means that a ticket is gone */
        return dw_fail(d->c, d->is_own ? DW_ENOTFOUND : DW_EUPSTREAM,
                       "this Zammad has no such thing; is base_url right, and Zammad as new as 6.1?", "asked",
                       ask->path, "said", d->said);
    case 422:
        return dw_fail(d->c, DW_EUPSTREAM, "Zammad does not understand what it was asked", "asked", ask->path,
                       "Zammad", d->said);
    default: return explain_broken(d, rc, ask->path, a->status, d->said);
    }
}

int explain_broken(struct desk *d, int rc, const char *path, int status, const char *said)
{
    return dw_fail(d->c, rc,
                   "Zammad, or a proxy in front of it, could not answer; its production.log says why",
                   "asked", path, "status", status, "said", said);
}

int explain_no_json(struct desk *d, dw_answer *a, const struct ask *ask)
{
    if (looks_like_a_page(a))
        return dw_fail(
            d->c, DW_EUPSTREAM,
            "instead of Zammad a page for people answers; is base_url the address of Zammad itself, and "
            "no sign-in page or proxy in front of it?",
            "asked", ask->path);
    return dw_fail(
        d->c, DW_EUPSTREAM,
        "the answer is no JSON, or was cut off; is base_url the address of Zammad, and its proxy well?",
        "asked", ask->path, "why", dw_error_of(d->c)->text);
}
