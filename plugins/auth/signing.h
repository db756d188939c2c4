/* signing.h - the keys that sign access tokens: in the database, sealed, the same ones on every server.
 *
 * What was read of them is kept by the instance and compared with the table whenever it is used, which costs one small
 * SELECT: a key that another server has made is known at once, and one that was withdrawn verifies nothing any more. */
#ifndef AUTH_SIGNING_H
#define AUTH_SIGNING_H

#include <dowel/dowel.h>

#include "key_set.h"

struct signing;

int signing_create(struct signing **out); /* 0 or DW_ENOMEM. [any] */
void signing_destroy(struct signing *s);  /* NULL is safe. [any] */

/* All keys that verify now, borrowed for the call. Of the configured algorithm none may be there yet. [call] */
int signing_verifiers(dw_call *c, struct key_set **out);

/* The same with one that signs, made if there is none: of two servers that do so at once, one's is taken. [call] */
int signing_signers(dw_call *c, struct key_set **out);

/* A new key signs from now on. The old ones verify until what they signed has expired; or, if is_urgent, not at all any more:
 * every access token is refused, and has to be refreshed. *kid is the new one. In a transaction of the caller's. [call] */
int signing_rotate(dw_call *c, bool is_urgent, const char **kid);

#endif
