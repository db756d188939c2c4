/* clients.h - programs that send their users here to sign in. They can keep no secret (RFC 6749, 2.1: public), so what proves
 * one is where its users are sent back to, and the challenge of PKCE. [call] */
#ifndef AUTH_CLIENTS_H
#define AUTH_CLIENTS_H

#include <dowel/dowel.h>

struct client {
    const char *id, *name;
    json_t *redirect_uris; /* texts */
};

/* 1 and filled, 0: there is none, or an error. Any text may be asked for. */
int client_find(dw_call *c, const char *id, struct client *out);

/* Is it exactly one of those that are registered? Only the port of a loopback address is free (RFC 8252, 7.3): a program on
 * somebody's desk takes the one it gets. [any] */
bool client_allows(const struct client *client, const char *uri);

/* What is wrong with a redirect URI that somebody registers, or NULL. [any] */
const char *client_uri_problem(const char *uri);

/* A new one; its id. In a transaction. DW_EINVALID marked at /redirect_uris. */
int client_add(dw_call *c, const char *name, const json_t *redirect_uris, const char **id);

/* With all sessions that it has. DW_ENOTFOUND. In a transaction. */
int client_remove(dw_call *c, const char *id);

#endif
