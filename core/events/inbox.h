/* inbox.h - webhooks of others: who may send them, and what they sent.
 *
 * A source is a name under a plugin, POST /hooks/PLUGIN/SOURCE, that belongs to one tenant, with a way to check who
 * sends. That of a connection is called by the connection's id, and comes and goes with it (connections/connection_inbox.h). What comes is kept as it came, answered with 202, and handed to the plugin by a job: so a plugin that is slow,
 * broken or missing loses nothing, and what it did wrong can be done again. What comes twice is kept once, by the
 * sender's own id.
 *
 * Results as in webhooks.h. [the session's thread] */
#ifndef EVENTS_INBOX_H
#define EVENTS_INBOX_H

#include <jansson.h>

#include "db/db.h"
#include "secure/keyring.h"
#include "secure/uuid.h"
#include "secure/webhook.h"

enum { INBOX_NAME_MAX = 64, INBOX_ID_MAX = 200, INBOX_SECRET_SIZE = 1025 };

enum inbox_verify {
    INBOX_STANDARD_WEBHOOKS = 1,
    INBOX_HUB_SHA256, /* X-Hub-Signature-256 */
    INBOX_HUB_SHA1,   /* X-Hub-Signature */
    INBOX_UNVERIFIED  /* whoever knows the address */
};

/* "standard-webhooks", "hub-sha256", "hub-sha1", "none"; 0 for another text. */
const char *inbox_verify_name(enum inbox_verify verify);
enum inbox_verify inbox_verify_from(const char *name);

/* [a-z][a-z0-9_-]*, at most INBOX_NAME_MAX: fit for a path. */
bool inbox_name_is_valid(struct str name);

/* A UUID, as databases write it: the source of a connection, which nobody adds or removes by itself. */
bool inbox_name_is_connection(struct str name);

/* ---- sources ---- */

struct inbox_source_new {
    const char *tenant;
    const char *plugin, *name;
    const char *inbox; /* the plugin's that takes what comes */
    enum inbox_verify verify;
    const char *id_header; /* the field with the sender's own id; "": none but that of Standard Webhooks */
    const char *secret;    /* NULL: one is made, unless nothing is verified */
    bool is_connection;    /* the name is the id of one */
};

/* Its id, and the secret to show once, "" without one. DW_ECONFLICT when the plugin has one of that name. */
int inbox_source_add(struct db_session *s, const struct keyring *keyring,
                     const struct inbox_source_new *source, int64_t now_us, char id[UUID_TEXT_SIZE],
                     char secret[INBOX_SECRET_SIZE], struct buf *why);

/* One source. Another tenant's is DW_ENOTFOUND, as one that is not there. */
struct inbox_source {
    const char *tenant; /* NULL: of any, for the command line */
    const char *plugin; /* NULL: of a connection, whose id is no other source's name */
    const char *name;
};

/* With all that it sent. */
int inbox_source_remove(struct db_session *s, const struct inbox_source *which);
int inbox_source_enable(struct db_session *s, const struct inbox_source *which, bool enabled);

/* Another secret, that is taken as well from now on; and then the older ones are taken no more. */
struct inbox_rotate {
    struct inbox_source of;
    const char *given; /* NULL: one is made */
    int64_t now_us;
};
int inbox_source_rotate(struct db_session *s, const struct keyring *keyring, const struct inbox_rotate *r,
                        char secret[INBOX_SECRET_SIZE], struct buf *why);
int inbox_source_drop_secrets(struct db_session *s, const struct inbox_source *which);

/* Rows id, tenant, plugin, name, inbox, verify, id_header, enabled, secrets, waiting, created_at, by plugin and name; or, in a
 * page, by their ids. */
struct inbox_source_filter {
    const char *tenant; /* NULL: all, as of all below */
    bool by_id;
    const char *after; /* an id */
    int64_t limit;     /* 0: all */
};
int inbox_source_query(struct db_session *s, struct db_rows **out, const struct inbox_source_filter *filter);

/* ---- receiving ---- */

struct inbox_header {
    struct str name, value;
};

struct inbox_request {
    struct str plugin, source;
    const struct inbox_header *headers;
    size_t headers_n;
    struct str body;
};

/* What the sender is answered. */
enum inbox_answer {
    INBOX_TAKEN,    /* kept: 202 */
    INBOX_REPEATED, /* kept before: 202 */
    INBOX_UNKNOWN,  /* no such source, or disabled: 404 */
    INBOX_REFUSED,  /* the signature is wrong, see verdict: 401 */
    INBOX_WRONG,    /* the field with its id is missing, or what stands in a header cannot be kept: 400 */
    INBOX_FAILED    /* the database or memory: 503, it may be sent again */
};

struct inbox_received {
    enum inbox_answer answer;
    enum webhook_verdict verdict;
    char id[UUID_TEXT_SIZE]; /* of what was kept */
};

/* Checks, keeps and adds the job, in a transaction of its own. 0, or why it is INBOX_FAILED, as a code with its text in
 * db_error_of(): to be run again in another session if db_wants_repeat(). */
int inbox_receive(struct db_session *s, const struct keyring *keyring, const struct inbox_request *request,
                  int64_t now_us, struct inbox_received *out);

/* ---- handing over ---- */

/* The kind of job: "zammad.inbox:tickets", whose payload is {"received":"ID"}. */
#define INBOX_KIND_PREFIX "inbox:"

struct inbox_delivery {
    const char *id;
    const char *delivery; /* the sender's id, or ours */
    const char *source;
    const char *headers; /* JSON, [["Name","value"],...] */
    struct str body;
    int64_t received_us;
};

/* 1 and what waits or has failed, in the arena; 0: there is none, or it is done with. */
int inbox_load(struct db_session *s, struct arena *arena, const char *id, struct inbox_delivery *out);

/* It was handled; or it is given up, and why. In the open transaction, or at once. */
int inbox_settle(struct db_session *s, const char *id, const char *failed_why, int64_t now_us);

/* Once more, whatever came of it before. DW_ENOTFOUND. tenant NULL: of any. */
int inbox_replay(struct db_session *s, const char *tenant, const char *id, int64_t now_us);

/* Rows id, plugin, source, delivery, state, why, repeats, size, received_at, ended_at; from the newest, NULL: all. */
struct inbox_filter {
    const char *tenant, *plugin, *source, *state;
    const char *before; /* an id: only what is older */
    int64_t limit;
};
int inbox_query(struct db_session *s, struct db_rows **out, const struct inbox_filter *filter);

/* 1 and all of one, done or not, in the arena; 0: there is none, or it is not the tenant's (NULL: of any). */
struct inbox_shown {
    struct inbox_delivery delivery;
    const char *plugin, *state;
    const char *why; /* it failed; NULL: it did not */
    int64_t repeats;
    int64_t ended_us; /* 0: it waits */
};
int inbox_show(struct db_session *s, struct arena *arena, const char *tenant, const char *id,
               struct inbox_shown *out);

/* The fields of what came as JSON, but for the values of those that are secret. NULL: memory is out. */
json_t *inbox_headers_json(const char *text);

#endif
