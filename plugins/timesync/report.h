/* report.h - how much time, grouped. Days are those of the sync's zone; what is gone at its source counts no more. Seconds
 * throughout: whole numbers, that add up. [call] */
#ifndef TIMESYNC_REPORT_H
#define TIMESYNC_REPORT_H

#include <dowel/dowel.h>

enum { REPORT_GROUPS_MAX = 3 };

struct report_query {
    const char *by[REPORT_GROUPS_MAX]; /* "customer", ... in this order */
    size_t by_n;
    const char *sync;      /* NULL: of all */
    const char *from, *to; /* days, both included: "2026-11-21"; NULL: open */
};

struct report_sums {
    int64_t entries; /* how many */
    int64_t all;     /* = synced + waiting + to_decide + skipped */
    int64_t synced;  /* = billable + not_billable + what the target does not tell of */
    int64_t billable, not_billable;
    int64_t billed, to_bill; /* = billable: exported at the target as last seen, or not yet */
    int64_t waiting, to_decide, skipped;
};

struct report_row {
    const char *ids[REPORT_GROUPS_MAX], *names[REPORT_GROUPS_MAX];
    struct report_sums sums;
};

/* DW_EINVALID at the pointer, where the last day is before the first one: nothing would look like nothing to bill. */
int report_check(dw_call *c, const struct report_query *q, const char *pointer);

/* A list of words, NULL: by month. DW_EINVALID at /query/by. */
int report_by(dw_call *c, const json_t *by, struct report_query *out);

/* Visits the rows in the order of their groups; the sums of all in *all. What a visit is given goes with it. */
int report_each(dw_call *c, const struct report_query *q,
                int (*visit)(dw_call *c, const struct report_row *row, void *ud), void *ud,
                struct report_sums *all);

/* The same for people: a column for each group, and minutes. At most 10,000 rows are a table. */
int report_table(dw_call *c, const struct report_query *q, dw_rows **out);

#endif
