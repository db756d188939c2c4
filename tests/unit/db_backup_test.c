/* Copies of an SQLite database that is in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "db/backup.h"
#include "db_session.h"

static struct db_fixture fixture;
static char copy[128];

static int setup(void **state)
{
    (void)state;
    db_fixture_engine = DB_SQLITE;
    if (db_fixture_open(&fixture) != 0 ||
        db_fixture_script(&fixture,
                          "CREATE TABLE a (id BIGINT PRIMARY KEY, text TEXT);"
                          "CREATE TABLE b (id BIGINT PRIMARY KEY, a BIGINT REFERENCES a (id));") != 0)
        return -1;
    snprintf(copy, sizeof(copy), "%s/copy.db", fixture.folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    db_fixture_close(&fixture);
    return 0;
}

static void fill(int from, int n)
{
    struct db_session *s = db_session_system(&fixture);
    char text[2000];

    memset(text, 'x', sizeof(text));
    OK(s, db_begin(s));
    for (int i = from; i < from + n; i++) {
        EXEC(s, "INSERT INTO a (id, text) VALUES ($1, $2)", i, ((dw_str){ text, sizeof(text) }));
        EXEC(s, "INSERT INTO b (id, a) VALUES ($1, $1)", i);
    }
    OK(s, db_commit(s));
    db_session_destroy(s);
}

static void assert_made(const struct db_backup_watch *watch)
{
    struct buf why = BUF_INIT;

    if (db_backup_make(fixture.db, copy, watch, &why) != 0 || db_backup_verify(copy, &why) != 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
}

/* The numbers of rows in both tables of the copy. */
static void count(int64_t *a, int64_t *b)
{
    struct db_fixture of_copy = fixture;
    struct buf why = BUF_INIT;

    snprintf(of_copy.url, sizeof(of_copy.url), "sqlite:%s", copy);
    assert_int_equal(db_open(&of_copy.db, &(struct db_options){ .url = of_copy.url }, &why), 0);
    struct db_session *s = db_session_system(&of_copy);
    *a = NUMBER(s, "SELECT count(*) FROM a");
    *b = NUMBER(s, "SELECT count(*) FROM b");
    db_session_destroy(s);
    db_close(of_copy.db);
}

static void a_copy_is_one_file_and_whole(void **state)
{
    char beside[160];
    struct stat st;
    int64_t a, b;

    (void)state;
    fill(0, 100);
    assert_made(NULL);
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(beside, sizeof(beside), "%s-wal", copy);
    assert_int_equal(access(beside, F_OK), -1);
    count(&a, &b);
    assert_int_equal(a, 100);
    assert_int_equal(b, 100);
}

static _Atomic bool is_over;
static _Atomic int written;

static void *write_on(void *ud)
{
    (void)ud;
    for (int i = 10000; !atomic_load(&is_over); i += 5) {
        fill(i, 5);
        atomic_fetch_add(&written, 5);
    }
    return NULL;
}

/* Between two steps of the copying there are always new rows. */
static void wait_for_writes(uint64_t done, uint64_t all, void *ud)
{
    int before = atomic_load(&written);
    unsigned *steps = ud;

    assert_true(done <= all);
    for (int i = 0; atomic_load(&written) == before && i < 10000; i++)
        usleep(1000);
    ++*steps;
}

static void a_copy_is_of_one_instant(void **state)
{
    unsigned steps = 0;
    const struct db_backup_watch watch = { .progress = wait_for_writes, .ud = &steps };
    pthread_t thread;
    int64_t a, b;

    (void)state;
    fill(0, 5000);
    atomic_store(&is_over, false);
    atomic_store(&written, 0);
    assert_int_equal(pthread_create(&thread, NULL, write_on, NULL), 0);
    assert_made(&watch);
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    count(&a, &b);
    assert_int_equal(a, b);
    assert_true(a >= 5000 && a < 5000 + atomic_load(&written));
    assert_true(steps >= 2);
}

static bool at_once(void *ud)
{
    (void)ud;
    return true;
}

static void a_copy_can_be_stopped(void **state)
{
    const struct db_backup_watch watch = { .must_stop = at_once };
    struct buf why = BUF_INIT;

    (void)state;
    fill(0, 5000);
    assert_int_equal(db_backup_make(fixture.db, copy, &watch, &why), -1);
    assert_non_null(strstr(buf_text(&why), "was stopped"));
    assert_int_equal(access(copy, F_OK), -1);
    buf_finish(&why);
}

static void what_is_there_stays(void **state)
{
    struct buf why = BUF_INIT;

    (void)state;
    fill(0, 1);
    assert_made(NULL);
    assert_int_equal(db_backup_make(fixture.db, copy, NULL, &why), -1);
    assert_non_null(strstr(buf_text(&why), "File exists"));
    assert_int_equal(db_backup_verify(copy, &why), 0);
    why.n = 0;
    assert_int_equal(db_backup_make(fixture.db, "/nowhere/copy.db", NULL, &why), -1);
    assert_non_null(strstr(buf_text(&why), "No such file"));
    buf_finish(&why);
}

static void damage_is_found(void **state)
{
    struct buf why = BUF_INIT;
    char page[4096];

    (void)state;
    fill(0, 500);
    assert_made(NULL);
    int fd = open(copy, O_RDWR);
    assert_true(fd >= 0);
    memset(page, 0x55, sizeof(page));
    assert_int_equal(pwrite(fd, page, sizeof(page), 20 * 4096), sizeof(page));
    close(fd);
    assert_int_equal(db_backup_verify(copy, &why), -1);
    assert_non_null(strstr(buf_text(&why), "damaged"));
    why.n = 0;
    assert_int_equal(truncate(copy, 50), 0);
    assert_int_equal(db_backup_verify(copy, &why), -1);
    assert_int_equal(db_backup_verify("/nowhere/copy.db", &why), -1);
    buf_finish(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_copy_is_one_file_and_whole), TEST(a_copy_is_of_one_instant), TEST(a_copy_can_be_stopped),
        TEST(what_is_there_stays),          TEST(damage_is_found),
    };
    return cmocka_run_group_tests_name("db_backup", tests, NULL, NULL);
}
