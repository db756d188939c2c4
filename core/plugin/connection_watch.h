/* connection_watch.h - do the connections still work? What nobody used for a while is checked by a job that is one for all servers: it
 * looks each minute for what is due, checks a bounded number of them one after the other, and waits again. So what was checked
 * together is not checked together again for long, and a system that does not answer holds up one thread.
 *
 * Which of them fail each server tells by itself, in its log and among the remarks of /readyz; none makes it unready. */
#ifndef PLUGIN_CONNECTION_WATCH_H
#define PLUGIN_CONNECTION_WATCH_H

#include "jobs/jobs.h"
#include "plugin/instance.h"

/* All borrowed until no job runs any more. */
struct connection_watch {
    const struct plugin_process *process;
    int64_t every_us; /* after so long without a sign of life; 0: never */
};

#define CONNECTION_WATCH_JOB "core.connection_check"

/* Makes the kind of job known, and sees to it that there is such a job. Before jobs_start(). 0, or -1 with a sentence in why. */
int connection_watch_register(struct connection_watch *w, struct jobs *jobs, struct buf *why);

/* What was told last. */
struct connection_watch_told {
    char failing[400];
};

/* Looks which of them fail, and tells what is news. May wait for the database. [one thread at a time] */
void connection_watch_tell(struct connection_watch_told *told, struct db *db);

#endif
