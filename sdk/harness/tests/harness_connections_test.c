/* Connectors that do right and wrong, and what whoever asks over their connections gets. The test plays both: a desk whose answers each
 * test chooses, and a relay, a connector that is itself one who asks. */
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

static int desk_things(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    (void)conn;
    return does.things(c, query, out);
}

static int desk_make(dw_call *c, dw_connection *conn, const dw_thing *wanted, dw_thing *made)
{
    (void)conn;
    return does.make(c, wanted, made);
}

static int desk_entries(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    does.kept_connection = conn;
    return does.entries(c, query, out);
}

static int desk_sheets(dw_call *c, dw_connection *conn, const dw_timesheet_query *query, dw_found *out)
{
    (void)conn;
    return does.sheets(c, query, out);
}

static int desk_write(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, dw_timesheet *stored)
{
    (void)conn;
    return does.write(c, wanted, stored);
}

static int desk_remove(dw_call *c, dw_connection *conn, const char *id)
{
    (void)conn;
    return does.remove(c, id);
}

static int desk_check(dw_call *c, dw_connection *conn, dw_checkup *out)
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

static int relay_list(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
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

static void made(int rc, dw_harness *h)
{
    if (rc != 0)
        fail_msg("%s", dw_harness_why(h));
}

static int begin(void **state)
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

static int end(void **state)
{
    struct world *w = *state;

    assert_int_equal(dw_harness_close(w->h), 0);
    return 0;
}

/* What `run` returns when it asks as a plugin. */
static int as_asker(struct world *w, int (*run)(dw_call *c, const char *desk_id))
{
    asks.run = run;
    asks.got = -1000;
    if (!dw_harness_things(w->h, w->relay, "run", NULL))
        fail_msg("%s", dw_harness_error(w->h)->text);
    return asks.got;
}

static void fails(struct world *w, const json_t *list, int code, const char *part)
{
    const dw_err *e = dw_harness_error(w->h);

    assert_null(list);
    if (e->code != code || !strstr(e->text, part))
        fail_msg("%d: %s", e->code, e->text);
}

static void counts(struct world *w, const json_t *list, size_t n)
{
    if (!list)
        fail_msg("%s", dw_harness_error(w->h)->text);
    assert_int_equal(json_array_size(list), n);
}

static void assert_health(struct world *w, const char *health)
{
    const char *is = "";

    assert_int_equal(
        dw_harness_find(w->h, DW_TO(&is), "SELECT health FROM dowel_connections WHERE id = $1", w->desk), 1);
    assert_string_equal(is, health);
}

/* ---- things ---- */

static int three_users(dw_call *c, const dw_thing_query *query, dw_found *out)
{
    (void)c;
    (void)query; /* the host picks */
    DW_TRY(dw_thing_add(out, .id = "1", .name = "Ann Müller", .email = "Ann@Example.org", .number = "U-1",
                        .parent = "7"));
    DW_TRY(dw_thing_add(out, .id = "2", .name = "Bob", .parent = "8"));
    DW_TRY(dw_thing_add(out, .id = "3", .name = "Carl", .inactive = true));
    return dw_found_complete(out);
}

static void the_host_picks_what_fits(void **state)
{
    struct world *w = *state;
    static const struct {
        dw_thing_query query;
        size_t n;
    } cases[] = {
        { { .id = "1" }, 1 },
        { { .id = "3" }, 0 },
        { { .id = "3", .inactive = true }, 1 },
        { { .inactive = true }, 3 },
        { { .name = "Bob" }, 1 },
        { { .name = "bob" }, 0 },
        { { .number = "U-1" }, 1 },
        { { .email = "ann@example.ORG" }, 1 },
        { { .email = "ann@example" }, 0 },
        { { .parent = "7" }, 1 },
        { { .parent = "9" }, 0 },
        { { .term = "MÜLLER ann" }, 1 },
        { { .term = "müll" }, 1 },
        { { .term = "ann bob" }, 0 },
        { { .term = "u-1" }, 1 },
        { { .term = "  " }, 2 },
    };

    does.things = three_users;
    counts(w, dw_harness_things(w->h, w->desk, "user", NULL), 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dw_thing_query q = cases[i].query;
        q.struct_size = sizeof(q);
        const json_t *list = dw_harness_things(w->h, w->desk, "user", &q);
        if (json_array_size(list) != cases[i].n)
            fail_msg("case %zu found %zu", i, json_array_size(list));
    }
}

static void what_there_is_not_is_not_found(void **state)
{
    struct world *w = *state;

    fails(w, dw_harness_things(w->h, w->desk, "planet", NULL), DW_ENOTFOUND, "has no list \"planet\"");
    fails(w, dw_harness_make(w->h, w->desk, "user", DW_STRUCT(dw_thing, .name = "x")), DW_ENOTFOUND,
          "where no user can be made");
    fails(w, dw_harness_entries(w->h, w->relay, NULL), DW_ENOTFOUND, "does not have the role time_source");
    fails(w, dw_harness_timesheets(w->h, w->relay, NULL), DW_ENOTFOUND, "does not have the role time_target");
    fails(w, dw_harness_entries(w->h, "nonsense", NULL), DW_ENOTFOUND, "no connection with this id");
    dw_harness_set_tenant(w->h, TENANT2);
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_ENOTFOUND, "no connection with this id");
    dw_harness_set_tenant(w->h, NULL);
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_EMISUSE, "belong to tenants");
}

static int make_project(dw_call *c, const dw_thing *wanted, dw_thing *made_one)
{
    made_one->id = dw_format(c, "p%s", wanted->parent);
    made_one->number = "TID-4711";
    return 0;
}

static int make_nothing(dw_call *c, const dw_thing *wanted, dw_thing *made_one)
{
    (void)c;
    (void)wanted;
    (void)made_one;
    return 0;
}

static void what_was_made_outlives_the_call_that_made_it(void **state)
{
    struct world *w = *state;
    const json_t *project;

    does.make = make_project;
    project =
        dw_harness_make(w->h, w->desk, "project", DW_STRUCT(dw_thing, .name = "Support", .parent = "7"));
    assert_string_equal(json_string_value(json_object_get(project, "id")), "p7");
    assert_string_equal(json_string_value(json_object_get(project, "name")), "Support");
    assert_string_equal(json_string_value(json_object_get(project, "number")), "TID-4711");
    does.make = make_nothing;
    fails(w, dw_harness_make(w->h, w->desk, "project", DW_STRUCT(dw_thing, .name = "x")), DW_EMISUSE,
          "without an id");
}

/* ---- lists that are wrong ---- */

static int two_entries(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    (void)query;
    DW_TRY(dw_entry_add(out, .id = "1", .ticket = "5", .amount = "7.25", .unit = DW_UNIT_MINUTES,
                        .created = { 1000000 }));
    return dw_entry_add(out, .id = "2", .ticket = "6", .amount = "-1", .begin = { 2000000 });
}

static int all_entries(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    DW_TRY(two_entries(c, query, out));
    return dw_found_complete(out);
}

static int no_id(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    (void)query;
    (void)!dw_entry_add(out, .ticket = "5", .amount = "1", .created = { 1 });
    (void)!dw_found_complete(out);
    return 0; /* and says that all is well */
}

static int no_amount(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    DW_TRY(dw_entry_add(out, .id = "1", .ticket = "5", .created = { 1 }));
    (void)query;
    return dw_found_complete(out);
}

static int a_thing(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    (void)query;
    return dw_thing_add(out, .id = "1", .name = "x");
}

static int more_after_the_end(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    DW_TRY(all_entries(c, query, out));
    return two_entries(c, query, out);
}

static int nonsense(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    DW_TRY(all_entries(c, query, out));
    return -99;
}

static int open_transaction(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    DW_TRY(dw_tx_begin(c));
    return all_entries(c, query, out);
}

/* ---- one that is odd ---- */

static const char *filled(dw_call *c, char with, size_t n)
{
    char *text = dw_alloc(c, n + 1);

    memset(text, with, n);
    return text;
}

static int odd_entries(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    const char *umlauts = dw_format(c, "x%s", "\xc3\xa4\xc3\xb6");
    char *name = (char *)(uintptr_t)filled(c, 'n', 4001);

    (void)query;
    memcpy(name + 3996, umlauts + 1, 4); /* the cut goes through a letter */
    DW_TRY(dw_entry_add(out, .id = "1", .ticket = "5", .amount = "1", .created = { 1 }, .text = "M\xfcller",
                        .ticket_title = name));
    DW_TRY(dw_entry_add(out, .id = "2", .ticket = "5", .amount = "1", .created = { 1 },
                        .text = filled(c, 't', (1 << 20) + 7)));
    DW_TRY(dw_entry_add(out, .id = filled(c, 'i', 201), .ticket = "5", .amount = "1", .created = { 1 }));
    DW_TRY(dw_entry_add(out, .id = "4", .ticket = "\xff", .amount = "1", .created = { 1 }));
    DW_TRY(dw_entry_add(out, .id = "5", .ticket = "5", .created = { 1 }));
    DW_TRY(dw_entry_add(out, .id = "6", .ticket = "5", .amount = "1"));
    DW_TRY(dw_entry_add(out, .id = "7", .ticket = "5", .amount = "1", .created = { 1 }, .wrong = "odd"));
    DW_TRY(dw_entry_add(out, .id = "8", .amount = "1", .created = { 1 }));
    return dw_found_complete(out);
}

static const char *text_of(const json_t *list, size_t i, const char *name)
{
    const char *text = json_string_value(json_object_get(json_array_get(list, i), name));

    return text ? text : "";
}

static void an_odd_entry_hurts_only_itself(void **state)
{
    static const char *const wrong[] = {
        "",        "",    "its id is not UTF-8", "id of its ticket is not UTF-8", "no amount",
        "no time", "odd", "no ticket",
    };
    struct world *w = *state;
    const json_t *list;
    const char *title;

    does.entries = odd_entries;
    list = dw_harness_entries(w->h, w->desk, NULL);
    counts(w, list, 8);
    for (size_t i = 0; i < 8; i++)
        if (!strstr(text_of(list, i, "wrong"), wrong[i]) || (!*wrong[i] && *text_of(list, i, "wrong")))
            fail_msg("%zu: %s", i, text_of(list, i, "wrong"));
    assert_string_equal(text_of(list, 0, "text"), "M\xef\xbf\xbd"
                                                  "ller");
    title = text_of(list, 0, "ticket_title");
    assert_int_equal(strlen(title), 3999);
    assert_string_equal(title + 3995, "n\xe2\x80\xa6");
    assert_int_equal(strlen(text_of(list, 1, "text")), 1 << 20);
    assert_int_equal(strlen(text_of(list, 2, "id")), 7 + 40);
    assert_int_equal(strncmp(text_of(list, 3, "ticket"), "sha256:", 7), 0);
    list = dw_harness_entries(w->h, w->desk, DW_STRUCT(dw_entry_query, .ids_only = true));
    assert_string_equal(text_of(list, 4, "wrong"), "");
}

static int odd_sheets(dw_call *c, const dw_timesheet_query *query, dw_found *out)
{
    static const char *const tags[] = { "good", "b\xff"
                                                "d" };

    (void)query;
    DW_TRY(dw_timesheet_add(out, .id = filled(c, 'i', 201), .text = "nobody can point at it"));
    DW_TRY(dw_timesheet_add(out, .id = "2", .text = filled(c, 't', (1 << 20) + 7), .project = "\xff",
                            .tags = { tags, 2 }));
    return dw_found_complete(out);
}

static void an_odd_timesheet_hurts_only_itself(void **state)
{
    struct world *w = *state;
    const json_t *list, *tags;

    does.sheets = odd_sheets;
    list = dw_harness_timesheets(w->h, w->desk, NULL);
    counts(w, list, 1);
    assert_int_equal(strlen(text_of(list, 0, "text")), 1 << 20);
    assert_int_equal(strncmp(text_of(list, 0, "project"), "sha256:", 7), 0);
    tags = json_object_get(json_array_get(list, 0), "tags");
    assert_string_equal(json_string_value(json_array_get(tags, 0)), "good");
    assert_string_equal(json_string_value(json_array_get(tags, 1)), "b\xef\xbf\xbd"
                                                                    "d");
    assert_true(dw_harness_logged(w->h, DW_LOG_WARN, "left out"));
}

static void a_list_is_whole_or_an_error(void **state)
{
    struct world *w = *state;
    static const struct {
        int (*list)(dw_call *, const dw_entry_query *, dw_found *);
        int code;
        const char *part;
    } cases[] = {
        { two_entries, DW_EUPSTREAM, "the list is not complete: the connector test gave 2" },
        { no_id, DW_EMISUSE, "dw_found_complete: after something was refused" },
        { a_thing, DW_EMISUSE, "this list takes what dw_entry_add gives" },
        { more_after_the_end, DW_EMISUSE, "after dw_found_complete" },
        { nonsense, DW_EINTERNAL, "returned -99, which means nothing" },
        { open_transaction, DW_ETX, "not while a transaction is open" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        does.entries = cases[i].list;
        fails(w, dw_harness_entries(w->h, w->desk, NULL), cases[i].code, cases[i].part);
    }
    does.entries = all_entries;
    counts(w, dw_harness_entries(w->h, w->desk, NULL), 2);
    counts(w, dw_harness_entries(w->h, w->desk, DW_STRUCT(dw_entry_query, .ticket = "6")), 1);
    does.entries = no_amount;
    counts(w, dw_harness_entries(w->h, w->desk, DW_STRUCT(dw_entry_query, .ids_only = true)), 1);
}

static int keeps_its_list(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    does.kept = out;
    return all_entries(c, query, out);
}

static void a_list_that_is_over_takes_nothing(void **state)
{
    struct world *w = *state;

    does.entries = keeps_its_list;
    counts(w, dw_harness_entries(w->h, w->desk, NULL), 2);
    assert_int_equal(dw_entry_add(does.kept, .id = "9", .ticket = "9", .amount = "1", .created = { 1 }),
                     DW_ETHREAD);
    assert_int_equal(dw_found_complete(does.kept), DW_ETHREAD);
    assert_string_equal(dw_connection_name(does.kept_connection), "");
    assert_null(dw_connection_settings(does.kept_connection));
}

/* ---- structs of plugins that were built with other headers ---- */

static int older_and_newer(dw_call *c, const dw_thing_query *query, dw_found *out)
{
    struct {
        dw_thing thing;
        const char *from_next;
    } newer = { { .struct_size = sizeof(newer), .id = "2", .name = "newer", .parent = "7" },
                "what this host does not know" };
    const dw_thing older = {
        .struct_size = offsetof(dw_thing, number), .id = "1", .name = "older", .number = "was not there"
    };

    (void)c;
    (void)query;
    DW_TRY(dw_host_->connector->thing(out, &older));
    DW_TRY(dw_host_->connector->thing(out, &newer.thing));
    return dw_found_complete(out);
}

static int without_a_size(dw_call *c, const dw_thing_query *query, dw_found *out)
{
    const dw_thing none = { .id = "3", .name = "of no size" };

    (void)c;
    (void)query;
    return dw_host_->connector->thing(out, &none);
}

static void structs_of_other_minors_are_taken(void **state)
{
    struct world *w = *state;

    const json_t *things;

    does.things = older_and_newer;
    things = dw_harness_things(w->h, w->desk, "user", NULL);
    counts(w, things, 2);
    assert_null(json_object_get(json_array_get(things, 0), "number"));
    assert_string_equal(json_string_value(json_object_get(json_array_get(things, 1), "parent")), "7");
    does.things = without_a_size;
    fails(w, dw_harness_things(w->h, w->desk, "user", NULL), DW_EMISUSE, "without an id");
}

/* ---- why it failed, as who asks learns it ---- */

static int locked(dw_call *c, const dw_timesheet *wanted, dw_timesheet *stored)
{
    (void)wanted;
    (void)stored;
    return dw_fail(c, DW_ECONFLICT, "the period is locked", "reason", "LOCKDOWN", "until", "2026-12-01",
                   "retry_after", DW_SECONDS(30));
}

static int is_locked(dw_call *c, const char *id)
{
    const dw_timesheet *stored = (const void *)"x";
    dw_connection *conn;

    DW_TRY(dw_connection_open(c, id, &conn));
    int rc = dw_timesheet_write(c, conn, DW_STRUCT(dw_timesheet, .project = "1"), &stored);
    const dw_err *e = dw_error_of(c);
    assert_null(stored);
    assert_int_equal(e->code, DW_ECONFLICT);
    assert_string_equal(e->reason, "LOCKDOWN");
    assert_string_equal(e->text, "the period is locked (until: 2026-12-01, retry_after: 30.0)");
    assert_int_equal(e->retry_after.us, 30000000);
    return rc;
}

static void the_reason_reaches_who_asks(void **state)
{
    struct world *w = *state;

    does.write = locked;
    assert_int_equal(as_asker(w, is_locked), DW_ECONFLICT);
}

/* ---- timesheets ---- */

static int stores(dw_call *c, const dw_timesheet *wanted, dw_timesheet *stored)
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

static int stores_without_id(dw_call *c, const dw_timesheet *wanted, dw_timesheet *stored)
{
    (void)c;
    *stored = *wanted;
    stored->id = NULL;
    return 0;
}

static void what_was_stored_is_told_as_the_target_has_it(void **state)
{
    struct world *w = *state;
    const json_t *sheet;

    does.write = stores;
    sheet = dw_harness_write(w->h, w->desk, DW_STRUCT(dw_timesheet, .project = "3", .begin = { 1000000 }));
    assert_string_equal(json_string_value(json_object_get(sheet, "id")), "n1");
    assert_string_equal(json_string_value(json_array_get(json_object_get(sheet, "tags"), 0)), "3-tag");
    assert_string_equal(json_string_value(json_object_get(sheet, "billable")), "yes");
    assert_int_equal(json_integer_value(json_object_get(sheet, "seconds")), 900);
    /* Written it is, and nobody knows as what: to be looked for, not to be written again. */
    does.write = stores_without_id;
    fails(w, dw_harness_write(w->h, w->desk, DW_STRUCT(dw_timesheet, .project = "3")), DW_EUNKNOWN,
          "without an id");
    assert_true(dw_harness_logged(w->h, DW_LOG_ERROR, "broke the contract"));
}

static const char *const a_tag[] = { "billed" };

static int sheets(dw_call *c, const dw_timesheet_query *query, dw_found *out)
{
    (void)c;
    (void)query;
    DW_TRY(dw_timesheet_add(out, .id = "1", .text = "TA:6", .begin = { 1000 }, .tags = { a_tag, 1 }));
    DW_TRY(dw_timesheet_add(out, .id = "2", .text = "TA:6\r\nmore", .begin = { 2000 }));
    DW_TRY(dw_timesheet_add(out, .id = "3", .text = "TA:61\nTA:6", .begin = { 3000 }));
    DW_TRY(dw_timesheet_add(out, .id = "4", .begin = { 4000 }));
    return dw_found_complete(out);
}

static void a_marker_is_the_whole_first_line(void **state)
{
    struct world *w = *state;

    does.sheets = sheets;
    counts(w, dw_harness_timesheets(w->h, w->desk, NULL), 4);
    counts(w, dw_harness_timesheets(w->h, w->desk, DW_STRUCT(dw_timesheet_query, .marker = "TA:6")), 2);
    counts(w, dw_harness_timesheets(w->h, w->desk, DW_STRUCT(dw_timesheet_query, .id = "3")), 1);
    counts(w, dw_harness_timesheets(w->h, w->desk, DW_STRUCT(dw_timesheet_query, .tag = "billed")), 1);
    counts(w,
           dw_harness_timesheets(w->h, w->desk,
                                 DW_STRUCT(dw_timesheet_query, .begin_from = { 2000 }, .begin_to = { 3000 })),
           2);
}

static int removes(dw_call *c, const char *id)
{
    return strcmp(id, "1") == 0 ? 0
                                : dw_fail(c, DW_EDENIED, "it is exported", "reason", "LOCKED_OR_EXPORTED");
}

static void removing_returns_what_the_connector_does(void **state)
{
    struct world *w = *state;

    does.remove = removes;
    assert_int_equal(dw_harness_remove(w->h, w->desk, "1"), 0);
    assert_int_equal(dw_harness_remove(w->h, w->desk, "2"), DW_EDENIED);
    assert_string_equal(dw_harness_error(w->h)->reason, "LOCKED_OR_EXPORTED");
    assert_int_equal(dw_harness_remove(w->h, w->desk, ""), DW_EMISUSE);
}

/* ---- whoever asks ---- */

static int count_one(dw_call *c, const dw_entry *entry, void *ud)
{
    int *n = ud;

    (void)entry;
    dw_alloc(c, 1000); /* ends with the visit */
    *n += 1;
    return 0;
}

static int stops_at_once(dw_call *c, const dw_entry *entry, void *ud)
{
    int *n = ud;

    *n += 1;
    return dw_fail(c, DW_ECONFLICT, "seen enough", "entry", entry->id);
}

static int ignores_that_it_should_stop(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    (void)query;
    for (int i = 0; i < 5; i++)
        (void)!dw_entry_add(out, .id = "1", .ticket = "5", .amount = "1", .created = { 1 });
    (void)!dw_found_complete(out);
    return dw_fail(c, DW_EUPSTREAM, "something else");
}

static int stop(dw_call *c, const char *id)
{
    dw_connection *conn;
    int n = 0;

    DW_TRY(dw_connection_open(c, id, &conn));
    int rc = dw_entries_each(c, conn, NULL, stops_at_once, &n);
    assert_int_equal(n, 1);
    assert_string_equal(dw_error_of(c)->text, "seen enough (entry: 1)");
    return rc;
}

static void a_visit_that_fails_ends_the_list(void **state)
{
    struct world *w = *state;

    does.entries = all_entries;
    assert_int_equal(as_asker(w, stop), DW_ECONFLICT);
    does.entries = ignores_that_it_should_stop;
    assert_int_equal(as_asker(w, stop), DW_ECONFLICT);
}

static int forgets_to_commit(dw_call *c, const dw_entry *entry, void *ud)
{
    (void)entry;
    (void)ud;
    return dw_tx_begin(c);
}

static int forget(dw_call *c, const char *id)
{
    dw_connection *conn;

    DW_TRY(dw_connection_open(c, id, &conn));
    return dw_entries_each(c, conn, NULL, forgets_to_commit, NULL);
}

static void a_visit_may_not_leave_a_transaction_open(void **state)
{
    struct world *w = *state;

    does.entries = all_entries;
    assert_int_equal(as_asker(w, forget), DW_EMISUSE);
}

static int in_transaction(dw_call *c, const char *id)
{
    const dw_timesheet *stored;
    dw_connection *conn, *other;
    int n = 0;

    DW_TRY(dw_connection_open(c, id, &conn));
    DW_TRY(dw_tx_begin(c));
    assert_int_equal(dw_connection_open(c, id, &other), DW_ETX);
    assert_int_equal(dw_entries_each(c, conn, NULL, count_one, &n), DW_ETX);
    assert_int_equal(dw_timesheet_write(c, conn, DW_STRUCT(dw_timesheet, .project = "1"), &stored), DW_ETX);
    assert_int_equal(dw_timesheet_remove(c, conn, "1"), DW_ETX);
    return dw_tx_rollback(c);
}

static void the_outside_is_not_spoken_to_in_a_transaction(void **state)
{
    struct world *w = *state;

    does.entries = all_entries;
    assert_int_equal(as_asker(w, in_transaction), 0);
}

static int looks_at_secrets(dw_call *c, const char *id)
{
    dw_connection *conn;

    DW_TRY(dw_connection_open(c, id, &conn));
    assert_string_equal(dw_connection_kind(conn), "desk");
    assert_string_equal(dw_connection_id(conn), id);
    assert_int_equal(dw_connection_settle(conn).us, 5000000);
    assert_null(dw_connection_settings(conn));
    return dw_connection_changed(c, conn, "5");
}

static void settings_are_for_the_connectors_plugin_alone(void **state)
{
    struct world *w = *state;

    assert_int_equal(as_asker(w, looks_at_secrets), DW_EMISUSE);
    assert_true(dw_harness_logged(w->h, DW_LOG_ERROR, "broke the contract"));
    assert_false(dw_harness_logged(w->h, DW_LOG_DEBUG, "s3cret"));
}

enum { SEEN_SIZE = 200 };

static int note_kind(dw_call *c, dw_connection *conn, void *ud)
{
    char *seen = ud;
    size_t n = strlen(seen);

    (void)c;
    snprintf(seen + n, SEEN_SIZE - n, "%s;", dw_connection_name(conn));
    return 0;
}

static int visit_all(dw_call *c, const char *id)
{
    char seen[SEEN_SIZE] = "";

    (void)id;
    assert_int_equal(dw_connections_each(c, "time_source", note_kind, seen), 2);
    assert_string_equal(seen, "desk 1;desk 3;");
    seen[0] = 0;
    assert_int_equal(dw_connections_each(c, "relay", note_kind, seen), 1);
    assert_string_equal(seen, "relay 2;");
    assert_int_equal(dw_connections_each(c, "nobody", note_kind, seen), 0);
    return 0;
}

static void connections_are_found_by_kind_and_role(void **state)
{
    struct world *w = *state;
    const char *second;

    made(dw_harness_connection(w->h, "desk", NULL, &second), w->h);
    dw_harness_set_tenant(w->h, TENANT2);
    made(dw_harness_connection(w->h, "desk", NULL, &second), w->h);
    dw_harness_set_tenant(w->h, TENANT);
    assert_int_equal(as_asker(w, visit_all), 0);
}

static int visit_the_others(dw_call *c, const char *id)
{
    char seen[SEEN_SIZE] = "";

    (void)id;
    assert_int_equal(dw_connections_each(c, "desk", note_kind, seen), 1);
    assert_string_equal(seen, "desk 3;");
    return 0;
}

static void what_is_wrong_with_one_is_no_failure_of_the_rest(void **state)
{
    struct world *w = *state;
    const char *second, *error = "";

    made(dw_harness_connection(w->h, "desk", NULL, &second), w->h);
    /* Its plugin was updated, and wants something else now. */
    assert_int_equal(dw_harness_sql(w->h, "UPDATE dowel_connections SET settings = $1 WHERE id = $2",
                                    "{\"url\":5}", w->desk),
                     1);
    assert_int_equal(as_asker(w, visit_the_others), 0);
    assert_true(dw_harness_logged(w->h, DW_LOG_WARN, "a connection is left out"));
    assert_health(w, "failing");
    assert_int_equal(dw_harness_find(w->h, DW_TO(&error),
                                     "SELECT health_error FROM dowel_connections WHERE id = $1", w->desk),
                     1);
    assert_string_equal(error, "the settings of the connection desk 1 no longer fit, change them: url: must "
                               "be a text, found a number");
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_ECONFLICT, "no longer fit");

    assert_int_equal(
        dw_harness_sql(w->h, "UPDATE dowel_connections SET kind = 'gone' WHERE id = $1", w->desk), 1);
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_EUNAVAILABLE,
          "of the kind gone, whose plugin is not running");
    assert_int_equal(
        dw_harness_sql(w->h, "UPDATE dowel_connections SET enabled = $1 WHERE id = $2", DW_FALSE, w->desk),
        1);
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_ECONFLICT, "the connection desk 1 is disabled");
}

static int asks_itself(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    dw_connection *conn;
    int n = 0;

    (void)query;
    (void)out;
    DW_TRY(dw_connection_open(c, asks.desk_id, &conn));
    return dw_entries_each(c, conn, NULL, count_one, &n);
}

static void a_ring_ends(void **state)
{
    struct world *w = *state;

    does.entries = asks_itself;
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_EMISUSE, "questions in a ring");
}

static int many_entries(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)query;
    for (int i = 0; i < 100000; i++) {
        dw_scope_begin(c);
        int rc =
            dw_entry_add(out, .id = dw_format(c, "%d", i), .ticket = "1", .amount = "1", .created = { 1 });
        dw_scope_end(c);
        DW_TRY(rc);
    }
    return dw_found_complete(out);
}

/* Each visit takes 1,000 bytes, which would be more than a call may have if any of it were left. */
static int count_many(dw_call *c, const char *id)
{
    dw_connection *conn;
    int n = 0;

    DW_TRY(dw_connection_open(c, id, &conn));
    int rc = dw_entries_each(c, conn, NULL, count_one, &n);
    assert_int_equal(rc, n);
    return rc;
}

static void a_long_list_leaves_nothing_behind(void **state)
{
    struct world *w = *state;

    does.entries = many_entries;
    assert_int_equal(as_asker(w, count_many), 100000);
}

/* ---- health ---- */

static int is_down(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)query;
    (void)out;
    return dw_fail(c, DW_EUNAVAILABLE, "nobody answers");
}

static void use_tells_whether_it_is_well(void **state)
{
    struct world *w = *state;

    assert_health(w, "untested");
    does.entries = is_down;
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_EUNAVAILABLE, "nobody answers");
    assert_health(w, "failing");
    does.entries = all_entries;
    counts(w, dw_harness_entries(w->h, w->desk, NULL), 2);
    assert_health(w, "ok");
    does.remove = removes;
    assert_int_equal(dw_harness_remove(w->h, w->desk, "2"), DW_EDENIED); /* is about that one */
    assert_health(w, "ok");
    does.entries = no_id; /* says nothing about the other side */
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_EMISUSE, "");
    assert_health(w, "ok");
}

/* ---- check ---- */

static int check_well(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    const struct desk *s = dw_connection_settings(conn);

    (void)c;
    assert_string_equal(s->token.hidden, "t");
    assert_string_equal(dw_connection_id(conn), "");
    dw_checked(out, DW_CHECK_GOOD, "version", "it answers", "version", "6.4");
    dw_checked(out, DW_CHECK_WARNING, "view_other", "others' sheets are not seen");
    return 0;
}

static int check_marks(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    (void)conn;
    (void)out;
    (void)!dw_fail_at(c, "/token", "is not known there");
    return 0; /* and forgets it */
}

static int check_nonsense(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    (void)c;
    (void)conn;
    dw_checked(out, 7, "x", "a state that is none");
    dw_checked(out, DW_CHECK_GOOD, NULL, "no name");
    dw_checked(out, DW_CHECK_GOOD, "x", 5);
    dw_checked(out, DW_CHECK_GOOD, "x", "an odd number of values", "alone");
    for (int i = 0; i < 200; i++)
        dw_checked(out, DW_CHECK_GOOD, "x", "far too often");
    return -77;
}

static int check_is_refused(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    (void)conn;
    (void)out;
    return dw_fail(c, DW_EAUTH, "the token is refused", "reason", "AUTH_EXPIRED");
}

static void a_check_says_what_works_and_what_does_not(void **state)
{
    struct world *w = *state;
    const json_t *said, *one;

    does.check = check_well;
    said = dw_harness_check_connection(w->h, "desk", "{\"token\": \"t\"}");
    assert_int_equal(json_integer_value(json_object_get(said, "code")), 0);
    one = json_array_get(json_object_get(said, "checks"), 0);
    assert_string_equal(json_string_value(json_object_get(one, "state")), "good");
    assert_string_equal(json_string_value(json_object_get(one, "version")), "6.4");
    one = json_array_get(json_object_get(said, "checks"), 1);
    assert_string_equal(json_string_value(json_object_get(one, "state")), "warning");
    assert_string_equal(json_string_value(json_object_get(one, "text")), "others' sheets are not seen");

    does.check = check_marks;
    said = dw_harness_check_connection(w->h, "desk", "{}");
    assert_int_equal(json_integer_value(json_object_get(said, "code")), DW_EINVALID);
    one = json_array_get(json_object_get(said, "errors"), 0);
    assert_string_equal(json_string_value(json_object_get(one, "pointer")), "#/settings/token");

    does.check = check_is_refused;
    said = dw_harness_check_connection(w->h, "desk", "{}");
    assert_int_equal(json_integer_value(json_object_get(said, "code")), DW_EAUTH);
    assert_string_equal(json_string_value(json_object_get(said, "text")), "the token is refused");
    assert_string_equal(json_string_value(json_object_get(said, "reason")), "AUTH_EXPIRED");

    does.check = check_nonsense;
    said = dw_harness_check_connection(w->h, "desk", "{}");
    assert_int_equal(json_integer_value(json_object_get(said, "code")), DW_EINTERNAL);
    assert_int_equal(json_array_size(json_object_get(said, "checks")), 100);

    said = dw_harness_check_connection(w->h, "desk", "{\"token\": 5}");
    assert_int_equal(json_integer_value(json_object_get(said, "code")), DW_EINVALID);
    assert_null(dw_harness_check_connection(w->h, "desk", "["));
}

/* ---- what hangs on it ---- */

static int syncs(void *question, void *ud)
{
    dw_connection_uses *q = question;

    assert_string_equal(q->connection, ud);
    return dw_connection_used(q->out, .what = "sync", .id = "5", .name = "Zammad to Kimai", .count = 1200);
}

static int wrong_use(void *question, void *ud)
{
    dw_connection_uses *q = question;

    (void)ud;
    (void)!dw_connection_used(q->out, .what = "sync");
    return 0;
}

static void whoever_uses_it_is_asked(void **state)
{
    struct world *w = *state;
    const json_t *uses = dw_harness_uses(w->h, w->desk);

    counts(w, uses, 0);
    assert_int_equal(dw_harness_answer(w->h, "core.connection_uses", syncs, (void *)(uintptr_t)w->desk), 0);
    uses = dw_harness_uses(w->h, w->desk);
    counts(w, uses, 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(uses, 0), "name")),
                        "Zammad to Kimai");
    assert_string_equal(json_string_value(json_object_get(json_array_get(uses, 0), "plugin")), "test");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(uses, 0), "count")), 1200);
}

static void who_cannot_say_it_leaves_it_unknown(void **state)
{
    struct world *w = *state;

    assert_int_equal(dw_harness_answer(w->h, "core.connection_uses", wrong_use, NULL), 0);
    assert_null(dw_harness_uses(w->h, w->desk));
}

/* ---- kinds that are declared wrong ---- */

static const dw_time_source no_list = { .struct_size = sizeof(dw_time_source) };
static const dw_time_source no_size = { .list = desk_entries };
static const dw_time_target half = { .struct_size = sizeof(dw_time_target), .list = desk_sheets };
static const dw_listing twice[] = { { .name = "a", .list = desk_things },
                                    { .name = "a", .list = desk_things },
                                    { 0 } };
static const dw_listing idle[] = { { .name = "a" }, { 0 } };

static void a_kind_that_is_declared_wrong_is_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        dw_connector connector;
        const char *part;
    } cases[] = {
        { { .name = "desk" }, "its connector desk is one of plugin test already" },
        { { .name = "De sk" }, "the connector De sk has a name with other characters" },
        { { .name = "a", .address = "url" }, "has its address in the item url, which it does not have" },
        { { .name = "a", .settings = { desk_items, sizeof(struct desk) }, .address = "token" },
          "which is no text with .pattern = \"url\"" },
        { { .name = "a", .settings = { desk_items, 4 } }, "lies outside of the 4 bytes of its settings" },
        { { .name = "a", .time_source = &no_list },
          "the time_source of the connector a has no function list" },
        { { .name = "a", .time_source = &no_size }, "has 0 bytes, which cannot be" },
        { { .name = "a", .time_target = &half }, "needs the functions list, write and remove" },
        { { .name = "a", .listings = twice }, "the listing a stands twice" },
        { { .name = "a", .listings = idle }, "the listing a has no handler" },
        { { .name = "a", .inbox = "hooks" }, "has the inbox \"hooks\", which is none of the plugin's" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(dw_harness_play(w->h, &cases[i].connector), -1);
        if (!strstr(dw_harness_why(w->h), cases[i].part))
            fail_msg("%s", dw_harness_why(w->h));
    }
}

/* ---- whatever fails ---- */

static void play(dw_harness *h, void *ud)
{
    const struct world *w = ud;
    dw_timesheet wanted = { .struct_size = sizeof(wanted), .project = "3" };

    (void)dw_harness_entries(h, w->desk, NULL);
    (void)dw_harness_timesheets(h, w->desk, NULL);
    (void)dw_harness_write(h, w->desk, &wanted);
    (void)dw_harness_things(h, w->desk, "user", NULL);
    (void)dw_harness_check_connection(h, "desk", "{}");
}

static void every_step_may_fail(void **state)
{
    struct world *w = *state;

    does.entries = all_entries;
    does.sheets = sheets;
    does.write = stores;
    does.things = three_users;
    assert_true(dw_harness_torture(w->h, play, w) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_host_picks_what_fits, begin, end),
        cmocka_unit_test_setup_teardown(what_there_is_not_is_not_found, begin, end),
        cmocka_unit_test_setup_teardown(what_was_made_outlives_the_call_that_made_it, begin, end),
        cmocka_unit_test_setup_teardown(an_odd_entry_hurts_only_itself, begin, end),
        cmocka_unit_test_setup_teardown(an_odd_timesheet_hurts_only_itself, begin, end),
        cmocka_unit_test_setup_teardown(a_list_is_whole_or_an_error, begin, end),
        cmocka_unit_test_setup_teardown(a_list_that_is_over_takes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(structs_of_other_minors_are_taken, begin, end),
        cmocka_unit_test_setup_teardown(the_reason_reaches_who_asks, begin, end),
        cmocka_unit_test_setup_teardown(what_was_stored_is_told_as_the_target_has_it, begin, end),
        cmocka_unit_test_setup_teardown(a_marker_is_the_whole_first_line, begin, end),
        cmocka_unit_test_setup_teardown(removing_returns_what_the_connector_does, begin, end),
        cmocka_unit_test_setup_teardown(a_visit_that_fails_ends_the_list, begin, end),
        cmocka_unit_test_setup_teardown(a_visit_may_not_leave_a_transaction_open, begin, end),
        cmocka_unit_test_setup_teardown(the_outside_is_not_spoken_to_in_a_transaction, begin, end),
        cmocka_unit_test_setup_teardown(settings_are_for_the_connectors_plugin_alone, begin, end),
        cmocka_unit_test_setup_teardown(connections_are_found_by_kind_and_role, begin, end),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_one_is_no_failure_of_the_rest, begin, end),
        cmocka_unit_test_setup_teardown(a_ring_ends, begin, end),
        cmocka_unit_test_setup_teardown(a_long_list_leaves_nothing_behind, begin, end),
        cmocka_unit_test_setup_teardown(use_tells_whether_it_is_well, begin, end),
        cmocka_unit_test_setup_teardown(a_check_says_what_works_and_what_does_not, begin, end),
        cmocka_unit_test_setup_teardown(whoever_uses_it_is_asked, begin, end),
        cmocka_unit_test_setup_teardown(who_cannot_say_it_leaves_it_unknown, begin, end),
        cmocka_unit_test_setup_teardown(a_kind_that_is_declared_wrong_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(every_step_may_fail, begin, end),
    };
    return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
