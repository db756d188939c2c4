/* connections_rig.h - a test plays both sides of connections: a desk whose answers each test chooses, and a relay, a connector that is
 * itself one who asks. */
#ifndef CONNECTIONS_RIG_H
#define CONNECTIONS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dowel/dowel.h>
#include <dowel/harness.h>

DW_HARNESS_PLAYS;

#define TENANT  "0190a0a0-0000-7000-8000-00000000000a"
#define TENANT2 "0190a0a0-0000-7000-8000-00000000000b"

/* ---- the desk: what it does, the test says ---- */

static struct {
    int (*things)(dw_call *c, const dw_thing_query *query, dw_found *out);
    int (*entries)(dw_call *c, const dw_entry_query *query, dw_found *out);
    int (*sheets)(dw_call *c, const dw_timesheet_query *query, dw_found *out);
    int (*write)(dw_call *c, const dw_timesheet *wanted, dw_timesheet *stored);
    int (*remove)(dw_call *c, const char *id);
    int (*make)(dw_call *c, const dw_thing *wanted, dw_thing *made);
    int (*check)(dw_call *c, dw_connection *conn, dw_checkup *out);
    dw_found *kept; /* by a connector that may not */
    dw_connection *kept_connection;
} does;

struct desk {
    const char *url;
    dw_secret token;
};

static const dw_item desk_items[] = {
    DW_ITEM(struct desk, url, .fallback = "https://desk.example", .pattern = "url", .help = "Where it is"),
    DW_ITEM(struct desk, token, .fallback = "\"\"", .help = "A token"),
    { 0 },
};

static inline int desk_things(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    (void)conn;
    return does.things(c, query, out);
}

static inline int desk_make(dw_call *c, dw_connection *conn, const dw_thing *wanted, dw_thing *made)
{
    (void)conn;
    return does.make(c, wanted, made);
}

static inline int desk_entries(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    does.kept_connection = conn;
    return does.entries(c, query, out);
}

static inline int desk_sheets(dw_call *c, dw_connection *conn, const dw_timesheet_query *query, dw_found *out)
{
    (void)conn;
    return does.sheets(c, query, out);
}

static inline int desk_write(dw_call *c, dw_connection *conn, const dw_timesheet *wanted,
                             dw_timesheet *stored)
{
    (void)conn;
    return does.write(c, wanted, stored);
}

static inline int desk_remove(dw_call *c, dw_connection *conn, const char *id)
{
    (void)conn;
    return does.remove(c, id);
}

static inline int desk_check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    return does.check ? does.check(c, conn, out) : 0;
}

static const dw_listing desk_listings[] = {
    { .name = "project", .title = "Projects", .list = desk_things, .make = desk_make },
    { .name = "user", .list = desk_things },
    { 0 },
};

static const dw_time_source desk_source = { .struct_size = sizeof(dw_time_source), .list = desk_entries };
static const dw_time_target desk_target = { .struct_size = sizeof(dw_time_target),
                                            .list = desk_sheets,
                                            .write = desk_write,
                                            .remove = desk_remove,
                                            .settle = { 5000000 } };

static const dw_connector desk = {
    .name = "desk",
    .title = "Desk",
    .settings = DW_ITEMS(struct desk, desk_items),
    .address = "url",
    .check = desk_check,
    .listings = desk_listings,
    .time_source = &desk_source,
    .time_target = &desk_target,
};

/* ---- the relay: its list runs what a test wants to do as one who asks ---- */

static struct {
    int (*run)(dw_call *c, const char *desk_id);
    const char *desk_id;
    int got;
} asks;

static inline int relay_list(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    (void)conn;
    (void)query;
    asks.got = asks.run(c, asks.desk_id);
    return dw_found_complete(out);
}

static const dw_listing relay_listings[] = { { .name = "run", .list = relay_list }, { 0 } };
static const dw_connector relay = { .name = "relay", .listings = relay_listings };

/* ---- the world ---- */

struct world {
    dw_harness *h;
    const char *desk, *relay;
};

static struct world world;

static inline void made(int rc, dw_harness *h)
{
    if (rc != 0)
        fail_msg("%s", dw_harness_why(h));
}

static inline int begin(void **state)
{
    struct world *w = &world;

    memset(&does, 0, sizeof(does));
    memset(&asks, 0, sizeof(asks));
    *state = w;
    made(dw_harness_open(&w->h, .plugin = PLUGIN), w->h);
    dw_harness_set_tenant(w->h, TENANT);
    made(dw_harness_play(w->h, &desk), w->h);
    made(dw_harness_play(w->h, &relay), w->h);
    made(dw_harness_connection(w->h, "desk", "{\"token\": \"s3cret\"}", &w->desk), w->h);
    made(dw_harness_connection(w->h, "relay", NULL, &w->relay), w->h);
    asks.desk_id = w->desk;
    return 0;
}

static inline int end(void **state)
{
    struct world *w = *state;

    assert_int_equal(dw_harness_close(w->h), 0);
    return 0;
}

/* What `run` returns when it asks as a plugin. */
static inline int as_asker(struct world *w, int (*run)(dw_call *c, const char *desk_id))
{
    asks.run = run;
    asks.got = -1000;
    if (!dw_harness_things(w->h, w->relay, "run", NULL))
        fail_msg("%s", dw_harness_error(w->h)->text);
    return asks.got;
}

static inline void fails(struct world *w, const json_t *list, int code, const char *part)
{
    const dw_err *e = dw_harness_error(w->h);

    assert_null(list);
    if (e->code != code || !strstr(e->text, part))
        fail_msg("%d: %s", e->code, e->text);
}

static inline void counts(struct world *w, const json_t *list, size_t n)
{
    if (!list)
        fail_msg("%s", dw_harness_error(w->h)->text);
    assert_int_equal(json_array_size(list), n);
}

static inline void assert_health(struct world *w, const char *health)
{
    const char *is = "";

    assert_int_equal(
        dw_harness_find(w->h, DW_TO(&is), "SELECT health FROM dowel_connections WHERE id = $1", w->desk), 1);
    assert_string_equal(is, health);
}

/* ---- what it may answer ---- */

static inline int three_users(dw_call *c, const dw_thing_query *query, dw_found *out)
{
    (void)c;
    (void)query; /* the host picks */
    DW_TRY(dw_thing_add(out, .id = "1", .name = "Ann Müller", .email = "Ann@Example.org", .number = "U-1",
                        .parent = "7"));
    DW_TRY(dw_thing_add(out, .id = "2", .name = "Bob", .parent = "8"));
    DW_TRY(dw_thing_add(out, .id = "3", .name = "Carl", .inactive = true));
    return dw_found_complete(out);
}

static inline int two_entries(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    (void)query;
    DW_TRY(dw_entry_add(out, .id = "1", .ticket = "5", .amount = "7.25", .unit = DW_UNIT_MINUTES,
                        .created = { 1000000 }));
    return dw_entry_add(out, .id = "2", .ticket = "6", .amount = "-1", .begin = { 2000000 });
}

static inline int all_entries(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    DW_TRY(two_entries(c, query, out));
    return dw_found_complete(out);
}

static inline int no_id(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    (void)query;
    (void)!dw_entry_add(out, .ticket = "5", .amount = "1", .created = { 1 });
    (void)!dw_found_complete(out);
    return 0; /* and says that all is well */
}

static const char *const a_tag[] = { "billed" };

static inline int sheets(dw_call *c, const dw_timesheet_query *query, dw_found *out)
{
    (void)c;
    (void)query;
    DW_TRY(dw_timesheet_add(out, .id = "1", .text = "TA:6", .begin = { 1000 }, .tags = { a_tag, 1 }));
    DW_TRY(dw_timesheet_add(out, .id = "2", .text = "TA:6\r\nmore", .begin = { 2000 }));
    DW_TRY(dw_timesheet_add(out, .id = "3", .text = "TA:61\nTA:6", .begin = { 3000 }));
    DW_TRY(dw_timesheet_add(out, .id = "4", .begin = { 4000 }));
    return dw_found_complete(out);
}

static inline int stores(dw_call *c, const dw_timesheet *wanted, dw_timesheet *stored)
{
    const char **tags = dw_alloc(c, 2 * sizeof(*tags));

    tags[0] = dw_format(c, "%s-tag", wanted->project);
    *stored = (dw_timesheet){ .id = wanted->id ? wanted->id : dw_format(c, "n%d", 1),
                              .project = wanted->project,
                              .text = "marker\nwhat was done",
                              .tags = { tags, 1 },
                              .begin = wanted->begin,
                              .seconds = 900,
                              .billable = DW_BILLABLE_YES };
    return 0;
}

static inline int removes(dw_call *c, const char *id)
{
    return strcmp(id, "1") == 0 ? 0
                                : dw_fail(c, DW_EDENIED, "it is exported", "reason", "LOCKED_OR_EXPORTED");
}

static inline int count_one(dw_call *c, const dw_entry *entry, void *ud)
{
    int *n = ud;

    (void)entry;
    dw_alloc(c, 1000); /* ends with the visit */
    *n += 1;
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

#endif
