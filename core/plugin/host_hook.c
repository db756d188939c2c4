/* host_hook.c - one plugin asks another: in a call of the answerer's own, with the asker's memory and limits. */
#include <limits.h>
#include <string.h>

#include "log/log.h"
#include "plugin/call_db.h"
#include "plugin/hooks.h"
#include "plugin/host.h"
#include "util/clock.h"

enum { DEPTH_MAX = 16 };

static const int64_t complain_every_us = 60 * (int64_t)CLOCK_SECOND;

/* ---- what the asker did wrong ---- */

/* Every question begins with its size: whoever forgot it would have the answerer read past the end one day. */
static bool is_question(const void *question)
{
    uint32_t size = 0;

    if (question)
        memcpy(&size, question, sizeof(size));
    return size >= sizeof(size);
}

static int check_question(dw_call *c, const char *what, const char *name, const void *question)
{
    if (!name)
        return call_misuse(c, "a %s is asked without a name", what);
    if (!is_question(question))
        return call_misuse(c, "the %s %s is asked with a question that does not begin with its struct_size",
                           what, name);
    return 0;
}

/* "hook a.x <- service b.y/1 <- hook a.x": from the newest back to where it stood before. */
static const char *format_ring(dw_call *c, const char *what)
{
    struct buf ring = BUF_INIT;
    const char *text;

    buf_add_text(&ring, what);
    for (const dw_call *asker = c; asker; asker = asker->parent) {
        buf_add_format(&ring, " <- %s", asker->what);
        if (strcmp(asker->what, what) == 0)
            break;
    }
    text = call_copy(c, str_from(buf_text(&ring)));
    buf_finish(&ring);
    return text;
}

static int check_depth(dw_call *c, const char *what)
{
    unsigned depth = 0;

    for (const dw_call *asker = c->parent; asker; asker = asker->parent)
        depth++;
    if (depth < DEPTH_MAX)
        return 0;
    return call_misuse(c, "questions in a ring, more than %d deep: %s", DEPTH_MAX, format_ring(c, what));
}

/* ---- asking one ---- */

/* Returns what the answerer may return; else logs whose fault it is. */
static int judge(dw_call *child, const struct answerer *a, int rc, int most)
{
    if (rc >= DW_EINTERNAL && rc <= most)
        return rc >= 0 && atomic_load(&child->flags) & CALL_POISONED ? DW_ENOMEM : rc;
    log_error("a plugin's answer is none that can be given; see dowel/hook.h",
              LOG_TEXT("plugin", a->by->name), LOG_TEXT("callback", a->what), LOG_NUMBER("returned", rc));
    return call_fail(child, DW_EINTERNAL, "%s: plugin %s returned %d, which means nothing", a->what,
                     a->by->name, rc);
}

/* What the answerer's dw_fail_at() marked, as one text: the pointers are into its question, not into the asker's input.
 * They were kept in the language of who asks alone: here the log has them in that too. */
static void carry_marks(dw_call *c, const dw_call *child, int rc)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < child->errors_n; i++)
        buf_add_format(&text, "%s%.*s: %.*s", i ? "; " : "", STR_ARG(child->errors[i].pointer),
                       STR_ARG(child->errors[i].detail));
    call_fail(c, rc, "%s", buf_text(&text));
    if (child->errors_said_n == child->errors_n)
        call_say(c, buf_text(&text));
    call_reason(c, child->error.reason);
    buf_finish(&text);
}

/* The asker is told what the answerer said. */
static void carry_failure(dw_call *c, const dw_call *child, const struct answerer *a, int rc)
{
    const dw_err *e = &child->error;

    if (rc == DW_EINVALID && child->errors_n > 0) {
        carry_marks(c, child, rc);
        return;
    }
    if (e->code != rc || !*e->text) {
        call_fail_inner(c, rc, "%s: plugin %s refused and did not say why", a->what, a->by->name);
        return;
    }
    call_fail_detail(c, rc, e->detail, "%s", e->text);
    if (e->said != e->text)
        call_say(c, e->said);
    c->error.retry_after = e->retry_after;
    call_reason(c, e->reason);
    c->error_from_peer = child->error_from_peer;
    c->error_is_inner = child->error_is_inner;
}

static int ask_one(dw_call *c, const struct answerer *a, void *question, int most)
{
    dw_call *child;
    int rc = call_begin(
        &child, &(struct call_options){ .instance = a->by, .label = a->label, .what = a->what, .parent = c });

    if (rc != 0)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", a->what);
    rc = judge(child, a, call_check_committed(child, a->answer(child, question)), most);
    if (rc < 0)
        carry_failure(c, child, a, rc);
    call_end(child);
    return rc;
}

/* ---- hooks ---- */

/* Once a minute and hook: a guard may be asked with every request. */
static void complain(struct plugin_hook *hook, const char *plugin)
{
    int64_t now = clock_monotonic_us(), last = atomic_load(&hook->complained_us);

    if (last && now - last < complain_every_us)
        return;
    if (atomic_compare_exchange_strong(&hook->complained_us, &last, now))
        log_error("a hook denies everything, because a plugin that answers it is missing",
                  LOG_TEXT("hook", hook->name), LOG_TEXT("missing", plugin));
}

static int deny_without(dw_call *c, struct plugin_hook *hook, const char *plugin)
{
    complain(hook, plugin);
    return call_fail_inner(c, DW_EDENIED, "%s: nobody could say", hook->name);
}

static int ask_all(dw_call *c, struct plugin_hook *hook, void *question)
{
    bool denies = hook->silence == DW_SILENCE_DENIES;
    const char *missing = denies ? plugin_hook_missing(hook) : NULL;

    /* Even if another would answer: the one that is missing might have refused. */
    if (missing)
        return deny_without(c, hook, missing);
    for (size_t i = 0; i < hook->answerers_n; i++) {
        const struct answerer *a = &hook->answerers[i];
        if (atomic_load(&a->by->missing)) {
            if (denies)
                return deny_without(c, hook, a->by->name);
            continue;
        }
        int rc = ask_one(c, a, question, 1);
        if (rc != 0)
            return rc;
    }
    return denies ? call_fail_inner(c, DW_EDENIED, "%s: nobody answered, which means no", hook->name) : 0;
}

static int host_ask(dw_call *c, const char *name, void *question)
{
    const struct plugin_hooks *hooks;
    struct plugin_hook *hook;
    int rc = call_check(c, "dw_hook_ask");

    if (rc == 0)
        rc = check_question(c, "hook", name, question);
    if (rc != 0)
        return rc;
    hooks = c->instance->process->hooks;
    if (!hooks)
        return call_fail_inner(c, DW_EUNAVAILABLE, "%s: there are no hooks in this process", name);
    hook = plugin_hooks_find(hooks, name);
    if (!hook || !hook->asker)
        return call_misuse(c, "the hook %s is asked, which no plugin has among its questions", name);
    rc = check_depth(c, hook->answerers_n > 0 ? hook->answerers[0].what : name);
    return rc != 0 ? rc : ask_all(c, hook, question);
}

/* ---- services ---- */

static int host_serve(dw_call *c, const char *name, void *question)
{
    const struct plugin_hooks *hooks;
    const struct plugin_service *service;
    int rc = call_check(c, "dw_service_ask");

    if (rc == 0)
        rc = check_question(c, "service", name, question);
    if (rc != 0)
        return rc;
    hooks = c->instance->process->hooks;
    service = hooks ? plugin_hooks_service(hooks, name) : NULL;
    if (!service)
        return call_fail_inner(c, DW_EUNAVAILABLE, "nobody offers the service %s; is its plugin enabled?",
                               name);
    if (atomic_load(&service->answerer.by->missing))
        return call_fail_inner(c, DW_EUNAVAILABLE, "the service %s is not there: plugin %s has failed", name,
                               service->answerer.by->name);
    rc = check_depth(c, service->answerer.what);
    return rc != 0 ? rc : ask_one(c, &service->answerer, question, INT_MAX);
}

const dw_hook_api host_hook_api = {
    .struct_size = sizeof(dw_hook_api),
    .ask = host_ask,
    .serve = host_serve,
};
