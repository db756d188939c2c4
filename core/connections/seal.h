/* seal.h - the secrets of a connection, into the token that its row keeps and back; and out of memory. For this module. */
#ifndef CONNECTIONS_SEAL_H
#define CONNECTIONS_SEAL_H

#include "connections/connections.h"

/* A new one with nothing in it, as by default; NULL when memory is out. */
struct connection *connection_create(void);

/* Adds the token of all that is secret in it; nothing when nothing is. 0 or an error. */
int connection_seal(const struct connection *c, const struct keyring *keyring, struct buf *token);

/* Fills secrets and client_key, or says that they are unreadable. 0 or an error. */
int connection_unseal(struct connection *c, const struct keyring *keyring, const char *token);

/* Overwrites a text, and the texts of an object. NULL is safe. */
void secret_wipe(const char *text);
void secret_json_wipe(const json_t *object);

#endif
