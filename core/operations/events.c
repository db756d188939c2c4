/* events.c - /events: what happened in the tenant. */
#include "events/events.h"

#include "operations/core_page.h"
#include "operations/tables.h"
#include "util/clock.h"

static const struct core_member members[] = {
    { .column = "id" }, { .column = "name" }, { .column = "principal" }, { .column = "at" }, { 0 },
};

static int list_events(struct core_request *r)
{
    struct event_filter filter = { .tenant = r->tenant, .pattern = core_text(r, "name") };
    struct core_page page;
    struct db_rows *rows;

    if (filter.pattern && !event_pattern_is_valid(str_from(filter.pattern)))
        return core_fail_at(r, "#/query/name",
                            "is neither an event's name such as timesync.entry.pushed, nor the beginning of "
                            "names such as timesync.*, nor *");
    DW_TRY(core_time(r, "since", &filter.since_us));
    DW_TRY(core_page_read(r, &page));
    filter.before = page.after;
    filter.limit = page.limit + 1;
    DW_TRY(events_query(r->s, &rows, &filter));
    return core_page_reply(r, &page, rows, members);
}

static int get_event(struct core_request *r)
{
    const char *id = core_id(r, "id");
    char at[CLOCK_RFC3339_SIZE];
    struct buf body = BUF_INIT;
    struct event e;
    int rc = id ? events_load(r->s, http_arena(r->x), r->tenant, id, &e) : DW_ENOMEM;

    if (rc <= 0)
        return rc < 0 ? rc : DW_ENOTFOUND;
    clock_format_rfc3339(e.at_us, at);
    buf_add_format(&body, "{\"id\":\"%s\",\"name\":\"%s\",\"principal\":", e.id, e.name);
    if (e.principal)
        buf_add_json(&body, str_from(e.principal));
    else
        buf_add_text(&body, "null");
    buf_add_format(&body, ",\"at\":\"%s\",\"data\":%s}", at, e.data);
    return core_reply(r, 200, &body);
}

/* A plugin or webhook that does not get it is none of those that do: 0 is an answer. */
static int replay_event(struct core_request *r)
{
    const struct event_replay only = {
        .tenant = r->tenant,
        .plugin = core_text(r, "plugin"),
        .webhook = core_id(r, "webhook"),
    };
    const char *id = core_id(r, "id");
    struct buf body = BUF_INIT;

    if (!id || (!only.webhook && core_text(r, "webhook")))
        return DW_ENOMEM;
    DW_TRY(db_begin(r->s));
    int n = events_replay(r->s, id, &only, r->now_us);
    DW_TRY(n);
    DW_TRY(core_note(r, "core.event.replayed", id, DW_LIST("subscribers", n)));
    buf_add_format(&body, "{\"count\":%d}", n);
    DW_TRY(core_reply(r, 202, &body));
    return db_commit(r->s);
}

const struct core_operation core_event_operations[] = {
    { "listEvents", list_events },
    { "getEvent", get_event },
    { "replayEvent", replay_event },
    { 0 },
};
