/* when.h - when something happens by itself: an expression of cron's, an interval, or one instant.
 *
 *   "0 3 * * *"                     see cron.h
 *   "every 5m"                      from an anchor on, in real time, without drift: late is not later the next time
 *   "2026-12-24T18:00:00+01:00"     once; without the offset, what the clock in the zone shows
 *
 * And what is to be done about what was missed while nobody was there. Pure functions. [any thread] */
#ifndef JOBS_WHEN_H
#define JOBS_WHEN_H

#include "jobs/cron.h"

enum when_kind { WHEN_CRON, WHEN_EVERY, WHEN_ONCE };

struct when {
    enum when_kind kind;
    struct cron cron;  /* WHEN_CRON */
    int64_t every_us;  /* WHEN_EVERY */
    int64_t at_us;     /* WHEN_ONCE */
    int64_t anchor_us; /* the first instant of an interval, or any one of them; of no matter otherwise */
    int64_t jitter_us; /* added to every instant */
};

enum { WHEN_EVERY_MIN_SECONDS = 1, WHEN_EVERY_MAX_DAYS = 366 };

/* anchor_us and jitter_us become 0, for the caller to set. 0; or -1 with a sentence in why. */
int when_parse(struct when *out, struct str text, const struct zone *zone, struct buf *why);

/* RFC 3339 with an offset, or the same without one: what the clock in the zone shows. Sets kind and at_us; false: it is neither. */
bool when_parse_instant(struct when *out, struct str text, const struct zone *zone);

/* The first instant after this one; false: never again. */
bool when_next(const struct when *w, int64_t after_us, int64_t *next_us);

/* The last instant from `from_us` on until `to_us`, both included; false: none. */
bool when_last(const struct when *w, int64_t from_us, int64_t to_us, int64_t *last_us);

/* From 0 to max_us, always the same for a name: so that not all schedules of all servers start in the same second, and one
 * of them always at the same. */
int64_t when_jitter_us(struct str name, int64_t max_us);

/* ---- what was missed ---- */

/* Instants that came while no server ran. */
enum when_misfire {
    WHEN_COALESCE, /* however many: once, as the last of them */
    WHEN_SKIP,     /* none */
    WHEN_ALL,      /* each, the newest WHEN_ALL_MAX */
};

enum { WHEN_ALL_MAX = 100 };

/* "coalesce", "skip", "all" */
bool when_misfire_parse(struct str text, enum when_misfire *out);
const char *when_misfire_name(enum when_misfire m);

struct when_firing {
    size_t n;
    int64_t at_us[WHEN_ALL_MAX]; /* rising */
    bool left_out;               /* instants were missed that are not in it */
    bool has_next;
    int64_t next_us;
};

/* The schedule was to fire at due_us, and it is now_us: what is to fire for that, and when it does next. An instant is not
 * missed before it is older than grace_us: every server is a little late. Before due_us nothing fires. */
void when_fire(const struct when *w, enum when_misfire misfire, int64_t due_us, int64_t now_us,
               int64_t grace_us, struct when_firing *out);

#endif
