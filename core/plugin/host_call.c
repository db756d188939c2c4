#include <stdio.h>

#include "log/log.h"
#include "metrics/metrics.h"
#include "plugin/call_db.h"
#include "plugin/host.h"
#include "plugin/host_json.h"
#include "plugin/host_time.h"
#include "plugin/text.h"
#include "plugin/values.h"
#include "plugin/words.h"
#include "secure/uuid.h"
#include "util/clock.h"
#include "util/thread.h"

/* ---- who and when ---- */

static void *self(dw_call *c)
{
    if (call_is_mine(c))
        return c->instance->self;
    call_stray(c, "dw_self");
    return NULL;
}

static const void *conf(dw_call *c)
{
    if (call_is_mine(c))
        return c->instance->conf;
    call_stray(c, "dw_conf");
    return NULL;
}

static dw_instance *instance(dw_call *c)
{
    if (call_is_mine(c))
        return c->instance;
    call_stray(c, "dw_call_instance");
    return NULL;
}

static dw_time now(dw_call *c)
{
    if (call_is_mine(c))
        return (dw_time){ call_wall_us(c) };
    call_stray(c, "dw_now");
    return (dw_time){ clock_wall_us() };
}

static dw_time deadline(dw_call *c)
{
    if (!call_is_mine(c)) {
        call_stray(c, "dw_deadline");
        return (dw_time){ 0 };
    }
    if (c->deadline_us == INT64_MAX)
        return (dw_time){ INT64_MAX };
    return (dw_time){ call_wall_us(c) + (c->deadline_us - clock_monotonic_us()) };
}

/* Also for threads that help: so only the state counts, not whose it is. At the end of a scope a call is CALL_ENDING, of
 * which they know nothing. */
static int cancelled(dw_call *c)
{
    uint32_t state = c ? atomic_load_explicit(&c->state, memory_order_acquire) : CALL_FREE;

    if (state != CALL_OPEN && state != CALL_ENDING)
        return call_stray(c, "dw_cancelled");
    return call_is_cancelled(c) ? DW_ECANCELLED : 0;
}

/* With a clock of the harness's time passes at once. */
static bool sleep_until_cancelled(dw_call *c, int64_t us)
{
    const struct plugin_process *p = c->instance->process;
    int64_t now_us = clock_monotonic_us();

    if (!p->sleep_us)
        return call_wait_until(c, us < INT64_MAX - now_us ? now_us + us : INT64_MAX);
    if (!call_is_cancelled(c))
        p->sleep_us(p->clock_ud, us);
    return call_is_cancelled(c);
}

static int sleep_for(dw_call *c, dw_span span)
{
    int rc = call_check(c, "dw_sleep");

    if (rc == 0)
        rc = call_refuse_in_transaction(c, "dw_sleep");
    if (rc < 0)
        return rc;
    if (sleep_until_cancelled(c, span.us > 0 ? span.us : 0))
        return call_fail(c, DW_ECANCELLED, "the call was cancelled, or its time is over");
    return 0;
}

/* ---- for whom ---- */

static const char *tenant(dw_call *c)
{
    if (call_is_mine(c))
        return c->tenant;
    call_stray(c, "dw_tenant");
    return NULL;
}

static int check_allowed(dw_call *c, const char *step)
{
    const dw_instance *i = c->instance;

    if (config_allows(i->config, i->name, "system"))
        return 0;
    return call_fail_inner(
        c, DW_EDENIED,
        "%s: the plugin %s may not act for tenants that did not ask it; if it shall, write "
        "`allow: [system]` into conf.d/%s.yaml",
        step, i->name, i->name);
}

static int as_tenant(dw_call *c, const char *id, dw_call **out)
{
    static const char step[] = "dw_call_as_tenant";
    char text[UUID_TEXT_SIZE];
    struct uuid uuid;

    if (out)
        *out = NULL;
    DW_TRY(call_check(c, step));
    if (!out || !id)
        return call_misuse(c, "%s: a tenant and a place for the call are wanted, not NULL", step);
    if (uuid_parse(str_from(id), &uuid) != 0)
        return call_fail(c, DW_EINVALID, "%s: \"%.40s\" is no tenant's id, which is a UUID", step, id);
    uuid_format(&uuid, text);
    if (!c->tenant || strcmp(c->tenant, text) != 0)
        DW_TRY(check_allowed(c, step));
    return call_derive(c, out, text, false);
}

static void tell_system_call(const dw_call *c, const char *reason)
{
    metric_add(c->instance->metrics.system_calls, 1);
    log_info("a plugin works in all tenants", LOG_TEXT("plugin", c->instance->name),
             LOG_TEXT("callback", c->what), LOG_STR("request", c->request_id), LOG_TEXT("reason", reason));
}

static int as_system(dw_call *c, const char *reason, dw_call **out)
{
    static const char step[] = "dw_call_as_system";

    if (out)
        *out = NULL;
    DW_TRY(call_check(c, step));
    if (!out || !reason || !*reason)
        return call_misuse(c, "%s: a reason for the log and a place for the call are wanted", step);
    DW_TRY(check_allowed(c, step));
    DW_TRY(call_derive(c, out, NULL, true));
    tell_system_call(c, reason);
    return 0;
}

/* ---- calls of own threads ---- */

static int open_call(dw_instance *i, const char *what, dw_call **out)
{
    if (out)
        *out = NULL;
    int rc = call_check_instance(i, "dw_call_open");
    if (rc < 0)
        return rc;
    if (!out) {
        metric_add(i->metrics.misuses, 1);
        log_error("a plugin broke the contract", LOG_TEXT("plugin", i->name),
                  LOG_TEXT("what", "dw_call_open: no place for the call"));
        return DW_EMISUSE;
    }
    if (!what || !*what)
        what = "own thread";
    thread_signal_stack();
    const struct call_options options = { .instance = i, .label = instance_label(i, what), .what = "" };
    dw_call *c;
    if (call_begin(&c, &options) != 0)
        return DW_ENOMEM;
    c->is_opened = true;
    c->what = call_copy(c, str_from(what));
    rc = call_comes_too_late(c) ? DW_EUNAVAILABLE : call_check(c, "dw_call_open");
    if (rc < 0)
        call_end(c);
    else
        *out = c;
    return rc;
}

static void close_call(dw_call *c)
{
    if (!call_is_mine(c))
        call_stray(c, "dw_call_close");
    else if (!c->is_opened)
        call_misuse(c, "dw_call_close: this call is the host's; only what dw_call_open gave is closed");
    else {
        call_check_committed(c, 0);
        call_end(c);
    }
}

/* ---- memory ---- */

static void *alloc(dw_call *c, size_t size)
{
    if (call_is_mine(c))
        return call_alloc(c, size);
    call_stray(c, "dw_alloc");
    return call_leak(c, size);
}

static const char *copy(dw_call *c, const char *p, size_t n)
{
    if (call_is_mine(c))
        return call_copy(c, str_make(p, p ? n : 0));
    call_stray(c, "dw_copy");
    return "";
}

static int defer(dw_call *c, void (*undo)(void *), void *ud)
{
    if (!call_is_mine(c))
        return call_stray(c, "dw_defer");
    if (!undo)
        return call_misuse(c, "dw_defer was given no function");
    call_at_end(c, CALL_UNDO_DEFERRED, undo, ud); /* first, so that DW_TRY(dw_defer()) leaks nothing */
    return call_check(c, "dw_defer");
}

static void scope_begin(dw_call *c)
{
    if (call_is_mine(c))
        call_scope_begin(c);
    else
        call_stray(c, "dw_scope_begin");
}

static void scope_end(dw_call *c)
{
    if (call_is_mine(c))
        call_scope_end(c);
    else
        call_stray(c, "dw_scope_end");
}

static const char *format_list(dw_call *c, const char *fmt, va_list args)
{
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *text = call_alloc(c, n < 0 ? 1 : (size_t)n + 1);
    if (n > 0)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

DW_PRINTF(2, 3) static const char *format(dw_call *c, const char *fmt, ...)
{
    va_list args;

    if (!call_is_mine(c)) {
        call_stray(c, "dw_format");
        return "";
    }
    va_start(args, fmt);
    const char *text = format_list(c, fmt, args);
    va_end(args);
    return text;
}

/* ---- failing ---- */

enum { SHOWN_MAX = 200 }; /* bytes of one value */

static void add_shown(struct buf *b, const dw_value *v)
{
    struct buf one = BUF_INIT;

    value_write_plain(&one, v);
    struct str s = buf_str(&one);
    bool is_cut = s.n > SHOWN_MAX;
    if (is_cut) {
        for (s.n = SHOWN_MAX; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
            s.n--; /* not in the middle of a character */
    }
    buf_add_str(b, s);
    buf_add_text(b, is_cut ? "..." : "");
    b->failed |= one.failed;
    buf_finish(&one);
}

static bool is_pair(const dw_value *pair, const char *name)
{
    return str_equal(value_text(pair), str_from(name));
}

/* "the title is taken (title: Shopping, owner: 7)": in the text, because a person reads it, in a problem as in a log. The
 * reason is a machine's. */
static void write_text(struct buf *b, struct str text, dw_list pairs)
{
    unsigned shown = 0;

    buf_add_str(b, text);
    for (size_t i = 0; i < pairs.n; i += 2) {
        struct str name = value_text(&pairs.v[i]);
        if (is_pair(&pairs.v[i], "reason"))
            continue;
        buf_add_format(b, "%s%.*s: ", shown++ == 0 ? " (" : ", ", STR_ARG(name));
        if (log_name_is_secret(name))
            buf_add_text(b, "[redacted]");
        else
            add_shown(b, &pairs.v[i + 1]);
    }
    buf_add_text(b, shown > 0 ? ")" : "");
}

/* Of the pair "reason": empty without one, "?" for what is no text. */
static struct str reason_of(dw_list pairs)
{
    for (size_t i = 0; i + 1 < pairs.n; i += 2) {
        const dw_value *v = &pairs.v[i + 1];
        if (!is_pair(&pairs.v[i], "reason"))
            continue;
        if (v->type != DW_TEXT && v->type != DW_NULL)
            return STR_OF("?");
        return v->as.p ? value_text(v) : str_make("", 0);
    }
    return str_make("", 0);
}

/* Programs branch on it, and people will see it in lists: what is made of data is no reason. */
static bool is_reason(struct str s)
{
    size_t i = 0;

    while (i < s.n && ((s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_'))
        i++;
    return i == s.n && s.n <= CALL_REASON_MAX;
}

static const char *failure_wrong(int code, dw_list l)
{
    if (code >= 0 || code < DW_EINTERNAL)
        return "a code that is none of enum dw_error";
    if (l.n == 0 || l.v[0].type != DW_TEXT)
        return "something else where its text is wanted";
    const dw_list pairs = { l.v + 1, l.n - 1 };
    const char *wrong = pairs_wrong(pairs);
    if (wrong)
        return wrong;
    return is_reason(reason_of(pairs)) ? NULL : "a reason that is no word of A to Z and _, of 40 at most";
}

/* Of the pair "retry_after", or 0. */
static dw_span retry_after_of(dw_list pairs)
{
    for (size_t i = 0; i + 1 < pairs.n; i += 2) {
        const dw_value *v = &pairs.v[i + 1];
        if (v->type == DW_SPAN && v->as.i > 0 && is_pair(&pairs.v[i], "retry_after"))
            return DW_SPAN_(v->as.i);
    }
    return DW_SPAN_(0);
}

/* In the language of who asks; NULL: there is none but English. What is passed on from the failure before keeps its words. */
static const char *said_of(const dw_call *c, struct str english)
{
    const dw_err *before = &c->error;

    if (before->said != before->text && str_equal(english, str_from(before->text)))
        return before->said;
    return words_for(c->instance, c->asker, english);
}

static int fail(dw_call *c, int code, const char *pointer, dw_list text_and_pairs)
{
    struct buf b = BUF_INIT, said = BUF_INIT;

    if (!call_is_mine(c))
        return call_stray(c, pointer ? "dw_fail_at" : "dw_fail");
    const char *wrong = failure_wrong(code, text_and_pairs);
    if (wrong)
        return call_misuse(c, "%s was given %s (code %d)", pointer ? "dw_fail_at" : "dw_fail", wrong, code);
    const dw_list pairs = { text_and_pairs.v + 1, text_and_pairs.n - 1 };
    char reason[CALL_REASON_MAX + 1]; /* it may be that of the failure before */
    snprintf(reason, sizeof(reason), "%.*s", STR_ARG(reason_of(pairs)));
    struct str english = value_text(&text_and_pairs.v[0]);
    const char *german = said_of(c, english);
    write_text(&b, english, pairs);
    if (german)
        write_text(&said, str_from(german), pairs);
    const char *in_german = german ? buf_text(&said) : NULL;
    if (pointer)
        call_fail_at_said(c, pointer, buf_text(&b), in_german);
    else
        call_fail(c, code, "%s", buf_text(&b));
    if (in_german && !pointer)
        call_say(c, in_german);
    c->error_is_plugins = true;
    c->error.retry_after = retry_after_of(pairs);
    call_reason(c, reason);
    buf_finish(&b);
    buf_finish(&said);
    return code;
}

static const dw_err *error(dw_call *c)
{
    static const dw_err of_nobody = { .struct_size = sizeof(dw_err),
                                      .code = DW_ETHREAD,
                                      .text = "the call has ended, or belongs to another thread",
                                      .detail = "",
                                      .said = "the call has ended, or belongs to another thread",
                                      .reason = "" };

    if (call_is_mine(c))
        return &c->error;
    call_stray(c, "dw_error_of");
    return &of_nobody;
}

const dw_call_api host_call_api = {
    .struct_size = sizeof(dw_call_api),
    .self = self,
    .conf = conf,
    .instance = instance,
    .now = now,
    .deadline = deadline,
    .cancelled = cancelled,
    .sleep = sleep_for,
    .open = open_call,
    .close = close_call,
    .alloc = alloc,
    .copy = copy,
    .defer = defer,
    .scope_begin = scope_begin,
    .scope_end = scope_end,
    .text_new = text_new,
    .text_add = text_add,
    .text_get = text_get,
    .time_parse = host_time_parse,
    .time_format = host_time_format,
    .format = format,
    .json_own = host_json_own,
    .json_parse = host_json_parse,
    .json_read = host_json_read,
    .json_object = host_json_object,
    .json_array = host_json_array,
    .fail = fail,
    .error = error,
    .tenant = tenant,
    .as_tenant = as_tenant,
    .as_system = as_system,
    .time_parse_in = host_time_parse_in,
    .time_format_in = host_time_format_in,
};
