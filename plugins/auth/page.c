#include "page.h"

#include <string.h>

#include "oauth.h"

/* ---- HTML ---- */

static void add_escaped(dw_text *t, const char *text)
{
    static const struct {
        char c;
        const char *as;
    } special[] = {
        { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" }
    };

    for (const char *p = text; *p; p++) {
        const char one[] = { *p, '\0' };
        const char *as = one;
        for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
            if (special[i].c == *p)
                as = special[i].as;
        }
        dw_text_add(t, as);
    }
}

/* <tag>text</tag> */
static void add_element(dw_text *t, const char *tag, const char *text)
{
    dw_text_add(t, "<");
    dw_text_add(t, tag);
    dw_text_add(t, ">");
    add_escaped(t, text);
    dw_text_add(t, "</");
    for (const char *p = tag; *p && *p != ' '; p++) {
        const char one[] = { *p, '\0' };
        dw_text_add(t, one);
    }
    dw_text_add(t, ">\n");
}

static const char style[] =
    ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}"
    "body{display:grid;place-items:center;min-height:100vh;margin:0;padding:1rem;box-sizing:border-box}"
    "main{width:100%;max-width:22rem}"
    "h1{font-size:1.4rem;margin:0 0 .5rem}"
    "label{display:block;margin-top:1rem;font-weight:600}"
    "input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.6rem;margin-top:.25rem;"
    "border:1px solid "
    "GrayText;border-radius:.4rem}"
    "button{font:inherit;font-weight:600;padding:.6rem 1rem;margin:1.25rem .5rem 0 "
    "0;border-radius:.4rem;border:1px solid "
    "GrayText;cursor:pointer}"
    ".first{background:#1f5fbf;border-color:#1f5fbf;color:#fff}"
    ".problem{border-left:4px solid #c02626;padding:.25rem .75rem}"
    ".small{font-size:.9rem}";

static dw_text *begin(dw_call *c, const char *nonce, bool is_german, const char *title)
{
    dw_text *t = dw_text_new(c);

    dw_text_add(t, is_german ? "<!doctype html>\n<html lang=\"de\">\n"
                             : "<!doctype html>\n<html lang=\"en\">\n");
    dw_text_add(t, "<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    add_element(t, "title", title);
    dw_text_add(t, "<style nonce=\"");
    dw_text_add(t, nonce);
    dw_text_add(t, "\">");
    dw_text_add(t, style);
    dw_text_add(t, "</style>\n</head>\n<body>\n<main>\n");
    add_element(t, "h1", title);
    return t;
}

static int reply(dw_call *c, dw_request *req, int status, dw_text *t, const char *nonce,
                 const char *form_action)
{
    dw_text_add(t, "</main>\n</body>\n</html>\n");
    dw_str html = dw_text_get(t);
    const char *policy = dw_format(c,
                                   "default-src 'none'; style-src 'nonce-%s'; form-action 'self' %s; "
                                   "frame-ancestors 'none'; base-uri 'none'",
                                   nonce, form_action);

    DW_TRY(dw_reply_header(req, "Content-Security-Policy", policy));
    DW_TRY(oauth_no_store(req));
    return dw_reply_bytes(req, status, "text/html; charset=utf-8", (dw_bytes){ html.p, html.n });
}

/* ---- the form ---- */

static void add_input(dw_text *t, const char *label, const char *attributes, const char *value)
{
    dw_text_add(t, "<label>");
    add_escaped(t, label);
    dw_text_add(t, "<input required ");
    dw_text_add(t, attributes);
    dw_text_add(t, " value=\"");
    add_escaped(t, value);
    dw_text_add(t, "\"></label>\n");
}

static void add_hidden(dw_text *t, const char *name, const char *value)
{
    if (!value)
        return;
    dw_text_add(t, "<input type=\"hidden\" name=\"");
    add_escaped(t, name);
    dw_text_add(t, "\" value=\"");
    add_escaped(t, value);
    dw_text_add(t, "\">\n");
}

static void add_button(dw_text *t, const char *class, const char *action, const char *label,
                       bool is_unchecked)
{
    dw_text_add(t, "<button name=\"action\" value=\"");
    dw_text_add(t, action);
    dw_text_add(t, "\" class=\"");
    dw_text_add(t, class);
    dw_text_add(t, is_unchecked ? "\" formnovalidate>" : "\">");
    add_escaped(t, label);
    dw_text_add(t, "</button>\n");
}

static void add_request(dw_call *c, dw_text *t, const struct page *p)
{
    const char *is_asking = p->is_german
                                ? dw_format(c, "%s (%s) möchte in Ihrem Namen handeln.", p->client, p->host)
                                : dw_format(c, "%s (%s) wants to act for you.", p->client, p->host);
    const char *what =
        p->is_german ? "Es darf dann alles, was Sie dürfen." : "It may then do all that you may.";

    add_element(t, "p", is_asking);
    if (p->scopes)
        what = dw_format(
            c, p->is_german ? "Es darf dann, wo Sie es dürfen: %s" : "It may then, where you may: %s",
            p->scopes);
    add_element(t, "p class=\"small\"", what);
}

static void add_password(dw_text *t, const struct page *p)
{
    add_input(t, p->is_german ? "E-Mail-Adresse" : "E-mail address",
              "type=\"email\" name=\"email\" maxlength=\"254\" autocomplete=\"username\" autofocus",
              p->email);
    add_input(t, p->is_german ? "Passwort" : "Password",
              "type=\"password\" name=\"password\" maxlength=\"1024\" autocomplete=\"current-password\"", "");
    add_button(t, "first", "password", p->is_german ? "Anmelden" : "Sign in", false);
}

static void add_person(dw_call *c, dw_text *t, const struct page *p)
{
    add_button(t, "first", "continue",
               p->is_german ? dw_format(c, "Weiter als %s", p->person)
                            : dw_format(c, "Continue as %s", p->person),
               false);
}

static void add_elsewhere(dw_text *t, const struct page *p)
{
    dw_text_add(t, "<p class=\"small\"><a href=\"");
    add_escaped(t, p->elsewhere);
    dw_text_add(t, "\">");
    add_escaped(t, p->is_german ? "Als jemand anderes anmelden" : "Sign in as somebody else");
    dw_text_add(t, "</a></p>\n");
}

int page_reply(dw_call *c, dw_request *req, int status, const struct page *p)
{
    const char *nonce = dw_random_token(c, 16);
    dw_text *t = begin(c, nonce, p->is_german, p->is_german ? "Anmelden" : "Sign in");

    add_request(c, t, p);
    if (p->problem)
        add_element(t, "p class=\"problem\" role=\"alert\"", p->problem);
    dw_text_add(t, "<form method=\"post\" action=\"authorize\">\n");
    for (const struct page_field *f = p->fields; f->name; f++)
        add_hidden(t, f->name, f->value);
    if (p->person)
        add_person(c, t, p);
    else
        add_password(t, p);
    add_button(t, "", "cancel", p->is_german ? "Abbrechen" : "Cancel", true);
    dw_text_add(t, "</form>\n");
    if (p->person)
        add_elsewhere(t, p);
    return reply(c, req, status, t, nonce, p->form_action);
}

int page_reply_problem(dw_call *c, dw_request *req, bool is_german, const char *problem)
{
    const char *nonce = dw_random_token(c, 16);
    dw_text *t = begin(c, nonce, is_german, is_german ? "Das geht nicht" : "This does not work");

    add_element(t, "p class=\"problem\" role=\"alert\"", problem);
    add_element(t, "p",
                is_german ? "Gehen Sie zurück zu der Anwendung, die Sie hierher geschickt hat."
                          : "Go back to the program that sent you here.");
    return reply(c, req, 400, t, nonce, "");
}
