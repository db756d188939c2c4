/* credentials.h - the operations about what proves who somebody is, and what else the descriptor needs of them. */
#ifndef AUTH_CREDENTIALS_H
#define AUTH_CREDENTIALS_H

#include <dowel/dowel.h>

/* login.c */
int auth_login(dw_call *c, dw_request *req);
int auth_logout(dw_call *c, dw_request *req);
int auth_me(dw_call *c, dw_request *req);
int auth_switch(dw_call *c, dw_request *req);

/* token.c, revoke.c */
int auth_token(dw_call *c, dw_request *req);
int auth_revoke(dw_call *c, dw_request *req);

/* authorize.c */
int auth_authorize(dw_call *c, dw_request *req);
int auth_authorize_form(dw_call *c, dw_request *req);

/* metadata.c */
int auth_metadata(dw_call *c, dw_request *req);
int auth_jwks(dw_call *c, dw_request *req);

/* clients.c */
int auth_list_clients(dw_call *c, dw_request *req);
int auth_create_client(dw_call *c, dw_request *req);
int auth_delete_client(dw_call *c, dw_request *req);

/* sessions.c */
int auth_list_sessions(dw_call *c, dw_request *req);
int auth_delete_session(dw_call *c, dw_request *req);

/* keys.c */
int auth_list_keys(dw_call *c, dw_request *req);
int auth_create_key(dw_call *c, dw_request *req);
int auth_delete_key(dw_call *c, dw_request *req);

/* authenticate.c */
int auth_who_is(dw_call *c, dw_credential *credential);

/* sweep.c: daily, across tenants */
int auth_sweep(dw_call *c, dw_job *job);

#endif
