/* secrets.h - the secrets of webhooks and of inbox sources: several that are active, each sealed with the server's key.
 *
 * One is replaced by adding another, telling the other side, and then taking the older ones away. */
#ifndef EVENTS_SECRETS_H
#define EVENTS_SECRETS_H

#include "db/db.h"
#include "secure/keyring.h"

/* Whose. */
enum secrets_of { SECRETS_OF_WEBHOOK, SECRETS_OF_SOURCE };

enum { SECRETS_MAX = 8, SECRET_LENGTH_MAX = 1024 };

/* 0 or more, or a code of enum dw_error: DW_ECONFLICT when there are SECRETS_MAX already. In the open transaction. */
int secrets_add(struct db_session *s, const struct keyring *keyring, enum secrets_of of, const char *owner,
                struct str secret, int64_t now_us);

/* Takes all but the newest away. How many that were. */
int secrets_drop_older(struct db_session *s, enum secrets_of of, const char *owner);

/* In the open, the newest first; wipe them with secrets_wipe(). */
struct secrets {
    struct str v[SECRETS_MAX];
    size_t n;
    size_t unreadable; /* sealed with a key that this server does not have */
};

int secrets_load(struct db_session *s, const struct keyring *keyring, enum secrets_of of, const char *owner,
                 struct secrets *out);
void secrets_wipe(struct secrets *all);

#endif
