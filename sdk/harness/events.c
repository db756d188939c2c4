/* events.c - events of plugins that are not there, and webhooks of senders that are none. */
#include <stdio.h>

#include "db/db.h"
#include "events/events.h"
#include "events/inbox.h"
#include "inside.h"
#include "util/json.h"

enum { FIELDS_MAX = 16 };

static struct db_session *open_session(dw_harness *h)
{
    const struct db_who who = { .owner = "core", .now_us = h->process.wall_us(h->process.clock_ud) };
    struct db_session *s;

    h->why.n = 0;
    if (h->process.db && db_session_create(&s, h->process.db, &who) == 0)
        return s;
    buf_add_text(&h->why, "there is no database, or no memory");
    return NULL;
}

static int end_session(dw_harness *h, struct db_session *s, int rc)
{
    if (rc < 0 && h->why.n == 0)
        buf_add_text(&h->why, db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : rc;
}

/* ---- events ---- */

static bool is_object(const char *json)
{
    struct json_fault fault;
    json_t *value;
    bool is = json_strict_parse(str_from(json), 0, &value, &fault) == 0 && json_is_object(value);

    json_decref(value);
    return is;
}

static int tell(struct db_session *s, const struct event *e)
{
    int rc = db_begin(s);

    if (rc >= 0)
        rc = events_emit(s, e, NULL);
    return rc >= 0 ? db_commit(s) : rc;
}

int dw_harness_tell(dw_harness *h, const char *name, const char *json)
{
    const struct event e = {
        .name = name,
        .data = json,
        .tenant = h->process.tenant,
        .principal = h->process.principal,
        .at_us = h->process.wall_us(h->process.clock_ud),
    };
    struct db_session *s = open_session(h);

    if (!s)
        return -1;
    if (!event_name_is_valid(str_from(name)) || !is_object(json)) {
        buf_add_format(&h->why, "%s: no event's name, or what it carries is no JSON object", name);
        return end_session(h, s, DW_EINVALID);
    }
    return end_session(h, s, tell(s, &e)) < 0 ? -1 : 0;
}

int dw_harness_events(dw_harness *h, const char *name)
{
    int64_t n = 0;
    int rc = dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM dowel_events WHERE name = $1", name);

    return rc < 0 ? rc : (int)n;
}

/* ---- webhooks that come in ---- */

/* "Name: value\r\n" each. */
static size_t split_fields(const char *fields, struct inbox_header out[FIELDS_MAX])
{
    struct str rest = str_from(fields), line;
    size_t n = 0;

    while (n < FIELDS_MAX && str_split(&rest, '\n', &line)) {
        size_t colon = str_find(line, ':');
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (colon >= line.n)
            continue;
        out[n].name = str_make(line.p, colon);
        out[n++].value = str_trim(str_make(line.p + colon + 1, line.n - colon - 1));
    }
    return n;
}

/* What an admin would have added; it may be there from the last time. */
static int add_source(dw_harness *h, struct db_session *s, const dw_harness_receive_args *a,
                      const char *plugin, int64_t now_us)
{
    const char *name = a->source ? a->source : "test";
    const struct inbox_source_new source = {
        .tenant = h->process.tenant,
        .plugin = plugin,
        .name = name,
        .inbox = a->inbox,
        .verify = INBOX_UNVERIFIED,
        .id_header = "",
        .is_connection = inbox_name_is_connection(str_from(name)),
    };
    char id[UUID_TEXT_SIZE], secret[INBOX_SECRET_SIZE];
    int rc = inbox_source_add(s, h->keyring, &source, now_us, id, secret, &h->why);

    if (rc == DW_ECONFLICT) {
        h->why.n = 0;
        return 0;
    }
    return rc;
}

static int receive(dw_harness *h, struct db_session *s, const dw_harness_receive_args *a)
{
    const char *plugin = h->plugins->descriptor->name;
    int64_t now_us = h->process.wall_us(h->process.clock_ud);
    struct inbox_header headers[FIELDS_MAX];
    const struct inbox_request request = {
        .plugin = str_from(plugin),
        .source = str_from(a->source ? a->source : "test"),
        .headers = headers,
        .headers_n = split_fields(a->fields ? a->fields : "", headers),
        .body = str_from(a->body ? a->body : ""),
    };
    struct inbox_received received;
    int rc = add_source(h, s, a, plugin, now_us);

    return rc < 0 ? rc : inbox_receive(s, h->keyring, &request, now_us, &received);
}

int dw_harness_receive_(dw_harness *h, const dw_harness_receive_args *args)
{
    dw_harness_receive_args a = { 0 };
    struct db_session *s = open_session(h);

    memcpy(&a, args, args->struct_size < sizeof(a) ? args->struct_size : sizeof(a));
    if (!s)
        return -1;
    if (!a.inbox || !h->plugins) {
        buf_add_text(&h->why, "say which of the plugin's inboxes it is for");
        return end_session(h, s, DW_EINVALID);
    }
    return end_session(h, s, receive(h, s, &a));
}
