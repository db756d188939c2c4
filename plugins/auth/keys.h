/* keys.h - API keys: for programs that act for a user in one tenant, without signing in. [call] */
#ifndef AUTH_KEYS_H
#define AUTH_KEYS_H

#include <dowel/dowel.h>

#define KEY_SOON DW_HOURS(14 * 24) /* an end that is so near is warned about */

struct key_grant {
    const char *user, *tenant, *name;
    const char *scopes; /* never NULL, one blank between two; "*" is all that the user may */
    dw_time ends_at;    /* 0: it is good until somebody revokes it */
};

/* A new one: its id, and itself, which is nowhere afterwards. In a transaction. DW_EINVALID marked at the member: scopes that
 * the user has not, an end that is over. */
int key_add(dw_call *c, const struct key_grant *grant, const char **id, const char **key);

/* At once. DW_ENOTFOUND for one that is none (any longer). In a transaction. */
int key_revoke(dw_call *c, const char *id);

/* One that is not revoked, by its id, by itself, or by how it begins (its hint): who has found one in a file may have no more.
 * 1 and its id, 0, or an error: DW_EINVALID where several begin so. */
int key_by_text(dw_call *c, const char *text, const char **id);

/* An API key that is good: its user and tenant are active, and the one is a member of the other. */
struct key {
    const char *id, *user, *tenant, *scopes;
    dw_time ends_at, used_at;
};

/* 1 and filled, 0, or an error. */
int key_find(dw_call *c, dw_str text, struct key *out);

/* It is used: at most once a minute that is written down. */
int key_seen(dw_call *c, const struct key *k, const char *address);

/* Says of those that end soon that they do, once. */
int keys_warn(dw_call *c);

#endif
