/* How much time, of whom, for whom; and what a dashboard shows. */
#include "api.h"
#include "columns.h"
#include "csv.h"
#include "day.h"
#include "report.h"

static int read_query(dw_call *c, dw_request *req, struct report_query *q)
{
    json_t *by = NULL;

    *q = (struct report_query){ .by_n = 0 };
    DW_TRY(dw_request_read(req, "by", &by, "sync", &q->sync, "from", &q->from, "to", &q->to));
    DW_TRY(report_check(c, q, "/query/to"));
    return report_by(c, by, q);
}

static double minutes(int64_t seconds)
{
    return (double)seconds / 60;
}

/* ---- JSON ---- */

static void write_sums(dw_out *o, const struct report_sums *s)
{
    dw_out_set(o, "entries", s->entries);
    dw_out_set(o, "minutes", minutes(s->all));
    dw_out_set(o, "synced", minutes(s->synced));
    dw_out_set(o, "billable", minutes(s->billable));
    dw_out_set(o, "not_billable", minutes(s->not_billable));
    dw_out_set(o, "billed", minutes(s->billed));
    dw_out_set(o, "to_bill", minutes(s->to_bill));
    dw_out_set(o, "waiting", minutes(s->waiting));
    dw_out_set(o, "to_decide", minutes(s->to_decide));
    dw_out_set(o, "skipped", minutes(s->skipped));
}

struct writing {
    dw_out *o;
    size_t groups;
};

static int write_row(dw_call *c, const struct report_row *row, void *ud)
{
    const struct writing *w = ud;

    (void)c;
    dw_out_object(w->o, NULL);
    dw_out_array(w->o, "groups");
    for (size_t i = 0; i < w->groups; i++) {
        dw_out_object(w->o, NULL);
        dw_out_set(w->o, "id", row->ids[i]);
        dw_out_set(w->o, "name", row->names[i]);
        dw_out_end(w->o);
    }
    dw_out_end(w->o);
    write_sums(w->o, &row->sums);
    dw_out_end(w->o);
    return dw_out_error(w->o);
}

int api_report_minutes(dw_call *c, dw_request *req)
{
    struct report_query q;
    struct report_sums all;

    DW_TRY(read_query(c, req, &q));
    dw_out *o = dw_reply_open(req, 200);
    dw_out_array(o, "by");
    for (size_t i = 0; i < q.by_n; i++)
        dw_out_add(o, q.by[i]);
    dw_out_end(o);
    dw_out_array(o, "items");
    DW_TRY(report_each(c, &q, write_row, &(struct writing){ o, q.by_n }, &all));
    dw_out_end(o);
    dw_out_object(o, "sums");
    write_sums(o, &all);
    dw_out_end(o);
    return dw_reply_close(req);
}

/* ---- CSV ---- */

struct csv_writing {
    struct csv csv;
    size_t groups;
};

static int csv_row(dw_call *c, const struct report_row *row, void *ud)
{
    const struct report_sums *s = &row->sums;
    struct csv_writing *w = ud;

    (void)c;
    for (size_t i = 0; i < w->groups; i++) {
        csv_text(&w->csv, row->ids[i]);
        csv_text(&w->csv, row->names[i]);
    }
    csv_int(&w->csv, s->entries);
    csv_minutes(&w->csv, s->all);
    csv_minutes(&w->csv, s->synced);
    csv_minutes(&w->csv, s->billable);
    csv_minutes(&w->csv, s->not_billable);
    csv_minutes(&w->csv, s->billed);
    csv_minutes(&w->csv, s->to_bill);
    csv_minutes(&w->csv, s->waiting);
    csv_minutes(&w->csv, s->to_decide);
    csv_minutes(&w->csv, s->skipped);
    csv_line(&w->csv);
    return 0;
}

int api_export_report(dw_call *c, dw_request *req)
{
    static const char *const sums[] = { "entries",      "minutes", "synced",  "billable",
                                        "not_billable", "billed",  "to_bill", "waiting",
                                        "to_decide",    "skipped", NULL };
    const char *separator = NULL;
    struct report_query q;
    struct report_sums all;
    struct csv_writing w;

    DW_TRY(read_query(c, req, &q));
    DW_TRY(dw_request_read(req, "separator", &separator));
    csv_begin(&w.csv, c, separator);
    w.groups = q.by_n;
    for (size_t i = 0; i < q.by_n; i++) {
        csv_text(&w.csv, q.by[i]);
        csv_text(&w.csv, dw_format(c, "%s_name", q.by[i]));
    }
    csv_heading(&w.csv, sums);
    DW_TRY(report_each(c, &q, csv_row, &w, &all));
    return csv_reply(&w.csv, req, "minutes.csv");
}

/* ---- the dashboard ---- */

enum { KPI_DAYS = 14 };

enum { OPEN_CASES, WAITING, FAILED, HELD, COUNTS };

static const struct {
    const char *name, *from;
} counts[COUNTS] = {
    [OPEN_CASES] = { "open_cases", "timesync_cases WHERE state = 'open'" },
    [WAITING] = { "waiting", "timesync_entries WHERE state = 'waiting'" },
    [FAILED] = { "failed", "timesync_entries WHERE state = 'failed'" },
    [HELD] = { "held", "timesync_syncs WHERE held_reason <> ''" },
};

static int write_counts(dw_call *c, dw_out *o, const char *sync)
{
    for (size_t i = 0; i < COUNTS; i++) {
        int64_t n;
        DW_TRY(dw_db_get(c, DW_TO(&n),
                         dw_format(c, "SELECT count(*) FROM %s AND %s", counts[i].from,
                                   i == HELD ? OF_SYNC("id", sync) : OF_SYNC("sync", sync)),
                         sync));
        dw_out_set(o, counts[i].name, n);
    }
    return 0;
}

static int write_day(dw_call *c, dw_out *o, const char *sync, const char *day)
{
    int64_t all, synced;

    DW_TRY(dw_db_get(c, DW_TO(&all, &synced),
                     dw_format(c,
                               "SELECT CAST(coalesce(sum(seconds), 0) AS BIGINT),"
                               " CAST(coalesce(sum(CASE WHEN state IN ('synced', 'unfollowed') THEN seconds"
                               " ELSE 0 END), 0) AS BIGINT)"
                               " FROM timesync_entries WHERE day = $2 AND state <> 'gone' AND %s",
                               OF_SYNC("sync", sync)),
                     sync, day));
    dw_out_object(o, NULL);
    dw_out_set(o, "day", day);
    dw_out_set(o, "minutes", minutes(all));
    dw_out_set(o, "synced", minutes(synced));
    dw_out_end(o);
    return 0;
}

/* Of several syncs: in the zone of the first one. Days are counted at noon, where no clock is changed. */
static int write_days(dw_call *c, dw_out *o, const char *sync)
{
    const char *zone = "UTC", *today, *day;
    dw_time noon;

    DW_TRY(dw_db_find(c, DW_TO(&zone),
                      dw_format(c, "SELECT zone FROM timesync_syncs WHERE %s ORDER BY created_at, id LIMIT 1",
                                OF_SYNC("id", sync)),
                      sync));
    DW_TRY(day_of(c, dw_now(c), zone, &today));
    DW_TRY(dw_time_parse(c, dw_format(c, "%sT12:00:00Z", today), &noon));
    dw_out_array(o, "days");
    for (int back = KPI_DAYS - 1; back >= 0; back--) {
        DW_TRY(day_of(c, (dw_time){ noon.us - DW_HOURS(24 * (int64_t)back).us }, "UTC", &day));
        DW_TRY(write_day(c, o, sync, day));
    }
    dw_out_end(o);
    return 0;
}

int api_kpis(dw_call *c, dw_request *req)
{
    const char *sync = NULL, *run = NULL;

    DW_TRY(dw_request_read(req, "sync", &sync));
    dw_out *o = dw_reply_open(req, 200);
    DW_TRY(write_counts(c, o, sync));
    DW_TRY(dw_db_find(
        c, DW_TO(&run),
        dw_format(c, "SELECT id FROM timesync_runs WHERE %s ORDER BY id DESC LIMIT 1", OF_SYNC("sync", sync)),
        sync));
    dw_out_set(o, "last_run", run);
    DW_TRY(write_days(c, o, sync));
    return dw_reply_close(req);
}
