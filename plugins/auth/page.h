/* page.h - the page on which people sign in for a program. HTML without scripts: it works with anything that shows forms, and
 * nothing on it can be made to run. */
#ifndef AUTH_PAGE_H
#define AUTH_PAGE_H

#include <dowel/dowel.h>

/* One hidden field of the form. */
struct page_field {
    const char *name, *value; /* a NULL value is left out */
};

struct page {
    bool is_german;
    const char *client;              /* the name of who asks */
    const char *host;                /* where the answer goes, for people: "app.example.org" */
    const char *scopes;              /* what it asks for, or NULL: everything */
    const char *problem;             /* why it is shown again, in the page's language, or NULL */
    const char *email;               /* as it was typed before, or "" */
    const char *person;              /* who has signed in here already, or NULL: asks for a password */
    const char *elsewhere;           /* the address that asks for one all the same; with `person` */
    const struct page_field *fields; /* until a NULL name */
    const char
        *form_action; /* CSP's: where the form, and what it is redirected to, may lead besides ourselves */
};

/* Stages the reply. [call] */
int page_reply(dw_call *c, dw_request *req, int status, const struct page *page);

/* One that only says what is wrong, for what cannot be answered to the program: who it is is not known. */
int page_reply_problem(dw_call *c, dw_request *req, bool is_german, const char *problem);

#endif
