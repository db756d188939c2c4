#include "report.h"

#include <string.h>

#include "columns.h"

/* ---- what can be grouped by ---- */

/* Expressions over timesync_entries e and its timesync_syncs s: what tells groups apart, what they are called, and whose ids those
 * are: customer 7 of the source is another one than customer 7 of the target, and agent 3 of one source than agent 3 of another. */
struct group {
    const char *name, *id, *title;
    const char *system; /* NULL: they mean the same everywhere */
};

static const struct group groups[] = {
    { "customer", "CASE WHEN e.target_customer <> '' THEN e.target_customer ELSE e.customer END",
      "CASE WHEN e.target_customer_name <> '' THEN e.target_customer_name ELSE e.customer_name END",
      "CASE WHEN e.target_customer <> '' THEN s.target WHEN e.customer <> '' THEN s.source END" },
    { "project", "e.project", "e.project_name", "CASE WHEN e.project <> '' THEN s.target END" },
    { "agent", "e.agent", "CASE WHEN e.agent_name <> '' THEN e.agent_name ELSE e.agent_email END",
      "CASE WHEN e.agent <> '' THEN s.source END" },
    { "activity", "e.activity", "e.activity_name", "CASE WHEN e.activity <> '' THEN s.source END" },
    { "ticket", "e.ticket", "e.ticket_number", "CASE WHEN e.ticket <> '' THEN s.source END" },
    { "day", "e.day", "e.day", NULL },
    { "month", "substr(e.day, 1, 7)", "substr(e.day, 1, 7)", NULL },
};

static const struct group nothing = { "", "CAST('' AS TEXT)", "CAST('' AS TEXT)", NULL };

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
    for (size_t i = 0; i < json_array_size(by); i++) {
        const char *name = json_string_value(json_array_get(by, i));
        if (i == REPORT_GROUPS_MAX)
            return dw_fail_at(c, "/query/by", "names more than three");
        if (!name || !group_of(name))
            return dw_fail_at(c, "/query/by",
                              "is none of customer, project, agent, activity, ticket, day and month");
        out->by[out->by_n++] = name;
    }
    if (out->by_n == 0)
        out->by[out->by_n++] = "month";
    return 0;
}

int report_check(dw_call *c, const struct report_query *q, const char *pointer)
{
    return q->from && q->to && strcmp(q->to, q->from) < 0
               ? dw_fail_at(c, pointer, "is before the first day", "first", q->from)
               : 0;
}

/* ---- asking ---- */

/* PostgreSQL's sums of BIGINT are NUMERIC. */
#define SECONDS(condition, name) \
    ", CAST(sum(CASE WHEN " condition " THEN coalesce(e.seconds, 0) ELSE 0 END) AS BIGINT) AS " name
#define SYNCED "e.state IN ('synced', 'unfollowed')"

static const char *const sums[] = {
    "count(*) AS entries",
    SECONDS("1 = 1", "total"),
    SECONDS(SYNCED, "synced"),
    SECONDS("e.billable = 1 AND " SYNCED, "billable"),
    SECONDS("e.billable = 2 AND " SYNCED, "not_billable"),
    SECONDS("e.billable = 1 AND e.exported AND " SYNCED, "billed"),
    SECONDS("e.billable = 1 AND NOT e.exported AND " SYNCED, "to_bill"),
    SECONDS("e.state IN ('waiting', 'failed')", "waiting"),
    SECONDS("e.state = 'deciding'", "to_decide"),
    SECONDS("e.state = 'skipped'", "skipped"),
};

/* As people look things up; the ids keep apart what is called the same. */
#define BY_NAME "name0, id0, name1, id1, name2, id2"

/* All queries have the same columns, so that one reader fits. Of a group that was renamed one of its names is taken (max). */
static const char *sql(dw_call *c, const struct report_query *q)
{
    dw_text *t = dw_text_new(c), *by = dw_text_new(c);

    dw_text_add(t, "SELECT ");
    for (int i = 0; i < REPORT_GROUPS_MAX; i++) {
        const bool is_asked = (size_t)i < q->by_n;
        const struct group *g = is_asked ? group_of(q->by[i]) : &nothing;
        dw_text_add(t, dw_format(c, "%s AS id%d, max(%s) AS name%d, ", g->id, i, g->title, i));
        if (is_asked)
            dw_text_add(by, dw_format(c, "%s%s%s%s", i == 0 ? "" : ", ", g->id, g->system ? ", " : "",
                                      g->system ? g->system : ""));
    }
    for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
        dw_text_add(t, sums[i]);
    dw_text_add(t, " FROM timesync_entries e JOIN timesync_syncs s ON s.id = e.sync"
                   " WHERE e.state <> 'gone' AND e.day >= $2 AND e.day <= $3 AND ");
    dw_text_add(t, OF_SYNC("e.sync", q->sync));
    dw_text_add(t, dw_format(c, " GROUP BY %s ORDER BY " BY_NAME, dw_text_get(by).p));
    return dw_text_get(t).p;
}

/* A day that cannot be told is '', and sorts before all others. */
static const char *from(const struct report_query *q)
{
    return q->from ? q->from : "";
}

static const char *to(const struct report_query *q)
{
    return q->to ? q->to : "9999";
}

static void add(struct report_sums *all, const struct report_sums *one)
{
    all->entries += one->entries;
    all->all += one->all;
    all->synced += one->synced;
    all->billable += one->billable;
    all->not_billable += one->not_billable;
    all->billed += one->billed;
    all->to_bill += one->to_bill;
    all->waiting += one->waiting;
    all->to_decide += one->to_decide;
    all->skipped += one->skipped;
}

int report_each(dw_call *c, const struct report_query *q,
                int (*visit)(dw_call *c, const struct report_row *row, void *ud), void *ud,
                struct report_sums *all)
{
    struct report_row row;
    struct report_sums *s = &row.sums;
    dw_rows *rows;
    int rc;

    *all = (struct report_sums){ 0 };
    DW_TRY(dw_db_query(c, &rows, sql(c, q), q->sync, from(q), to(q)));
    while ((rc = dw_rows_next(rows, &row.ids[0], &row.names[0], &row.ids[1], &row.names[1], &row.ids[2],
                              &row.names[2], &s->entries, &s->all, &s->synced, &s->billable, &s->not_billable,
                              &s->billed, &s->to_bill, &s->waiting, &s->to_decide, &s->skipped)) > 0) {
        add(all, s);
        DW_TRY(visit(c, &row, ud));
    }
    return rc;
}

/* ---- for people ---- */

/* A number on both engines: what PostgreSQL rounds is a decimal, which is a text in JSON. */
#define MINUTES(name) ", CAST(round(t." name " / 60.0, 2) AS DOUBLE PRECISION) AS "

int report_table(dw_call *c, const struct report_query *q, dw_rows **out)
{
    dw_text *t = dw_text_new(c);

    dw_text_add(t, "SELECT ");
    for (int i = 0; (size_t)i < q->by_n; i++)
        dw_text_add(
            t,
            dw_format(
                c,
                "CASE WHEN t.name%d <> '' THEN t.name%d WHEN t.id%d <> '' THEN t.id%d ELSE '-' END AS %s, ",
                i, i, i, i, q->by[i]));
    dw_text_add(
        t, "t.entries" MINUTES("total") "minutes" MINUTES("synced") "synced" MINUTES("billable") "billable");
    dw_text_add(
        t,
        MINUTES("not_billable") "not_billable" MINUTES("billed") "billed" MINUTES(
            "to_bill") "to_bill" MINUTES("waiting") "waiting" MINUTES("to_decide") "to_decide" MINUTES("skipp"
                                                                                                       "ed") "skipped FROM (");
    dw_text_add(t, sql(c, q));
    dw_text_add(t, ") AS t ORDER BY " BY_NAME);
    return dw_db_query(c, out, dw_text_get(t).p, q->sync, from(q), to(q));
}
