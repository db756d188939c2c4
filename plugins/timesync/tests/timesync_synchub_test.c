/* What becomes of the old tool's settings, and that whatever step fails all of them come over or none. Its database is a real one, with the
 * tables as its migrations make them; Zammad and Kimai are kinds that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dowel/dowel.h>
#include <dowel/harness.h>

#include "../../../tests/support/postgres_databases.h"

DW_HARNESS_PLAYS;

#define TENANT "0190a0a0-0000-7000-8000-00000000000a"

/* By Python's cryptography 38: "ZammadToken-4711" and "kimai_api_4712". */
#define KEY "yMnKy8zNzs_Q0dLT1NXW19jZ2tvc3d7f4OHi4-Tl5uc="
#define ZAMMADS                                                                                              \
    "gAAAAABnLPbAAAECAwQFBgcICQoLDA0OD0Rq54AGu5N-U0Vx1pnXU-P-gpBhnPiOdoR46z2N0mUzAjUk5Z45Jvg7E2v2xHOk9EQTP-" \
    "ZXJCgBW6qeVPzkFiQ="
#define KIMAIS \
    "gAAAAABnLPbAAAECAwQFBgcICQoLDA0OD9NuU73fxQcYUsqhhStbhaJYdbCUze7r4LiKokBCTMPZ5YwFm_7ABbSJkuGRlAeOIw=="

/* ---- Zammad and Kimai ---- */

struct settings {
    const char *base_url, *customer_country, *customer_currency, *customer_timezone;
    dw_secret token;
};

static const dw_item desk_items[] = {
    DW_ITEM(struct settings, base_url, .pattern = "url", .help = "Where it is"),
    DW_ITEM(struct settings, token, .fallback = "", .help = "A token"),
    { 0 },
};

static const dw_item hours_items[] = {
    DW_ITEM(struct settings, base_url, .pattern = "url", .help = "Where it is"),
    DW_ITEM(struct settings, token, .fallback = "", .help = "A token"),
    DW_ITEM(struct settings, customer_country, .fallback = "DE", .help = "A country"),
    DW_ITEM(struct settings, customer_currency, .fallback = "EUR", .help = "A currency"),
    DW_ITEM(struct settings, customer_timezone, .fallback = "UTC", .help = "A zone"),
    { 0 },
};

static const char *refused_token; /* NULL: each is good */

static int check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    const struct settings *s = dw_connection_settings(conn);

    if (refused_token && strcmp(dw_secret_reveal(s->token), refused_token) == 0)
        return dw_fail_at(c, "/token", "is refused");
    dw_checked(out, DW_CHECK_GOOD, "token", "the token is known");
    return 0;
}

static int no_entries(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    (void)conn;
    (void)query;
    return dw_found_complete(out);
}

static int no_sheets(dw_call *c, dw_connection *conn, const dw_timesheet_query *query, dw_found *out)
{
    (void)c;
    (void)conn;
    (void)query;
    return dw_found_complete(out);
}

static int no_write(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, dw_timesheet *stored)
{
    (void)conn;
    (void)wanted;
    (void)stored;
    return dw_fail(c, DW_EUNAVAILABLE, "nothing is written here");
}

static int no_remove(dw_call *c, dw_connection *conn, const char *id)
{
    (void)conn;
    (void)id;
    return dw_fail(c, DW_EUNAVAILABLE, "nothing is removed here");
}

static const dw_time_source source = { .struct_size = sizeof(source), .list = no_entries };
static const dw_time_target target = {
    .struct_size = sizeof(target), .list = no_sheets, .write = no_write, .remove = no_remove
};

static const dw_connector desk = { .name = "zammad",
                                   .title = "Zammad",
                                   .settings = DW_ITEMS(struct settings, desk_items),
                                   .address = "base_url",
                                   .check = check,
                                   .time_source = &source };
static const dw_connector hours = { .name = "kimai",
                                    .title = "Kimai",
                                    .settings = DW_ITEMS(struct settings, hours_items),
                                    .address = "base_url",
                                    .check = check,
                                    .time_target = &target };

/* ---- the old tool's database ---- */

static struct postgres_database old;

static const char tables[] =
    "CREATE TABLE connectors (id SERIAL PRIMARY KEY, name VARCHAR(100) NOT NULL, type VARCHAR(50) NOT NULL,"
    "  base_url VARCHAR(255) NOT NULL, api_token TEXT, is_active BOOLEAN, settings JSONB);"
    "CREATE TABLE activity_mappings (id SERIAL PRIMARY KEY, zammad_type_id INTEGER NOT NULL,"
    "  zammad_type_name VARCHAR(255), kimai_activity_id INTEGER NOT NULL, kimai_activity_name VARCHAR(255),"
    "  is_active BOOLEAN, UNIQUE (zammad_type_id, kimai_activity_id));"
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO dowel;"
    "INSERT INTO connectors (name, type, base_url, api_token, is_active, settings) VALUES"
    "  ('Desk', 'zammad', 'https://desk.example', '" ZAMMADS "', true, NULL),"
    "  ('Hours', 'kimai', 'https://hours.example', '" KIMAIS
    "', true, '{\"ignore_unmapped_activities\": true}');"
    "INSERT INTO activity_mappings (zammad_type_id, zammad_type_name, kimai_activity_id, kimai_activity_name,"
    "  is_active) VALUES (1, 'Support', 11, 'Consulting', true), (1, 'Support', 12, 'Newer', true),"
    "  (1, 'Support', 13, 'Newest, but off', false), (2, NULL, 21, NULL, NULL), (3, 'Off', 31, 'Off', false)";

static void in_old(const char *sql)
{
    assert_int_equal(postgres_admin_in(old.name, sql), 0);
}

static void make_old(void)
{
    assert_int_equal(postgres_make(&old), 0);
    in_old(tables);
}

/* ---- the server ---- */

static dw_harness *h;

static void made(int rc)
{
    if (rc != 0)
        fail_msg("%s", dw_harness_why(h));
}

static int begin(void **state)
{
    (void)state;
    refused_token = NULL;
    make_old();
    made(dw_harness_open(&h, .plugin = PLUGIN));
    dw_harness_set_tenant(h, TENANT);
    made(dw_harness_play(h, &desk));
    made(dw_harness_play(h, &hours));
    return 0;
}

static int end(void **state)
{
    const unsigned left = dw_harness_close(h);

    (void)state;
    postgres_drop(&old);
    return left == 0 ? 0 : -1;
}

static dw_harness_outcome import(const char *option)
{
    const char *const arguments[] = { old.url, option, NULL };

    return dw_harness_command(h, .line = "timesync import-synchub", .arguments = arguments, .input = KEY,
                              .json = true);
}

static const json_t *imported(const char *option)
{
    const dw_harness_outcome outcome = import(option);

    if (outcome.code != 0)
        fail_msg("%s", outcome.error);
    return outcome.json;
}

static int64_t number(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static const char *text(const json_t *json, const char *name)
{
    const char *found = json_string_value(json_object_get(json, name));

    return found ? found : "";
}

/* All of it, or nothing: how many connections. */
static int64_t all_or_nothing(void)
{
    int64_t connections = -1, syncs = -1, mappings = -1;

    assert_int_equal(
        dw_harness_find(h, DW_TO(&connections, &syncs, &mappings),
                        "SELECT (SELECT count(*) FROM dowel_connections),"
                        " (SELECT count(*) FROM timesync_syncs), (SELECT count(*) FROM timesync_mappings)"),
        1);
    if (!(connections == 0 && syncs == 0 && mappings == 0) &&
        !(connections == 2 && syncs == 1 && mappings == 2))
        fail_msg("%d connections, %d syncs, %d mappings", (int)connections, (int)syncs, (int)mappings);
    return connections;
}

/* ---- tests ---- */

static void the_newest_active_mapping_counts(void **state)
{
    static const struct {
        const char *name, *outcome, *remark;
    } expected[] = {
        { "Support", "new", "is Newer" },
        { "Support", "left out", "Consulting: is mapped more than once there; the newest one counts" },
        { "Support", "left out", "Newest, but off: is not active there" },
        { "#2", "new",
          "is #21" }, /* no names there, and nothing about whether it is active: as the tool has it by default */
        { "Off", "left out", "Off: is not active there" },
    };
    const json_t *items = json_object_get(imported(NULL), "items"), *one;
    size_t i, n = 0;

    (void)state;
    json_array_foreach(items, i, one)
    {
        if (strcmp(text(one, "what"), "mapping") != 0)
            continue;
        assert_true(n < sizeof(expected) / sizeof(*expected));
        assert_string_equal(text(one, "name"), expected[n].name);
        assert_string_equal(text(one, "outcome"), expected[n].outcome);
        assert_string_equal(text(one, "remark"), expected[n].remark);
        n++;
    }
    assert_int_equal(n, sizeof(expected) / sizeof(*expected));
    assert_int_equal(all_or_nothing(), 2);
}

static void tables_of_younger_versions_may_be_missing(void **state)
{
    const json_t *first = imported("--plan"), *second;
    const char *schedule = NULL, *zone = NULL;
    bool enabled = true;

    (void)state;
    assert_int_equal(number(first, "connections_new"), 2);
    assert_int_equal(all_or_nothing(), 0);
    first = imported(NULL);
    assert_int_equal(number(first, "mappings_new"), 2);
    assert_string_equal(text(first, "sync"), "Desk to Hours");
    assert_int_equal(dw_harness_find(h, DW_TO(&schedule, &zone, &enabled),
                                     "SELECT schedule, zone, enabled FROM timesync_syncs"),
                     1);
    assert_string_equal(schedule, "");
    assert_string_equal(zone, "Europe/Brussels");
    assert_false(enabled);
    second = imported(NULL);
    assert_int_equal(number(second, "connections_there"), 2);
    assert_int_equal(number(second, "mappings_there"), 2);
    assert_int_equal(all_or_nothing(), 2);
}

static void what_is_changed_here_stays(void **state)
{
    const json_t *again;
    const char *name = "";

    (void)state;
    imported(NULL);
    in_old("UPDATE activity_mappings SET is_active = true WHERE zammad_type_id = 3;"
           "UPDATE activity_mappings SET kimai_activity_name = 'Renamed' WHERE kimai_activity_id = 12");
    again = imported(NULL);
    assert_int_equal(number(again, "mappings_new"), 1);
    assert_int_equal(number(again, "mappings_there"), 2);
    assert_int_equal(
        dw_harness_find(h, DW_TO(&name), "SELECT target_name FROM timesync_mappings WHERE source = '1'"), 1);
    assert_string_equal(name, "Newer");
}

/* What is half a password is told to nobody, whatever libpq would take it for. */
static void a_password_that_breaks_the_address_is_not_told(void **state)
{
    static const char *const dsns[] = {
        "postgresql://sync:pass@geheim4711@127.0.0.1:1/synchub",
        "postgresql+psycopg2://sync:pass/geheim4711@127.0.0.1:1/synchub",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(dsns) / sizeof(*dsns); i++) {
        const char *const arguments[] = { dsns[i], NULL };
        const dw_harness_outcome outcome =
            dw_harness_command(h, .line = "timesync import-synchub", .arguments = arguments, .input = KEY);

        assert_int_equal(outcome.code, DW_EINVALID);
        assert_null(strstr(outcome.error, "geheim"));
        assert_null(strstr(dw_harness_log(h), "geheim"));
    }
}

/* As `ENCRYPTION_KEY="..."` has them. */
static void a_key_may_be_in_quotes(void **state)
{
    const char *const arguments[] = { old.url, NULL };
    const dw_harness_outcome outcome = dw_harness_command(h, .line = "timesync import-synchub",
                                                          .arguments = arguments, .input = "\"" KEY "\"\n");

    (void)state;
    assert_string_equal(outcome.error, "");
    assert_int_equal(all_or_nothing(), 2);
}

/* Names of 60 letters, and a database that writes days in German. */
static void what_is_unusual_there_comes_over(void **state)
{
    const json_t *first;
    const char *day = NULL;

    (void)state;
    in_old(
        "CREATE TABLE time_entries (source VARCHAR(50), entry_date DATE, kimai_id INTEGER);"
        "INSERT INTO time_entries VALUES ('zammad', '2025-03-01', NULL);"
        "GRANT SELECT ON time_entries TO dowel;"
        "UPDATE connectors SET name = repeat(lower(left(name, 1)), 60);"
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = German', current_database()); END$$");
    first = imported(NULL);
    assert_string_equal(text(first, "sync"), "SyncHub");
    assert_int_equal(dw_harness_find(h, DW_TO(&day), "SELECT rules ->> 'first_day' FROM timesync_syncs"), 1);
    assert_string_equal(day, "2025-03-01");
}

static void a_test_that_fails_keeps_all_of_it_away(void **state)
{
    dw_harness_outcome outcome;

    (void)state;
    refused_token = "kimai_api_4712";
    outcome = import("--test");
    assert_int_equal(outcome.code, DW_EINVALID);
    assert_non_null(strstr(outcome.error, "the connection Hours: settings/token: is refused"));
    assert_int_equal(all_or_nothing(), 0);
    imported(NULL); /* without a test it is not asked */
    assert_int_equal(all_or_nothing(), 2);
    refused_token = NULL;
    imported("--test");
}

static void play(dw_harness *harness, void *ud)
{
    (void)harness;
    import(ud);
    all_or_nothing();
}

static void torture(const char *option)
{
    const int plays = dw_harness_torture(h, play, (void *)(uintptr_t)option);

    if (plays <= 0)
        fail_msg("%s", dw_harness_failed_step(h));
    assert_true(plays > 20); /* it came as far as to make something */
}

static void whatever_fails_nothing_is_half_there(void **state)
{
    (void)state;
    torture("--plan");
    assert_int_equal(all_or_nothing(), 0);
    torture(NULL);
    assert_int_equal(all_or_nothing(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_active_mapping_counts, begin, end),
        cmocka_unit_test_setup_teardown(tables_of_younger_versions_may_be_missing, begin, end),
        cmocka_unit_test_setup_teardown(what_is_changed_here_stays, begin, end),
        cmocka_unit_test_setup_teardown(a_password_that_breaks_the_address_is_not_told, begin, end),
        cmocka_unit_test_setup_teardown(a_key_may_be_in_quotes, begin, end),
        cmocka_unit_test_setup_teardown(what_is_unusual_there_comes_over, begin, end),
        cmocka_unit_test_setup_teardown(a_test_that_fails_keeps_all_of_it_away, begin, end),
        cmocka_unit_test_setup_teardown(whatever_fails_nothing_is_half_there, begin, end),
    };

    if (!postgres_server()) {
        printf("1..1\nok 1 - synchub # SKIP DOWEL_TEST_POSTGRES is not set\n");
        return 0;
    }
    return cmocka_run_group_tests_name("synchub", tests, NULL, NULL);
}
