/* sync_test.c - passes of a sync, both sides played. */
#include "sync_rig.h"

static void one_entry_arrives(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("61", "4711", "15.0");
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.created, 1);
    assert_int_equal(n.examined, 1);
    assert_int_equal(pages(), 1);

    struct page *p = page_for("61");

    assert_non_null(p);
    assert_int_equal(p->seconds, 900);
    assert_int_equal(p->end.us, DAY.us + INT64_C(600000000));
    assert_string_equal(p->user, "u1");
    assert_string_equal(p->activity, "a1");
    assert_string_equal(books.projects[0].number, "TID-4711");
    assert_string_equal(books.customers[0].number, "OID-Acme");
    assert_string_equal(p->project, books.projects[0].id);
    assert_int_equal(dw_harness_events(h, "timesync.entry.created"), 1);
    assert_int_equal(dw_harness_events(h, "timesync.run.ended"), 1);

    n = run("full");
    assert_int_equal(n.unchanged, 1);
    assert_int_equal(n.examined, 1);
    assert_int_equal(books.writes, 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps"), 1);
}

#define ON(name) cmocka_unit_test_teardown(name, rig_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(one_entry_arrives),
    };
    int failed = cmocka_run_group_tests_name("sync on SQLite", tests, NULL, NULL);

    postgres = getenv("DOWEL_TEST_POSTGRES");
    if (postgres && *postgres)
        failed += cmocka_run_group_tests_name("sync on PostgreSQL", tests, NULL, NULL);
    return failed;
}
