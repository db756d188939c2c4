/* hooks.h - who asks, answers and serves what; filled while plugins are loaded, then only read. */
#ifndef PLUGIN_HOOKS_H
#define PLUGIN_HOOKS_H

#include "plugin/instance.h"
#include "util/buf.h"

int plugin_hooks_create(struct plugin_hooks **out);
void plugin_hooks_destroy(struct plugin_hooks *h);

/* Takes up a plugin's questions, answers and services. 0, or -1 with a sentence in why (a name taken twice, a priority
 * out of range); nothing is added then. [main thread, before start] */
int plugin_hooks_add(struct plugin_hooks *h, dw_instance *instance, struct buf *why);

/* A plugin that is wanted but not there (declined, quarantined), and answers `hook` as its probe told: a hook whose
 * silence denies, denies until it is back. */
int plugin_hooks_miss(struct plugin_hooks *h, const char *hook, const char *plugin);

/* The plugin failed later (init, start): what it answered and served goes; its guards deny. */
void plugin_hooks_remove(struct plugin_hooks *h, dw_instance *instance);

#endif
