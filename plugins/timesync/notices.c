#include "notices.h"

#include "common.h"
#include "runs.h"

/* Of more tickets than that a full comparison is as quick. */
enum { MOST = 500 };

/* ---- noting ---- */

static int add(dw_call *c, const char *sync, const char *kind, const char *ticket)
{
    const int rc = dw_db_exec(c,
                              "INSERT INTO timesync_notices (tenant_id, sync, kind, ticket, noted_at)"
                              " VALUES (:tenant, $1, $2, $3, $4)"
                              " ON CONFLICT (tenant_id, sync, kind, ticket) DO NOTHING",
                              sync, kind, ticket, dw_now(c));

    return rc < 0 ? rc : 0;
}

static int forget(dw_call *c, const char *sync, const char *kind)
{
    const int rc =
        dw_db_exec(c, "DELETE FROM timesync_notices WHERE sync = $1 AND ($2 = '' OR kind = $2)", sync, kind);

    return rc < 0 ? rc : 0;
}

int notices_note(dw_call *c, const char *sync, const char *ticket)
{
    int64_t tickets, full;

    if (!ticket)
        return add(c, sync, "poll", "");
    DW_TRY(dw_db_get(
        c, DW_TO(&tickets, &full),
        "SELECT count(*), count(CASE WHEN kind = 'full' THEN 1 END) FROM timesync_notices WHERE sync = $1",
        sync));
    if (full > 0)
        return 0;
    if (tickets < MOST)
        return add(c, sync, "tickets", ticket);
    DW_TRY(forget(c, sync, "tickets"));
    return add(c, sync, "full", "");
}

int notices_note_again(dw_call *c, const char *sync, const char *ticket)
{
    int64_t n;

    DW_TRY(dw_db_get(c, DW_TO(&n), "SELECT count(*) FROM timesync_notices WHERE sync = $1", sync));
    return n < MOST ? add(c, sync, "again", ticket) : 0; /* the next full comparison is for so many */
}

/* ---- starting ---- */

struct noted {
    json_t *tickets;
    bool poll, full;
};

static int read_noted(dw_call *c, const char *sync, struct noted *out)
{
    const char *kind, *ticket;
    dw_rows *rows;
    int rc;

    *out = (struct noted){ .tickets = dw_json_own(c, json_array()) };
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT kind, ticket FROM timesync_notices WHERE sync = $1 ORDER BY noted_at, ticket",
                       sync));
    while ((rc = dw_rows_next(rows, &kind, &ticket)) > 0) {
        out->poll = out->poll || same(kind, "poll");
        out->full = out->full || same(kind, "full");
        if (is_one_of(kind, "tickets", "again") &&
            json_array_append_new(out->tickets, json_string(ticket)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a list of tickets");
    }
    dw_rows_close(rows);
    return rc;
}

static int start(dw_call *c, const struct sync *s, const char *kind, json_t *scope)
{
    const struct run_new want = {
        .sync = s->id, .kind = kind, .is_plan = s->rules.dry_run, .started_by = "webhook", .scope = scope
    };
    const char *id;
    const int rc = run_start(c, &want, &id);

    return rc < 0 ? rc : 0;
}

int notices_start(dw_call *c, const struct sync *s)
{
    struct noted noted;

    DW_TRY(read_noted(c, s->id, &noted));
    DW_TRY(forget(c, s->id, ""));
    if (noted.full) /* it sees all that the others would */
        return start(c, s, "full", NULL);
    if (noted.poll)
        DW_TRY(start(c, s, "poll", NULL));
    return json_array_size(noted.tickets)
               ? start(c, s, "tickets", dw_json(c, "tickets", (const json_t *)noted.tickets))
               : 0;
}

static int start_one(dw_call *c, void *ud)
{
    const char *id = ud;
    struct sync s;

    DW_TRY(sync_load(c, id, &s));
    return s.enabled && !*s.held_reason ? notices_start(c, &s) : 0;
}

int notices_start_all(dw_call *c)
{
    json_t *list = dw_json_own(c, json_array()), *one;
    const char *id;
    dw_rows *rows;
    size_t i;
    int rc;

    DW_TRY(
        dw_db_query(c, &rows,
                    "SELECT id FROM timesync_syncs s WHERE enabled AND held_reason = '' AND EXISTS"
                    " (SELECT 1 FROM timesync_notices n WHERE n.sync = s.id AND (n.kind <> 'again' OR EXISTS"
                    " (SELECT 1 FROM timesync_runs r WHERE r.sync = s.id AND r.ended_at > n.noted_at"
                    " AND r.started_at > n.noted_at AND r.state = 'done' AND NOT r.is_plan"
                    " AND r.kind IN ('poll', 'full', 'tickets', 'window')))) ORDER BY id"));
    while ((rc = dw_rows_next(rows, &id)) > 0)
        if (json_array_append_new(list, json_string(id)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a list of syncs");
    dw_rows_close(rows);
    DW_TRY(rc);
    json_array_foreach(list, i, one)
    {
        DW_TRY(sync_do(c, json_string_value(one), start_one, (void *)(uintptr_t)json_string_value(one)));
    }
    return 0;
}
