/* host_jobs.c - the table of what plugins do with jobs. */
#include "plugin/call_db.h"
#include "plugin/descriptor.h"
#include "plugin/host.h"
#include "plugin/host_json.h"
#include "plugin/host_time.h"
#include "plugin/job_calls.h"
#include "plugin/values.h"
#include "util/json.h"

enum { PAYLOAD_MAX = 1 << 20, KEY_MAX = 300 };

/* ---- adding ---- */

/* "notes.push": what the engine knows it as. */
static const char *full_name(dw_call *c, const char *kind)
{
    struct buf name = BUF_INIT;

    buf_add_format(&name, "%s.%s", c->instance->name, kind);
    const char *copy = call_copy(c, buf_str(&name));
    buf_finish(&name);
    return copy;
}

static bool has_kind(const dw_call *c, const char *name)
{
    const struct plugin_descriptor *d = c->instance->descriptor;

    for (size_t i = 0; name && d && i < d->jobs_n; i++) {
        if (strcmp(d->jobs[i].name, name) == 0)
            return true;
    }
    return false;
}

static const char *key_wrong(const char *key)
{
    if (!key)
        return NULL;
    if (!*key || strnlen(key, KEY_MAX + 1) > KEY_MAX)
        return "is empty, or longer than 300 bytes";
    return str_is_utf8(str_from(key)) ? NULL : "is not UTF-8";
}

static int check_args(dw_call *c, const dw_job_args *a)
{
    static const char step[] = "dw_job_add";
    const char *wrong;

    if (!has_kind(c, a->kind))
        return call_misuse(c, "%s: \"%s\" is none of the plugin's .jobs", step, a->kind ? a->kind : "");
    if ((wrong = pairs_values_wrong(a->with)))
        return call_misuse(c, "%s: the payload holds %s", step, wrong);
    if ((wrong = key_wrong(a->unique_key)))
        return call_misuse(c, "%s: the unique_key %s", step, wrong);
    if ((wrong = key_wrong(a->queue_key)))
        return call_misuse(c, "%s: the queue_key %s", step, wrong);
    if (a->delay.us < 0)
        return call_misuse(c, "%s: the delay is less than nothing", step);
    return 0;
}

static int add_with(dw_call *c, const dw_job_args *a, struct str payload)
{
    static const char step[] = "dw_job_add";
    struct db_session *s;

    if (payload.n > PAYLOAD_MAX)
        return call_fail_inner(c, DW_ETOOLARGE,
                               "%s: the payload has %zu bytes, at most %d are taken: keep it in a table, and "
                               "give the job its id",
                               step, payload.n, PAYLOAD_MAX);
    DW_TRY(call_session(c, step, &s));
    const struct job_new job = {
        .kind = full_name(c, a->kind),
        .tenant = c->tenant,
        .principal = c->principal,
        .payload = payload,
        .unique_key = a->unique_key,
        .queue_key = a->queue_key,
        .delay_us = a->delay.us,
        .now_us = call_wall_us(c),
    };
    return call_session_result(c, step, job_add(s, &job));
}

static int add(dw_call *c, const dw_job_args *args)
{
    dw_job_args a = { 0 };
    struct buf payload = BUF_INIT;

    DW_TRY(call_check(c, "dw_job_add"));
    if (!args || args->struct_size < sizeof(args->struct_size))
        return call_misuse(c, "dw_job_add: its arguments do not begin with their size");
    memcpy(&a, args, args->struct_size < sizeof(a) ? args->struct_size : sizeof(a));
    DW_TRY(check_args(c, &a));
    int rc = pairs_write_json(&payload, a.with);
    if (rc != 0)
        rc = call_misuse(c, "dw_job_add: the payload holds JSON that is too deep");
    else if (buf_failed(&payload))
        rc = call_fail(c, DW_ENOMEM, "dw_job_add: out of memory");
    else
        rc = add_with(c, &a, buf_str(&payload));
    buf_finish(&payload);
    return rc;
}

static int cancel(dw_call *c, const char *kind, const char *unique_key)
{
    static const char step[] = "dw_job_cancel";
    struct db_session *s;

    DW_TRY(call_session(c, step, &s));
    if (!has_kind(c, kind) || !unique_key)
        return call_misuse(c, "%s: %s", step,
                           unique_key ? "none of the plugin's .jobs has that name" : "no key");
    return call_session_result(c, step,
                               job_cancel(s, full_name(c, kind), c->tenant, unique_key, call_wall_us(c)));
}

/* ---- inside of a run ---- */

static int read_payload(struct job_handle *h)
{
    struct json_fault fault;
    json_t *payload;

    if (h->payload)
        return 0;
    if (json_strict_parse(job_payload(h->job), 2 * PAYLOAD_MAX, &payload, &fault) != 0)
        return call_fail(h->c, fault.is_ours ? DW_ENOMEM : DW_EINVALID, "dw_job_read: the payload: %s",
                         fault.text);
    h->payload = host_json_own(h->c, payload);
    return 0;
}

static int read(dw_job *job, dw_list pairs)
{
    struct job_handle *h;

    DW_TRY(job_handle_check(job, "dw_job_read", &h));
    DW_TRY(read_payload(h));
    return host_json_read(h->c, h->payload, pairs);
}

static int attempt(dw_job *job)
{
    struct job_handle *h;

    if (job && call_is_mine(((struct job_handle *)(void *)job)->c))
        return (int)job_attempt(((struct job_handle *)(void *)job)->job);
    return job_handle_check(job, "dw_job_attempt", &h);
}

static int progress(dw_job *job, int64_t done, int64_t total)
{
    struct job_handle *h;

    DW_TRY(job_handle_check(job, "dw_job_progress", &h));
    if (job_progress(h->job, done, total) && !call_is_cancelled(h->c))
        return 0;
    return call_fail(h->c, DW_ECANCELLED, "the job was cancelled, or its time is over");
}

/* again_us -1: it is done. */
static int settle(struct job_handle *h, const char *step, int64_t again_us)
{
    struct db_session *s;

    DW_TRY(call_session(h->c, step, &s));
    int rc = again_us < 0 ? job_done(h->job, s) : job_again(h->job, s, again_us);
    rc = call_session_result(h->c, step, rc);
    if (rc >= 0)
        rc = call_commit(h->c, step);
    job_settled(h->job, rc >= 0);
    return rc;
}

static int done(dw_job *job)
{
    struct job_handle *h;

    DW_TRY(job_handle_check(job, "dw_job_done", &h));
    return call_in_transaction(h->c) ? settle(h, "dw_job_done", -1) : 0;
}

static int again(dw_job *job, dw_span delay)
{
    int64_t us = delay.us > 0 ? delay.us : 0;
    struct job_handle *h;

    DW_TRY(job_handle_check(job, "dw_job_again", &h));
    if (call_in_transaction(h->c))
        return settle(h, "dw_job_again", us);
    job_again_later(h->job, us);
    return 0;
}

const dw_jobs_api host_jobs_api = {
    .struct_size = sizeof(dw_jobs_api),
    .add = add,
    .cancel = cancel,
    .read = read,
    .attempt = attempt,
    .progress = progress,
    .done = done,
    .again = again,
    .next = host_when_next,
};
