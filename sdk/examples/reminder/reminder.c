/* reminder - tells you something later: a row and the job that works on it come into being together, or not at all. */
#include <dowel/dowel.h>

/* What a reminder is shown as. */
#define REMINDER "id, text, state, due_at, told_at"

/* ---- operations ---- */

/* The unique key is how the job is found again, to be cancelled. */
static int add_job(dw_call *c, const char *id, dw_span delay)
{
    return dw_job_add(c, .kind = "remind", .with = DW_LIST("id", id), .unique_key = id, .delay = delay);
}

static int add_reminder(dw_call *c, dw_request *req)
{
    const char *text, *id = dw_id(c);
    int64_t after;
    dw_rows *reminder;

    DW_TRY(dw_request_read(req, "text", &text, "after", &after));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_query(c, &reminder,
                       "INSERT INTO reminder (tenant_id, id, whom, text, due_at)"
                       " VALUES (:tenant, $1, :me, $2, $3)"
                       " RETURNING " REMINDER,
                       id, text, (dw_time){ dw_now(c).us + DW_SECONDS(after).us }));
    DW_TRY(dw_reply_row(req, 202, reminder));
    DW_TRY(add_job(c, id, DW_SECONDS(after)));
    return dw_tx_commit(c);
}

static int get_reminder(dw_call *c, dw_request *req)
{
    const char *id;
    dw_rows *reminder;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_db_query(c, &reminder, "SELECT " REMINDER " FROM reminder WHERE id = $1 AND whom = :me", id));
    return dw_reply_row(req, 200, reminder);
}

static int cancel_reminder(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_change(c,
                        "UPDATE reminder SET state = 'cancelled'"
                        " WHERE id = $1 AND whom = :me AND state = 'waiting'",
                        id));
    DW_TRY(dw_job_cancel(c, "remind", id));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}

/* ---- the job ---- */

/* Here is where mail would be sent: before the transaction, since that may happen twice, but the row changes once. */
static int remind(dw_call *c, dw_job *job)
{
    const char *id, *text;

    DW_TRY(dw_job_read(job, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_get(c, DW_TO(&text),
                     "UPDATE reminder SET state = 'told', told_at = :now WHERE id = $1 RETURNING text", id));
    dw_info(c, "a reminder", "text", text);
    return dw_job_done(job);
}

/* Also when it was cancelled, and then there is no error. */
static int give_up(dw_call *c, dw_job *job)
{
    const char *id;

    DW_TRY(dw_job_read(job, "id", &id));
    return dw_db_exec(c, "UPDATE reminder SET state = 'given up' WHERE id = $1 AND state = 'waiting'", id);
}

static const dw_operation operations[] = {
    { "addReminder", add_reminder },
    { "getReminder", get_reminder },
    { "cancelReminder", cancel_reminder },
    { 0 },
};

static const dw_job_kind jobs[] = {
    { .name = "remind", .run = remind, .dead = give_up, .timeout = "1m" },
    { 0 },
};

DOWEL_PLUGIN(.name = "reminder", .version = "1.0.0", .summary = "Tells you something later", .license = "MIT",
             .operations = operations, .jobs = jobs);
