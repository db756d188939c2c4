#include "plugin/call.h"

#include <stdio.h>

#include "http/exchange.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "plugin/call_slots.h"
#include "util/clock.h"

/* ---- failing ---- */

/* Into a new buffer: what is formatted may well quote the failure before. */
static const char *replace(struct buf *b, struct buf *by)
{
    buf_finish(b);
    *b = *by;
    const char *text = buf_text(b);
    return buf_failed(b) ? "out of memory" : text;
}

static int fail_list(dw_call *c, int code, const char *detail, const char *format, va_list args)
{
    struct buf text = BUF_INIT, machine = BUF_INIT;

    buf_add_format_list(&text, format, args);
    buf_add_text(&machine, detail);
    c->error = (dw_err){ .struct_size = sizeof(dw_err), .code = code };
    c->error_from_peer = c->error_is_inner = c->error_is_plugins = false;
    c->error.reason = "";
    c->error.said = c->error.text = replace(&c->error_text, &text);
    c->error.detail = replace(&c->error_detail, &machine);
    return code;
}

void call_say(dw_call *c, const char *said)
{
    struct buf b = BUF_INIT;

    buf_add_text(&b, said);
    if (buf_failed(&b))
        buf_finish(&b); /* English, then */
    else
        c->error.said = replace(&c->error_said, &b);
}

void call_reason(dw_call *c, const char *reason)
{
    snprintf(c->error_reason, sizeof(c->error_reason), "%s", reason);
    c->error.reason = c->error_reason;
}

/* The server's sentence as who asks is told it; NULL: in English. */
static const char *say(const dw_call *c, const char *english)
{
    const char *said = c->asker ? http_say(http_request_language(c->asker), english) : english;

    return said == english ? NULL : said;
}

static void say_list(dw_call *c, const char *format, va_list args)
{
    struct buf said = BUF_INIT;

    buf_add_format_list(&said, format, args);
    call_say(c, buf_text(&said));
    buf_finish(&said);
}

int call_refuse(dw_call *c, int code, const char *detail, const char *format, ...)
{
    const char *said = say(c, format);
    va_list args;

    va_start(args, format);
    fail_list(c, code, detail, format, args);
    va_end(args);
    if (said) {
        va_start(args, format);
        say_list(c, said, args);
        va_end(args);
    }
    return code;
}

int call_fail(dw_call *c, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail_list(c, code, "", format, args);
    va_end(args);
    return code;
}

int call_fail_inner(dw_call *c, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail_list(c, code, "", format, args);
    va_end(args);
    c->error_is_inner = true;
    return code;
}

int call_fail_detail(dw_call *c, int code, const char *detail, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail_list(c, code, detail, format, args);
    va_end(args);
    return code;
}

static struct str copy_lasting(dw_call *c, const char *before, const char *text)
{
    size_t n = strlen(before) + strlen(text);
    char *p = call_alloc_lasting(c, n + 1);

    if (!p)
        return str_make(NULL, 0);
    memcpy(p, before, strlen(before));
    memcpy(p + strlen(before), text, strlen(text));
    return str_make(p, n);
}

static bool reserve_error(dw_call *c)
{
    if (c->errors_n < c->errors_cap)
        return true;
    size_t cap = c->errors_cap ? 2 * c->errors_cap : 8;
    void *p = call_grow(c, c->base, c->errors, c->errors_cap * sizeof(*c->errors), cap * sizeof(*c->errors));
    if (!p)
        return false;
    c->errors = p;
    c->errors_cap = cap;
    return true;
}

int call_fail_at_said(dw_call *c, const char *pointer, const char *text, const char *said)
{
    if (reserve_error(c)) {
        c->errors_said_n += said != NULL;
        c->errors[c->errors_n++] = (struct problem_error){
            .pointer = copy_lasting(c, *pointer == '#' ? "" : "#", pointer),
            .detail = copy_lasting(c, "", said ? said : text),
        };
    }
    call_fail_detail(c, DW_EINVALID, pointer, "%s", text);
    if (said)
        call_say(c, said);
    return DW_EINVALID;
}

int call_fail_at(dw_call *c, const char *pointer, const char *text)
{
    return call_fail_at_said(c, pointer, text, NULL);
}

int call_refuse_at(dw_call *c, const char *pointer, const char *text)
{
    return call_fail_at_said(c, pointer, text, say(c, text));
}

/* ---- what the harness and the limit say ---- */

int call_flagged(dw_call *c, const char *step)
{
    const struct plugin_process *p = c->instance->process;
    unsigned flags = atomic_load_explicit(&c->flags, memory_order_relaxed);

    if (flags & CALL_POISONED)
        return call_fail(c, DW_ENOMEM, "%s: the call took more memory than it may, or there is none", step);
    int rc = p->fault ? p->fault(c, step, p->fault_ud) : 0;
    return rc < 0 ? call_fail(c, rc, "%s: failed because the test wants it so", step) : 0;
}

/* ---- broken contracts ---- */

int call_misuse(dw_call *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail_list(c, DW_EMISUSE, "", format, args);
    va_end(args);
    metric_add(c->instance->metrics.misuses, 1);
    log_error("a plugin broke the contract", LOG_TEXT("plugin", c->instance->name),
              LOG_TEXT("callback", c->what), LOG_STR("request", c->request_id),
              LOG_TEXT("what", c->error.text));
    return DW_EMISUSE;
}

bool call_may_log(const dw_call *c)
{
    if (!c || atomic_load_explicit(&c->thread, memory_order_relaxed) != call_thread())
        return false;
    uint32_t state = atomic_load_explicit(&c->state, memory_order_relaxed);
    return state == CALL_OPEN || state == CALL_ENDING;
}

static const char *why_stray(const dw_call *c)
{
    if (!c)
        return "there was no call";
    if (!call_slot_is(c))
        return "it is no call at all";
    switch (atomic_load_explicit(&c->state, memory_order_relaxed)) {
    case CALL_OPEN: return "the call belongs to another thread";
    case CALL_ENDING: return "the call is ending: what was deferred may only log";
    default: return "the call has ended";
    }
}

/* A thread that goes on for ever must not fill the log. *told_us is when it was last told. */
static bool may_tell(_Atomic int64_t *told_us)
{
    int64_t now_us = clock_monotonic_us(), before_us = atomic_load_explicit(told_us, memory_order_relaxed);

    return (before_us == 0 || now_us - before_us >= CLOCK_SECOND) &&
           atomic_compare_exchange_strong(told_us, &before_us, now_us);
}

/* i NULL: it is not known whose fault it was; then *told_us is when the log last told of such a thing. */
static void tell_stray(dw_instance *i, _Atomic int64_t *told_us, const char *message, const char *step,
                       const char *why)
{
    if (i)
        metric_add(i->metrics.misuses, 1);
    else
        metric_add(metrics_counter("dowel_plugin_misuses_total", "How often it broke the contract",
                                   "plugin=\"unknown\""),
                   1);
    if (may_tell(i ? &i->stray_told_us : told_us))
        log_error(message, LOG_TEXT("plugin", i ? i->name : "unknown"), LOG_TEXT("step", step),
                  LOG_TEXT("why", why));
}

int call_stray(const dw_call *c, const char *step)
{
    static _Atomic int64_t told_us;

    tell_stray(call_slot_is(c) ? atomic_load(&c->instance) : NULL, &told_us,
               "a plugin used a call where it must not; nothing was done (told once a second)", step,
               why_stray(c));
    return DW_ETHREAD;
}

int call_check_instance(dw_instance *i, const char *step)
{
    static _Atomic int64_t told_us;
    static const char message[] =
        "a plugin used its instance where it must not; nothing was done (told once a second)";
    uint32_t magic = i ? atomic_load_explicit(&i->magic, memory_order_acquire) : 0;

    if (magic == INSTANCE_MAGIC)
        return 0;
    if (magic == INSTANCE_OVER) {
        tell_stray(i, &told_us, message, step,
                   "the plugin was stopped: a thread of its own should have ended by then");
        return DW_EUNAVAILABLE;
    }
    tell_stray(NULL, &told_us, message, step, i ? "it is no instance at all" : "there was no instance");
    return DW_EMISUSE;
}
