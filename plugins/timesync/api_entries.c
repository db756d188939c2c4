/* Entries: booked time as it was last seen, and its timesheet. */
#include "api.h"
#include "columns.h"

#define ENTRY_COLUMNS                                                                                        \
    "e.id, e.sync, e.source_id, e.ticket, e.ticket_number, e.ticket_title, e.url, e.customer,"               \
    " e.customer_name, e.agent, e.agent_name, e.agent_email, e.activity, e.activity_name, e.note, e.amount," \
    " e.seconds, e.starts_at, e.booked_at, e.state, e.reason, e.sheet, e.exported, e.seen_at, e.gone_at"
/* Where it lies in time cannot be told of all. */
#define LIES_AT "coalesce(e.starts_at, e.seen_at)"
#define ENTRY   "SELECT " ENTRY_COLUMNS " FROM timesync_entries e"

/* A person's words as a pattern of LIKE: "%what%", with its own signs made plain. */
static const char *like(dw_call *c, const char *typed)
{
    dw_text *t = dw_text_new(c);
    char one[3] = "";

    dw_text_add(t, "%");
    for (; *typed; typed++) {
        bool is_sign = *typed == '%' || *typed == '_' || *typed == '\\';
        one[0] = is_sign ? '\\' : *typed;
        one[1] = is_sign ? *typed : '\0';
        dw_text_add(t, one);
    }
    dw_text_add(t, "%");
    return dw_text_get(t).p;
}

int api_list_entries(dw_call *c, dw_request *req)
{
    const char *q = NULL, *pattern;
    dw_time since = { 0 }, until = END_OF_TIME;

    DW_TRY(dw_request_read(req, "q", &q, "since", &since, "until", &until));
    if (since.us == 0 && until.us == END_OF_TIME.us && !q)
        return dw_reply_list(c, req, ENTRY);
    pattern = like(c, q ? q : "");
    return dw_reply_list(c, req,
                         ENTRY " WHERE " LIES_AT " >= $1 AND " LIES_AT " < $2"
                               " AND (lower(e.ticket_number) LIKE lower($3) ESCAPE '\\'"
                               "   OR lower(e.ticket_title) LIKE lower($3) ESCAPE '\\'"
                               "   OR lower(e.customer_name) LIKE lower($3) ESCAPE '\\'"
                               "   OR lower(e.agent_name) LIKE lower($3) ESCAPE '\\')",
                         since, until, pattern);
}

int api_get_entry(dw_call *c, dw_request *req)
{
    const char *id;
    dw_rows *rows;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_db_query(c, &rows, "SELECT " ENTRY_COLUMNS ", e.base FROM timesync_entries e WHERE e.id = $1",
                       id));
    return dw_reply_row(req, 200, rows);
}

/* First what is wrong with the query, then whether there is such an entry: its reply is taken back. */
int api_list_entry_steps(dw_call *c, dw_request *req)
{
    const char *id, *sync;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_reply_list(c, req, "SELECT " STEP_COLUMNS " FROM timesync_steps t WHERE t.entry = $1", id));
    DW_TRY(dw_db_get(c, DW_TO(&sync), "SELECT sync FROM timesync_entries WHERE id = $1", id));
    return 0;
}
