/* schedules.h - the schedules of plugins, for the ticker that knows no plugins. */
#ifndef PLUGIN_SCHEDULES_H
#define PLUGIN_SCHEDULES_H

#include "jobs/schedule.h"
#include "plugin/instance.h"

/* Adds the plugin's schedules to the process's; without these, nothing. What is "conf:item" is read from its settings: a text
 * is the schedule, a duration the interval. Before schedules_start(), after the plugin's own start and the registration of
 * its jobs. 0; or -1 with a sentence in why, and none of them was added. [main thread] */
int plugin_schedules_add(dw_instance *instance, struct buf *why);

#endif
