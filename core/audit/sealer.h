/* sealer.h - a server's part in sealing: a job that seals, and a thread that sees when it is wanted.
 *
 * The job is one for all servers. It waits for an hour, looks for what is too old, and waits again; the thread looks a few
 * times a second whether a record waits for its seal, which costs next to nothing, and then has the job run at once. So it
 * does not matter who wrote a record, how late its transaction was committed, or who died before it was sealed. */
#ifndef AUDIT_SEALER_H
#define AUDIT_SEALER_H

#include "audit/audit.h"
#include "jobs/jobs.h"

#define AUDIT_SEAL_JOB "core.audit_seal"

struct sealer;

struct sealer_options {
    struct db *db; /* borrowed, as the log */
    struct audit *audit;
    int64_t keep_us;  /* older records are removed; 0: none ever */
    int64_t every_us; /* how often the thread looks; 0: 300 ms */
};

/* 0, or -1 when memory is out. */
int sealer_create(struct sealer **out, const struct sealer_options *options);

/* Makes the kind known, and sees to it that there is such a job. Before jobs_start(). 0, or -1 with a sentence in why. */
int sealer_register(struct sealer *z, struct jobs *jobs, struct buf *why);

/* The thread: 0, or -1 with errno. stop waits for it; NULL is safe, as it is without start. */
int sealer_start(struct sealer *z);
void sealer_stop(struct sealer *z);

/* One look of the thread: 1: the job was wanted, and is due; 0, or an error. */
int sealer_look(struct sealer *z, int64_t now_us);

/* When no job runs any more. NULL is safe. */
void sealer_destroy(struct sealer *z);

#endif
