/* zammad - Zammad as a connector: the time that agents book on tickets, and what it can be mapped by. docs/zammad.md is for
 * admins. */
#include "check.h"
#include "entries.h"
#include "inbox.h"
#include "listings.h"
#include "self.h"
#include "settings.h"

static const dw_connector connectors[] = {
    { .name = "zammad",
      .title = "Zammad",
      .summary = "Reads the time that agents book on tickets, as soon as Zammad tells of it or by asking",
      .settings = { zammad_items, sizeof(struct zammad_settings) },
      .address = "base_url",
      .check = zammad_check,
      .listings = zammad_listings,
      .time_source = DW_ROLE(dw_time_source, .list = zammad_list_entries),
      .inbox = "tickets",
      .inbox_verify = "hub-sha1",
      .inbox_id_header = "X-Zammad-Delivery" },
    { 0 },
};

static const dw_inbox inboxes[] = { { "tickets", zammad_take_webhook }, { 0 } };

static int init(dw_call *c)
{
    strategies_init(&self_of(c)->strategies);
    recent_init(&self_of(c)->recent);
    return 0;
}

static void fini(dw_call *c)
{
    recent_finish(&self_of(c)->recent);
    strategies_finish(&self_of(c)->strategies);
}

DOWEL_PLUGIN(.name = "zammad", .version = "0.1.0", .summary = "Reads the time that is booked in Zammad",
             .license = "MIT", .self_size = sizeof(struct self), .init = init, .fini = fini,
             .connectors = connectors, .inboxes = inboxes);
