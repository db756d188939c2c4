#include "page.h"

#include <string.h>

#include "html.h"

/* ---- the form ---- */

static void add_button(dw_text *t, const char *class, const char *action, const char *label,
                       bool is_unchecked)
{
    dw_text_add(t, "<button name=\"action\" value=\"");
    dw_text_add(t, action);
    dw_text_add(t, "\" class=\"");
    dw_text_add(t, class);
    dw_text_add(t, is_unchecked ? "\" formnovalidate>" : "\">");
    html_add_escaped(t, label);
    dw_text_add(t, "</button>\n");
}

static void add_request(dw_call *c, dw_text *t, const struct page *p)
{
    const char *is_asking = p->is_german
                                ? dw_format(c, "%s (%s) möchte in Ihrem Namen handeln.", p->client, p->host)
                                : dw_format(c, "%s (%s) wants to act for you.", p->client, p->host);
    const char *what =
        p->is_german ? "Es darf dann alles, was Sie dürfen." : "It may then do all that you may.";

    html_add_element(t, "p", is_asking);
    if (p->scopes)
        what = dw_format(
            c, p->is_german ? "Es darf dann, wo Sie es dürfen: %s" : "It may then, where you may: %s",
            p->scopes);
    html_add_element(t, "p class=\"small\"", what);
}

static void add_password(dw_text *t, const struct page *p)
{
    html_add_input(t, p->is_german ? "E-Mail-Adresse" : "E-mail address",
                   "type=\"email\" name=\"email\" maxlength=\"254\" autocomplete=\"username\" autofocus",
                   p->email);
    html_add_input(t, p->is_german ? "Passwort" : "Password",
                   "type=\"password\" name=\"password\" maxlength=\"1024\" autocomplete=\"current-password\"",
                   "");
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
    html_add_escaped(t, p->elsewhere);
    dw_text_add(t, "\">");
    html_add_escaped(t, p->is_german ? "Als jemand anderes anmelden" : "Sign in as somebody else");
    dw_text_add(t, "</a></p>\n");
}

int page_reply(dw_call *c, dw_request *req, int status, const struct page *p)
{
    const char *nonce = dw_random_token(c, 16);
    dw_text *t = html_begin(c, nonce, p->is_german, p->is_german ? "Anmelden" : "Sign in");

    add_request(c, t, p);
    if (p->problem)
        html_add_element(t, "p class=\"problem\" role=\"alert\"", p->problem);
    dw_text_add(t, "<form method=\"post\" action=\"authorize\">\n");
    for (const struct page_field *f = p->fields; f->name; f++)
        html_add_hidden(t, f->name, f->value);
    if (p->person)
        add_person(c, t, p);
    else
        add_password(t, p);
    add_button(t, "", "cancel", p->is_german ? "Abbrechen" : "Cancel", true);
    dw_text_add(t, "</form>\n");
    if (p->person)
        add_elsewhere(t, p);
    return html_reply(c, req, status, t, nonce, p->form_action);
}

int page_reply_problem(dw_call *c, dw_request *req, bool is_german, const char *problem)
{
    const char *nonce = dw_random_token(c, 16);
    dw_text *t = html_begin(c, nonce, is_german, is_german ? "Das geht nicht" : "This does not work");

    html_add_element(t, "p class=\"problem\" role=\"alert\"", problem);
    html_add_element(t, "p",
                     is_german ? "Gehen Sie zurück zu der Anwendung, die Sie hierher geschickt hat."
                               : "Go back to the program that sent you here.");
    return html_reply(c, req, 400, t, nonce, "");
}
