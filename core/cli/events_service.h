/* events_service.h - what the server does about events: sends them to webhooks, takes webhooks of others, and deletes what
 * is old. [main thread] */
#ifndef CLI_EVENTS_SERVICE_H
#define CLI_EVENTS_SERVICE_H

#include "events/inbox_route.h"
#include "events/upkeep.h"
#include "plugin/registry.h"

struct webhook_sender;

struct events_service {
    struct webhook_sender *sender;
    struct inbox_route route;
    struct events_upkeep upkeep;
};

/* POST /hooks/{plugin}/{source}. 0, or -1 with a sentence in why. */
int events_service_mount(struct events_service *e, const struct plugin_process *process,
                         struct router *router, char why[ROUTER_WHY_SIZE]);

/* Its kinds of jobs, in the process's engine. Before jobs_start(); the registry is borrowed until no job runs any more.
 * 0, or -1 with a sentence in why. */
int events_service_register(struct events_service *e, const struct plugin_process *process,
                            struct registry *registry, struct buf *why);

/* When no job runs any more. */
void events_service_finish(struct events_service *e);

#endif
