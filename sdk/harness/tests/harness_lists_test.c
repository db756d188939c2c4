/* What connectors list, right and wrong, and what whoever asks gets of it. */
#include "connections_rig.h"

/* ---- things ---- */

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

/* ---- long ones, and rings ---- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_host_picks_what_fits),
        TEST(what_there_is_not_is_not_found),
        TEST(what_was_made_outlives_the_call_that_made_it),
        TEST(an_odd_entry_hurts_only_itself),
        TEST(an_odd_timesheet_hurts_only_itself),
        TEST(a_list_is_whole_or_an_error),
        TEST(a_list_that_is_over_takes_nothing),
        TEST(structs_of_other_minors_are_taken),
        TEST(a_ring_ends),
        TEST(a_long_list_leaves_nothing_behind),
    };

    return cmocka_run_group_tests_name("lists", tests, NULL, NULL);
}
