/* plugin.h - the descriptor: everything a plugin is, as constant data. The host can read it without running the
 * plugin. */
#ifndef DOWEL_PLUGIN_H
#define DOWEL_PLUGIN_H

#include "auth.h"
#include "call.h"
#include "client.h"
#include "command.h"
#include "conf.h"
#include "connector.h"
#include "db.h"
#include "events.h"
#include "hook.h"
#include "http.h"
#include "jobs.h"
#include "log.h"
#include "out.h"
#include "secure.h"
#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A file that travels inside the plugin: api.yaml, locales/de.json. Made by dowel_add_plugin(). */
typedef struct dw_asset {
    const char *path;
    const void *data;
    size_t size;
} dw_asset;

/* The strides of the arrays below, as this plugin was compiled: what makes their element types append-only. */
typedef struct dw_sizes {
    uint16_t asset, item, operation, route, question, hook, service;
    uint16_t job, schedule;       /* since minor 2 */
    uint16_t subscription, inbox; /* since minor 2 */
    uint16_t command, argument;   /* since minor 2 */
    uint16_t connector, listing;  /* since minor 2 */
} dw_sizes;

/* Arrays end with { 0 }. Nothing of the plugin is called before the host has accepted the whole of it. */
typedef struct dw_plugin {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor, need_minor;
    uint16_t sizes_size;
    const dw_sizes *sizes;
    const dw_host **host;
    const dw_asset *assets;

    const char *name;    /* [a-z][a-z0-9_]*, at most 32: prefix of hooks, services and metrics */
    const char *version; /* "1.2.0" */
    const char *summary; /* a line for the list of plugins */
    const char *license; /* "MIT" */
    const char *needs;   /* "auth>=1.0 mail>=1.2": not loaded without them */
    const char *wants;   /* loaded after them where they are */

    size_t self_size; /* bytes of dw_self() */
    dw_items conf;
    const dw_operation *operations;
    const dw_route *routes;
    const dw_question *questions;
    const dw_hook *hooks;
    const dw_service *services;

    /* All optional, on the main thread: check, init, start, and at the end stop, fini. An error declines the plugin
     * alone. */
    int (*init)(dw_call *c);  /* no network yet, and no tables: its migrations come after it */
    int (*start)(dw_call *c); /* every plugin has its init behind it; start own threads here */
    int (*check)(dw_call *c,
                 const void *conf); /* before init: would this configuration do? dw_fail_at() marks items */
    int (*stop)(dw_call *c);        /* no callback runs any more; join own threads, complete all tokens */
    void (*fini)(dw_call *c);

    const dw_job_kind *jobs;              /* since minor 2 */
    const dw_schedule *schedules;         /* since minor 2 */
    const dw_subscription *subscriptions; /* since minor 2 */
    const dw_inbox *inboxes;              /* since minor 2 */

    const dw_authenticator *authenticator; /* since minor 2; NULL: it is none */
    const dw_command *commands;            /* since minor 2 */
    const dw_connector *connectors;        /* since minor 2 */
} dw_plugin;

extern DW_HIDDEN const dw_asset dw_assets_[];

/* The one symbol that a plugin shows; DOWEL_PLUGIN defines it. The name changes with the ABI's major. */
DW_EXPORT const dw_plugin *dowel_plugin_v0(void);

/* Once in a plugin: DOWEL_PLUGIN(.name = "notes", .version = "1.0.0", ...); */
#define DOWEL_PLUGIN(...)                                                                                    \
    const dw_host *dw_host_;                                                                                 \
    static const dw_sizes dw_sizes_ = { sizeof(dw_asset),        sizeof(dw_item),      sizeof(dw_operation), \
                                        sizeof(dw_route),        sizeof(dw_question),  sizeof(dw_hook),      \
                                        sizeof(dw_service),      sizeof(dw_job_kind),  sizeof(dw_schedule),  \
                                        sizeof(dw_subscription), sizeof(dw_inbox),     sizeof(dw_command),   \
                                        sizeof(dw_argument),     sizeof(dw_connector), sizeof(dw_listing) }; \
    static const dw_plugin dw_plugin_ = { .struct_size = (uint32_t)sizeof(dw_plugin),                        \
                                          .abi_major = DW_ABI_MAJOR,                                         \
                                          .abi_minor = DW_ABI_MINOR,                                         \
                                          .need_minor = DOWEL_NEED_MINOR,                                    \
                                          .sizes_size = (uint16_t)sizeof(dw_sizes),                          \
                                          .sizes = &dw_sizes_,                                               \
                                          .host = &dw_host_,                                                 \
                                          .assets = dw_assets_,                                              \
                                          __VA_ARGS__ };                                                     \
    const dw_plugin *dowel_plugin_v0(void) { return &dw_plugin_; }                                           \
    extern DW_HIDDEN const dw_host *dw_host_

#ifdef __cplusplus
}
#endif
#endif
