/* metrics.h - numbers about the running server, in Prometheus' text format.
 *
 * A metric is made once, at start, and then only added to. Adding is one uncontended atomic on the calling thread's
 * own cache line; the lines are summed when somebody asks. Metrics are never removed. */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stdint.h>

#include "util/buf.h"

struct metric;

/* Counters only grow; gauges are set or moved; a histogram of durations counts microseconds and is published in
 * seconds with the bounds 0.0001 .. 10 s. `labels` is a ready list such as  route="/api/health",method="GET"  or NULL;
 * it is copied. Asking twice for the same name and labels gives the same metric. NULL when memory is out, or when the
 * name is already one of another kind: everything below takes NULL and does nothing, so that no caller has to check.
 * [any thread] */
struct metric *metrics_counter(const char *name, const char *help, const char *labels);
struct metric *metrics_gauge(const char *name, const char *help, const char *labels);
struct metric *metrics_histogram(const char *name, const char *help, const char *labels);

/* A gauge whose value is asked for at each scrape. `read` runs on the scraping thread and must not call metrics_*.
 * Asking again replaces read and ud; when it returns nobody is inside the old ones. */
struct metric *metrics_gauge_read(const char *name, const char *help, const char *labels,
                                  int64_t (*read)(void *ud), void *ud);

void metric_add(struct metric *m, int64_t by);        /* counters, gauges [any thread] */
void metric_set(struct metric *m, int64_t value);     /* gauges [any thread] */
void metric_observe_us(struct metric *m, int64_t us); /* histograms [any thread] */
int64_t metric_value(struct metric *m);               /* the sum; of a histogram: how many */

/* One label as name="value", escaped as the format wants it. */
void metrics_label(struct buf *out, const char *name, struct str value);

/* The whole page, text/plain; version=0.0.4, families sorted by name. [any thread] */
void metrics_write(struct buf *out);

/* For tests: forgets everything. Not while another thread uses a metric. */
void metrics_reset(void);

#endif
