/* html.h - small pages without scripts: they work with anything that shows forms, and nothing on them can be made to run.
 *
 *   const char *nonce = dw_random_token(c, 16);
 *   dw_text *t = html_begin(c, nonce, is_german, "Sign in");
 *   html_add_element(t, "p", "Who are you?");
 *   return html_reply(c, req, 200, t, nonce, ""); */
#ifndef AUTH_HTML_H
#define AUTH_HTML_H

#include <dowel/dowel.h>

/* Up to the heading, which is the title. The nonce is of the page's one <style>. */
dw_text *html_begin(dw_call *c, const char *nonce, bool is_german, const char *title);

/* Stages it, with a policy that lets nothing else in. form_action: where a form may lead besides ourselves, or "". */
int html_reply(dw_call *c, dw_request *req, int status, dw_text *t, const char *nonce,
               const char *form_action);

/* All texts are escaped here, but for tags and attributes. */
void html_add_escaped(dw_text *t, const char *text);
void html_add_element(dw_text *t, const char *tag, const char *text); /* <tag>text</tag> */
void html_add_input(dw_text *t, const char *label, const char *attributes, const char *value);
void html_add_hidden(dw_text *t, const char *name, const char *value); /* a NULL value is left out */

#endif
