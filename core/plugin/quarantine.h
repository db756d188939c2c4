/* quarantine.h - which plugins crashed, and which are left out for that: data/plugins/crashes.json.
 *
 * A plugin that crashed QUARANTINE_CRASHES times within QUARANTINE_WINDOW_S is left out until somebody clears it. The
 * supervisor writes (before it starts the next server process), server processes and the command line read; the file is
 * replaced as a whole, so it may be read at any time, and whoever changes it holds a lock on its folder. A file that
 * cannot be understood is as good as none: it must not keep the server from starting. [any thread of any process] */
#ifndef PLUGIN_QUARANTINE_H
#define PLUGIN_QUARANTINE_H

#include "config/config.h"
#include "util/buf.h"

enum { QUARANTINE_CRASHES = 3, QUARANTINE_WINDOW_S = 600, QUARANTINE_KEPT = 10 };

struct quarantine_crash {
    int64_t time_s;   /* since 1970 */
    const char *what; /* "operation createNote" */
    const char *note; /* the path of the note, or "" */
};

/* A plugin that crashed lately, quarantined or not. */
struct quarantine_plugin {
    const char *name;
    bool quarantined;
    int64_t since_s; /* of the quarantine */
    size_t n;
    struct quarantine_crash crashes[QUARANTINE_KEPT]; /* the newest, oldest first */
};

struct quarantine; /* a snapshot of the file, owns its texts */

/* Never fails to start with: what cannot be read is logged and then there is nothing in it. NULL when memory is out. */
struct quarantine *quarantine_read(const char *data_dir);
void quarantine_destroy(struct quarantine *q); /* NULL is safe */

/* In the order of their first crash; n of them. NULL is an empty one. */
const struct quarantine_plugin *quarantine_list(const struct quarantine *q, size_t *n);

/* NULL: it has not crashed, or was cleared since. */
const struct quarantine_plugin *quarantine_find(const struct quarantine *q, const char *name);

/* What guards is never left out, whatever the file says: "auth", and what conf.d says is required. For a configuration
 * with and without the plugins' own tables; NULL: only "auth" is known to be. */
bool quarantine_is_exempt(const struct config *config, const char *name);

/* Adds a crash of now. 1 when the plugin is quarantined from now on, 0 when not, or when it was already, -1 with a
 * sentence added to why. An exempt one is only recorded. */
int quarantine_record(const char *data_dir, const char *name, const char *what, const char *note, bool exempt,
                      struct buf *why);

/* Forgets its crashes. 1, 0 when there were none, -1 with a sentence added to why. */
int quarantine_clear(const char *data_dir, const char *name, struct buf *why);

#endif
