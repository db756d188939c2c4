/* inbox.c - /inbox: what others have sent to a tenant's sources (sources.c). */
#include "events/inbox.h"

#include <stdlib.h>

#include "operations/core_page.h"
#include "operations/tables.h"
#include "util/clock.h"

static const struct core_member members[] = {
    { .column = "id" },
    { .column = "plugin" },
    { .column = "source" },
    { .column = "delivery" },
    { .column = "state" },
    { .column = "why" },
    { .column = "repeats" },
    { .column = "size" },
    { .column = "received_at" },
    { .column = "ended_at" },
    { 0 },
};

static int list_inbox(struct core_request *r)
{
    struct inbox_filter filter = {
        .tenant = r->tenant,
        .plugin = core_text(r, "plugin"),
        .source = core_text(r, "source"),
        .state = core_text(r, "state"),
    };
    struct core_page page;
    struct db_rows *rows;

    DW_TRY(core_page_read(r, &page));
    filter.before = page.after;
    filter.limit = page.limit + 1;
    DW_TRY(inbox_query(r->s, &rows, &filter));
    return core_page_reply(r, &page, rows, members);
}

/* ---- one, as it came ---- */

static json_t *time_json(int64_t us)
{
    char text[CLOCK_RFC3339_SIZE];

    if (us == 0)
        return json_null();
    clock_format_rfc3339(us, text);
    return json_string(text);
}

static json_t *shown_json(const struct inbox_shown *shown)
{
    const struct inbox_delivery *d = &shown->delivery;
    json_t *body = str_is_utf8(d->body) ? json_stringn(d->body.p, d->body.n) : json_null();

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:I, s:o, s:o, s:o, s:o}", "id", d->id, "plugin",
                     shown->plugin, "source", d->source, "delivery", d->delivery, "state", shown->state,
                     "why", shown->why, "repeats", (json_int_t)shown->repeats, "size", (json_int_t)d->body.n,
                     "received_at", time_json(d->received_us), "ended_at", time_json(shown->ended_us),
                     "headers", inbox_headers_json(d->headers), "body", body);
}

static int reply_shown(struct core_request *r, const struct inbox_shown *shown)
{
    json_t *json = shown_json(shown);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct buf body = BUF_INIT;

    json_decref(json);
    if (!text)
        return DW_ENOMEM;
    buf_add_text(&body, text);
    free(text);
    return core_reply(r, 200, &body);
}

static int get_received(struct core_request *r)
{
    const char *id = core_id(r, "id");
    struct inbox_shown shown;
    int rc = id ? inbox_show(r->s, http_arena(r->x), r->tenant, id, &shown) : DW_ENOMEM;

    if (rc <= 0)
        return rc < 0 ? rc : DW_ENOTFOUND;
    return reply_shown(r, &shown);
}

static int replay_received(struct core_request *r)
{
    const char *id = core_id(r, "id");

    if (!id)
        return DW_ENOMEM;
    DW_TRY(db_begin(r->s));
    DW_TRY(inbox_replay(r->s, r->tenant, id, r->now_us));
    DW_TRY(core_note(r, "core.inbox.replayed", id, (dw_list){ NULL, 0 }));
    DW_TRY(core_reply(r, 202, NULL));
    return db_commit(r->s);
}

const struct core_operation core_inbox_operations[] = {
    { "listInbox", list_inbox },
    { "getReceived", get_received },
    { "replayReceived", replay_received },
    { 0 },
};
