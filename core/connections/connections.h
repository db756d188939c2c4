/* connections.h - the systems that admins have connected their tenants to, as they are kept.
 *
 * A row says which kind it is, what it is called, its settings but the secrets, the secrets sealed with the server's key, and how
 * its requests go out. What a row would become is a draft (draft.h); what a plugin is given is made in plugin/host_connector.c.
 *
 * The table has no wall: each statement names the tenant, and what is another tenant's is DW_ENOTFOUND as what is not there.
 * Results are 0 or more, or codes of enum dw_error: the text is in `why` where one is given and not empty, else in
 * db_error_of(). What changes something is in the open transaction, or in one of its own. [the session's thread] */
#ifndef CONNECTIONS_CONNECTIONS_H
#define CONNECTIONS_CONNECTIONS_H

#include <jansson.h>

#include "db/db.h"
#include "secure/keyring.h"
#include "secure/uuid.h"

enum {
    CONNECTION_NAME_MAX = 200,       /* bytes */
    CONNECTION_PEM_MAX = 256 * 1024, /* of one of the three */
    CONNECTION_PROXY_MAX = 500,
    CONNECTION_SETTINGS_MAX = 65536, /* bytes as JSON */
    CONNECTION_PARALLEL_MAX = 64,
    CONNECTION_PARALLEL = 8 /* by default */
};

/* ---- lists ---- */

/* Rows id, kind, name, settings (JSON, without secrets), secrets (names of those that are kept, between spaces), allow_private,
 * ca, client_cert, has_client_key, proxy, parallel, enabled, health ("untested", "ok", "failing"), health_since, health_error,
 * checked_at, version, created_at, changed_at; by their ids. Null in health_since and checked_at: never; in health_error: it does
 * not fail. */
struct connection_filter {
    const char *tenant; /* needed */
    const char *id;     /* NULL: all, as of all below */
    const char *name;
    const char *const *kinds; /* one of these; ends with NULL */
    const char *after;        /* an id; NULL: from the beginning */
    bool enabled_only;
    int64_t limit; /* 0: all */
};
int connections_query(struct db_session *s, struct db_rows **out, const struct connection_filter *filter);

/* ---- one, in the open ---- */

/* All of it, in memory of its own. Secrets are in it: it is wiped when it is destroyed. Texts are never NULL. */
struct connection {
    char id[UUID_TEXT_SIZE];
    const char *kind, *name;
    json_t *settings;                          /* without secrets */
    json_t *secrets;                           /* {"token":"..."}: those of the settings */
    const char *secret_names;                  /* "token password": those that are kept */
    const char *ca, *client_cert, *client_key; /* PEM, or "" */
    const char *proxy;                         /* "": the server's; "none": straight; else its URL */
    int64_t parallel, version;
    bool has_client_key, allow_private, enabled;
    bool
        unreadable; /* its secrets were sealed with a key that this server does not have: they are missing here */
    const char *health;
    int64_t checked_us; /* 0: never */
    struct arena arena;
};

/* 0, DW_ENOTFOUND, or an error. */
int connection_load(struct connection **out, struct db_session *s, const struct keyring *keyring,
                    const char *tenant, const char *id);
void connection_destroy(struct connection *c); /* NULL is safe */

/* ---- changes for which nothing has to be looked at; all else goes through a draft ---- */

/* Which one, and which version of it must be there (If-Match): 0: any. Not that one: DW_EPRECONDITION. */
struct connection_ref {
    const char *tenant, *id;
    int64_t version;
};

/* Works without its plugin too. Its version when it has changed, or was so already. */
int64_t connection_enable(struct db_session *s, const struct connection_ref *ref, bool enabled,
                          int64_t now_us);

/* With its secrets; tells "core.connection.deleted". What hangs on it: connection_uses() in plugin/connection_ask.h. */
int connection_remove(struct db_session *s, const struct connection_ref *ref, int64_t now_us);

/* What came of a check, or of its last use: error NULL: it works. since is when that began. Does not change its version. One that is
 * gone is no error, nor is another version than it was asked of: what was found says nothing of that. */
int connection_note_health(struct db_session *s, const struct connection_ref *ref, const char *error,
                           int64_t now_us);

/* How long after a note that says the same another one is of use. */
enum { CONNECTION_HEALTH_EVERY_S = 300 };

#endif
