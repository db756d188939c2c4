/* who.h - somebody, as the answers of login and me show them. [call] */
#ifndef AUTH_WHO_H
#define AUTH_WHO_H

#include <dowel/dowel.h>

/* {"user":{...},"tenant":{...}}: owned by the call. */
int who_brief(dw_call *c, const char *user, const char *tenant, json_t **out);

/* With "permissions", as they are now, and "tenants", all of the user's. */
int who_whole(dw_call *c, const char *user, const char *tenant, json_t **out);

#endif
