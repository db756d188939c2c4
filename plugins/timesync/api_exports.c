/* Lists as CSV, for spreadsheets. */
#include "api.h"
#include "columns.h"
#include "csv.h"

enum { LINES_MAX = 50000 };

static int too_many(dw_call *c)
{
    return dw_fail(c, DW_ETOOLARGE, "these are more than 50,000 lines; ask for less by since and until");
}

/* What all of them are asked for. */
struct wanted {
    const char *sync, *separator;
    dw_time since, until;
};

/* ---- runs ---- */

int api_export_runs(dw_call *c, dw_request *req)
{
    static const char *const names[] = { "id",        "sync",    "kind",      "plan",    "started_by",
                                         "who",       "state",   "started",   "ended",   "examined",
                                         "created",   "updated", "unchanged", "deleted", "skipped",
                                         "to_decide", "failed",  "reason",    "detail",  NULL };
    const char *id, *sync, *kind, *by, *who, *state, *reason, *detail;
    int64_t n[8];
    dw_time started, ended;
    struct wanted w = { .until = END_OF_TIME };
    struct csv csv;
    dw_rows *rows;
    int rc, lines = 0;
    bool is_plan;

    DW_TRY(dw_request_read(req, "sync", &w.sync, "since", &w.since, "until", &w.until, "separator",
                           &w.separator));
    csv_begin(&csv, c, w.separator);
    csv_heading(&csv, names);
    DW_TRY(dw_db_query(
        c, &rows,
        dw_format(c,
                  "SELECT r.id, s.name, r.kind, r.is_plan, r.started_by, r.who_name, r.state, r.started_at,"
                  " r.ended_at, r.examined, r.created, r.updated, r.unchanged, r.deleted, r.skipped,"
                  " r.to_decide, r.failed, r.reason, r.detail"
                  " FROM timesync_runs r JOIN timesync_syncs s ON s.id = r.sync"
                  " WHERE %s AND r.created_at >= $2 AND r.created_at < $3 ORDER BY r.id DESC",
                  OF_SYNC("r.sync", w.sync)),
        w.sync, w.since, w.until));
    while ((rc = dw_rows_next(rows, &id, &sync, &kind, &is_plan, &by, &who, &state, &started, &ended, &n[0],
                              &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7], &reason, &detail)) > 0) {
        if (++lines > LINES_MAX)
            return too_many(c);
        const char *const first[] = { id, sync, kind, is_plan ? "yes" : "no", by, who, state };
        for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++)
            csv_text(&csv, first[i]);
        csv_time(&csv, started);
        csv_time(&csv, ended);
        for (size_t i = 0; i < sizeof(n) / sizeof(*n); i++)
            csv_int(&csv, n[i]);
        csv_text(&csv, reason);
        csv_text(&csv, detail);
        csv_line(&csv);
    }
    return rc < 0 ? rc : csv_reply(&csv, req, "runs.csv");
}

/* ---- entries ---- */

int api_export_entries(dw_call *c, dw_request *req)
{
    enum { AMOUNT = 8 };
    static const char *const names[] = {
        "source_id", "ticket", "ticket_number", "ticket_title", "customer",  "agent",   "agent_email",
        "activity",  "amount", "state",         "reason",       "timesheet", "project", "billable",
        "exported",  "day",    "starts_at",     "minutes",      NULL
    };
    const char *text[14], *day, *state = "";
    struct wanted w = { .until = END_OF_TIME };
    int64_t seconds;
    dw_time starts;
    struct csv csv;
    dw_rows *rows;
    int rc, lines = 0;
    bool exported;

    DW_TRY(dw_request_read(req, "sync", &w.sync, "state", &state, "since", &w.since, "until", &w.until,
                           "separator", &w.separator));
    csv_begin(&csv, c, w.separator);
    csv_heading(&csv, names);
    DW_TRY(dw_db_query(
        c, &rows,
        dw_format(
            c,
            "SELECT source_id, ticket, ticket_number, ticket_title, customer_name, agent_name, agent_email,"
            " activity_name, amount, state, reason, sheet, project_name, " BILLABLE_WORD(
                "billable") ", exported, day, starts_at, seconds"
                            " FROM timesync_entries WHERE %s AND ($2 = '' OR state = $2)"
                            " AND coalesce(starts_at, seen_at) >= $3 AND coalesce(starts_at, seen_at) < $4"
                            " ORDER BY coalesce(starts_at, seen_at), id",
            OF_SYNC("sync", w.sync)),
        w.sync, state, w.since, w.until));
    while ((rc = dw_rows_next(rows, &text[0], &text[1], &text[2], &text[3], &text[4], &text[5], &text[6],
                              &text[7], &text[8], &text[9], &text[10], &text[11], &text[12], &text[13],
                              &exported, &day, &starts, &seconds)) > 0) {
        if (++lines > LINES_MAX)
            return too_many(c);
        for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++)
            (i == AMOUNT ? csv_decimal : csv_text)(&csv, text[i]);
        csv_text(&csv, exported ? "yes" : "no");
        csv_text(&csv, day);
        csv_time(&csv, starts);
        csv_minutes(&csv, seconds);
        csv_line(&csv);
    }
    return rc < 0 ? rc : csv_reply(&csv, req, "entries.csv");
}

/* ---- mappings ---- */

int api_export_mappings(dw_call *c, dw_request *req)
{
    static const char *const names[] = { "sync",   "kind",        "source",   "source_name",
                                         "target", "target_name", "billable", NULL };
    const char *text[7];
    struct wanted w = { 0 };
    struct csv csv;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_request_read(req, "sync", &w.sync, "separator", &w.separator));
    csv_begin(&csv, c, w.separator);
    csv_heading(&csv, names);
    DW_TRY(dw_db_query(
        c, &rows,
        dw_format(c,
                  "SELECT s.name, m.kind, m.source, m.source_name, m.target, m.target_name, " BILLABLE_WORD(
                      "m.billable") " FROM timesync_mappings m JOIN timesync_syncs s ON s.id = m.sync"
                                    " WHERE %s ORDER BY s.name, m.kind, m.source_name, m.id",
                  OF_SYNC("m.sync", w.sync)),
        w.sync));
    while ((rc = dw_rows_next(rows, &text[0], &text[1], &text[2], &text[3], &text[4], &text[5], &text[6])) >
           0) {
        for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++)
            csv_text(&csv, text[i]);
        csv_line(&csv);
    }
    return rc < 0 ? rc : csv_reply(&csv, req, "mappings.csv");
}
