/* Events: patterns, the outbox, who gets a job, replay, what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "events_fixture.h"

static struct events_fixture fixture;

static int setup(void **state)
{
    *state = &fixture;
    return events_fixture_open(&fixture);
}

static int teardown(void **state)
{
    events_fixture_close(*state);
    return 0;
}

/* ---- names ---- */

static void names_are_words_between_dots(void **state)
{
    static const char *const good[] = { "notes.created", "timesync.entry.pushed", "a.b", "n1.a_b.c2" };
    static const char *const bad[] = {
        "",     "notes", "notes.", ".created", "notes..created", "Notes.created", "notes.*",   "*",
        "1a.b", "a.1b",  "a.b c",  "a.b-c",    "a._b",           "a.b\n",         "\xc3\xa4.b"
    };
    char longest[EVENT_NAME_MAX + 2];
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(good); i++) {
        if (!event_name_is_valid(str_from(good[i])) || !event_pattern_is_valid(str_from(good[i])))
            fail_msg("refused: %s", good[i]);
    }
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (event_name_is_valid(str_from(bad[i])))
            fail_msg("taken: %s", bad[i]);
    }
    memset(longest, 'a', sizeof(longest));
    longest[1] = '.';
    assert_true(event_name_is_valid(str_make(longest, EVENT_NAME_MAX)));
    assert_false(event_name_is_valid(str_make(longest, EVENT_NAME_MAX + 1)));
    assert_true(event_name_is_of(str_from("notes.created"), "notes"));
    assert_false(event_name_is_of(str_from("notes_x.created"), "notes"));
    assert_false(event_name_is_of(str_from("notes"), "notes"));
}

static void patterns_are_beginnings_of_names(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        { "a.b", "a.b", true },     { "a.b", "a.b.c", false },   { "a.b", "a.bc", false },
        { "a.*", "a.b", true },     { "a.*", "a.b.c", true },    { "a.*", "ab.c", false },
        { "a.b.*", "a.b.c", true }, { "a.b.*", "a.b", false },   { "a.b.*", "a.bc.d", false },
        { "*", "a.b", true },       { "a.b.*", "a.c.d", false },
    };
    static const char *const bad[] = { "", "a.*.b", "*.b", "a*", ".*", "a.b*", "a.**", "a", "**", "a..*" };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        assert_true(event_pattern_is_valid(str_from(cases[i].pattern)));
        if (event_pattern_matches(str_from(cases[i].pattern), str_from(cases[i].name)) != cases[i].matches)
            fail_msg("%s and %s", cases[i].pattern, cases[i].name);
    }
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (event_pattern_is_valid(str_from(bad[i])))
            fail_msg("taken: %s", bad[i]);
    }
    assert_true(event_patterns_match(str_from("x.y  a.b.* c.d"), str_from("a.b.c")));
    assert_false(event_patterns_match(str_from("x.y a.b c.d"), str_from("a.b.c")));
    assert_false(event_patterns_match(str_from(""), str_from("a.b")));
}

/* ---- the outbox ---- */

static void subscribe(struct events_fixture *f, const char *plugin, const char *const *patterns, size_t n)
{
    struct db_session *s = events_session(f, NULL);
    int rc = events_subscribe(s, plugin, patterns, n, events_now(f));

    if (rc != 0)
        fail_msg("%d: %s", rc, db_error_of(s)->text);
    db_session_destroy(s);
}

#define SUBSCRIBE(f, plugin, ...)                                  \
    subscribe((f), (plugin), (const char *const[]){ __VA_ARGS__ }, \
              sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static int64_t jobs_of(struct events_fixture *f, const char *kind)
{
    return EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_jobs WHERE kind = $1", kind);
}

static void an_event_is_told_if_its_transaction_commits(void **state)
{
    struct events_fixture *f = *state;
    const struct event e = {
        .name = "a.done", .data = "{\"n\":1}", .tenant = TENANT_A, .at_us = events_now(f)
    };
    struct db_session *s = events_session(f, TENANT_A);
    char id[UUID_TEXT_SIZE];

    SUBSCRIBE(f, "b", "a.done");
    assert_int_equal(events_emit(s, &e, id), DW_ETX);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_events"), 0);

    assert_int_equal(db_begin(s), 0);
    assert_int_equal(events_emit(s, &e, id), 0);
    assert_true(db_rollback(s) >= 0);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_events"), 0);
    assert_int_equal(jobs_of(f, "b.on:a.done"), 0);

    assert_int_equal(db_begin(s), 0);
    assert_int_equal(events_emit(s, &e, id), 0);
    assert_true(db_commit(s) >= 0);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_events WHERE id = $1", id), 1);
    assert_int_equal(jobs_of(f, "b.on:a.done"), 1);
    db_session_destroy(s);
}

static void each_subscriber_has_a_job_of_its_own(void **state)
{
    struct events_fixture *f = *state;
    char id[UUID_TEXT_SIZE];

    SUBSCRIBE(f, "b", "a.entry.*", "a.entry.pushed", "a.other");
    SUBSCRIBE(f, "c", "*");
    events_tell(f, TENANT_A, "a.entry.pushed", "{}", id);
    assert_int_equal(jobs_of(f, "b.on:a.entry.*"), 1);
    assert_int_equal(jobs_of(f, "b.on:a.entry.pushed"), 1);
    assert_int_equal(jobs_of(f, "b.on:a.other"), 0);
    assert_int_equal(jobs_of(f, "c.on:*"), 1);
    /* Of the same tenant as the event, with its id. */
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_jobs WHERE tenant = $1 AND unique_key = $2",
                                   TENANT_A, id),
                     3);
}

static void an_event_may_have_no_tenant(void **state)
{
    struct events_fixture *f = *state;

    SUBSCRIBE(f, "b", "a.done");
    events_tell(f, NULL, "a.done", "{}", NULL);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_events WHERE tenant_id IS NULL"), 1);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_jobs WHERE tenant = ''"), 1);
}

static void what_is_no_longer_wanted_is_not_told(void **state)
{
    struct events_fixture *f = *state;

    SUBSCRIBE(f, "b", "a.one", "a.two");
    SUBSCRIBE(f, "c", "a.one");
    SUBSCRIBE(f, "b", "a.two", "a.three");
    events_tell(f, TENANT_A, "a.one", "{}", NULL);
    assert_int_equal(jobs_of(f, "b.on:a.one"), 0);
    assert_int_equal(jobs_of(f, "c.on:a.one"), 1);
    events_tell(f, TENANT_A, "a.three", "{}", NULL);
    assert_int_equal(jobs_of(f, "b.on:a.three"), 1);
    subscribe(f, "b", NULL, 0);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_subscriptions WHERE plugin = 'b'"), 0);
}

static void subscribing_again_keeps_since(void **state)
{
    struct events_fixture *f = *state;
    int64_t first = events_now(f);

    SUBSCRIBE(f, "b", "a.one");
    events_later(f, 5 * CLOCK_SECOND);
    SUBSCRIBE(f, "b", "a.one");
    assert_int_equal(
        EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_subscriptions WHERE since = $1 AND seen_at = $2",
                      ((dw_time){ first }), ((dw_time){ first + 5 * CLOCK_SECOND })),
        1);
}

static void an_event_can_be_loaded(void **state)
{
    struct events_fixture *f = *state;
    struct db_session *s = events_session(f, NULL);
    char id[UUID_TEXT_SIZE];
    struct arena arena;
    struct event e;

    arena_init(&arena, NULL, 0, 0);
    events_tell(f, TENANT_A, "a.done", "{\"b\": 1, \"a\":\"\xc3\xa4\"}", id);
    assert_int_equal(events_load(s, &arena, NULL, id, &e), 1);
    assert_string_equal(e.id, id);
    assert_string_equal(e.name, "a.done");
    assert_string_equal(e.data, "{\"b\": 1, \"a\":\"\xc3\xa4\"}"); /* as it was written */
    assert_string_equal(e.tenant, TENANT_A);
    assert_null(e.principal);
    assert_int_equal(e.at_us, events_now(f));
    assert_int_equal(events_load(s, &arena, NULL, TENANT_B, &e), 0);
    assert_int_equal(events_load(s, &arena, NULL, "nonsense", &e), 0);
    arena_finish(&arena);
    db_session_destroy(s);
}

/* ---- plugins ---- */

static struct {
    int runs, result;
    char id[UUID_TEXT_SIZE];
} told;

static int hear(struct job *job, void *ud)
{
    struct arena arena;

    (void)ud;
    arena_init(&arena, NULL, 0, 0);
    const char *id = event_payload_text(&arena, job_payload(job), "event");
    snprintf(told.id, sizeof(told.id), "%s", id ? id : "none");
    arena_finish(&arena);
    told.runs++;
    return told.result;
}

static void a_plugin_that_is_missing_gets_it_later(void **state)
{
    struct events_fixture *f = *state;
    char id[UUID_TEXT_SIZE];

    told.runs = told.result = 0;
    SUBSCRIBE(f, "b", "a.*");
    events_tell(f, TENANT_A, "a.done", "{}", id);
    assert_int_equal(events_run(f), 0); /* nobody here knows the kind */
    jobs_destroy(f->engine);
    f->engine = jobs_fixture_engine(&f->jobs, &(struct jobs_options){ .workers = 1 });
    assert_int_equal(
        jobs_register(f->engine, &(struct job_kind){ .owner = "b", .name = "on:a.*", .run = hear }), 0);
    events_later(f, 86400 * INT64_C(1000000));
    assert_int_equal(events_run(f), 1);
    assert_string_equal(told.id, id);
}

static void one_that_fails_delays_nobody(void **state)
{
    struct events_fixture *f = *state;
    struct job_kind good = { .owner = "good", .name = "on:a.*", .run = hear };
    struct job_kind bad = { .owner = "bad", .name = "on:a.*", .run = hear };

    jobs_destroy(f->engine);
    f->engine = jobs_fixture_engine(&f->jobs, &(struct jobs_options){ .workers = 1 });
    assert_int_equal(jobs_register(f->engine, &good), 0);
    SUBSCRIBE(f, "bad", "a.*");
    SUBSCRIBE(f, "good", "a.*");
    told.runs = 0;
    told.result = DW_EUNAVAILABLE;
    assert_int_equal(jobs_register(f->engine, &bad), 0);
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 2);
    /* Both failed, both wait by themselves. */
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_jobs WHERE state = 'waiting'"), 2);
    told.result = 0;
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 2);
    assert_int_equal(told.runs, 4);
    events_later(f, INT64_C(3600) * CLOCK_SECOND);
    assert_int_equal(events_run(f), 2);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_jobs WHERE state = 'done'"), 4);
}

/* ---- replay ---- */

static int replay(struct events_fixture *f, const char *id, const char *plugin, const char *webhook)
{
    struct db_session *s = events_session(f, NULL);
    int rc =
        events_replay(s, id, &(struct event_replay){ .plugin = plugin, .webhook = webhook }, events_now(f));

    db_session_destroy(s);
    return rc;
}

static void an_event_can_be_told_again(void **state)
{
    struct events_fixture *f = *state;
    char id[UUID_TEXT_SIZE];

    SUBSCRIBE(f, "b", "a.*");
    events_tell(f, TENANT_A, "a.done", "{}", id);
    assert_int_equal(jobs_of(f, "b.on:a.*"), 1);
    assert_int_equal(replay(f, id, NULL, NULL), 1);
    assert_int_equal(jobs_of(f, "b.on:a.*"), 1); /* it waits still */
    assert_int_equal(EVENTS_EXEC(f, "UPDATE dowel_jobs SET state = 'done'"), 1);
    SUBSCRIBE(f, "c", "a.*");
    assert_int_equal(replay(f, id, "c", NULL), 1);
    assert_int_equal(jobs_of(f, "b.on:a.*"), 1);
    assert_int_equal(jobs_of(f, "c.on:a.*"), 1);
    assert_int_equal(replay(f, id, NULL, NULL), 2);
    assert_int_equal(jobs_of(f, "b.on:a.*"), 2);
    assert_int_equal(replay(f, TENANT_B, NULL, NULL), DW_ENOTFOUND);
    assert_int_equal(replay(f, "nonsense", NULL, NULL), DW_ENOTFOUND);
}

static void another_tenants_is_as_none(void **state)
{
    struct events_fixture *f = *state;
    struct db_session *s = events_session(f, NULL);
    char id[UUID_TEXT_SIZE];
    struct arena arena;
    struct event e;

    arena_init(&arena, NULL, 0, 0);
    events_tell(f, TENANT_A, "a.done", "{}", id);
    assert_int_equal(events_load(s, &arena, TENANT_B, id, &e), 0);
    assert_int_equal(events_load(s, &arena, TENANT_A, id, &e), 1);
    assert_int_equal(events_replay(s, id, &(struct event_replay){ .tenant = TENANT_B }, events_now(f)),
                     DW_ENOTFOUND);
    assert_int_equal(events_replay(s, id, &(struct event_replay){ .tenant = TENANT_A }, events_now(f)), 0);
    arena_finish(&arena);
    db_session_destroy(s);
}

/* ---- looking ---- */

static int count_listed(struct events_fixture *f, const struct event_filter *filter, char newest[80])
{
    struct db_session *s = events_session(f, NULL);
    const char *id, *tenant, *name, *principal;
    struct db_rows *rows;
    dw_time at;
    int n = 0;

    if (events_query(s, &rows, filter) != 0)
        fail_msg("%s", db_error_of(s)->text);
    while (db_rows_next(rows) > 0) {
        assert_int_equal(db_rows_read(rows, DW_TO(&id, &tenant, &name, &principal, &at)), 0);
        if (n++ == 0)
            snprintf(newest, 80, "%s", name);
    }
    db_rows_close(rows);
    db_session_destroy(s);
    return n;
}

static void events_are_listed_from_the_newest(void **state)
{
    struct events_fixture *f = *state;
    char newest[80];
    int64_t between;

    events_tell(f, TENANT_A, "a.one", "{}", NULL);
    events_tell(f, TENANT_B, "a.two", "{}", NULL);
    events_later(f, CLOCK_SECOND);
    between = events_now(f);
    events_later(f, CLOCK_SECOND);
    events_tell(f, TENANT_A, "a.three", "{}", NULL);
    assert_int_equal(count_listed(f, &(struct event_filter){ .limit = 10 }, newest), 3);
    assert_string_equal(newest, "a.three");
    assert_int_equal(count_listed(f, &(struct event_filter){ .limit = 2 }, newest), 2);
    assert_int_equal(count_listed(f, &(struct event_filter){ .limit = 10, .tenant = TENANT_B }, newest), 1);
    assert_string_equal(newest, "a.two");
    assert_int_equal(count_listed(f, &(struct event_filter){ .limit = 10, .since_us = between }, newest), 1);
}

static void a_page_begins_where_the_one_before_ended(void **state)
{
    struct events_fixture *f = *state;
    char id[UUID_TEXT_SIZE], newest[80];

    events_tell(f, TENANT_A, "a.one", "{}", NULL);
    events_tell(f, TENANT_A, "a.two", "{}", id);
    events_tell(f, TENANT_A, "a.three", "{}", NULL);
    assert_int_equal(
        count_listed(f, &(struct event_filter){ .tenant = TENANT_A, .limit = 10, .before = id }, newest), 1);
    assert_string_equal(newest, "a.one");
    assert_int_equal(
        count_listed(f, &(struct event_filter){ .tenant = TENANT_B, .limit = 10, .before = id }, newest), 0);
    assert_int_equal(count_listed(f, &(struct event_filter){ .limit = 10, .before = id }, newest), 1);
}

/* ---- keeping ---- */

/* The ids of what is made in a test have the machine's time. */
static void what_is_old_is_deleted(void **state)
{
    struct events_fixture *f = *state;
    const int64_t day = INT64_C(86400) * CLOCK_SECOND, real = clock_wall_us();
    struct db_session *s = events_session(f, NULL);

    SUBSCRIBE(f, "b", "a.*");
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_prune(s, &(struct events_keep){ .subscription_us = 3650 * day }, real), 0);
    assert_int_equal(events_prune(s, &(struct events_keep){ .subscription_us = 3650 * day }, real + 29 * day),
                     0);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_events"), 1);
    assert_int_equal(events_prune(s, &(struct events_keep){ .subscription_us = 3650 * day }, real + 31 * day),
                     1);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_events"), 0);
    assert_int_equal(events_prune(s, &(struct events_keep){ 0 }, events_now(f) + 89 * day), 0);
    assert_int_equal(events_prune(s, &(struct events_keep){ 0 }, events_now(f) + 91 * day), 1);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_subscriptions"), 0);
    db_session_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_words_between_dots),
        cmocka_unit_test(patterns_are_beginnings_of_names),
        cmocka_unit_test_setup_teardown(an_event_is_told_if_its_transaction_commits, setup, teardown),
        cmocka_unit_test_setup_teardown(each_subscriber_has_a_job_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_may_have_no_tenant, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_longer_wanted_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(subscribing_again_keeps_since, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_can_be_loaded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_plugin_that_is_missing_gets_it_later, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_fails_delays_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_can_be_told_again, setup, teardown),
        cmocka_unit_test_setup_teardown(events_are_listed_from_the_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_begins_where_the_one_before_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(another_tenants_is_as_none, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_old_is_deleted, setup, teardown),
    };
    return DB_ON_EVERY_ENGINE("events", tests);
}
