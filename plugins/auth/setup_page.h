/* setup_page.h - the first setup for people: what the one-time link shows in a browser. [call] */
#ifndef AUTH_SETUP_PAGE_H
#define AUTH_SETUP_PAGE_H

#include "setup.h"

/* Whether the request is what the page's form sends. */
bool setup_page_is_form(dw_request *req);

/* The form; or, where the token opens nothing, why. */
int setup_page(dw_call *c, dw_request *req, const struct setup_asked *asked);

/* The form once more, with what was wrong, where rc is somebody's fault who can mend it; 0 and other errors are returned. */
int setup_page_again(dw_call *c, dw_request *req, const struct setup_asked *asked, int rc);

/* That it is done. */
int setup_page_done(dw_call *c, dw_request *req, const struct setup_asked *asked);

#endif
