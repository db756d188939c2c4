/* scopes.h - what a credential is limited to: permissions between blanks, as OAuth writes them, "notes.read kimai.*". */
#ifndef AUTH_SCOPES_H
#define AUTH_SCOPES_H

#include <dowel/dowel.h>

struct account_permissions;

enum { SCOPES_MAX = 2000 }; /* bytes of such a text */

/* Does whoever has `granted` have `wanted`? "*" covers all, "notes.*" covers "notes.read" and "notes.*". [any] */
bool scope_covers(const char *granted, const char *wanted);

/* Are these permissions that the server knows, patterns of them, or "*"? 0, or DW_EINVALID with the first word that is none
 * in dw_error_of(c). NULL is good: no limit. [call] */
int scopes_check(dw_call *c, const char *scopes);

/* Those of the scopes that give the account anything, as a text; NULL scopes stay NULL. Never longer. [call] */
const char *scopes_permitted(dw_call *c, const char *scopes, const struct account_permissions *has);

/* Does any of them cover it? [call] */
bool scopes_cover(dw_call *c, const char *scopes, const char *permission);

/* Leaves of the account's permissions those that the scopes cover. NULL scopes: all. [call] */
void scopes_limit(dw_call *c, const char *scopes, struct account_permissions *has);

/* Of a list of texts. [call] */
const char *scopes_joined(dw_call *c, const json_t *list);

/* The next word of *rest, which is moved behind it; its length, 0 at the end. [any] */
size_t scopes_next(const char **rest, const char **word);

#endif
