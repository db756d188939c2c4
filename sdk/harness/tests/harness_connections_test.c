/* Connections as an admin has them: which are found, how they are, what their check says, what hangs on them, and kinds that are declared
 * wrong. */
#include "connections_rig.h"

/* ---- whose they are ---- */

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

/* ---- health ---- */

static int is_down(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)query;
    (void)out;
    return dw_fail(c, DW_EUNAVAILABLE, "nobody answers");
}

static int shows_not_this_one(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)out;
    return dw_fail(c, DW_EDENIED, "this ticket is not for you", "ticket", query->ticket, "reason", "OTHER");
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
    does.entries = shows_not_this_one; /* as is this */
    fails(w, dw_harness_entries(w->h, w->desk, DW_STRUCT(dw_entry_query, .ticket = "5")), DW_EDENIED,
          "not for you");
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

/* ---- what a peer asked for ---- */

static int asks_there(dw_call *c, const dw_entry_query *query, dw_found *out)
{
    (void)query;
    DW_TRY(dw_fetch(c, NULL, .connection = does.kept_connection, .url = "/entries"));
    return dw_found_complete(out);
}

/* It is this process's to know, and not for ever: calls that are over hold nothing of a connection. */
static void the_next_server_knows_of_no_pause(void **state)
{
    struct world *w = *state;
    char id[64];
    dw_harness *next;

    does.entries = asks_there;
    dw_harness_upstream(w->h, "GET https://desk.example/entries", .status = 429,
                        .headers = "Retry-After: 3600\r\n");
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_ERATE, "429");
    fails(w, dw_harness_entries(w->h, w->desk, NULL), DW_ERATE, "asked for time");
    snprintf(id, sizeof(id), "%s", w->desk);
    made(dw_harness_open(&next, .plugin = PLUGIN, .after = w->h), next);
    w->h = next;
    made(dw_harness_play(w->h, &desk), w->h);
    dw_harness_upstream(w->h, "GET https://desk.example/entries", .json = "{}");
    counts(w, dw_harness_entries(w->h, id, NULL), 0);
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
        TEST(settings_are_for_the_connectors_plugin_alone),
        TEST(connections_are_found_by_kind_and_role),
        TEST(what_is_wrong_with_one_is_no_failure_of_the_rest),
        TEST(use_tells_whether_it_is_well),
        TEST(a_check_says_what_works_and_what_does_not),
        TEST(whoever_uses_it_is_asked),
        TEST(who_cannot_say_it_leaves_it_unknown),
        TEST(a_kind_that_is_declared_wrong_is_refused),
        TEST(the_next_server_knows_of_no_pause),
        TEST(every_step_may_fail),
    };

    return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
