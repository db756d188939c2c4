/* webhooks.h - events for outside: to whom they are sent, and what became of each.
 *
 * A webhook is an URL of a tenant, with patterns of the events that it gets. Each event is a delivery of it, at most one
 * for the two, sent by a job (deliver.h) that keeps a log of its attempts.
 *
 * Results are 0 or more, or codes of enum dw_error: the text is in `why` where one is given and not empty, else in
 * db_error_of(). [the session's thread] */
#ifndef EVENTS_WEBHOOKS_H
#define EVENTS_WEBHOOKS_H

#include "events/events.h"
#include "secure/keyring.h"
#include "secure/webhook.h"
#include "util/address.h"

enum {
    WEBHOOK_URL_MAX = 2000,
    WEBHOOK_PATTERNS_MAX = 2000, /* characters, all of them */
    WEBHOOK_DESCRIPTION_MAX = 500,
    WEBHOOK_ALLOW_MAX = 16,   /* networks */
    WEBHOOK_GIVE_UP_AFTER = 5 /* events one after the other, of which not one attempt in two days succeeded */
};

/* ---- webhooks ---- */

struct webhook_new {
    const char *tenant;
    const char *url;
    const char *patterns;    /* separated by spaces */
    const char *description; /* "" */
    const char *allow;       /* inner networks that its address may be in, separated by spaces; "": none */
    const char *secret;      /* "whsec_..."; NULL: one is made */
};

/* NULL, or what is wrong with them. */
const char *webhook_url_wrong(const char *text);
const char *webhook_patterns_wrong(const char *patterns);
const char *webhook_description_wrong(const char *text);

/* The networks of `allow`: how many; -1 when one is none. */
int webhook_networks(struct str allow, struct network out[WEBHOOK_ALLOW_MAX]);

/* Its id, and the secret to show once. A transaction of its own, as are all below unless one is open. */
int webhook_add(struct db_session *s, const struct keyring *keyring, const struct webhook_new *w,
                int64_t now_us, char id[UUID_TEXT_SIZE], char secret[WEBHOOK_SECRET_SIZE], struct buf *why);

/* What is asked about one webhook is asked in a tenant: one of another tenant is DW_ENOTFOUND as one that is not there.
 * tenant NULL: that of any, for the command line. */

/* With its secrets and deliveries. */
int webhook_remove(struct db_session *s, const char *tenant, const char *id);

/* What is NULL stays. Without may_allow inner networks cannot be given, nor the URL of a webhook changed that has some:
 * DW_EDENIED. */
struct webhook_change {
    const char *url, *patterns, *description, *allow;
    bool may_allow;
};
int webhook_change(struct db_session *s, const char *tenant, const char *id,
                   const struct webhook_change *change, int64_t now_us, struct buf *why);

/* Deliveries that wait when it is disabled are skipped. `disabled_why` NULL: it is enabled, and what was counted against
 * it is forgotten. */
int webhook_enable(struct db_session *s, const char *tenant, const char *id, const char *disabled_why,
                   int64_t now_us);

/* Another secret, with which everything is signed as well from now on; `given` NULL: one is made. */
struct webhook_rotate {
    const char *tenant, *id;
    const char *given;
    int64_t now_us;
};
int webhook_rotate(struct db_session *s, const struct keyring *keyring, const struct webhook_rotate *r,
                   char secret[WEBHOOK_SECRET_SIZE], struct buf *why);

/* The older secrets sign no more: how many they were. */
int webhook_drop_secrets(struct db_session *s, const char *tenant, const char *id);

/* Rows id, tenant, url, patterns, description, allow, enabled, disabled_why, failures, secrets, waiting, created_at, by their
 * ids. */
struct webhook_filter {
    const char *tenant; /* NULL: all */
    const char *id;     /* NULL: all */
    const char *after;  /* an id; NULL: from the beginning */
    int64_t limit;      /* 0: all */
};
int webhook_query(struct db_session *s, struct db_rows **out, const struct webhook_filter *filter);

/* ---- deliveries ---- */

#define WEBHOOK_KIND "core.webhook"

/* The event is to be sent there: a row and its job, in the open transaction. One that is there already begins its
 * attempts anew, unless it still waits. */
int delivery_add(struct db_session *s, const char *webhook, const struct event *e, int64_t now_us);

/* One delivery once more, from the beginning of its schedule; also one that has arrived. DW_ENOTFOUND, DW_ECONFLICT while
 * its webhook is disabled. */
int delivery_replay(struct db_session *s, const char *tenant, const char *id, int64_t now_us,
                    struct buf *why);

/* All events since then that match its patterns, or only those that were not delivered: how many. */
struct webhook_replay {
    const char *tenant; /* NULL: of any */
    int64_t since_us;
    bool undelivered_only;
};
int webhook_replay(struct db_session *s, const char *webhook, const struct webhook_replay *what,
                   int64_t now_us, struct buf *why);

/* Rows id, event, name, state, attempts, status, why, created_at, due_at, ended_at, from the newest. */
struct delivery_filter {
    const char *tenant; /* NULL: all, as of all below */
    const char *webhook;
    const char *id;
    const char *state;
    const char *before; /* an id: only what is older */
    int64_t limit;      /* 0: all */
};
int delivery_query(struct db_session *s, struct db_rows **out, const struct delivery_filter *filter);

/* Rows attempt, at, took_ms, status, error, answer. */
int delivery_query_attempts(struct db_session *s, struct db_rows **out, const char *tenant, const char *id);

#endif
