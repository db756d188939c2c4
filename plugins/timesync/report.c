#include "report.h"

#include <string.h>

/* Expressions over timesync_entries e: what tells groups apart, and what they are called. */
struct group {
    const char *name, *id, *title;
};

static const struct group groups[] = {
    { "customer", "CASE WHEN e.target_customer <> '' THEN e.target_customer ELSE e.customer END",
      "CASE WHEN e.target_customer_name <> '' THEN e.target_customer_name ELSE e.customer_name END" },
    { "project", "e.project", "e.project_name" },
    { "agent", "e.agent", "CASE WHEN e.agent_name <> '' THEN e.agent_name ELSE e.agent_email END" },
    { "activity", "e.activity", "e.activity_name" },
    { "ticket", "e.ticket", "e.ticket_number" },
    { "day", "e.day", "e.day" },
    { "month", "substr(e.day, 1, 7)", "substr(e.day, 1, 7)" },
};

static const struct group nothing = { "", "''", "''" };

static const struct group *group_of(const char *name)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i];
    }
    return NULL;
}

int report_by(dw_call *c, const json_t *by, struct report_query *out)
{
    out->by_n = 0;
    for (size_t i = 0; i < json_array_size(by) && i < REPORT_GROUPS_MAX; i++) {
        const char *name = json_string_value(json_array_get(by, i));
        if (!name || !group_of(name))
            return dw_fail_at(c, "/query/by",
                              "is none of customer, project, agent, activity, ticket, day and month");
        out->by[out->by_n++] = name;
    }
    if (out->by_n == 0)
        out->by[out->by_n++] = "month";
    return 0;
}

#define MINUTES_OF(condition) "sum(CASE WHEN " condition " THEN coalesce(e.seconds, 0) ELSE 0 END)"
#define MOVED                 "e.state IN ('synced', 'unfollowed')"

/* All groups have the same columns, so that one reader fits; names are the newest that the group had (max). */
static const char *sql(dw_call *c, const struct report_query *q)
{
    const struct group *g[REPORT_GROUPS_MAX] = { &nothing, &nothing, &nothing };
    dw_text *by = dw_text_new(c);

    for (size_t i = 0; i < q->by_n; i++) {
        g[i] = group_of(q->by[i]);
        dw_text_add(by, i == 0 ? "" : ", ");
        dw_text_add(by, dw_format(c, "%zu", 2 * i + 1));
    }
    return dw_format(c,
                     "SELECT %s AS g1, max(%s) AS n1, %s AS g2, max(%s) AS n2, %s AS g3, max(%s) AS n3, "
                     "count(*),"
                     " sum(coalesce(e.seconds, 0)), " MINUTES_OF("e.billable = 1 AND " MOVED) ", " MINUTES_OF(
                         "e.billable "
                         "= 2 "
                         "AND " MOVED) ", " MINUTES_OF(MOVED) ", " MINUTES_OF("e.state IN ('waiting', "
                                                                              "'failed')") ", " MINUTES_OF("e"
                                                                                                           "."
                                                                                                           "s"
                                                                                                           "t"
                                                                                                           "a"
                                                                                                           "t"
                                                                                                           "e"
                                                                                                           " "
                                                                                                           "="
                                                                                                           " "
                                                                                                           "'"
                                                                                                           "d"
                                                                                                           "e"
                                                                                                           "c"
                                                                                                           "i"
                                                                                                           "d"
                                                                                                           "i"
                                                                                                           "n"
                                                                                                           "g"
                                                                                                           "'") ", " MINUTES_OF("e."
                                                                                                                                "stat"
                                                                                                                                "e = "
                                                                                                                                "'ski"
                                                                                                                                "pped"
                                                                                                                                "'") " FROM timesync_entries e"
                                                                                                                                     " WHERE e.state <> 'gone' AND ($1 IS NULL OR e.sync = $1) AND ($2 IS NULL OR e.day >= $2)"
                                                                                                                                     " AND ($3 IS NULL OR e.day <= $3)"
                                                                                                                                     " GROUP BY %s ORDER BY %s",
                     g[0]->id, g[0]->title, g[1]->id, g[1]->title, g[2]->id, g[2]->title, dw_text_get(by).p,
                     dw_text_get(by).p);
}

static double minutes(int64_t seconds)
{
    return (double)seconds / 60;
}

static void add(struct report_sums *all, const struct report_sums *one)
{
    all->entries += one->entries;
    all->minutes += one->minutes;
    all->billable += one->billable;
    all->not_billable += one->not_billable;
    all->synced += one->synced;
    all->waiting += one->waiting;
    all->to_decide += one->to_decide;
    all->skipped += one->skipped;
}

int report_each(dw_call *c, const struct report_query *q,
                int (*visit)(dw_call *c, const struct report_row *row, void *ud), void *ud,
                struct report_sums *all)
{
    int64_t total, yes, no, moved, waiting, deciding, skipped;
    struct report_row row;
    dw_rows *rows;
    int rc;

    *all = (struct report_sums){ 0 };
    DW_TRY(dw_db_query(c, &rows, sql(c, q), q->sync, q->from, q->to));
    while ((rc = dw_rows_next(rows, &row.ids[0], &row.names[0], &row.ids[1], &row.names[1], &row.ids[2],
                              &row.names[2], &row.sums.entries, &total, &yes, &no, &moved, &waiting,
                              &deciding, &skipped)) > 0) {
        row.sums =
            (struct report_sums){ row.sums.entries, minutes(total),   minutes(yes),      minutes(no),
                                  minutes(moved),   minutes(waiting), minutes(deciding), minutes(skipped) };
        add(all, &row.sums);
        DW_TRY(visit(c, &row, ud));
    }
    return rc;
}
