/* purge.h - all that the database has of a plugin: what its migrations have made, and what the server keeps for it. Looked
 * at, or taken away for good. The plugin need not be installed; nobody may work with it. [any thread; may take long] */
#ifndef PLUGIN_PURGE_H
#define PLUGIN_PURGE_H

#include "db/purge.h"

/* Rows that the server keeps for it. */
enum purge_kept {
    PURGE_MIGRATIONS,
    PURGE_DELIVERIES, /* of those sources */
    PURGE_SOURCES,    /* of its inboxes */
    PURGE_SUBSCRIPTIONS,
    PURGE_SCHEDULES,
    PURGE_FAILURES, /* of those jobs */
    PURGE_JOBS,
    PURGE_KINDS,
    PURGE_KEPT
};

/* "jobs", "job_kinds" */
const char *purge_kept_name(enum purge_kept kept);

struct purge {
    struct purge_tables tables;
    int64_t kept[PURGE_KEPT];
    int64_t running; /* jobs that a server is at now */
};

bool purge_is_empty(const struct purge *p);

/* Is it the server's own, does a table of another plugin refer to one of these, or a server run a job of it? With a
 * sentence in why. */
bool purge_is_refused(const struct purge *p, struct buf *why);

/* What there is, in the arena. 0, or -1 with a sentence in why. */
int purge_look(struct purge *out, struct arena *arena, struct db *db, const char *plugin, struct buf *why);

/* Takes it away, in one transaction, and says what that was: all, or nothing. -1 with a sentence in why, also
 * when it is refused. */
int purge_run(struct purge *out, struct arena *arena, struct db *db, const char *plugin, struct buf *why);

#endif
