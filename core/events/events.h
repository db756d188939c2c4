/* events.h - facts that happened, told to whoever wants to know: the transactional outbox.
 *
 * An event is written in the transaction of the change that it tells of, and with it one job for each subscriber: plugins
 * (dowel_subscriptions) and webhooks (webhooks.h). So it is told if and only if the change was committed; each subscriber
 * is tried by itself, as often as its job is, and none waits for another. At least once, always with the same id.
 *
 * The jobs are made there and then, not by a job that does so later: that would be a second hop and two more writes for
 * what are mostly one or two rows. Nobody is missed all the same, because who subscribes is read from the database and
 * not from what happens to be loaded: the jobs of a plugin that is missing wait for it.
 *
 * Results are 0 or more, or codes of enum dw_error with the text in db_error_of(). */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include "db/db.h"
#include "events/pattern.h"
#include "secure/uuid.h"

enum { EVENT_DATA_MAX = 256 << 10 };

struct event {
    const char *id;        /* the same on each delivery */
    const char *name;      /* "timesync.entry.pushed" */
    const char *data;      /* a JSON object, as it was written */
    const char *tenant;    /* NULL: none */
    const char *principal; /* who caused it, or NULL */
    int64_t at_us;
};

/* ---- telling ---- */

/* Writes it under an id of its own, which `id` (may be NULL) gets, with its subscribers' jobs; e->id is not read. Name and
 * size were checked by the caller. Needs the session's open transaction: DW_ETX without. */
int events_emit(struct db_session *s, const struct event *e, char id[UUID_TEXT_SIZE]);

/* Its jobs once more: all of them, those of one plugin, or of one webhook. How many subscribers that are; DW_ENOTFOUND when
 * there is no such event (any more). In a transaction of its own, or the open one. */
struct event_replay {
    const char *tenant;  /* NULL: of any */
    const char *plugin;  /* NULL: all, unless webhook is given */
    const char *webhook; /* an id; NULL: all, unless plugin is given */
};
int events_replay(struct db_session *s, const char *id, const struct event_replay *only, int64_t now_us);

/* The kind of job that tells a plugin: "csvtime.on:timesync.entry.*". */
#define EVENT_KIND_PREFIX "on:"
enum { EVENT_KIND_SIZE = 64 + EVENT_NAME_MAX };

/* The text of that name in a job's payload, in the arena; NULL when it has none. "event" in those of such jobs. */
const char *event_payload_text(struct arena *arena, struct str payload, const char *name);

/* 1 and the event, in the arena; 0: there is none (any more), or it is not the tenant's. tenant NULL: of any. */
int events_load(struct db_session *s, struct arena *arena, const char *tenant, const char *id,
                struct event *out);

/* ---- subscribing ---- */

/* What the plugin wants from now on; what it wanted before and is not among these, it no longer gets. Each time that it
 * is loaded, and again now and then while it is. In a transaction of its own. */
int events_subscribe(struct db_session *s, const char *plugin, const char *const *patterns, size_t n,
                     int64_t now_us);

/* ---- looking ---- */

struct event_filter {
    const char *tenant;  /* NULL: all */
    const char *pattern; /* NULL: all */
    int64_t since_us;    /* 0: all */
    const char *before;  /* an id: only what is older; NULL: all */
    int64_t limit;
};

/* Rows id, tenant, name, principal, at, from the newest. The pattern is valid. */
int events_query(struct db_session *s, struct db_rows **out, const struct event_filter *filter);

/* Rows plugin, pattern, since, seen_at. */
int events_query_subscriptions(struct db_session *s, struct db_rows **out);

/* ---- keeping ---- */

struct events_keep {
    int64_t events_us;       /* with their deliveries, unless one of those is still under way; 0: 30 days */
    int64_t inbox_us;        /* what came in and is done with; 0: 30 days */
    int64_t subscription_us; /* of a plugin that no server has loaded since; 0: 90 days */
};

/* Deletes what is older, some at a time; how many rows, less than all when there are more than 10,000. */
int64_t events_prune(struct db_session *s, const struct events_keep *keep, int64_t now_us);

#endif
