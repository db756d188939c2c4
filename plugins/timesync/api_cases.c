/* Cases: what only a person can decide. */
#include <string.h>

#include "api.h"
#include "cases.h"
#include "columns.h"

enum { BULK_MAX = 1000 };

#define CASE_COLUMNS                                                                                         \
    "id, sync, key, entry, sheet, reason, detail, base, source, target, state, action, note, assigned, run," \
    " opened_at, found_at, resolved_at, resolved_by, version"
#define CASE "SELECT " CASE_COLUMNS " FROM timesync_cases"

/* ---- reading ---- */

static void write_actions(dw_out *o, unsigned actions)
{
    dw_out_array(o, "actions");
    for (unsigned bit = 1; bit != 0 && bit <= actions; bit <<= 1) {
        if (actions & bit)
            dw_out_add(o, action_name((enum action)bit));
    }
    dw_out_end(o);
}

/* In the language of who asks: only failures have one, so this is one that nobody sees. */
static const char *said(dw_call *c, const char *text)
{
    (void)dw_fail(c, DW_EINVALID, text);
    return dw_format(c, "%s", dw_error_of(c)->said);
}

int api_list_reasons(dw_call *c, dw_request *req)
{
    dw_out *o = dw_reply_open(req, 200);

    dw_out_array(o, "items");
    for (enum reason r = REASON_NONE + 1; r < REASONS; r++) {
        dw_out_object(o, NULL);
        dw_out_set(o, "reason", reason_name(r));
        dw_out_set(o, "text", said(c, reason_text(r)));
        write_actions(o, reason_actions(r));
        dw_out_end(o);
    }
    return dw_reply_close(req);
}

int api_list_cases(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, CASE);
}

int api_count_cases(dw_call *c, dw_request *req)
{
    const char *sync = NULL;
    dw_rows *rows;

    DW_TRY(dw_request_read(req, "sync", &sync));
    DW_TRY(dw_db_query(c, &rows,
                       dw_format(c,
                                 "SELECT reason, count(*) AS count FROM timesync_cases"
                                 " WHERE state = 'open' AND %s GROUP BY reason ORDER BY reason",
                                 OF_SYNC("sync", sync)),
                       sync));
    return dw_reply_rows(req, 200, rows);
}

int api_get_case(dw_call *c, dw_request *req)
{
    const char *id;
    dw_rows *rows;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_db_query(c, &rows, CASE " WHERE id = $1", id));
    return dw_reply_row(req, 200, rows);
}

/* ---- its note, and who looks after it ---- */

int api_change_case(dw_call *c, dw_request *req)
{
    const char *id, *note = NULL, *assigned = NULL;
    int64_t version;
    dw_rows *rows;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version, "note", &note, "assigned", &assigned));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(
        dw_db_query(c, &rows,
                    "UPDATE timesync_cases SET note = coalesce($3, note), assigned = coalesce($4, assigned),"
                    "                               version = version + 1"
                    " WHERE id = $1 AND version = $2 RETURNING " CASE_COLUMNS,
                    id, version, note, assigned));
    DW_TRY(dw_reply_row(req, 200, rows));
    DW_TRY(dw_audit(c, "timesync.case.changed", id, "note", note, "assigned", assigned));
    return dw_tx_commit(c);
}

/* ---- deciding ---- */

static int reply_decided(dw_request *req, const json_t *runs, size_t cases)
{
    dw_out *o = dw_reply_open(req, 202);

    dw_out_set(o, "runs", runs);
    dw_out_set(o, "cases", (int64_t)cases);
    return dw_reply_close(req);
}

static int decide(dw_call *c, dw_request *req, struct case_decision *d, const char *word)
{
    json_t *runs;

    d->action = action_from(word); /* api.yaml knows the same ones */
    if (d->action == ACTION_MAP)
        return dw_fail_at(c, "/action", "is done by adding a mapping, POST /timesync/mappings with settle");
    DW_TRY(dw_tx_begin(c));
    DW_TRY(case_decide(c, d, &runs));
    DW_TRY(reply_decided(req, runs, d->n));
    return dw_tx_commit(c);
}

int api_decide_case(dw_call *c, dw_request *req)
{
    struct case_decision d = { .n = 1, .note = "" };
    const char *id, *word, *state;

    DW_TRY(dw_request_read(req, "id", &id, "action", &word, "sheet", &d.sheet, "note", &d.note, "version",
                           &d.version));
    DW_TRY(dw_db_get(c, DW_TO(&state), "SELECT state FROM timesync_cases WHERE id = $1",
                     id)); /* or a plain 404 */
    d.ids = &id;
    return decide(c, req, &d, word);
}

static int ids_given(dw_call *c, const json_t *list, struct case_decision *d)
{
    const char **ids = dw_alloc(c, json_array_size(list) * sizeof(*ids));

    for (d->n = 0; d->n < json_array_size(list); d->n++)
        ids[d->n] = json_string_value(json_array_get(list, d->n));
    d->ids = ids;
    return 0;
}

static int ids_of_reason(dw_call *c, const char *sync, const char *reason, struct case_decision *d)
{
    const char **ids = dw_alloc(c, BULK_MAX * sizeof(*ids)), *id;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id FROM timesync_cases WHERE sync = $1 AND reason = $2 AND state = 'open'"
                       " ORDER BY id LIMIT $3",
                       sync, reason, (int)BULK_MAX));
    while ((rc = dw_rows_next(rows, &id)) > 0)
        ids[d->n++] = dw_format(c, "%s", id);
    d->ids = ids;
    if (rc == 0 && d->n == 0)
        return dw_fail(c, DW_ENOTFOUND, "no case with this reason is open", "reason", reason);
    return rc;
}

int api_decide_cases(dw_call *c, dw_request *req)
{
    const char *word, *sync = NULL, *reason = NULL;
    struct case_decision d = { .note = "" };
    json_t *list = NULL;

    DW_TRY(dw_request_read(req, "ids", &list, "sync", &sync, "reason", &reason, "action", &word, "note",
                           &d.note));
    if (list && (sync || reason))
        return dw_fail_at(c, "/ids", "stands beside sync or reason; give either the ids, or both of those");
    if (!list && !(sync && reason))
        return dw_fail_at(c, "/ids", "is missing; give either the ids, or sync and reason");
    DW_TRY(list ? ids_given(c, list, &d) : ids_of_reason(c, sync, reason, &d));
    return decide(c, req, &d, word);
}
