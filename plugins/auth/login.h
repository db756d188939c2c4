/* login.h - proving who one is, and for which tenant; then it is a session. [call] */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include "account.h"
#include "session.h"

/* How it is proved. A browser keeps that it has been here before, so that others' wrong passwords do not shut it out. */
enum login_client { LOGIN_PROGRAM, LOGIN_BROWSER };

/* The account of this address and password, which may sign in. Outside of transactions. DW_EAUTH: they are not right, in the
 * same words whether there is such an account; DW_EDENIED: they are, but; DW_ERATE: too many were not. */
int login_prove(dw_call *c, dw_request *req, enum login_client client, const char *email,
                const char *password, struct account *out);

/* The tenant that the account asks for by id or slug; NULL: the one it belongs to. DW_EDENIED where it is no member. */
int login_tenant(dw_call *c, const struct account *a, const char *wanted, const char **tenant);

/* The session of whoever calls an operation. DW_EDENIED: it is an API key, or a session that is limited to some scopes or a program's; what
 * gives and takes credentials away is for none of them, or a small key would open everything. *out is all NULL where the host
 * says who it is without a session, as in a test. */
int login_own_session(dw_call *c, struct session *out);

#endif
