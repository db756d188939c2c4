/* report.h - minutes, grouped: for the API, the command line and CSV. [call] */
#ifndef TIMESYNC_REPORT_H
#define TIMESYNC_REPORT_H

#include <dowel/dowel.h>

enum { REPORT_GROUPS_MAX = 3 };

/* Minutes, but for entries. */
struct report_sums {
    int64_t entries;
    double minutes, billable, not_billable, synced, waiting, to_decide, skipped;
};

struct report_row {
    const char *ids[REPORT_GROUPS_MAX], *names[REPORT_GROUPS_MAX]; /* borrowed for the visit */
    struct report_sums sums;
};

struct report_query {
    const char
        *by[REPORT_GROUPS_MAX]; /* "customer", "project", "agent", "activity", "ticket", "day", "month" */
    size_t by_n;
    const char *sync;      /* NULL: all */
    const char *from, *to; /* days, both included; NULL: open */
};

/* Reads what was asked for: `by` as an array or NULL (then by month). DW_EINVALID, at /query/by. */
int report_by(dw_call *c, const json_t *by, struct report_query *out);

/* Visits the groups in their order; *all is the sum of them. */
int report_each(dw_call *c, const struct report_query *q,
                int (*visit)(dw_call *c, const struct report_row *row, void *ud), void *ud,
                struct report_sums *all);

#endif
