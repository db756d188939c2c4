#include "plugin/listeners.h"

#include <stdio.h>

#include "events/events.h"
#include "events/inbox.h"
#include "jobs/jobs.h"
#include "plugin/call_db.h"
#include "plugin/descriptor.h"
#include "plugin/host_json.h"
#include "plugin/job_calls.h"
#include "util/clock.h"
#include "util/json.h"

/* One of them. */
struct listener {
    struct job_callback callback;
    const dw_subscription *subscription; /* NULL: an inbox */
    const dw_inbox *inbox;
};

/* ---- what a job is about ---- */

static const char *id_of(dw_call *c, struct job *job, const char *name)
{
    return event_payload_text(c->arena, job_payload(job), name);
}

/* The call's, or NULL after recording why. */
static json_t *open_json(dw_call *c, const char *text, const char *what)
{
    struct json_fault fault;
    json_t *json;

    if (json_strict_parse(str_from(text), 0, &json, &fault) == 0)
        return host_json_own(c, json);
    call_fail(c, fault.is_ours ? DW_ENOMEM : DW_EINVALID, "%s cannot be read: %s", what, fault.text);
    return NULL;
}

static int missing(dw_call *c, const char *what)
{
    return call_fail(c, DW_ENOTFOUND, "%s is no longer kept", what);
}

/* ---- events ---- */

static int tell(dw_call *c, const struct listener *l, const struct event *e)
{
    const dw_event told = {
        .struct_size = sizeof(told),
        .id = e->id,
        .name = e->name,
        .at = { e->at_us },
        .data = open_json(c, e->data, "what the event carries"),
    };

    return told.data ? l->subscription->handle(c, &told) : c->error.code;
}

static int run_event(dw_call *c, struct job *job, void *ud)
{
    static const char step[] = "the event";
    const char *id = id_of(c, job, "event");
    struct db_session *s;
    struct event e;

    if (!id)
        return missing(c, step);
    DW_TRY(call_session(c, step, &s));
    int rc = call_session_result(c, step, events_load(s, c->arena, NULL, id, &e));
    if (rc == 0)
        return missing(c, step);
    return rc < 0 ? rc : tell(c, ud, &e);
}

/* ---- webhooks that came in ---- */

static int hand_over(dw_call *c, const struct listener *l, const struct inbox_delivery *d)
{
    const dw_delivery given = {
        .struct_size = sizeof(given),
        .id = d->id,
        .sent_as = d->delivery,
        .source = d->source,
        .at = { d->received_us },
        .body = { d->body.p, d->body.n },
        .fields = open_json(c, d->headers, "its fields"),
    };

    return given.fields ? l->inbox->handle(c, &given) : c->error.code;
}

/* An open transaction is the plugin's mistake, of which it is told next; nothing is settled then. */
static int settle(dw_call *c, const char *step, const char *id)
{
    struct db_session *s;

    if (call_in_transaction(c))
        return 0;
    DW_TRY(call_session(c, step, &s));
    return call_session_result(c, step, inbox_settle(s, id, NULL, call_wall_us(c)));
}

static int run_inbox(dw_call *c, struct job *job, void *ud)
{
    static const char step[] = "the webhook";
    const char *id = id_of(c, job, "received");
    struct inbox_delivery d;
    struct db_session *s;

    if (!id)
        return missing(c, step);
    DW_TRY(call_session(c, step, &s));
    int rc = call_session_result(c, step, inbox_load(s, c->arena, id, &d));
    if (rc == 0)
        return 0; /* it is done with, or its source was removed */
    if (rc > 0)
        rc = hand_over(c, ud, &d);
    return rc < 0 ? rc : settle(c, step, id);
}

/* It is given up: seen in `dowel inbox list`, and can be replayed. No code of the plugin's runs. */
static int bury_inbox(struct job *job, void *ud)
{
    const struct listener *l = ud;
    const struct db_who who = { .owner = "core", .now_us = clock_wall_us() };
    struct db_session *s;
    struct arena arena;
    const char *why;
    int rc = 0;

    if (db_session_create(&s, l->callback.instance->process->db, &who) != 0)
        return DW_ENOMEM;
    arena_init(&arena, NULL, 0, 0);
    const char *id = event_payload_text(&arena, job_payload(job), "received");
    job_last_error(job, &why);
    if (id && uuid_parse(str_from(id), NULL) == 0)
        rc = inbox_settle(s, id, *why ? why : "its job was cancelled", who.now_us);
    arena_finish(&arena);
    db_session_destroy(s);
    return rc;
}

static int run(struct job *job, void *ud)
{
    const struct listener *l = ud;

    return job_callback_run(&l->callback, job);
}

/* ---- registering ---- */

static char *format(struct jobs *jobs, const char *prefix, const char *name)
{
    size_t size = strlen(prefix) + strlen(name) + 1;
    char *text = jobs_alloc(jobs, size);

    if (text)
        snprintf(text, size, "%s%s", prefix, name);
    return text;
}

/* `name` is what it listens to; of an inbox, its name. */
static int add(dw_instance *i, const char *name, const struct listener *listener)
{
    bool is_inbox = listener->inbox != NULL;
    struct jobs *jobs = i->process->jobs;
    struct listener *l = jobs_alloc(jobs, sizeof(*l));
    const char *what = format(jobs, is_inbox ? "inbox " : "event ", name);
    const char *kind = format(jobs, is_inbox ? INBOX_KIND_PREFIX : EVENT_KIND_PREFIX, name);

    if (!l || !what || !kind)
        return -1;
    *l = *listener;
    l->callback = (struct job_callback){
        .instance = i,
        .what = what,
        .label = activity_label(i->name, what),
        .run = is_inbox ? run_inbox : run_event,
        .ud = l,
    };
    return jobs_register(
        jobs,
        &(struct job_kind){
            .owner = i->name, .name = kind, .run = run, .dead = is_inbox ? bury_inbox : NULL, .ud = l });
}

static int add_all(dw_instance *i)
{
    const struct plugin_descriptor *d = i->descriptor;
    int rc = 0;

    for (size_t n = 0; rc == 0 && n < d->subscriptions_n; n++)
        rc = add(i, d->subscriptions[n].event, &(struct listener){ .subscription = &d->subscriptions[n] });
    for (size_t n = 0; rc == 0 && n < d->inboxes_n; n++)
        rc = add(i, d->inboxes[n].name, &(struct listener){ .inbox = &d->inboxes[n] });
    return rc;
}

int listeners_announce(const dw_instance *i, struct db_session *s, int64_t now_us)
{
    const struct plugin_descriptor *d = i->descriptor;
    struct arena arena;
    int rc = DW_ENOMEM;

    arena_init(&arena, NULL, 0, 0);
    const char **patterns = arena_calloc(&arena, (d->subscriptions_n + 1) * sizeof(const char *));
    for (size_t n = 0; patterns && n < d->subscriptions_n; n++)
        patterns[n] = d->subscriptions[n].event;
    if (patterns)
        rc = events_subscribe(s, i->name, patterns, d->subscriptions_n, now_us);
    arena_finish(&arena);
    return rc;
}

static int announce(const dw_instance *i, struct buf *why)
{
    const struct db_who who = { .owner = "core", .now_us = clock_wall_us() };
    struct db_session *s;
    int rc;

    if (db_session_create(&s, i->process->db, &who) != 0) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    rc = listeners_announce(i, s, who.now_us);
    if (rc < 0)
        buf_add_format(why, "the events that it wants cannot be written down: %s", db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}

int listeners_register(dw_instance *i, struct buf *why)
{
    if (!i->process->jobs || !i->process->db)
        return 0;
    if (add_all(i) != 0) {
        buf_add_text(why, "its subscriptions and inboxes cannot be registered: out of memory");
        return -1;
    }
    return announce(i, why);
}
