/* draft.h - a connection as it would be: what is kept, if anything, with what an admin gave laid over it, and all of it checked.
 *
 *   DW_TRY(connection_draft_create(&d, s, keyring, kinds, &given));
 *   if (d->faults_n > 0) ...                                      each has its pointer
 *   connection_check(...)                                         plugin/connection_ask.h: ask the other side, outside of transactions
 *   DW_TRY(connection_draft_save(d, s, keyring, now_us, why));    in a transaction
 *   connection_draft_destroy(d);
 *
 * A stored secret is never sent to a changed address: when the origin of the address changes, or the proxy, each secret that is
 * kept has to be given anew, before the draft can be checked or saved.
 *
 * Secrets are in it in the open; it wipes them at the end. Not thread-safe. */
#ifndef CONNECTIONS_DRAFT_H
#define CONNECTIONS_DRAFT_H

#include "connections/connections.h"
#include "http/problem.h"

struct connector_kind;
struct connectors;

/* What was given. What is NULL or less than 0 was not: it stays as it is, or is as by default in a new one. */
struct connection_given {
    const char *tenant;
    const char *id;   /* of the one that is kept; NULL: a new one */
    int64_t version;  /* that it must have (If-Match); 0: any */
    const char *kind; /* of a new one */
    const char *name;
    const json_t *settings; /* an object; a member that is null goes back to its default, as by RFC 7396 */
    const char *ca, *client_cert, *client_key; /* PEM; "": none */
    const char *proxy;                         /* "": the server's; "none": straight; else its URL */
    int allow_private, enabled;                /* 0 or 1 */
    int64_t parallel;
    enum http_language language; /* of the faults */
    bool
        may_allow_private; /* without it allow_private cannot be switched on, nor the address or proxy of one changed where it
                             * is on: a fault at what was given */
};

#define CONNECTION_GIVEN(...)                                           \
    {                                                                   \
        .allow_private = -1, .enabled = -1, .parallel = -1, __VA_ARGS__ \
    }

struct connection_draft {
    const struct connector_kind *kind; /* NULL: there is none such, which is a fault */
    struct connection *is;             /* as it would be. Its id: "" before it is saved for the first time */
    const void *settings;              /* the connector's struct; valid while nothing is faulty */
    bool changes_access; /* address, proxy, certificates or secrets: what was known of its health is over */
    struct problem_error
        *faults; /* "#/settings/token", "#/name": what is wrong there, in the language of who asks */
    size_t faults_n;
    int fault_code; /* of all of them: DW_EINVALID, or DW_EDENIED where only a permission is missing */

    /* The draft's own. */
    const char *tenant;
    enum http_language language;
    bool is_new, out_of_memory;
    int64_t was_version;
    struct arena arena;
};

/* DW_ENOTFOUND, DW_EPRECONDITION (another version) or DW_EUNAVAILABLE (its plugin is not running), with a sentence in why. What is
 * wrong with what was given is no failure here: see faults. The given is needed until this returns, the kinds as long as the draft. */
int connection_draft_create(struct connection_draft **out, struct db_session *s,
                            const struct keyring *keyring, const struct connectors *kinds,
                            const struct connection_given *given, struct buf *why);

/* Inserts or changes it; afterwards draft->is has its id and version. DW_ECONFLICT: the name is taken, or somebody changed it
 * since the draft was made; DW_EINVALID: there are faults. What a transaction that is rolled back wrote is not saved: make a new
 * draft then. */
int connection_draft_save(struct connection_draft *d, struct db_session *s, const struct keyring *keyring,
                          int64_t now_us, struct buf *why);

void connection_draft_destroy(struct connection_draft *d); /* NULL is safe */

#endif
