#include "plugin/instance.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "plugin/call_db.h"
#include "plugin/counters.h"
#include "plugin/descriptor.h"
#include "plugin/detach.h"
#include "plugin/host.h"
#include "util/clock.h"

/* The main thread waits for these; a plugin that takes longer is asked to give up. */
enum { STEP_US = 30 * CLOCK_SECOND };

static void make_metrics(dw_instance *i)
{
    struct buf label = BUF_INIT;

    metrics_label(&label, "plugin", str_from(i->name));
    const char *labels = buf_text(&label);
    i->metrics.memory_peak = metrics_gauge("dowel_plugin_call_memory_peak_bytes",
                                           "The most memory that one call of it took", labels);
    i->metrics.calls = metrics_counter("dowel_plugin_calls_total", "Callbacks of it that ran", labels);
    i->metrics.failures =
        metrics_counter("dowel_plugin_failures_total", "Callbacks of it that failed", labels);
    i->metrics.misuses =
        metrics_counter("dowel_plugin_misuses_total", "How often it broke the contract", labels);
    i->metrics.tokens_lost =
        metrics_counter("dowel_plugin_tokens_lost_total", "Detached requests that it never answered", labels);
    i->metrics.system_calls =
        metrics_counter("dowel_plugin_system_calls_total",
                        "How often it used dw_call_as_system, to work in all tenants", labels);
    i->metrics.repeats =
        metrics_counter("dowel_plugin_repeats_total",
                        "Callbacks of it that ran again because the database wanted it", labels);
    buf_finish(&label);
}

int instance_create(dw_instance **out, const struct plugin_descriptor *d,
                    const struct plugin_process *process)
{
    dw_instance *i = calloc(1, sizeof(*i));

    *out = NULL;
    if (i && d->self_size > 0)
        i->self = calloc(1, d->self_size);
    if (!i || (d->self_size > 0 && !i->self)) {
        free(i);
        return -1;
    }
    i->magic = INSTANCE_MAGIC;
    i->name = d->name;
    i->descriptor = d;
    i->process = process;
    make_metrics(i);
    *d->raw->host = &host_tables;
    *out = i;
    return 0;
}

void instance_configure(dw_instance *i, struct config *config)
{
    struct config *before = i->config;

    i->config = config_hold(config);
    i->conf = config_values(config, i->name);
    config_drop(before);
}

/* ---- its callbacks ---- */

static int run_init(dw_instance *i, dw_call *c)
{
    return i->descriptor->init ? i->descriptor->init(c) : 0;
}

static int run_start(dw_instance *i, dw_call *c)
{
    return i->descriptor->start ? i->descriptor->start(c) : 0;
}

static int run_stop(dw_instance *i, dw_call *c)
{
    return i->descriptor->stop ? i->descriptor->stop(c) : 0;
}

static int run_fini(dw_instance *i, dw_call *c)
{
    if (i->descriptor->fini)
        i->descriptor->fini(c);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(dw_instance *i, dw_call *c);
} steps[] = {
    [INSTANCE_INIT] = { "init", run_init },
    [INSTANCE_START] = { "start", run_start },
    [INSTANCE_STOP] = { "stop", run_stop },
    [INSTANCE_FINI] = { "fini", run_fini },
};

static void say_why(struct buf *why, const char *step, const dw_call *c, int code)
{
    const dw_err *e = &c->error;

    if (e->code == code && e->text && *e->text)
        buf_add_format(why, "%s: %s", step, e->text);
    else if (c->errors_n == 0)
        buf_add_format(why, "%s returned %d and no text (see enum dw_error)", step, code);
    for (size_t k = 0; k < c->errors_n; k++)
        buf_add_format(why, "%s%s: %.*s %.*s", k ? "; " : "", step, STR_ARG(c->errors[k].pointer),
                       STR_ARG(c->errors[k].detail));
}

int instance_run(dw_instance *i, enum instance_step step, struct buf *why)
{
    const char *name = steps[step].name;
    const struct call_options options = {
        .instance = i,
        .label = activity_label(i->name, name),
        .what = name,
        .deadline_us = clock_monotonic_us() + STEP_US,
    };
    dw_call *c;

    if (step == INSTANCE_STOP) /* its own threads learn of it before it waits for them */
        call_stop(i);
    if (call_begin(&c, &options) != 0) {
        buf_add_format(why, "%s: out of memory", name);
        return -1;
    }
    int rc = call_check_committed(c, steps[step].run(i, c));
    /* Who marked an item by dw_fail_at() and forgot to return the code has refused as well. */
    if (rc >= 0 && c->errors_n > 0)
        rc = DW_EINVALID;
    if (rc < 0)
        say_why(why, name, c, rc);
    call_end(c);
    return rc < 0 ? -1 : 0;
}

/* ---- what its own threads do ---- */

/* Never changed nor freed once it is in the list, as the instance itself. */
struct instance_label {
    struct instance_label *next;
    uint32_t label;
    char what[ACTIVITY_WHAT_SIZE];
};

static const struct instance_label *find_label(dw_instance *i, const char *what)
{
    const struct instance_label *l = atomic_load_explicit(&i->labels.first, memory_order_acquire);

    while (l && strncmp(l->what, what, sizeof(l->what) - 1) != 0)
        l = l->next;
    return l;
}

/* Under the lock. NULL: there is no room, or no memory. */
static const struct instance_label *add_label(dw_instance *i, const char *what)
{
    struct instance_label *l = i->labels.n < INSTANCE_LABELS_MAX ? malloc(sizeof(*l)) : NULL;

    if (!l)
        return NULL;
    snprintf(l->what, sizeof(l->what), "%s", what);
    l->label = activity_label(i->name, l->what);
    l->next = atomic_load_explicit(&i->labels.first, memory_order_relaxed);
    atomic_store_explicit(&i->labels.first, l, memory_order_release);
    i->labels.n++;
    return l;
}

uint32_t instance_label(dw_instance *i, const char *what)
{
    static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;
    const struct instance_label *l = find_label(i, what);

    if (!l && i->labels.n < INSTANCE_LABELS_MAX) {
        pthread_mutex_lock(&adding);
        l = find_label(i, what);
        l = l ? l : add_label(i, what);
        pthread_mutex_unlock(&adding);
    }
    return l ? l->label : activity_label(i->name, "own thread");
}

static dw_instance *over; /* in reach: kept, and no leak */

void instance_destroy(dw_instance *i)
{
    if (!i)
        return;
    atomic_store(&i->magic, INSTANCE_OVER);
    detach_stop(i); /* no token may name it any more, nor may calls */
    call_forget(i);
    counters_destroy(i->counters);
    config_drop(i->config);
    json_decref(i->german);
    free(i->self);
    i->config = NULL;
    i->german = NULL;
    i->conf = i->self = NULL;
    i->older = over;
    over = i;
}
