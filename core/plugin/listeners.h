/* listeners.h - plugins as those whom events are told, and who take webhooks: each run of such a job is a call.
 *
 * What a plugin subscribes to is a kind of job, "csvtime.on:timesync.entry.*", as is each of its inboxes,
 * "zammad.inbox:tickets". What it wants is also written down, see events_subscribe(). */
#ifndef PLUGIN_LISTENERS_H
#define PLUGIN_LISTENERS_H

#include "db/db.h"
#include "plugin/instance.h"

/* Makes the plugin's subscriptions and inboxes known to the process's engine of jobs and to its database; without these,
 * nothing. Before jobs_start(), after the plugin's own start. 0, or -1 with a sentence in why. [main thread] */
int listeners_register(dw_instance *instance, struct buf *why);

/* Writes down, again, that the plugin is there. 0, or a code with its text in db_error_of(). [any thread] */
int listeners_announce(const dw_instance *instance, struct db_session *s, int64_t now_us);

#endif
