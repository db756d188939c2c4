#include "cli/events_service.h"

#include "events/deliver.h"

int events_service_mount(struct events_service *e, const struct plugin_process *process,
                         struct router *router, char why[ROUTER_WHY_SIZE])
{
    e->route = (struct inbox_route){ .db = process->db, .keyring = process->keyring };
    return inbox_route_mount(router, &e->route, why);
}

static int announce(struct db_session *s, int64_t now_us, void *registry)
{
    return registry_announce(registry, s, now_us);
}

int events_service_register(struct events_service *e, const struct plugin_process *process,
                            struct registry *registry, struct buf *why)
{
    const struct webhook_sender_options options = {
        .db = process->db,
        .client = process->client,
        .keyring = process->keyring,
    };

    e->upkeep = (struct events_upkeep){ .db = process->db, .announce = announce, .ud = registry };
    if (webhook_sender_create(&e->sender, &options) == 0 &&
        webhook_sender_register(e->sender, process->jobs) == 0)
        return events_upkeep_register(&e->upkeep, process->jobs, why);
    buf_add_text(why, "the sender of webhooks cannot be made: out of memory");
    return -1;
}

void events_service_finish(struct events_service *e)
{
    webhook_sender_destroy(e->sender);
    e->sender = NULL;
}
