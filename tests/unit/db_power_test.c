/* The power fails: what was answered is there, and nothing by halves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "db/backup.h"
#include "db_session.h"
#include "power_cut.h"
#include "util/clock.h"

enum { WRITERS = 6, CUTS = 20, APART = 1000000 };

static struct db_fixture fixture;

struct writer {
    pthread_t thread;
    int id;
    _Atomic int answered; /* the number of the last transaction that was */
};

static struct writer writers[WRITERS];
static _Atomic bool is_over;

static int setup(void **state)
{
    (void)state;
    db_fixture_engine = DB_SQLITE;
    power_begin();
    return db_fixture_open(&fixture) != 0 ||
                   db_fixture_script(&fixture, "CREATE TABLE a (id BIGINT PRIMARY KEY, text TEXT);"
                                               "CREATE TABLE b (id BIGINT PRIMARY KEY, text TEXT);") != 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    (void)state;
    db_fixture_close(&fixture);
    return 0;
}

/* A row in both tables, a page each, so that the WAL is brought into the file now and then. */
static int write_pair(struct db_session *s, int64_t id)
{
    char text[3000];

    memset(text, 'x', sizeof(text));
    const dw_str page = { text, sizeof(text) };
    DW_TRY(db_begin(s));
    DW_TRY((int)TRY_EXEC(s, "INSERT INTO a (id, text) VALUES ($1, $2)", id, page));
    DW_TRY((int)TRY_EXEC(s, "INSERT INTO b (id, text) VALUES ($1, $2)", id, page));
    return db_commit(s);
}

static void *write_on(void *ud)
{
    struct writer *w = ud;

    for (int i = 1; !atomic_load(&is_over); i++) {
        struct db_session *s = db_session_system(&fixture);
        if (write_pair(s, (int64_t)w->id * APART + i) != 0)
            fprintf(stderr, "%s\n", db_error_of(s)->text);
        else
            atomic_store(&w->answered, i);
        db_session_destroy(s);
    }
    return NULL;
}

static int64_t number(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *st;

    if (sqlite3_prepare_v2(handle, sql, -1, &st, NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

static void assert_whole(const char *path, const int *answered)
{
    struct buf why = BUF_INIT;
    sqlite3 *handle;
    char sql[160];

    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(number(handle, "SELECT count(*) FROM a WHERE id NOT IN (SELECT id FROM b)"), 0);
    assert_int_equal(number(handle, "SELECT count(*) FROM b WHERE id NOT IN (SELECT id FROM a)"), 0);
    for (int i = 0; i < WRITERS; i++) {
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM a WHERE id > %d AND id <= %d", i * APART,
                 i * APART + answered[i]);
        assert_int_equal(number(handle, sql), answered[i]);
    }
    sqlite3_close(handle);
    if (db_backup_verify(path, &why) != 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
}

/* Until somebody was answered again. */
static void wait_for_progress(void)
{
    int before = atomic_load(&writers[0].answered);
    int64_t limit = clock_monotonic_us() + 20 * (int64_t)CLOCK_SECOND;

    while (atomic_load(&writers[0].answered) < before + 5) {
        if (clock_monotonic_us() > limit)
            fail_msg("nobody writes");
        usleep(500);
    }
}

static void what_was_answered_survives(void **state)
{
    static int answered[CUTS][WRITERS];
    char path[160];

    (void)state;
    atomic_store(&is_over, false);
    for (int i = 0; i < WRITERS; i++) {
        writers[i].id = i;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
    }
    for (int cut = 0; cut < CUTS; cut++) {
        wait_for_progress();
        for (int i = 0; i < WRITERS; i++) /* before the cut: later answers may be in it or not */
            answered[cut][i] = atomic_load(&writers[i].answered);
        snprintf(path, sizeof(path), "%s/cut-%d.db", fixture.folder, cut);
        power_cut(path);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    power_end();
    for (int cut = 0; cut < CUTS; cut++) {
        snprintf(path, sizeof(path), "%s/cut-%d.db", fixture.folder, cut);
        assert_whole(path, answered[cut]);
    }
    /* The WAL was brought into the file meanwhile, where most could go wrong. */
    for (size_t i = 0; i < power.n; i++)
        assert_true(power.images[i].syncs >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_answered_survives, setup, teardown),
    };
    return cmocka_run_group_tests_name("db_power", tests, NULL, NULL);
}
