/* authorize.c - OAuth's authorization endpoint (RFC 6749, 3.1): a program sends somebody's browser here, they sign in, and it
 * goes back with a code. Only with PKCE (S256), to an address that was registered, and with `iss` (RFC 9207). */
#include <string.h>

#include "auth.h"
#include "clients.h"
#include "codes.h"
#include "cookie.h"
#include "credentials.h"
#include "grant.h"
#include "login.h"
#include "oauth.h"
#include "page.h"
#include "scopes.h"

#define FORM_TTL DW_HOURS(1)

enum { TRIES = 3 };

/* What the program asks for. */
struct ask {
    const char *response_type, *client_id, *redirect_uri, *scope, *state, *code_challenge,
        *code_challenge_method, *prompt, *ui_locales;
    struct client client;
    bool is_german;
};

/* What somebody has filled in. */
struct answer {
    const char *csrf, *action, *email, *password;
};

#define ASK(a)                                                                                              \
    "response_type", &(a)->response_type, "client_id", &(a)->client_id, "redirect_uri", &(a)->redirect_uri, \
        "scope", &(a)->scope, "state", &(a)->state, "code_challenge", &(a)->code_challenge,                 \
        "code_challenge_method", &(a)->code_challenge_method, "prompt", &(a)->prompt, "ui_locales",         \
        &(a)->ui_locales

/* ---- back to the program ---- */

static void add_encoded(dw_text *t, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (const char *p = text; *p; p++) {
        unsigned char byte = (unsigned char)*p;
        const char hex[] = { '%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15], '\0' };
        const char one[] = { *p, '\0' };
        dw_text_add(t, strchr(plain, *p) ? one : hex);
    }
}

static void add_parameter(dw_text *t, char before, const char *name, const char *value)
{
    const char one[] = { before, '\0' };

    if (!value)
        return;
    dw_text_add(t, one);
    dw_text_add(t, name);
    dw_text_add(t, "=");
    add_encoded(t, value);
}

/* With `name=value`, and what every answer has. */
static int send_back(dw_call *c, dw_request *req, const struct ask *a, const char *name, const char *value,
                     const char *description)
{
    dw_text *t = dw_text_new(c);

    dw_text_add(t, a->redirect_uri);
    add_parameter(t, strchr(a->redirect_uri, '?') ? '&' : '?', name, value);
    add_parameter(t, '&', "error_description", description);
    add_parameter(t, '&', "state", a->state);
    add_parameter(t, '&', "iss", grant_issuer(c, req));
    DW_TRY(oauth_no_store(req));
    DW_TRY(dw_reply_header(req, "Location", dw_text_get(t).p));
    return dw_reply(req, 303);
}

static int refuse(dw_call *c, dw_request *req, const struct ask *a, const char *error,
                  const char *description)
{
    return send_back(c, req, a, "error", error, description);
}

/* ---- what is asked for ---- */

/* The browser's language, unless the program knows better. */
static bool prefers_german(dw_request *req, const struct ask *a)
{
    return a->ui_locales ? strncmp(a->ui_locales, "de", 2) == 0 : oauth_is_german(req);
}

/* Whether it is known whom to answer: else nothing may be sent anywhere, as anybody can make such a link. 1; or 0 after
 * replying. */
static int know_client(dw_call *c, dw_request *req, struct ask *a)
{
    const bool de = a->is_german = prefers_german(req, a);
    int rc = client_find(c, a->client_id ? a->client_id : "", &a->client);

    if (rc < 0)
        return rc;
    if (rc == 0)
        rc = page_reply_problem(
            c, req, de,
            de ? "Diese Anwendung ist hier nicht bekannt (client_id). Ein Administrator kann sie eintragen."
               : "This program is not known here (client_id). An administrator can register it.");
    else if (!a->redirect_uri || !client_allows(&a->client, a->redirect_uri))
        rc = page_reply_problem(
            c, req, de,
            de ? "Diese Adresse ist für die Anwendung nicht eingetragen (redirect_uri), deshalb wird nichts "
                 "dorthin geschickt."
               : "This address is not registered for the program (redirect_uri), so nothing is sent there.");
    else
        return 1;
    return rc < 0 ? rc : 0;
}

/* 1; or 0 after sending the browser back with what is wrong. */
static int check_ask(dw_call *c, dw_request *req, const struct ask *a)
{
    const char *error = NULL, *description = "";

    if (!a->response_type || strcmp(a->response_type, "code") != 0) {
        error = "unsupported_response_type";
        description = "response_type is code here";
    } else if (!a->code_challenge_method || strcmp(a->code_challenge_method, "S256") != 0 ||
               !a->code_challenge || !code_is_challenge(a->code_challenge)) {
        error = "invalid_request";
        description = "PKCE is required: code_challenge, and code_challenge_method=S256";
    } else if (scopes_check(c, a->scope) < 0) {
        error = "invalid_scope";
        description = "scope has something that is no permission of this server";
    } else if (a->prompt && strcmp(a->prompt, "none") == 0) {
        error = "login_required";
        description = "somebody has to be asked here";
    }
    if (!error)
        return 1;
    int rc = refuse(c, req, a, error, description);
    return rc < 0 ? rc : 0;
}

/* ---- the page ---- */

/* "https://app.example.org" of a redirect URI; "com.example.app:" of an app's. CSP has no word for IPv6. */
static const char *source_of(dw_call *c, const char *uri)
{
    size_t scheme = strcspn(uri, ":") + 1;

    if (strncmp(uri + scheme, "//", 2) != 0 || uri[scheme + 2] == '[')
        return dw_copy(c, (dw_str){ uri, scheme });
    return dw_copy(c, (dw_str){ uri, scheme + 2 + strcspn(uri + scheme + 2, "/?") });
}

static const char *host_of(dw_call *c, const char *uri)
{
    const char *host = strstr(uri, "://");

    return host ? dw_copy(c, (dw_str){ host + 3, strcspn(host + 3, "/?") })
                : dw_copy(c, (dw_str){ uri, strcspn(uri, ":") });
}

/* Who has signed in here by this browser, or NULL. */
static int find_person(dw_call *c, dw_request *req, struct session *s, struct account *person)
{
    const char *cookie = cookie_of(c, req, COOKIE_SESSION);
    int rc = cookie ? session_by_cookie(c, cookie, s) : 0;

    if (rc > 0)
        DW_TRY(account_by_id(c, s->user, person));
    return rc;
}

/* The same question with prompt=login. */
static const char *elsewhere(dw_call *c, const struct ask *a)
{
    dw_text *t = dw_text_new(c);

    dw_text_add(t, "authorize?prompt=login");
    add_parameter(t, '&', "response_type", a->response_type);
    add_parameter(t, '&', "client_id", a->client_id);
    add_parameter(t, '&', "redirect_uri", a->redirect_uri);
    add_parameter(t, '&', "scope", a->scope);
    add_parameter(t, '&', "state", a->state);
    add_parameter(t, '&', "code_challenge", a->code_challenge);
    add_parameter(t, '&', "code_challenge_method", a->code_challenge_method);
    add_parameter(t, '&', "ui_locales", a->ui_locales);
    return dw_text_get(t).p;
}

/* The form's token is of a cookie of its own: before there is a session another site could have its user signed in here. */
static int show_page(dw_call *c, dw_request *req, const struct ask *a, int status, const char *problem,
                     const char *email)
{
    const char *cookie = cookie_of(c, req, COOKIE_FORM);
    struct account person = { 0 };
    struct session s;
    int rc = 0;

    if (!a->prompt || strcmp(a->prompt, "login") != 0)
        rc = find_person(c, req, &s, &person);
    if (rc < 0)
        return rc;
    if (!cookie)
        cookie = dw_random_token(c, 32);
    const struct page_field fields[] = {
        { "csrf", cookie_csrf(c, cookie) },
        { "response_type", a->response_type },
        { "client_id", a->client_id },
        { "redirect_uri", a->redirect_uri },
        { "scope", a->scope },
        { "state", a->state },
        { "code_challenge", a->code_challenge },
        { "code_challenge_method", a->code_challenge_method },
        { "prompt", a->prompt },
        { "ui_locales", a->ui_locales },
        { NULL, NULL },
    };
    const struct page page = {
        .is_german = a->is_german,
        .client = a->client.name,
        .host = host_of(c, a->redirect_uri),
        .scopes = a->scope,
        .problem = problem,
        .email = email ? email : "",
        .person = rc > 0 ? (*person.name ? person.name : person.email) : NULL,
        .elsewhere = elsewhere(c, a),
        .fields = fields,
        .form_action = source_of(c, a->redirect_uri),
    };
    DW_TRY(cookie_set(c, req, COOKIE_FORM, cookie, FORM_TTL));
    return page_reply(c, req, status, &page);
}

int auth_authorize(dw_call *c, dw_request *req)
{
    struct ask a = { 0 };

    DW_TRY(dw_request_read(req, ASK(&a)));
    int rc = know_client(c, req, &a);
    if (rc > 0)
        rc = check_ask(c, req, &a);
    return rc > 0 ? show_page(c, req, &a, 200, NULL, NULL) : rc;
}

/* ---- the answer ---- */

static bool is_forged(dw_call *c, dw_request *req, const struct answer *f)
{
    const char *cookie = cookie_of(c, req, COOKIE_FORM);

    return !cookie || !f->csrf || dw_equal(f->csrf, cookie_csrf(c, cookie)) != 1;
}

static int try_code(dw_call *c, const struct code_grant *grant, const char **code)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(code_add(c, grant, code));
    DW_TRY(
        audit(c, "auth.authorized", grant->account->id, "client", grant->client_id, "tenant", grant->tenant));
    return dw_tx_commit(c);
}

/* The host repeats nothing once the try was counted: see grant_begin(). */
static int make_code(dw_call *c, const struct code_grant *grant, const char **code)
{
    for (int tries = 1;; tries++) {
        int rc = try_code(c, grant, code);
        if (rc != DW_EUNAVAILABLE || tries == TRIES)
            return rc;
        DW_TRY(dw_tx_rollback(c));
    }
}

static int give_code(dw_call *c, dw_request *req, const struct ask *a, const struct account *who,
                     const char *tenant)
{
    struct account_permissions has;
    struct code_grant grant = {
        .account = who,
        .tenant = tenant,
        .client_id = a->client.id,
        .redirect_uri = a->redirect_uri,
        .challenge = a->code_challenge,
    };
    const char *code;

    DW_TRY(account_permissions(c, who->id, tenant, &has));
    grant.scopes = scopes_permitted(c, a->scope, &has);
    DW_TRY(make_code(c, &grant, &code));
    DW_TRY(cookie_clear(c, req, COOKIE_FORM));
    return send_back(c, req, a, "code", code, NULL);
}

/* What login_prove() and its like say, for people. */
static const char *problem_text(dw_call *c, const struct ask *a, int rc)
{
    if (rc == DW_ERATE)
        return a->is_german ? "Zu viele Versuche. Warten Sie eine Weile." : "Too many tries. Wait a while.";
    if (rc == DW_EAUTH)
        return a->is_german ? "E-Mail-Adresse oder Passwort stimmen nicht."
                            : "The e-mail address or the password is wrong.";
    return a->is_german ? "Die Anmeldung ist diesem Konto nicht erlaubt. Fragen Sie einen Administrator."
                        : dw_format(c, "%s", dw_error_of(c)->text);
}

static int by_password(dw_call *c, dw_request *req, const struct ask *a, const struct answer *f)
{
    struct account who;
    const char *tenant;
    int rc =
        login_prove(c, req, LOGIN_BROWSER, f->email ? f->email : "", f->password ? f->password : "", &who);

    if (rc == 0)
        rc = login_tenant(c, &who, NULL, &tenant);
    if (rc == 0)
        return give_code(c, req, a, &who, tenant);
    if (rc != DW_EAUTH && rc != DW_EDENIED && rc != DW_ERATE)
        return rc;
    const int64_t wait_us = dw_error_of(c)->retry_after.us;
    if (wait_us > 0)
        DW_TRY(dw_reply_header(req, "Retry-After", dw_format(c, "%lld", (long long)(wait_us / 1000000 + 1))));
    int status = rc == DW_ERATE ? 429 : rc == DW_EDENIED ? 403 : 401;
    return show_page(c, req, a, status, problem_text(c, a, rc), f->email);
}

static int by_session(dw_call *c, dw_request *req, const struct ask *a)
{
    struct account who;
    struct session s;
    int rc = find_person(c, req, &s, &who);

    if (rc < 0)
        return rc;
    if (rc == 0)
        return show_page(c, req, a, 401, a->is_german ? "Die Sitzung ist beendet." : "The session has ended.",
                         NULL);
    return give_code(c, req, a, &who, s.tenant);
}

int auth_authorize_form(dw_call *c, dw_request *req)
{
    struct answer f = { 0 };
    struct ask a = { 0 };

    DW_TRY(dw_request_read(req, ASK(&a)));
    DW_TRY(dw_request_read(req, "csrf", &f.csrf, "action", &f.action, "email", &f.email, "password",
                           &f.password));
    int rc = know_client(c, req, &a);
    if (rc > 0)
        rc = check_ask(c, req, &a);
    if (rc <= 0)
        return rc;
    if (is_forged(c, req, &f))
        return show_page(c, req, &a, 403,
                         a.is_german ? "Das Formular war zu alt. Bitte noch einmal."
                                     : "The form was too old. Please try again.",
                         f.email);
    if (f.action && strcmp(f.action, "cancel") == 0)
        return refuse(c, req, &a, "access_denied", "the person has refused");
    return f.action && strcmp(f.action, "continue") == 0 ? by_session(c, req, &a)
                                                         : by_password(c, req, &a, &f);
}
