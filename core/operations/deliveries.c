/* deliveries.c - what became of what was sent to a tenant's webhooks. */
#include "events/webhooks.h"
#include "operations/core_page.h"
#include "operations/tables.h"

static const struct core_member members[] = {
    { .column = "id" },
    { .column = "event" },
    { .column = "name" },
    { .column = "state" },
    { .column = "attempts" },
    { .column = "status" },
    { .column = "why" },
    { .column = "created_at" },
    { .column = "due_at" },
    { .column = "ended_at" },
    { 0 },
};

static const struct core_member attempt_members[] = {
    { .column = "attempt" },
    { .column = "at" },
    { .column = "took_ms" },
    { .column = "status" },
    { .column = "error" },
    { .column = "answer" },
    { 0 },
};

/* ---- of one webhook ---- */

/* An empty list would tell of a webhook that is not there as of one without deliveries. */
static int check_webhook(struct core_request *r, const char *id)
{
    struct db_rows *rows;

    DW_TRY(webhook_query(r->s, &rows, &(struct webhook_filter){ .tenant = r->tenant, .id = id }));
    int rc = db_rows_next(rows);
    db_rows_close(rows);
    return rc == 0 ? DW_ENOTFOUND : rc;
}

static int list_deliveries(struct core_request *r)
{
    struct delivery_filter filter = {
        .tenant = r->tenant,
        .webhook = core_id(r, "id"),
        .state = core_text(r, "state"),
    };
    struct core_page page;
    struct db_rows *rows;

    if (!filter.webhook)
        return DW_ENOMEM;
    DW_TRY(core_page_read(r, &page));
    DW_TRY(check_webhook(r, filter.webhook));
    filter.before = page.after;
    filter.limit = page.limit + 1;
    DW_TRY(delivery_query(r->s, &rows, &filter));
    return core_page_reply(r, &page, rows, members);
}

/* ---- one ---- */

static int write_attempts(struct core_request *r, const char *id, struct buf *out)
{
    struct db_rows *rows;
    int rc;

    DW_TRY(delivery_query_attempts(r->s, &rows, r->tenant, id));
    buf_add_char(out, '[');
    for (int n = 0; (rc = db_rows_next(rows)) > 0; n++) {
        if (n > 0)
            buf_add_char(out, ',');
        if ((rc = core_row_write(out, rows, attempt_members)) != 0)
            break;
    }
    buf_add_char(out, ']');
    db_rows_close(rows);
    return rc;
}

/* The delivery with its attempts as "log": two statements, as an engine may have one result at a time. */
static int write_delivery(struct core_request *r, const char *id, struct buf *out)
{
    struct db_rows *rows;

    DW_TRY(delivery_query(r->s, &rows, &(struct delivery_filter){ .tenant = r->tenant, .id = id }));
    int rc = db_rows_next(rows);
    if (rc > 0)
        rc = core_row_write(out, rows, members);
    else if (rc == 0)
        rc = DW_ENOTFOUND;
    db_rows_close(rows);
    if (rc < 0)
        return rc;
    out->n--; /* the brace: there is more */
    buf_add_text(out, ",\"log\":");
    DW_TRY(write_attempts(r, id, out));
    buf_add_char(out, '}');
    return 0;
}

static int get_delivery(struct core_request *r)
{
    const char *id = core_id(r, "id");
    struct buf body = BUF_INIT;
    int rc = id ? write_delivery(r, id, &body) : DW_ENOMEM;

    if (rc == 0)
        return core_reply(r, 200, &body);
    buf_finish(&body);
    return rc;
}

static int replay_delivery(struct core_request *r)
{
    const char *id = core_id(r, "id");

    if (!id)
        return DW_ENOMEM;
    DW_TRY(db_begin(r->s));
    DW_TRY(delivery_replay(r->s, r->tenant, id, r->now_us, &r->why));
    DW_TRY(core_note(r, "core.webhook.delivery_replayed", id, (dw_list){ NULL, 0 }));
    DW_TRY(core_reply(r, 202, NULL));
    return db_commit(r->s);
}

const struct core_operation core_delivery_operations[] = {
    { "listDeliveries", list_deliveries },
    { "getDelivery", get_delivery },
    { "replayDelivery", replay_delivery },
    { 0 },
};
