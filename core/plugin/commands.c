#include "plugin/commands.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/units.h"
#include "plugin/call.h"
#include "plugin/call_db.h"
#include "plugin/command_output.h"
#include "plugin/descriptor.h"
#include "plugin/only_tenant.h"
#include "plugin/outcome.h"
#include "plugin/repeat.h"
#include "util/clock.h"

/* What an instance has of each of its commands, for as long as it lives. */
struct command_entry {
    uint32_t label;
    char what[COMMAND_NAME_MAX + sizeof("command ")];
};

/* ---- registering ---- */

int commands_register(dw_instance *i, struct buf *why)
{
    const struct plugin_descriptor *d = i->descriptor;

    if (d->commands_n == 0 || i->commands)
        return 0;
    i->commands = calloc(d->commands_n, sizeof(*i->commands));
    for (size_t n = 0; i->commands && n < d->commands_n; n++) {
        struct command_entry *entry = &i->commands[n];
        snprintf(entry->what, sizeof(entry->what), "command %s", d->commands[n].name);
        entry->label = activity_label(i->name, entry->what);
        activity_allow(entry->label, command_timeout_us(&d->commands[n]));
    }
    if (i->commands)
        return 0;
    buf_add_text(why, "its commands cannot be registered: out of memory");
    return -1;
}

const dw_command *command_find(const dw_instance *i, size_t argc, const char *const *argv, size_t *words)
{
    return command_line_find(i->descriptor->commands, i->commands ? i->descriptor->commands_n : 0, argc, argv,
                             words);
}

/* ---- what came in ---- */

static size_t line_of(struct str text, size_t at)
{
    size_t line = 1;

    for (size_t i = 0; i < at; i++)
        line += text.p[i] == '\n';
    return line;
}

static int check_text(struct str text, struct buf *why)
{
    struct str rest = text;
    size_t n;

    while ((n = str_utf8_length(rest)) > 0)
        rest = str_make(rest.p + n, rest.n - n);
    if (rest.n == 0)
        return 0;
    buf_add_format(why, "standard input: line %zu is not UTF-8, or has a NUL",
                   line_of(text, text.n - rest.n));
    return -1;
}

int command_check_input(const struct command_request *request, struct buf *why)
{
    uint32_t input = request->command->input;

    if (input == DW_INPUT_TEXT)
        return check_text(request->input, why);
    if (input != DW_INPUT_PASSWORD && input != DW_INPUT_SECRET)
        return 0;
    if (request->secret.n > 0 && str_is_utf8(request->secret))
        return 0;
    buf_add_text(why, request->secret.n > 0 ? "what was given on standard input is not UTF-8"
                                            : "nothing was given on standard input");
    return -1;
}

/* ---- handles ---- */

enum { HANDLES_RESTING = 64 };

/* Oldest first: one is used again as late as possible, so that a plugin that kept it is found out. */
static struct {
    pthread_mutex_t lock;
    struct command_handle *first, **last;
    unsigned n;
} resting = { .lock = PTHREAD_MUTEX_INITIALIZER, .last = &resting.first };

static struct command_handle *take_handle(void)
{
    struct command_handle *h = NULL;

    pthread_mutex_lock(&resting.lock);
    if (resting.n > HANDLES_RESTING) {
        h = resting.first;
        resting.first = h->next;
        resting.n--;
    }
    pthread_mutex_unlock(&resting.lock);
    return h ? h : malloc(sizeof(*h));
}

static void give_handle(struct command_handle *h)
{
    pthread_mutex_lock(&resting.lock);
    *h = (struct command_handle){ 0 };
    *resting.last = h;
    resting.last = &h->next;
    resting.n++;
    pthread_mutex_unlock(&resting.lock);
}

int command_handle_check(dw_command_run *run, const char *step, struct command_handle **out)
{
    struct command_handle *h = (struct command_handle *)(void *)run;

    *out = h;
    return call_check(h ? h->c : NULL, step);
}

/* ---- what went wrong ---- */

/* "/email" as "email", which is what was typed. */
static struct str bare_pointer(struct str pointer)
{
    size_t skip = 0;

    while (skip < pointer.n && (pointer.p[skip] == '#' || pointer.p[skip] == '/'))
        skip++;
    return str_make(pointer.p + skip, pointer.n - skip);
}

static void explain_timeout(struct buf *out, const dw_command *command)
{
    struct buf span = BUF_INIT;

    units_format_span(&span, command_timeout_us(command));
    buf_add_format(out, "it was cancelled, as it did not end within %s", buf_text(&span));
    buf_finish(&span);
}

/* Whoever may call it may read it all: also what is meant for the plugin's author. */
static void explain(struct buf *out, const dw_call *c, int rc, const dw_command *command)
{
    const dw_err *e = &c->error;

    for (size_t i = 0; rc == DW_EINVALID && i < c->errors_n; i++) {
        struct str at = bare_pointer(c->errors[i].pointer);
        buf_add_format(out, "%s%.*s%s", i ? "\n" : "", STR_ARG(at), at.n ? ": " : "");
        command_output_plain(out, c->errors[i].detail);
    }
    if (out->n > 0)
        return;
    if (rc == DW_ECANCELLED && e->code == rc &&
        c->error_is_plugins) /* it may know what goes on all the same */
        command_output_plain(out, str_from(e->text));
    else if (rc == DW_ECANCELLED && c->root->deadline_us <= clock_monotonic_us())
        explain_timeout(out, command);
    else if (rc == DW_ECANCELLED)
        buf_add_text(out, "it was cancelled");
    else if (e->code == rc && *e->text)
        command_output_plain(out, str_from(e->text));
    else
        buf_add_format(out, "it failed without a word of why (%s)", outcome_name(rc));
}

/* What it returned may mean nothing, or it went on without the memory that it asked for. */
static int judge(dw_call *c, int rc)
{
    if (rc >= 0 && c->errors_n > 0) /* marked by dw_fail_at(), and forgot to return it */
        return DW_EINVALID;
    if (rc >= DW_EINTERNAL && rc < 0)
        return rc;
    if (rc < 0)
        return call_fail(c, DW_EINTERNAL, "it returned %d, which means nothing", rc);
    return atomic_load(&c->flags) & CALL_POISONED ? DW_ENOMEM : 0;
}

/* ---- a run ---- */

struct run {
    struct command_outcome *out;
    dw_instance *i;
    const struct command_request *request;
    const struct command_sink *sink;
    const struct command_entry *entry;
    struct command_output output;
    int64_t deadline_us;
    const char *tenant; /* NULL: none */
    char implied[UUID_TEXT_SIZE];
};

/* Where the command is for one tenant, and none was typed: the only one there is. */
static int find_tenant(struct run *r)
{
    r->tenant = r->request->typed.tenant;
    if (r->tenant || !(r->request->command->flags & DW_COMMAND_TENANT))
        return 0;
    r->tenant = r->implied;
    return only_tenant(r->i->process->access, r->implied, &r->out->error);
}

static int begin_call(struct run *r, dw_call **out)
{
    const struct call_options options = {
        .instance = r->i,
        .label = r->entry->label,
        .what = r->entry->what,
        .deadline_us = r->deadline_us,
        .tenant = r->tenant,
    };

    return call_begin(out, &options);
}

static void tell_running(const struct run *r, dw_call *c)
{
    if (r->sink->running)
        r->sink->running(c, r->sink->ud);
}

static int callback(struct run *r, dw_call *c)
{
    struct command_handle *h = take_handle();

    if (!h)
        return call_fail(c, DW_ENOMEM, "out of memory");
    *h = (struct command_handle){ .c = c, .request = r->request, .sink = r->sink, .output = &r->output };
    int rc = r->request->command->run(c, (dw_command_run *)(void *)h);
    give_handle(h);
    return rc;
}

/* True: it is to run again. */
static bool run_once(struct run *r, struct repeat *repeat)
{
    dw_call *c;

    if (command_output_begin(&r->output) != 0 || begin_call(r, &c) != 0) {
        r->out->code = DW_ENOMEM;
        buf_add_text(&r->out->error, "out of memory");
        return false;
    }
    tell_running(r, c);
    int rc = callback(r, c);
    bool in_transaction = call_in_transaction(c);
    rc = judge(c, call_check_committed(c, rc));
    bool repeats = repeat_wanted(repeat, c, rc);
    tell_running(r, NULL);
    if (!repeats) {
        r->out->code = rc;
        command_output_end(&r->output, rc < 0, in_transaction);
        if (rc < 0)
            explain(&r->out->error, c, rc, r->request->command);
    }
    call_end(c);
    return repeats;
}

void command_run(struct command_outcome *out, dw_instance *i, const struct command_request *request,
                 const struct command_sink *sink)
{
    struct repeat repeat = REPEAT_INIT;
    struct run r = {
        .out = out,
        .i = i,
        .request = request,
        .sink = sink,
        .entry = &i->commands[request->command - i->descriptor->commands],
        .deadline_us = clock_monotonic_us() + command_timeout_us(request->command),
    };

    *out = (struct command_outcome)COMMAND_OUTCOME_INIT;
    if (atomic_load(&i->missing)) {
        out->code = DW_EUNAVAILABLE;
        buf_add_text(&out->error, "its plugin is not running any more");
        return;
    }
    if (find_tenant(&r) != 0) {
        out->code = DW_EINVALID;
        return;
    }
    command_output_init(&r.output, request->json, sink);
    while (run_once(&r, &repeat))
        continue;
    command_output_finish(&r.output);
}

void command_outcome_finish(struct command_outcome *o)
{
    buf_finish(&o->error);
}
