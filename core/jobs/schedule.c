/* schedule.c - the ticker: plans, which rows are due, and the wait until the next. */
#include "jobs/schedule.h"

#include <stdlib.h>

#include "jobs/schedule_inside.h"
#include "log/log.h"
#include "util/clock.h"
#include "util/thread.h"

enum { BATCH = 100, REPEATS = 4 };

static const int64_t grace_us = INT64_C(60) * CLOCK_SECOND;
static const int64_t look_us =
    INT64_C(10) * CLOCK_SECOND; /* how long a notice or a jump of the clock may be missed */
static const int64_t tenants_us = INT64_C(600) * CLOCK_SECOND; /* how long one about tenants may */
static const int64_t trouble_us = CLOCK_SECOND;
static const int64_t pause_us = 100 * CLOCK_MS; /* before what is due and was not fired is tried again */

static int64_t wall_us(const struct schedules *s)
{
    return s->options.wall_us ? s->options.wall_us(s->options.clock_ud) : clock_wall_us();
}

static int open_session(const struct schedules *s, struct db_session **out, int64_t now_us)
{
    const struct db_who who = { .owner = "core", .now_us = now_us };

    return db_session_create(out, s->options.db, &who) == 0 ? 0 : DW_ENOMEM;
}

/* ---- plans ---- */

int schedules_create(struct schedules **out, const struct schedules_options *options, struct buf *why)
{
    const struct zone *zone;
    pthread_condattr_t monotonic;

    *out = NULL;
    if (options->zone && zone_find(&zone, str_from(options->zone), why) != 0)
        return -1;
    struct schedules *s = calloc(1, sizeof(*s));
    if (!s) {
        buf_add_text(why, "memory is out");
        return -1;
    }
    s->options = *options;
    if (s->options.grace_us == 0)
        s->options.grace_us = grace_us;
    arena_init(&s->memory, NULL, 0, 0);
    s->last = &s->plans;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    s->options.zone = arena_copy(&s->memory, str_from(options->zone ? options->zone : "UTC"));
    if (!s->options.zone) {
        buf_add_text(why, "memory is out");
        schedules_destroy(s);
        return -1;
    }
    *out = s;
    return 0;
}

static void publish(struct planned *p)
{
    static const char instants[] = "Instants of schedules that came, by what was done";
    struct buf labels = BUF_INIT;

    metrics_label(&labels, "schedule", str_from(p->name));
    size_t n = labels.n;
    buf_add_text(&labels, ",result=\"fired\"");
    p->fired = metrics_counter("dowel_schedule_instants_total", instants, buf_text(&labels));
    labels.n = n;
    buf_add_text(&labels, ",result=\"skipped\"");
    p->skipped = metrics_counter("dowel_schedule_instants_total", instants, buf_text(&labels));
    labels.n = n;
    buf_add_text(&labels, ",result=\"missed\"");
    p->missed = metrics_counter("dowel_schedule_instants_total", instants, buf_text(&labels));
    buf_finish(&labels);
}

static bool is_planned(const struct schedules *s, const struct schedule_plan *plan)
{
    size_t owner = strlen(plan->owner);

    for (const struct planned *p = s->plans; p; p = p->next) {
        if (strncmp(p->name, plan->owner, owner) == 0 && p->name[owner] == '.' &&
            strcmp(p->name + owner + 1, plan->name) == 0)
            return true;
    }
    return false;
}

int schedules_check(struct schedules *s, const struct schedule_plan *plan, struct buf *why)
{
    const struct zone *zone;
    struct buf wrong = BUF_INIT;
    struct when w;

    if (is_planned(s, plan)) {
        buf_add_text(why, "is there twice");
        return -1;
    }
    if (plan->misfire == WHEN_ALL && plan->overlap != SCHEDULE_QUEUE) {
        buf_add_text(why, "has the misfire \"all\", which needs the overlap \"queue\": with \"skip\" all "
                          "that was missed but one "
                          "would be skipped");
        return -1;
    }
    int rc = zone_find(&zone, str_from(plan->zone ? plan->zone : s->options.zone), &wrong);
    if (rc == 0 && !str_equal(str_trim(str_from(plan->when)), STR_OF("off")))
        rc = when_parse(&w, str_from(plan->when), zone, &wrong);
    if (rc != 0)
        buf_add_format(why, "cannot be carried out: %s", buf_text(&wrong));
    buf_finish(&wrong);
    return rc;
}

/* NULL when memory is out. */
static struct planned *copy_plan(struct schedules *s, const struct schedule_plan *plan)
{
    struct planned *p = arena_calloc(&s->memory, sizeof(*p));

    if (!p)
        return NULL;
    p->plan = *plan;
    p->name = arena_format(&s->memory, "%s.%s", plan->owner, plan->name);
    p->job = arena_format(&s->memory, "%s.%s", plan->owner, plan->job);
    p->plan.when = arena_copy(&s->memory, str_trim(str_from(plan->when)));
    p->plan.zone = plan->zone ? arena_copy(&s->memory, str_from(plan->zone)) : s->options.zone;
    p->plan.owner = p->plan.name = p->plan.job = NULL; /* inside of the two above */
    return p->name && p->job && p->plan.when && p->plan.zone ? p : NULL;
}

int schedules_add(struct schedules *s, const struct schedule_plan *plan, struct buf *why)
{
    if (schedules_check(s, plan, why) != 0)
        return -1;
    struct planned *p = copy_plan(s, plan);
    if (!p) {
        buf_add_text(why, "finds no memory");
        return -1;
    }
    publish(p);
    *s->last = p;
    s->last = &p->next;
    return 0;
}

/* ---- a transaction, again from its start where the engine wants that ---- */

struct work {
    struct schedules *s;
    struct planned *p;
    const struct schedule_tenants *tenants;
    int64_t now_us;
    bool is_full; /* there may be more that is due */
    unsigned moved;
    int64_t fired, skipped, missed; /* instants; counted when it is committed */
};

/* 0 or more, or an error told in why. */
static int transact(struct work *w,
                    int (*act)(struct work *w, struct db_session *session, struct arena *arena),
                    struct buf *why)
{
    int rc = 0, n = 0;

    for (int i = 0; i < REPEATS; i++) {
        struct db_session *session = NULL;
        struct arena arena;
        bool again = false;
        arena_init(&arena, NULL, 0, 0);
        rc = open_session(w->s, &session, w->now_us);
        if (rc >= 0)
            rc = db_begin(session);
        if (rc >= 0)
            rc = n = act(w, session, &arena);
        if (rc >= 0)
            rc = db_commit(session);
        if (rc < 0 && session) {
            again = db_wants_repeat(session);
            why->n = 0;
            buf_add_text(why, db_error_of(session)->text);
        } else if (rc < 0) {
            buf_add_text(why, "memory is out");
        }
        db_session_destroy(session);
        arena_finish(&arena);
        if (rc >= 0)
            return n;
        if (!again)
            return rc;
    }
    return rc;
}

static int compare_all(struct work *w, struct db_session *session, struct arena *arena)
{
    int rc = 0;

    for (const struct planned *p = w->s->plans; rc >= 0 && p; p = p->next)
        rc = schedule_compare(w->s, p, w->tenants, session, arena, w->now_us);
    return rc;
}

/* ---- firing ---- */

static void tell_firing(struct work *w, const struct schedule_known *row, const struct when_firing *f,
                        bool is_skipped)
{
    *(is_skipped ? &w->skipped : &w->fired) += (int64_t)f->n;
    if (f->left_out) {
        w->missed++;
        log_warn("a schedule was missed", LOG_TEXT("schedule", row->name), LOG_TEXT("tenant", row->tenant),
                 LOG_TEXT("misfire", when_misfire_name(w->p->plan.misfire)),
                 LOG_SPAN("late", w->now_us - row->next.us), LOG_NUMBER("fired", f->n));
    }
    if (is_skipped)
        log_info("a schedule was skipped: the job of its last instant has not ended",
                 LOG_TEXT("schedule", row->name), LOG_TEXT("tenant", row->tenant));
}

/* 1: this server fired it, 0: another did, or it was paused or written anew meanwhile. */
static int move_row(struct db_session *session, const struct schedule_known *row, const struct when_firing *f,
                    bool is_skipped)
{
    int64_t last_us = f->n > 0 ? f->at_us[f->n - 1] : 0;
    char next[CLOCK_RFC3339_SIZE], fired[CLOCK_RFC3339_SIZE], skipped[CLOCK_RFC3339_SIZE];

    return (int)db_exec(session, DB_BY_CORE,
                        DW_LIST("UPDATE dowel_schedules SET next_at = $4, fired_at = coalesce($5, fired_at),"
                                " skipped_at = coalesce($6, skipped_at)"
                                " WHERE name = $1 AND tenant = $2 AND next_at = $3 AND paused_at IS NULL",
                                row->name, row->tenant, row->next,
                                schedule_time(f->has_next ? f->next_us : 0, next),
                                schedule_time(is_skipped ? 0 : last_us, fired),
                                schedule_time(is_skipped ? last_us : 0, skipped)));
}

/* How many jobs were added. */
static int fire(struct work *w, struct db_session *session, const struct schedule_known *row)
{
    const struct schedule_plan *plan = &w->p->plan;
    struct when_firing f = { .n = 0 };
    struct buf why = BUF_INIT;
    struct when when;
    int busy = 0, rc;

    if (!schedule_when(row, &when, &why)) {
        log_error("a schedule cannot be read; it is left to other servers", LOG_TEXT("schedule", row->name),
                  LOG_TEXT("why", buf_text(&why)));
        buf_finish(&why);
        w->p->is_unreadable = true;
        return 0;
    }
    when_fire(&when, plan->misfire, row->next.us, w->now_us, w->s->options.grace_us, &f);
    if (f.n > 0 && plan->overlap == SCHEDULE_SKIP)
        DW_TRY(busy = schedule_is_busy(session, row));
    DW_TRY(rc = move_row(session, row, &f, busy > 0));
    if (rc == 0)
        return 0;
    w->moved++;
    for (size_t i = 0; busy == 0 && i < f.n; i++)
        DW_TRY(schedule_add_job(session, row, plan->overlap, f.at_us[i], w->now_us));
    tell_firing(w, row, &f, busy > 0);
    return busy > 0 ? 0 : (int)f.n;
}

static int fire_due(struct work *w, struct db_session *session, struct arena *arena)
{
    struct schedule_known *due;
    int added = 0;
    int n = schedule_read(session, arena, &due,
                          DW_LIST("SELECT " SCHEDULE_COLUMNS
                                  " FROM dowel_schedules WHERE name = $1 AND next_at <= $2"
                                  " AND paused_at IS NULL ORDER BY next_at, tenant LIMIT $3",
                                  w->p->name, (dw_time){ w->now_us }, (int)BATCH));

    w->moved = 0;
    w->fired = w->skipped = w->missed = 0;
    for (int i = 0; i < n; i++) {
        int rc = fire(w, session, &due[i]);
        if (rc < 0)
            return rc;
        added += rc;
    }
    w->is_full = n == BATCH && w->moved > 0;
    return n < 0 ? n : added;
}

/* ---- a tick ---- */

/* When each is due next; found without a transaction. */
static int find_next(const struct planned *p, struct db_session *session, int64_t *next_us)
{
    dw_time next = { INT64_MAX };
    int rc = db_find(session, DW_TO(&next), DB_BY_CORE,
                     DW_LIST("SELECT next_at FROM dowel_schedules WHERE name = $1 AND next_at IS NOT NULL"
                             " AND paused_at IS NULL ORDER BY next_at LIMIT 1",
                             p->name));

    *next_us = next.us;
    return rc;
}

static int fire_plan(struct schedules *s, struct planned *p, int64_t now_us, struct buf *why)
{
    struct work w = { .s = s, .p = p, .now_us = now_us };
    int added = 0, rc;

    do {
        rc = transact(&w, fire_due, why);
        if (rc < 0)
            return rc;
        metric_add(p->fired, w.fired);
        metric_add(p->skipped, w.skipped);
        metric_add(p->missed, w.missed);
        added += rc;
    } while (w.is_full);
    return added;
}

static int next_of(struct schedules *s, const struct planned *p, int64_t now_us, int64_t *next_us,
                   struct buf *why)
{
    struct db_session *session = NULL;
    int rc = open_session(s, &session, now_us);

    if (rc >= 0)
        rc = find_next(p, session, next_us);
    if (rc < 0)
        buf_add_text(why, session ? db_error_of(session)->text : "memory is out");
    db_session_destroy(session);
    return rc;
}

static int tick_plan(struct schedules *s, struct planned *p, int64_t now_us, int64_t *next_us,
                     struct buf *why)
{
    int rc = p->is_unreadable ? 0 : next_of(s, p, now_us, next_us, why);

    if (rc < 0 || *next_us > now_us)
        return rc < 0 ? rc : 0;
    int added = fire_plan(s, p, now_us, why);
    rc = added < 0 ? added : next_of(s, p, now_us, next_us, why);
    if (p->is_unreadable)
        *next_us = INT64_MAX;
    return rc < 0 ? rc : added;
}

enum look { LOOK_NOT, LOOK_AT_TENANTS, LOOK_AT_ROWS };

/* At the start, when somebody says so, from time to time, and when the clock has gone back. */
static enum look what_to_look_at(struct schedules *s, int64_t now_us)
{
    bool rows = !s->has_compared || clock_monotonic_us() >= s->tenants_at_us ||
                now_us < s->seen_us - SCHEDULE_JUMP_US;

    pthread_mutex_lock(&s->lock);
    bool tenants = s->tenants_noticed;
    rows |= s->noticed;
    s->noticed = s->tenants_noticed = false;
    pthread_mutex_unlock(&s->lock);
    return rows ? LOOK_AT_ROWS : tenants ? LOOK_AT_TENANTS : LOOK_NOT;
}

/* Whoever tells them is not there, or has trouble: the next tick asks again. */
static void ask_for_tenants_again(struct schedules *s)
{
    pthread_mutex_lock(&s->lock);
    s->tenants_noticed = true;
    pthread_mutex_unlock(&s->lock);
}

static int compare(struct schedules *s, enum look look, int64_t now_us, struct buf *why)
{
    struct schedule_tenants tenants;
    struct work w = { .s = s, .now_us = now_us, .tenants = &tenants };
    int rc = 0;

    schedule_tenants_read(s, &tenants);
    bool is_new = tenants.are_known && (tenants.digest != s->tenants || !s->has_written);
    if (look == LOOK_AT_ROWS || is_new) {
        rc = transact(&w, compare_all, why);
        s->tenants_at_us = rc < 0 ? 0 : clock_monotonic_us() + tenants_us;
    }
    if (rc >= 0) {
        s->has_compared = true;
        s->has_written |= tenants.are_known;
        s->tenants = tenants.are_known ? tenants.digest : s->tenants;
    }
    if (!tenants.are_known)
        ask_for_tenants_again(s);
    schedule_tenants_finish(&tenants);
    return rc;
}

static int compare_if_wanted(struct schedules *s, int64_t now_us, struct buf *why)
{
    enum look look = what_to_look_at(s, now_us);
    int rc = look == LOOK_NOT ? 0 : compare(s, look, now_us, why);

    if (rc >= 0)
        s->seen_us = now_us;
    return rc < 0 ? rc : 0;
}

int schedules_tick(struct schedules *s, int64_t *next_us, struct buf *why)
{
    int64_t now_us = wall_us(s);
    int added = 0;

    *next_us = INT64_MAX;
    if (!s->plans)
        return 0;
    int rc = compare_if_wanted(s, now_us, why);
    for (struct planned *p = s->plans; rc >= 0 && p; p = p->next) {
        int64_t next = INT64_MAX;
        rc = tick_plan(s, p, now_us, &next, why);
        added += rc < 0 ? 0 : rc;
        *next_us = next < *next_us ? next : *next_us;
    }
    return rc < 0 ? rc : added;
}

/* ---- the thread ---- */

static void tell_trouble(struct schedules *s, int rc, struct buf *why)
{
    if (rc < 0 && !s->is_in_trouble)
        log_error("schedules stand still: the database does not answer as it should",
                  LOG_TEXT("why", buf_text(why)));
    if (rc >= 0 && s->is_in_trouble)
        log_info("schedules go on");
    s->is_in_trouble = rc < 0;
}

/* False: it is time to stop. */
static bool wait_until(struct schedules *s, int64_t next_us, int64_t at_most_us)
{
    int64_t wait_us = next_us == INT64_MAX ? at_most_us : next_us - wall_us(s), until_us;

    wait_us = wait_us > at_most_us ? at_most_us : wait_us;
    until_us = clock_monotonic_us() + (wait_us > 0 ? wait_us : pause_us);
    const struct timespec until = { .tv_sec = until_us / CLOCK_SECOND,
                                    .tv_nsec = until_us % CLOCK_SECOND * 1000 };
    pthread_mutex_lock(&s->lock);
    while (!s->stopping && !s->noticed && clock_monotonic_us() < until_us)
        pthread_cond_timedwait(&s->wake, &s->lock, &until);
    bool goes_on = !s->stopping;
    pthread_mutex_unlock(&s->lock);
    return goes_on;
}

static void *run(void *ud)
{
    struct schedules *s = ud;
    int64_t next_us, at_most_us;

    do {
        struct buf why = BUF_INIT;
        int rc = schedules_tick(s, &next_us, &why);
        tell_trouble(s, rc, &why);
        at_most_us = rc < 0 ? trouble_us : look_us;
        if (rc < 0)
            next_us = INT64_MAX;
        buf_finish(&why);
    } while (wait_until(s, next_us, at_most_us));
    return NULL;
}

int schedules_start(struct schedules *s)
{
    if (thread_start(&s->thread, "schedules", false, run, s) != 0)
        return -1;
    s->is_started = true;
    return 0;
}

void schedules_notice(struct schedules *s)
{
    pthread_mutex_lock(&s->lock);
    s->noticed = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

void schedules_tenants_notice(struct schedules *s)
{
    pthread_mutex_lock(&s->lock);
    s->tenants_noticed = true;
    pthread_mutex_unlock(&s->lock);
}

void schedules_drain(struct schedules *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

void schedules_stop(struct schedules *s)
{
    if (!s || !s->is_started)
        return;
    schedules_drain(s);
    pthread_join(s->thread, NULL);
    s->is_started = false;
}

void schedules_destroy(struct schedules *s)
{
    if (!s)
        return;
    arena_finish(&s->memory);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
