/* cookie.h - what a browser keeps for us. All are __Host- cookies: of this very host, over TLS, not for scripts. [call] */
#ifndef AUTH_COOKIE_H
#define AUTH_COOKIE_H

#include <dowel/dowel.h>

#define COOKIE_SESSION "__Host-dowel"       /* a session; the host knows it by the authenticator */
#define COOKIE_FORM    "__Host-dowel-login" /* of the login page, before there is a session */

#define COOKIE_DEVICE \
    "__Host-dowel-device" /* that somebody has signed in with this browser before: throttle.h */

/* The request's cookie of that name, or NULL: there is none, or it has another form than ours. */
const char *cookie_of(dw_call *c, dw_request *req, const char *name);

/* Stages the field that sets it, for that long. */
int cookie_set(dw_call *c, dw_request *req, const char *name, const char *value, dw_span age);
int cookie_clear(dw_call *c, dw_request *req, const char *name);

/* The token against requests that other sites forge: whoever knows it has seen the cookie, or our answer to who has. Never
 * NULL. */
const char *cookie_csrf(dw_call *c, const char *value);

#endif
