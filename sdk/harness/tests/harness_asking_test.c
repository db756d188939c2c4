/* Whoever asks over a connection: what a write became, why it was refused, visits that fail, transactions. */
#include "connections_rig.h"

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

static void removing_returns_what_the_connector_does(void **state)
{
    struct world *w = *state;

    does.remove = removes;
    assert_int_equal(dw_harness_remove(w->h, w->desk, "1"), 0);
    assert_int_equal(dw_harness_remove(w->h, w->desk, "2"), DW_EDENIED);
    assert_string_equal(dw_harness_error(w->h)->reason, "LOCKED_OR_EXPORTED");
    assert_int_equal(dw_harness_remove(w->h, w->desk, ""), DW_EMISUSE);
}

/* ---- visits, and transactions ---- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_reason_reaches_who_asks),
        TEST(what_was_stored_is_told_as_the_target_has_it),
        TEST(a_marker_is_the_whole_first_line),
        TEST(removing_returns_what_the_connector_does),
        TEST(a_visit_that_fails_ends_the_list),
        TEST(a_visit_may_not_leave_a_transaction_open),
        TEST(the_outside_is_not_spoken_to_in_a_transaction),
    };

    return cmocka_run_group_tests_name("asking", tests, NULL, NULL);
}
