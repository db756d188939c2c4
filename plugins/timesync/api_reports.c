/* How much time, of whom, for whom; and what a dashboard shows. */
#include "api.h"
#include "csv.h"
#include "report.h"

static int read_query(dw_call *c, dw_request *req, struct report_query *q)
{
    json_t *by = NULL;

    *q = (struct report_query){ .by_n = 0 };
    DW_TRY(dw_request_read(req, "by", &by, "sync", &q->sync, "from", &q->from, "to", &q->to));
    return report_by(c, by, q);
}

/* ---- JSON ---- */

static void write_sums(dw_out *o, const struct report_sums *s)
{
    dw_out_set(o, "entries", s->entries);
    dw_out_set(o, "minutes", s->minutes);
    dw_out_set(o, "billable", s->billable);
    dw_out_set(o, "not_billable", s->not_billable);
    dw_out_set(o, "synced", s->synced);
    dw_out_set(o, "waiting", s->waiting);
    dw_out_set(o, "to_decide", s->to_decide);
    dw_out_set(o, "skipped", s->skipped);
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

static void csv_sums(struct csv *csv, const struct report_sums *s)
{
    csv_int(csv, s->entries);
    csv_real(csv, s->minutes);
    csv_real(csv, s->billable);
    csv_real(csv, s->not_billable);
    csv_real(csv, s->synced);
    csv_real(csv, s->waiting);
    csv_real(csv, s->to_decide);
    csv_real(csv, s->skipped);
    csv_line(csv);
}

struct csv_writing {
    struct csv csv;
    size_t groups;
};

static int csv_row(dw_call *c, const struct report_row *row, void *ud)
{
    struct csv_writing *w = ud;

    (void)c;
    for (size_t i = 0; i < w->groups; i++) {
        csv_text(&w->csv, row->ids[i]);
        csv_text(&w->csv, row->names[i]);
    }
    csv_sums(&w->csv, &row->sums);
    return 0;
}

int api_export_report(dw_call *c, dw_request *req)
{
    static const char *const sums[] = { "entries", "minutes", "billable",  "not_billable",
                                        "synced",  "waiting", "to_decide", "skipped" };
    struct report_query q;
    struct report_sums all;
    struct csv_writing w;

    DW_TRY(read_query(c, req, &q));
    csv_begin(&w.csv, c);
    w.groups = q.by_n;
    for (size_t i = 0; i < q.by_n; i++) {
        csv_text(&w.csv, q.by[i]);
        csv_text(&w.csv, dw_format(c, "%s_name", q.by[i]));
    }
    for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
        csv_text(&w.csv, sums[i]);
    csv_line(&w.csv);
    DW_TRY(report_each(c, &q, csv_row, &w, &all));
    return csv_reply(&w.csv, req, "minutes.csv");
}

/* ---- the dashboard ---- */

enum { KPI_DAYS = 14 };

static int count(dw_call *c, dw_out *o, const char *name, const char *sql, const char *sync)
{
    int64_t n;

    DW_TRY(dw_db_get(c, DW_TO(&n), sql, sync));
    dw_out_set(o, name, n);
    return 0;
}

static int write_days(dw_call *c, dw_out *o, const char *sync)
{
    const char *zone = "UTC", *day;
    double minutes, synced;

    DW_TRY(dw_db_find(
        c, DW_TO(&zone),
        "SELECT zone FROM timesync_syncs WHERE $1 IS NULL OR id = $1 ORDER BY created_at LIMIT 1", sync));
    dw_out_array(o, "days");
    for (int back = KPI_DAYS - 1; back >= 0; back--) {
        dw_time then = { dw_now(c).us - DW_HOURS(24 * (int64_t)back).us };
        DW_TRY(dw_time_format_in(c, then, zone, &day));
        day = dw_format(c, "%.10s", day);
        DW_TRY(dw_db_get(
            c, DW_TO(&minutes, &synced),
            "SELECT coalesce(sum(seconds), 0) / 60.0,"
            " coalesce(sum(CASE WHEN state IN ('synced', 'unfollowed') THEN seconds ELSE 0 END), 0) / 60.0"
            " FROM timesync_entries WHERE day = $2 AND state <> 'gone' AND ($1 IS NULL OR sync = $1)",
            sync, day));
        dw_out_object(o, NULL);
        dw_out_set(o, "day", day);
        dw_out_set(o, "minutes", minutes);
        dw_out_set(o, "synced", synced);
        dw_out_end(o);
    }
    dw_out_end(o);
    return 0;
}

int api_kpis(dw_call *c, dw_request *req)
{
    const char *sync = NULL, *run = NULL;

    DW_TRY(dw_request_read(req, "sync", &sync));
    dw_out *o = dw_reply_open(req, 200);
    DW_TRY(count(c, o, "open_cases",
                 "SELECT count(*) FROM timesync_cases WHERE state = 'open' AND ($1 IS NULL OR sync = $1)",
                 sync));
    DW_TRY(count(
        c, o, "waiting",
        "SELECT count(*) FROM timesync_entries WHERE state = 'waiting' AND ($1 IS NULL OR sync = $1)", sync));
    DW_TRY(count(c, o, "failed",
                 "SELECT count(*) FROM timesync_entries WHERE state = 'failed' AND ($1 IS NULL OR sync = $1)",
                 sync));
    DW_TRY(count(c, o, "held",
                 "SELECT count(*) FROM timesync_syncs WHERE held_reason <> '' AND ($1 IS NULL OR id = $1)",
                 sync));
    DW_TRY(dw_db_find(c, DW_TO(&run),
                      "SELECT id FROM timesync_runs WHERE $1 IS NULL OR sync = $1 ORDER BY id DESC LIMIT 1",
                      sync));
    dw_out_set(o, "last_run", run);
    DW_TRY(write_days(c, o, sync));
    return dw_reply_close(req);
}
