/* descriptor.h - what a plugin says about itself, read without trusting it: nothing past its sizes, arrays by their
 * strides, every text bounded, all of it copied into structs of this host's size. */
#ifndef PLUGIN_DESCRIPTOR_H
#define PLUGIN_DESCRIPTOR_H

#include <dowel/plugin.h>

#include "util/arena.h"
#include "util/buf.h"

enum { PLUGIN_NAME_MAX = 32 };

/* Does the server itself have settings or metrics of that name? No plugin is called so. [any thread] */
bool plugin_name_is_reserved(const char *name);

struct plugin_descriptor {
    const dw_plugin *raw;
    uint16_t abi_major, abi_minor, need_minor;
    const char *name, *version, *summary, *license, *needs, *wants; /* never NULL */
    size_t self_size;
    const dw_item *items; /* this host's dw_item, the plugin's offsets */
    size_t items_n, conf_size;
    const dw_asset *assets;
    size_t assets_n;
    const dw_operation *operations;
    size_t operations_n;
    const dw_route *routes;
    size_t routes_n;
    const dw_question *questions;
    size_t questions_n;
    const dw_hook *hooks;
    size_t hooks_n;
    const dw_service *services;
    size_t services_n;
    const dw_job_kind *jobs;
    size_t jobs_n;
    const dw_schedule *schedules;
    size_t schedules_n;
    const dw_subscription *subscriptions;
    size_t subscriptions_n;
    const dw_inbox *inboxes;
    size_t inboxes_n;
    const dw_command *commands; /* their arguments are this host's too, and never NULL */
    size_t commands_n;
    const dw_connector
        *connectors; /* their settings, listings and roles are this host's too; lists are never NULL */
    size_t connectors_n;
    const dw_authenticator *authenticator; /* NULL: it is none */
    int (*init)(dw_call *c);
    int (*start)(dw_call *c);
    int (*check)(dw_call *c, const void *conf);
    int (*stop)(dw_call *c);
    void (*fini)(dw_call *c);
};

/* 0 and *out in the arena, or -1 with a sentence an admin understands added to why: "was built for plugin ABI 1.4, this
 * server has 0.1". Runs none of the plugin's code. Texts stay the plugin's own: it is never unloaded. That what it points
 * to is there at all cannot be known, which is one reason why a child process reads it first (probe.h). */
int descriptor_read(struct plugin_descriptor **out, const dw_plugin *raw, struct arena *arena,
                    struct buf *why);

/* Is it the plugin that a file of this name (without .so) must hold? 0, or -1 as above. */
int descriptor_check_name(const struct plugin_descriptor *d, const char *file_name, struct buf *why);

/* The asset of that path, or NULL. */
const dw_asset *descriptor_asset(const struct plugin_descriptor *d, const char *path);

/* How much of a conf struct an item of that enum dw_item_type takes; 0 for a number that is no type. */
size_t descriptor_item_size(uint32_t type);

/* May an item of that type lie there in a conf struct of that size? Also for numbers that can be no such thing. */
bool descriptor_item_fits(int64_t type, int64_t offset, int64_t conf_size);

#endif
