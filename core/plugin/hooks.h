/* hooks.h - who asks, answers and serves what; filled while plugins are loaded, then only read.
 *
 * Reading takes no lock: after start nothing changes but dw_instance.missing. Instances that were taken up are borrowed
 * until the whole is destroyed, also those that were removed. */
#ifndef PLUGIN_HOOKS_H
#define PLUGIN_HOOKS_H

#include "plugin/instance.h"
#include "util/buf.h"

enum { HOOK_PRIORITY_MAX = 100 };

/* A plugin's function that is asked, by whatever name. */
struct answerer {
    dw_instance *by;
    int (*answer)(dw_call *c, void *question);
    int32_t priority; /* of a service: 0 */
    uint32_t label;   /* activity_label("keys", "hook door.may_enter") */
    const char *what; /* "hook door.may_enter", "service mail.send/1" */
};

struct plugin_hook {
    const char *name;
    dw_instance *asker;         /* NULL: nobody declares it as its question */
    uint32_t silence;           /* enum dw_silence, with an asker */
    struct answerer *answerers; /* by priority, then by the plugin's name */
    size_t answerers_n, answerers_cap;
    const char **missing; /* plugins that would answer, and were not loaded */
    size_t missing_n, missing_cap;
    _Atomic int64_t complained_us; /* monotonic: when the log last said that somebody is missing */
};

struct plugin_service {
    const char *name;
    struct answerer answerer;
};

int plugin_hooks_create(struct plugin_hooks **out);
void plugin_hooks_destroy(struct plugin_hooks *h); /* NULL is safe */

/* Takes up a plugin's questions, answers and services. 0, or -1 with a sentence in why (a name taken twice, a priority
 * out of range, one hook answered twice at one priority); nothing is added then. [main thread, before start] */
int plugin_hooks_add(struct plugin_hooks *h, dw_instance *instance, struct buf *why);

/* A plugin that is wanted but not there (declined, quarantined), and answers `hook` as its probe told: a hook whose
 * silence denies, denies until it is back. 0, or -1 when memory is out. [main thread, before start] */
int plugin_hooks_miss(struct plugin_hooks *h, const char *hook, const char *plugin);

/* The plugin failed later (init, start): nobody is to ask it any more; what it guards denies. [any thread] */
void plugin_hooks_remove(struct plugin_hooks *h, dw_instance *instance);

/* NULL when nobody asks or answers such a hook, or offers such a service. [any thread, after start] */
struct plugin_hook *plugin_hooks_find(const struct plugin_hooks *h, const char *name);
const struct plugin_service *plugin_hooks_service(const struct plugin_hooks *h, const char *name);

/* The name of a plugin that should answer and cannot, or NULL. [any thread] */
const char *plugin_hook_missing(const struct plugin_hook *hook);

#endif
