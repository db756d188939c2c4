/* schedule_rows.h - a row of dowel_schedules, for the ticker and for admins. */
#ifndef JOBS_SCHEDULE_ROWS_H
#define JOBS_SCHEDULE_ROWS_H

#include "jobs/schedule.h"
#include "util/clock.h"

/* The columns of one, in the order that SCHEDULE_COLUMNS names. Texts borrowed until the next row, or copied. */
struct schedule_known {
    const char *name, *tenant, *job, *spec, *zone;
    dw_time anchor, next, fired, skipped, paused; /* us 0: null */
    int64_t jitter_us;
};

#define SCHEDULE_COLUMNS \
    "name, tenant, job, spec, zone, anchor_at, next_at, fired_at, skipped_at, paused_at, jitter_us"

/* All rows that a query finds, copied into the arena: how many, or an error. */
int schedule_read(struct db_session *s, struct arena *arena, struct schedule_known **out,
                  dw_list sql_and_values);

/* What the spec says, in its zone: true; false when it is "off" or cannot be read (why is not empty then). */
bool schedule_when(const struct schedule_known *row, struct when *out, struct buf *why);

/* The row's next instant after this one; 0: none. */
int64_t schedule_next_us(const struct schedule_known *row, int64_t after_us);

/* Adds the job of the row, for this instant. As job_add(). */
int schedule_add_job(struct db_session *s, const struct schedule_known *row, enum schedule_overlap overlap,
                     int64_t at_us, int64_t now_us);

/* Whether one that was added so waits or runs: 1, 0, or an error. */
int schedule_is_busy(struct db_session *s, const struct schedule_known *row);

/* An instant for a column that may be null, in room: NULL for 0. */
const char *schedule_time(int64_t us, char room[CLOCK_RFC3339_SIZE]);

#endif
