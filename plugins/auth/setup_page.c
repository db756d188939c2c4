/* setup_page.c - the first setup for people: what the one-time link shows in a browser. */

#include <string.h>

#include "email.h"
#include "form.h"
#include "html.h"
#include "oauth.h"
#include "setup.h"

enum { NAME_MAX_BYTES = 800 }; /* 200 characters */

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* ---- the form ---- */

static void add_form(dw_text *t, bool de, const struct setup_asked *asked)
{
    dw_text_add(t, "<form method=\"post\" action=\"setup\">\n");
    html_add_hidden(t, "token", asked->token);
    html_add_input(t, de ? "Ihr Name" : "Your name",
                   "name=\"name\" maxlength=\"200\" autocomplete=\"name\" autofocus", or_empty(asked->name));
    html_add_input(t, de ? "E-Mail-Adresse" : "E-mail address",
                   "type=\"email\" name=\"email\" maxlength=\"254\" autocomplete=\"username\"",
                   or_empty(asked->email));
    html_add_input(t, de ? "Passwort, am besten mehrere Wörter" : "Password, best several words",
                   "type=\"password\" name=\"password\" minlength=\"8\" maxlength=\"1024\" "
                   "autocomplete=\"new-password\"",
                   "");
    html_add_input(t, de ? "Ihre Firma oder Gruppe" : "Your company or group",
                   "name=\"tenant\" maxlength=\"200\" autocomplete=\"organization\"",
                   or_empty(asked->tenant));
    dw_text_add(t, "<button class=\"first\">");
    html_add_escaped(t, de ? "Anlegen" : "Create");
    dw_text_add(t, "</button>\n</form>\n");
}

static int show_form(dw_call *c, dw_request *req, int status, const struct setup_asked *asked,
                     const char *problem)
{
    const bool de = oauth_is_german(req);
    const char *nonce = dw_random_token(c, 16);
    dw_text *t = html_begin(c, nonce, de, de ? "Dieser Server ist neu" : "This server is new");

    html_add_element(t, "p",
                     de ? "Noch hat niemand ein Konto. Das erste ist das der Administration."
                        : "Nobody has an account yet. The first one is the administrator's.");
    if (problem)
        html_add_element(t, "p class=\"problem\" role=\"alert\"", problem);
    add_form(t, de, asked);
    return html_reply(c, req, status, t, nonce, "");
}

static int show_closed(dw_call *c, dw_request *req, const char *why)
{
    const bool de = oauth_is_german(req);
    const char *nonce = dw_random_token(c, 16);
    dw_text *t = html_begin(c, nonce, de, de ? "Das geht nicht" : "This does not work");

    html_add_element(t, "p class=\"problem\" role=\"alert\"", why);
    return html_reply(c, req, 403, t, nonce, "");
}

/* ---- what may be wrong ---- */

/* What refuses begins small, as it stands behind other words elsewhere. */
static const char *as_sentence(dw_call *c, const char *text)
{
    const char first = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;

    return *text ? dw_format(c, "%c%s.", first, text + 1) : text;
}

/* What a member's error says begins with its verb. */
static const char *problem_of(dw_call *c, dw_request *req)
{
    const dw_err *e = dw_error_of(c);
    const bool de = oauth_is_german(req);

    if (strcmp(e->detail, "/password") == 0)
        return dw_format(c, de ? "Das Passwort %s." : "The password %s.", e->said);
    if (strcmp(e->detail, "/email") == 0)
        return dw_format(c, de ? "Die Adresse %s." : "The address %s.", e->said);
    return as_sentence(c, e->said);
}

static bool can_be_mended(int rc)
{
    return rc == DW_EINVALID || rc == DW_EDENIED || rc == DW_ECONFLICT;
}

static int show(dw_call *c, dw_request *req, const struct setup_asked *asked)
{
    int rc = setup_check_token(c, asked->token);

    if (rc >= 0)
        return show_form(c, req, 200, asked, NULL);
    return can_be_mended(rc) ? show_closed(c, req, problem_of(c, req)) : rc;
}

int auth_setup_page(dw_call *c, dw_request *req)
{
    struct setup_asked asked = { .token = "" };

    DW_TRY(dw_request_read(req, "token", &asked.token));
    return show(c, req, &asked);
}

/* ---- what it sends ---- */

static int show_done(dw_call *c, dw_request *req, const struct setup_asked *asked)
{
    const bool de = oauth_is_german(req);
    const char *nonce = dw_random_token(c, 16);
    dw_text *t = html_begin(c, nonce, de, de ? "Angelegt" : "Done");

    html_add_element(t, "p",
                     dw_format(c, de ? "%s kann sich jetzt anmelden." : "%s can sign in now.", asked->email));
    dw_text_add(t, "<p class=\"small\"><a href=\"docs\">");
    html_add_escaped(t, de ? "Was dieser Server kann" : "What this server can do");
    dw_text_add(t, "</a></p>\n");
    return html_reply(c, req, 201, t, nonce, "");
}

static int show_again(dw_call *c, dw_request *req, const struct setup_asked *asked, int rc)
{
    const char *problem;

    if (!can_be_mended(rc))
        return rc;
    problem = problem_of(c, req);
    dw_tx_rollback(c);
    return rc == DW_EINVALID ? show_form(c, req, 422, asked, problem) : show_closed(c, req, problem);
}

/* What a browser leaves empty, or somebody else sends, is refused as a wrong value is. */
static struct setup_asked read_form(dw_call *c, dw_request *req)
{
    const dw_bytes body = dw_request_body(req);

    return (struct setup_asked){
        .token = or_empty(form_field(c, body, "token", 200)),
        .email = or_empty(form_field(c, body, "email", EMAIL_MAX)),
        .password = or_empty(form_field(c, body, "password", PASSWORD_MAX)),
        .name = form_field(c, body, "name", NAME_MAX_BYTES),
        .tenant = form_field(c, body, "tenant", NAME_MAX_BYTES),
    };
}

int auth_setup_form(dw_call *c, dw_request *req)
{
    const struct setup_asked asked = read_form(c, req);
    struct setup_made made = { 0 };
    int rc = setup_make(c, &asked, &made);

    if (rc < 0)
        return show_again(c, req, &asked, rc);
    DW_TRY(show_done(c, req, &asked));
    return dw_tx_commit(c);
}
