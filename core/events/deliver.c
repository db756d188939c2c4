#include "events/deliver.h"

#include <stdlib.h>

#include "events/places.h"
#include "events/post.h"
#include "events/step.h"
#include "events/webhooks.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "secure/random.h"
#include "util/clock.h"

#define SECONDS(n) (INT64_C(1000000) * (n))
#define HOURS(n)   (INT64_C(3600000000) * (n))

enum { ANSWER_KEPT = 1000, ANSWER_READ = 64 << 10, REPEATS = 5 };

static const int64_t two_days[] = {
    SECONDS(5), SECONDS(300), SECONDS(1800), HOURS(2), HOURS(5), HOURS(10), HOURS(14), HOURS(20),
};

struct webhook_sender {
    struct webhook_sender_options options;
    struct metric *delivered, *failed;
    struct places places;
};

int webhook_sender_create(struct webhook_sender **out, const struct webhook_sender_options *options)
{
    static const char name[] = "dowel_webhook_attempts_total",
                      help[] = "Attempts to send an event to a webhook";
    struct webhook_sender *w = calloc(1, sizeof(*w));

    *out = w;
    if (!w)
        return -1;
    w->options = *options;
    if (!w->options.timeout_us)
        w->options.timeout_us = WEBHOOK_TIMEOUT_US;
    if (!w->options.delays_us) {
        w->options.delays_us = two_days;
        w->options.delays_n = DW_COUNT_OF(two_days);
    }
    w->delivered = metrics_counter(name, help, "result=\"delivered\"");
    w->failed = metrics_counter(name, help, "result=\"failed\"");
    places_init(&w->places);
    return 0;
}

void webhook_sender_destroy(struct webhook_sender *w)
{
    if (!w)
        return;
    places_finish(&w->places);
    free(w);
}

static int64_t wall_us(const struct webhook_sender *w)
{
    return w->options.wall_us ? w->options.wall_us(w->options.clock_ud) : clock_wall_us();
}

static int open_session(const struct webhook_sender *w, struct db_session **out, int64_t deadline_us)
{
    const struct db_who who = { .owner = "core", .now_us = wall_us(w), .deadline_us = deadline_us };

    return db_session_create(out, w->options.db, &who) == 0 ? 0 : DW_ENOMEM;
}

/* ---- when again ---- */

static int64_t next_delay_us(const struct webhook_sender_options *o, unsigned tries, int64_t retry_after_us,
                             uint64_t random)
{
    int64_t delay;

    if (tries == 0 || tries > o->delays_n)
        return -1;
    delay = o->delays_us[tries - 1];
    if (delay < retry_after_us)
        delay = retry_after_us;
    /* Only later: whoever asked for a pause has one, and two days are two days. */
    return delay + (delay >= 5 ? (int64_t)(random % (uint64_t)(delay / 5)) : 0);
}

int64_t webhook_next_delay_us(unsigned tries, int64_t retry_after_us, uint64_t random)
{
    const struct webhook_sender_options o = { .delays_us = two_days, .delays_n = DW_COUNT_OF(two_days) };

    return next_delay_us(&o, tries, retry_after_us, random);
}

/* ---- one delivery ---- */

struct delivery {
    struct webhook_sender *w;
    struct job *job;
    struct arena arena;
    const char *id;
    int64_t attempts, tries; /* made before this one */
    struct endpoint to;
    struct event event;
    bool has_event;
};

/* What came of an attempt, or why there was none. */
enum outcome { OUTCOME_DELIVERED, OUTCOME_AGAIN, OUTCOME_GIVEN_UP, OUTCOME_GONE, OUTCOME_SKIPPED };

struct attempt {
    enum outcome outcome;
    bool was_made;
    int64_t at_us, took_us, delay_us;
    int status;
    const char *error; /* NULL: none */
    char answer[ANSWER_KEPT + 1];
};

/* 1: it is to be sent; 0: there is nothing to do any more. */
static int load(struct delivery *d, struct db_session *s)
{
    const char *webhook = NULL, *event = NULL;
    int rc = db_find(s, DW_TO(&webhook, &event, &d->attempts, &d->tries), DB_BY_CORE,
                     DW_LIST("SELECT webhook_id, event_id, attempts, tries FROM dowel_webhook_deliveries"
                             " WHERE id = $1 AND state = 'waiting'",
                             d->id));

    if (rc <= 0)
        return rc;
    webhook = arena_copy(&d->arena, str_from(webhook));
    event = arena_copy(&d->arena, str_from(event));
    if (!webhook || !event)
        return DW_ENOMEM;
    rc = events_load(s, &d->arena, NULL, event, &d->event);
    d->has_event = rc > 0;
    return rc < 0 ? rc : endpoint_load(&d->w->options, s, &d->arena, NULL, webhook, &d->to);
}

/* ---- the log of an attempt ---- */

/* How the content begins, as text: what is none becomes question marks. */
static void keep_answer(struct attempt *a, struct str body)
{
    size_t n = body.n < ANSWER_KEPT ? body.n : ANSWER_KEPT;

    /* Not in the middle of a character. */
    while (n > 0 && n < body.n && ((unsigned char)body.p[n] & 0xc0) == 0x80)
        n--;
    if (n > 0)
        memcpy(a->answer, body.p, n);
    a->answer[n] = 0;
    if (str_is_utf8(str_make(a->answer, n)))
        return;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)a->answer[i] < ' ' || (unsigned char)a->answer[i] > '~')
            a->answer[i] = '?';
    }
}

static void judge(struct delivery *d, struct attempt *a, const struct client_answer *answer)
{
    uint64_t random = 0;

    a->status = answer->status;
    if (answer->status >= 200 && answer->status < 300) {
        a->outcome = OUTCOME_DELIVERED;
        return;
    }
    /* Of a status there is nothing more to say than itself. */
    if (answer->error != CLIENT_OK && answer->error != CLIENT_STATUS)
        a->error = arena_copy(&d->arena, str_from(answer->message));
    if (answer->status == 410) {
        a->outcome = OUTCOME_GONE;
        return;
    }
    if (random_bytes(&random, sizeof(random)) != 0)
        random = 0; /* without jitter then */
    a->delay_us = next_delay_us(&d->w->options, (unsigned)d->tries + 1, answer->retry_after_us, random);
    a->outcome = a->delay_us < 0 ? OUTCOME_GIVEN_UP : OUTCOME_AGAIN;
}

/* ---- sending ---- */

static void cancel(void *token)
{
    client_token_cancel(token);
}

static int fetch(struct delivery *d, struct str body, struct client_answer **answer, struct buf *why)
{
    struct client_token *token;
    int rc;

    if (client_token_create(&token) != 0)
        return DW_ENOMEM;
    job_watch_cancelled(d->job, cancel, token);
    rc = endpoint_post(&d->w->options, &d->to, d->event.id, body, token, answer, why);
    job_watch_cancelled(d->job, NULL, NULL);
    client_token_destroy(token);
    /* The server stops, or another has the job: nothing is known about the receiver. */
    if (rc == 0 && (*answer)->error == CLIENT_CANCELLED)
        return DW_ECANCELLED;
    return rc == 0 && (*answer)->error == CLIENT_MEMORY ? DW_ENOMEM : rc;
}

/* 0 with what came of it, or an error: then this attempt was none. */
static int attempt(struct delivery *d, struct attempt *a)
{
    struct client_answer *answer = NULL;
    struct buf body = BUF_INIT, why = BUF_INIT;
    int64_t started_us = clock_monotonic_us();
    int rc = DW_ENOMEM;

    a->at_us = wall_us(d->w);
    webhook_write_body(&body, d->event.name, d->event.at_us, d->event.data);
    if (!buf_failed(&body))
        rc = fetch(d, buf_str(&body), &answer, &why);
    a->took_us = clock_monotonic_us() - started_us;
    if (rc == 0) {
        a->was_made = true;
        judge(d, a, answer);
        keep_answer(a, answer->body);
    } else if (rc == DW_EINVALID) {
        const struct client_answer none = { .retry_after_us = -1 };
        a->was_made = true;
        judge(d, a, &none);
        a->error = arena_copy(&d->arena, buf_str(&why));
        rc = 0;
    }
    client_answer_destroy(answer);
    buf_finish(&body);
    buf_finish(&why);
    return rc;
}

/* What makes an attempt pointless. */
static bool is_pointless(const struct delivery *d, struct attempt *a)
{
    a->outcome = OUTCOME_SKIPPED;
    a->error = !d->to.enabled  ? "the webhook is disabled"
               : !d->has_event ? "the event is no longer kept"
                               : NULL;
    return a->error != NULL;
}

/* ---- writing it down ---- */

static int64_t add_to_log(const struct delivery *d, struct db_session *s, const struct attempt *a)
{
    return db_exec(
        s, DB_BY_CORE,
        DW_LIST(
            "INSERT INTO dowel_webhook_attempts (delivery_id, attempt, at, took_ms, status, error, answer)"
            " VALUES ($1, $2, $3, $4, nullif($5, 0), $6, $7)",
            d->id, d->attempts + 1, ((dw_time){ a->at_us }), a->took_us / CLOCK_MS, a->status, a->error,
            a->answer));
}

static const char *state_of(enum outcome outcome)
{
    static const char *const states[] = {
        [OUTCOME_DELIVERED] = "delivered", [OUTCOME_AGAIN] = "waiting",   [OUTCOME_GIVEN_UP] = "failed",
        [OUTCOME_GONE] = "failed",         [OUTCOME_SKIPPED] = "skipped",
    };
    return states[outcome];
}

static const char *why_of(const struct delivery *d, const struct attempt *a)
{
    if (a->outcome == OUTCOME_DELIVERED)
        return NULL;
    return a->error ? a->error
                    : arena_format((struct arena *)(uintptr_t)&d->arena, "the answer was %d", a->status);
}

static int64_t update(const struct delivery *d, struct db_session *s, const struct attempt *a)
{
    int64_t made = a->was_made ? 1 : 0, now_us = wall_us(d->w);

    if (a->outcome == OUTCOME_AGAIN)
        return db_exec(
            s, DB_BY_CORE,
            DW_LIST("UPDATE dowel_webhook_deliveries SET attempts = $2, tries = $3, status = nullif($4, 0),"
                    " why = $5, due_at = $6 WHERE id = $1",
                    d->id, d->attempts + made, d->tries + made, a->status, why_of(d, a),
                    ((dw_time){ now_us + a->delay_us })));
    return db_exec(s, DB_BY_CORE,
                   DW_LIST("UPDATE dowel_webhook_deliveries SET state = $2, attempts = $3, tries = $4,"
                           " status = nullif($5, 0), why = $6, due_at = NULL, ended_at = $7 WHERE id = $1",
                           d->id, state_of(a->outcome), d->attempts + made, d->tries + made, a->status,
                           why_of(d, a), ((dw_time){ now_us })));
}

/* ---- what it means for the webhook ---- */

static int tell_disabled(const struct delivery *d, struct db_session *s, const char *why)
{
    struct buf data = BUF_INIT;
    int rc = DW_ENOMEM;

    buf_add_format(&data, "{\"webhook\":\"%s\",\"url\":", d->to.id);
    buf_add_json(&data, str_from(d->to.url));
    buf_add_text(&data, ",\"why\":");
    buf_add_json(&data, str_from(why));
    buf_add_char(&data, '}');
    if (!buf_failed(&data))
        rc = events_emit(s,
                         &(struct event){ .name = "core.webhook.disabled",
                                          .data = buf_text(&data),
                                          .tenant = d->event.tenant,
                                          .at_us = wall_us(d->w) },
                         NULL);
    buf_finish(&data);
    return rc;
}

static int disable(struct delivery *d, struct db_session *s, const char *why)
{
    int rc = webhook_enable(s, NULL, d->to.id, why, wall_us(d->w));

    return rc < 0 ? rc : tell_disabled(d, s, why);
}

/* *disabled: why it was, to be logged once that is committed. */
static int64_t count(struct delivery *d, struct db_session *s, const struct attempt *a, const char **disabled)
{
    int64_t failures = 0, rc;

    if (a->outcome == OUTCOME_DELIVERED)
        return db_exec(
            s, DB_BY_CORE,
            DW_LIST("UPDATE dowel_webhooks SET failures = 0 WHERE id = $1 AND failures > 0", d->to.id));
    if (a->outcome == OUTCOME_GONE) {
        *disabled = "its receiver answered 410 Gone: it wants no more";
        return disable(d, s, *disabled);
    }
    if (a->outcome != OUTCOME_GIVEN_UP)
        return 0;
    rc = db_find(s, DW_TO(&failures), DB_BY_CORE,
                 DW_LIST("UPDATE dowel_webhooks SET failures = failures + 1 WHERE id = $1 RETURNING failures",
                         d->to.id));
    if (rc <= 0 || failures < WEBHOOK_GIVE_UP_AFTER)
        return rc;
    *disabled = "several events one after the other could not be delivered for two days";
    return disable(d, s, *disabled);
}

static int write_down(struct delivery *d, struct db_session *s, const struct attempt *a,
                      const char **disabled)
{
    int64_t rc = db_begin(s);

    if (rc >= 0 && a->was_made)
        rc = add_to_log(d, s, a);
    if (rc >= 0)
        rc = update(d, s, a);
    if (rc >= 0)
        rc = count(d, s, a, disabled);
    if (rc >= 0)
        rc = a->outcome == OUTCOME_AGAIN ? job_again(d->job, s, a->delay_us) : job_done(d->job, s);
    if (rc >= 0)
        rc = db_commit(s);
    return rc < 0 ? (int)rc : 0;
}

static void tell(const struct delivery *d, const struct attempt *a, const char *disabled)
{
    metric_add(a->outcome == OUTCOME_DELIVERED ? d->w->delivered : d->w->failed, a->was_made ? 1 : 0);
    if (a->outcome == OUTCOME_GIVEN_UP)
        log_warn("an event was not delivered to a webhook, and is given up", LOG_TEXT("webhook", d->to.id),
                 LOG_TEXT("delivery", d->id), LOG_TEXT("event", d->event.name),
                 LOG_NUMBER("attempts", d->attempts + 1), LOG_TEXT("why", why_of(d, a)));
    if (disabled)
        log_warn("a webhook is disabled; see `dowel webhook enable`", LOG_TEXT("webhook", d->to.id),
                 LOG_TEXT("why", disabled));
}

/* In a session of its own: none was held while the receiver took its time. Again where the engine wants it: the event has
 * been sent, and to write that down is all that is left. */
static int finish(struct delivery *d, const struct attempt *a)
{
    int rc = DW_EUNAVAILABLE;
    bool again = true;

    for (int i = 0; again && i < REPEATS; i++) {
        const char *disabled = NULL;
        struct db_session *s;
        rc = open_session(d->w, &s, 0);
        if (rc != 0)
            return rc;
        rc = write_down(d, s, a, &disabled);
        again = rc < 0 && db_wants_repeat(s);
        if (rc < 0 && !again)
            job_explain(d->job, db_error_of(s)->text, 0);
        db_session_destroy(s);
        job_settled(d->job, rc == 0);
        if (rc == 0)
            tell(d, a, disabled);
    }
    return rc;
}

/* ---- not all at once ---- */

/* After one to three times as long as the receiver takes now: many that wait do not come back together, nor all the time. */
static int come_back(struct delivery *d, int64_t longest_us)
{
    unsigned char random = 0;
    int64_t least_us = longest_us < SECONDS(6) ? longest_us : SECONDS(6);

    if (random_bytes(&random, 1) != 0)
        random = 128;
    job_again_later(d->job, least_us + least_us * 2 / 255 * random);
    return 0;
}

static int send_in_turn(struct delivery *d)
{
    struct attempt a = { .outcome = OUTCOME_SKIPPED };
    int64_t longest_us;
    size_t place;
    int rc;

    if (is_pointless(d, &a))
        return finish(d, &a);
    place = places_take(&d->w->places, d->to.id, &longest_us);
    if (place == PLACES_NONE)
        return come_back(d, longest_us);
    rc = attempt(d, &a);
    places_give(&d->w->places, place);
    return rc == 0 ? finish(d, &a) : rc;
}

/* ---- the job ---- */

static int load_all(struct delivery *d)
{
    struct db_session *s;
    int rc = open_session(d->w, &s, job_deadline_us(d->job));

    if (rc != 0)
        return rc;
    rc = load(d, s);
    if (rc < 0)
        job_explain(d->job, db_error_of(s)->text, 0);
    db_session_destroy(s);
    return rc;
}

static int run(struct job *job, void *ud)
{
    struct delivery d = { .w = ud, .job = job };
    int rc = 0;

    arena_init(&d.arena, NULL, 0, 0);
    d.id = event_payload_text(&d.arena, job_payload(job), "delivery");
    if (d.id && uuid_parse(str_from(d.id), NULL) == 0)
        rc = load_all(&d);
    if (rc > 0)
        rc = send_in_turn(&d);
    secrets_wipe(&d.to.secrets);
    arena_finish(&d.arena);
    return rc;
}

/* An admin cancelled it, or the database failed again and again: it is not left waiting for ever. */
static int dead(struct job *job, void *ud)
{
    struct delivery d = { .w = ud, .job = job };
    struct db_session *s;
    const char *why;
    int64_t rc = open_session(d.w, &s, 0);

    if (rc != 0)
        return (int)rc;
    job_last_error(job, &why);
    arena_init(&d.arena, NULL, 0, 0);
    d.id = event_payload_text(&d.arena, job_payload(job), "delivery");
    if (d.id && uuid_parse(str_from(d.id), NULL) == 0)
        rc = db_exec(s, DB_BY_CORE,
                     DW_LIST("UPDATE dowel_webhook_deliveries SET state = 'failed', why = $2, due_at = NULL,"
                             " ended_at = $3 WHERE id = $1 AND state = 'waiting'",
                             d.id, *why ? why : "its job was cancelled", ((dw_time){ wall_us(d.w) })));
    arena_finish(&d.arena);
    db_session_destroy(s);
    return rc < 0 ? (int)rc : 0;
}

int webhook_sender_register(struct webhook_sender *w, struct jobs *jobs)
{
    return jobs_register(jobs, &(struct job_kind){ .owner = "core",
                                                   .name = "webhook",
                                                   .run = run,
                                                   .dead = dead,
                                                   .ud = w,
                                                   .timeout_us = w->options.timeout_us + SECONDS(30),
                                                   .attempts = 50,
                                                   .parallel = PLACES });
}
