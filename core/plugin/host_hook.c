/* host_hook.c - one plugin asks another: in a call of the answerer's own, with the asker's memory and limits. */
#include <limits.h>
#include <string.h>

#include "log/log.h"
#include "plugin/call_db.h"
#include "plugin/hooks.h"
#include "plugin/host.h"
#include "plugin/question.h"
#include "util/clock.h"

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

/* ---- asking one ---- */

static int ask_one(dw_call *c, const struct answerer *a, void *question, int most)
{
    dw_call *child;
    int rc = call_begin(
        &child, &(struct call_options){ .instance = a->by, .label = a->label, .what = a->what, .parent = c });

    if (rc != 0)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", a->what);
    rc = question_judge(child, a, call_check_committed(child, a->answer(child, question)), most);
    if (rc < 0)
        question_carry(c, child, a, rc);
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
    rc = question_check_depth(c, hook->answerers_n > 0 ? hook->answerers[0].what : name);
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
    rc = question_check_depth(c, service->answerer.what);
    return rc != 0 ? rc : ask_one(c, &service->answerer, question, INT_MAX);
}

const dw_hook_api host_hook_api = {
    .struct_size = sizeof(dw_hook_api),
    .ask = host_ask,
    .serve = host_serve,
};
