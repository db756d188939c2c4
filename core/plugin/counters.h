/* counters.h - what one plugin counts with dw_count(): from name and labels to the metric, without a lock. */
#ifndef PLUGIN_COUNTERS_H
#define PLUGIN_COUNTERS_H

#include <dowel/value.h>

#include "util/str.h"

enum { COUNTERS_MAX = 1000 }; /* sets of labels of one plugin: a metric is for ever, and an id is no label */

struct counters;

int counters_create(struct counters **out);
void counters_destroy(struct counters *c); /* its metrics stay; NULL is safe */

/* Adds to dowel_<plugin>_<name>_total{plugin="...",labels}. NULL, or why not: "a name that is not of a-z, 0-9 and _". `is_first_over`
 * is true once, when a set of labels found no place any more; those are not counted. [any thread] */
const char *counters_add(struct counters *c, const char *plugin, struct str name, int64_t by, dw_list labels,
                         bool *is_first_over);

#endif
