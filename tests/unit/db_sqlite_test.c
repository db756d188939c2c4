/* What is SQLite's alone: its file and what can be wrong with it, other processes, connections that are used again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "db_session.h"
#include "util/clock.h"

static struct db_fixture fixture;
static struct db_session *s;

static int setup(void **state)
{
    const struct db_options options = { .connections = 2, .statement_timeout_us = 2 * (int64_t)CLOCK_SECOND };

    (void)state;
    db_fixture_engine = DB_SQLITE;
    if (db_fixture_open_with(&fixture, options) != 0 ||
        db_fixture_script(
            &fixture, "CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT, raw BLOB, at TIMESTAMPTZ);") !=
            0)
        return -1;
    s = db_session_system(&fixture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    db_session_destroy(s);
    s = NULL;
    db_fixture_close(&fixture);
    return 0;
}

static void assert_error(int64_t rc, int code, const char *part)
{
    if (rc != code)
        fail_msg("%d where %d was wanted: %s", (int)rc, code, db_error_of(s)->text);
    if (!strstr(db_error_of(s)->text, part))
        fail_msg("no \"%s\" in: %s", part, db_error_of(s)->text);
}

/* ---- what cannot be opened ---- */

static void assert_unusable(const char *url, const char *part)
{
    struct buf why = BUF_INIT;
    struct db *db;

    assert_int_equal(db_open(&db, &(struct db_options){ .url = url }, &why), DB_OPEN_WRONG);
    assert_null(db);
    if (!strstr(buf_text(&why), part))
        fail_msg("no \"%s\" in: %s", part, buf_text(&why));
    buf_finish(&why);
}

static const char *url_of(const char *name)
{
    static char url[256];

    snprintf(url, sizeof(url), "sqlite:%s/%s", fixture.folder, name);
    return url;
}

static void write_file(const char *name, const char *bytes, size_t n)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", fixture.folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void urls_say_what_they_are(void **state)
{
    (void)state;
    assert_unusable("mysql://secret@host/name", "neither sqlite: nor postgres://");
    assert_unusable("", "neither sqlite: nor postgres://");
    assert_unusable(NULL, "neither sqlite: nor postgres://");
    assert_unusable("sqlite:", "names no file");
    assert_unusable("sqlite::memory:", "names no file");
    assert_unusable("sqlite:file:/tmp/a.db?mode=ro", "names no file");
}

static void a_file_that_is_none_is_told(void **state)
{
    char garbage[8192];

    (void)state;
    memset(garbage, 'x', sizeof(garbage));
    write_file("garbage.db", garbage, sizeof(garbage));
    assert_unusable(url_of("garbage.db"), "is no SQLite database: name another file");
    assert_unusable(url_of("nowhere/a.db"), "is not there: make it");
    assert_int_equal(mkdir(url_of("folder") + 7, 0700), 0);
    assert_unusable(url_of("folder"), "is a folder: name a file in it");
}

/* Permissions count for everybody but root, who takes another user's rights for the file system. */
static void assert_unusable_to_others(const char *url, const char *part)
{
    setfsuid(65534);
    setfsgid(65534);
    assert_unusable(url, part);
    setfsuid(geteuid());
    setfsgid(getegid());
}

static void what_may_not_be_written_is_told(void **state)
{
    (void)state;
    db_session_destroy(s);
    s = NULL;
    db_close(fixture.db);
    fixture.db = NULL;
    assert_int_equal(chmod(fixture.folder, 0755), 0);
    assert_int_equal(chmod(url_of("test.db") + 7, 0644), 0);
    assert_unusable_to_others(url_of("test.db"), "may be read only");
    assert_unusable_to_others(url_of("new.db"), "cannot be ");
    assert_int_equal(chmod(fixture.folder, 0700), 0);
    assert_unusable_to_others(url_of("test.db"), "give it to the user that the server runs as");
}

static void a_damaged_file_is_told(void **state)
{
    char page[4096];
    int64_t n;

    (void)state;
    for (int i = 0; i < 50; i++)
        EXEC(s,
             "INSERT INTO things (id, name) VALUES ($1, 'a name that fills the page a bit more than a short "
             "one')",
             i);
    db_session_destroy(s);
    db_close(fixture.db);
    int fd = open(url_of("test.db") + 7, O_RDWR);
    assert_true(fd >= 0);
    memset(page, 0x55, sizeof(page));
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 4096; at < st.st_size; at += 4096) /* the first page names the tables */
        assert_int_equal(pwrite(fd, page, sizeof(page), at), sizeof(page));
    close(fd);
    struct buf why = BUF_INIT;
    int rc = db_open(&fixture.db, &(struct db_options){ .url = fixture.url }, &why);
    s = rc == 0 ? db_session_system(&fixture) : NULL;
    if (s)
        assert_error(TRY_FIND(s, DW_TO(&n), "SELECT sum(length(name)) FROM things"), DW_EUNAVAILABLE,
                     "is damaged");
    else
        assert_non_null(strstr(buf_text(&why), "is damaged"));
    buf_finish(&why);
}

static void a_file_that_was_moved_is_noticed(void **state)
{
    struct buf why = BUF_INIT;
    char moved[256];

    (void)state;
    snprintf(moved, sizeof(moved), "%s/moved.db", fixture.folder);
    assert_int_equal(db_ping(fixture.db, &why), 0);
    assert_int_equal(rename(url_of("test.db") + 7, moved), 0);
    assert_int_equal(db_ping(fixture.db, &why), -1);
    assert_non_null(strstr(buf_text(&why), "was moved or replaced"));
    assert_int_equal(rename(moved, url_of("test.db") + 7), 0);
    buf_finish(&why);
}

static void a_full_disk_is_told(void **state)
{
    enum { SIZE = 2 << 20 };
    char *bytes = calloc(1, SIZE);

    (void)state;
    assert_non_null(bytes);
    struct db_session *admin = db_session_of(
        &fixture, &(struct db_who){ .owner = "tests", .is_system = true, .is_unguarded = true });
    OK(admin, db_exec(admin, DB_BY_CORE, DW_LIST("PRAGMA max_page_count = 100")));
    db_session_destroy(admin);
    assert_error(TRY_EXEC(s, "INSERT INTO things (id, raw) VALUES (1, $1)", ((dw_bytes){ bytes, SIZE })),
                 DW_EUNAVAILABLE, "is full");
    assert_string_equal(db_error_of(s)->detail, "SQLITE_FULL");
    assert_false(db_wants_repeat(s));
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 1);
    free(bytes);
}

static void a_value_cannot_grow_for_ever(void **state)
{
    const char *text;

    (void)state;
    assert_error(TRY_FIND(s, DW_TO(&text), "SELECT hex(zeroblob(100000000))"), DW_ETOOLARGE, "too big");
}

static void a_failure_is_no_end(void **state)
{
    struct db_rows *rows;
    int rc;

    (void)state;
    OK(s, db_query(s, &rows, DB_BY_PLUGIN,
                   DW_LIST("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5) "
                           "SELECT CASE WHEN n < 3 THEN n ELSE hex(zeroblob(100000000)) END FROM c")));
    while ((rc = db_rows_next(rows)) > 0)
        continue;
    assert_int_equal(rc, DW_ETOOLARGE);
    assert_int_equal(db_rows_next(rows), DW_ETOOLARGE);
    db_rows_close(rows);
}

/* ---- other processes; a connection that is not the driver's stands for one ---- */

static sqlite3 *open_raw(void)
{
    sqlite3 *raw;

    assert_int_equal(sqlite3_open(url_of("test.db") + 7, &raw), SQLITE_OK);
    return raw;
}

static void run_raw(sqlite3 *raw, const char *sql)
{
    char *error = NULL;

    if (sqlite3_exec(raw, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

static void another_writer_is_waited_for(void **state)
{
    sqlite3 *raw = open_raw();
    int64_t began;

    (void)state;
    run_raw(raw, "BEGIN IMMEDIATE");
    began = clock_monotonic_us();
    assert_error(TRY_EXEC(s, "INSERT INTO things (id) VALUES (1)"), DW_EUNAVAILABLE,
                 "another process keeps the database locked");
    assert_in_range(clock_monotonic_us() - began, CLOCK_SECOND, 20 * CLOCK_SECOND);
    assert_true(db_wants_repeat(s));
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 0); /* who reads does not wait */
    run_raw(raw, "COMMIT");
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    sqlite3_close(raw);
}

static void *commit_soon(void *ud)
{
    usleep(100 * CLOCK_MS);
    run_raw(ud, "COMMIT");
    return NULL;
}

static void a_short_wait_is_not_seen(void **state)
{
    sqlite3 *raw = open_raw();
    pthread_t thread;

    (void)state;
    run_raw(raw, "BEGIN IMMEDIATE; INSERT INTO things (id) VALUES (1)");
    assert_int_equal(pthread_create(&thread, NULL, commit_soon, raw), 0);
    EXEC(s, "INSERT INTO things (id) VALUES (2)");
    pthread_join(thread, NULL);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 2);
    sqlite3_close(raw);
}

static void two_servers_write_in_turns(void **state)
{
    struct db_fixture other = fixture;
    struct buf why = BUF_INIT;

    (void)state;
    assert_int_equal(db_open(&other.db, &(struct db_options){ .url = fixture.url }, &why), 0);
    struct db_session *theirs = db_session_system(&other);
    for (int i = 0; i < 50; i++) {
        EXEC(s, "INSERT INTO things (id) VALUES ($1)", 2 * i);
        EXEC(theirs, "INSERT INTO things (id) VALUES ($1)", 2 * i + 1);
    }
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 100);
    OK(s, db_lock(s, "migrations", 0));
    assert_int_equal(db_lock(theirs, "migrations", 50 * CLOCK_MS), DW_EUNAVAILABLE);
    db_session_destroy(theirs);
    db_close(other.db);
    buf_finish(&why);
}

/* The kernel takes the lock from a process that is gone. */
static void a_killed_process_lets_go_of_its_lock(void **state)
{
    int ready[2];
    char byte;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct buf why = BUF_INIT;
        struct db_fixture mine = fixture;
        struct db_session *session;
        const struct db_who who = { .owner = "tests", .is_system = true };
        if (db_open(&mine.db, &(struct db_options){ .url = fixture.url }, &why) == 0 &&
            db_session_create(&session, mine.db, &who) == 0 && db_lock(session, "migrations", 0) == 0 &&
            write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_true(child > 0);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    assert_error(db_lock(s, "migrations", 50 * CLOCK_MS), DW_EUNAVAILABLE, "has the lock \"migrations\"");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    OK(s, db_lock(s, "migrations", 10 * (int64_t)CLOCK_SECOND));
    assert_error(db_lock(s, "../x", 0), DW_EMISUSE, "small letters");
}

static void what_a_killed_process_wrote_is_there_or_not(void **state)
{
    int progress[2];
    int32_t last = -1, n;

    (void)state;
    assert_int_equal(pipe(progress), 0);
    pid_t child = fork();
    if (child == 0) {
        struct buf why = BUF_INIT;
        struct db_fixture mine = fixture;
        struct db_session *session;
        const struct db_who who = { .owner = "tests", .is_system = true };
        if (db_open(&mine.db, &(struct db_options){ .url = fixture.url }, &why) != 0 ||
            db_session_create(&session, mine.db, &who) != 0)
            _exit(1);
        for (int32_t i = 0; i < 100000; i++) {
            if (TRY_EXEC(session, "INSERT INTO things (id) VALUES ($1)", i) != 1 ||
                write(progress[1], &i, sizeof(i)) != sizeof(i))
                _exit(1);
        }
        _exit(0);
    }
    assert_true(child > 0);
    close(progress[1]);
    while (last < 50 && read(progress[0], &n, sizeof(n)) == sizeof(n))
        last = n;
    kill(child, SIGKILL);
    while (read(progress[0], &n, sizeof(n)) == sizeof(n))
        last = n;
    waitpid(child, NULL, 0);
    close(progress[0]);
    int64_t there = NUMBER(s, "SELECT count(*) FROM things");
    assert_in_range(there, last + 1, last + 2);
    assert_int_equal(NUMBER(s, "SELECT max(id) FROM things"), there - 1);
    EXEC(s, "INSERT INTO things (id) VALUES (-1)");
}

/* ---- notices ---- */

static struct {
    pthread_mutex_t lock;
    unsigned n, lost;
} heard = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void hear(const char *channel, const char *text, void *ud)
{
    (void)ud;
    (void)channel;
    (void)text;
    pthread_mutex_lock(&heard.lock);
    heard.n++;
    pthread_mutex_unlock(&heard.lock);
}

static void hear_loss(void *ud)
{
    (void)ud;
    pthread_mutex_lock(&heard.lock);
    heard.lost++;
    pthread_mutex_unlock(&heard.lock);
}

static void wait_for_heard(unsigned n, unsigned lost)
{
    int64_t limit = clock_monotonic_us() + 10 * (int64_t)CLOCK_SECOND;
    bool is_so = false;

    while (!is_so) {
        if (clock_monotonic_us() > limit)
            fail_msg("heard %u notices and %u losses", heard.n, heard.lost);
        usleep(10 * CLOCK_MS);
        pthread_mutex_lock(&heard.lock);
        is_so = heard.n == n && heard.lost == lost;
        pthread_mutex_unlock(&heard.lock);
    }
}

static void notices_cross_processes_and_losses_are_told(void **state)
{
    const struct db_listener listener = { .notice = hear, .lost = hear_loss };
    sqlite3 *raw = open_raw();

    (void)state;
    assert_int_equal(db_listen(fixture.db, &listener), 0);
    assert_int_equal(db_listen(fixture.db, &listener), -1);
    run_raw(raw, "INSERT INTO dowel_notices (channel, notice, at_us) VALUES ('a', 'b', 0), ('a', 'c', 0)");
    wait_for_heard(2, 0);
    /* As if it had been away until others pruned what it missed. */
    run_raw(raw,
            "BEGIN; INSERT INTO dowel_notices (channel, notice, at_us) VALUES ('a', 'd', 0), ('a', 'e', 0); "
            "DELETE FROM dowel_notices WHERE notice = 'd'; COMMIT");
    wait_for_heard(3, 1);
    sqlite3_close(raw);
}

/* A command line makes a table of tenants while the server runs. */
static void a_wall_that_another_process_made_is_learnt(void **state)
{
    const struct db_listener listener = { .notice = hear, .lost = hear_loss };
    struct db_session *tenant = db_session_tenant(&fixture, TENANT_A);
    sqlite3 *raw = open_raw();
    int64_t limit = clock_monotonic_us() + 10 * (int64_t)CLOCK_SECOND;

    (void)state;
    assert_int_equal(db_listen(fixture.db, &listener), 0);
    assert_int_equal(NUMBER(tenant, "SELECT count(*) FROM things"), 0);
    run_raw(raw, "BEGIN; CREATE TABLE later (tenant_id UUID, id BIGINT); INSERT INTO later VALUES ('" TENANT_A
                 "', 1), "
                 "('" TENANT_B "', 2); CREATE TABLE dowel_tenant_tables (name TEXT, owner TEXT); "
                 "INSERT INTO dowel_tenant_tables VALUES ('later', 'core'); COMMIT");
    while (NUMBER(tenant, "SELECT count(*) FROM later") != 1) {
        if (clock_monotonic_us() > limit)
            fail_msg("the wall does not come");
        usleep(10 * CLOCK_MS);
    }
    sqlite3_close(raw);
    db_session_destroy(tenant);
}

/* ---- one thread, two sessions ---- */

static void a_thread_does_not_wait_for_itself(void **state)
{
    struct db_session *derived = db_session_system(&fixture);
    int64_t began = clock_monotonic_us();

    (void)state;
    OK(s, db_begin(s));
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    assert_int_equal(NUMBER(derived, "SELECT count(*) FROM things"), 0);
    assert_int_equal(TRY_EXEC(derived, "INSERT INTO things (id) VALUES (2)"), DW_ETX);
    assert_int_equal(db_begin(derived), DW_ETX);
    assert_in_range(clock_monotonic_us() - began, 0, 10 * CLOCK_SECOND);
    OK(s, db_commit(s));
    EXEC(derived, "INSERT INTO things (id) VALUES (2)");
    db_session_destroy(derived);
}

/* ---- the file that is made ---- */

static void a_new_file_is_its_owners(void **state)
{
    struct stat st;
    const char *mode;

    (void)state;
    assert_int_equal(stat(url_of("test.db") + 7, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(url_of("test.db-wal") + 7, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    sqlite3 *raw = open_raw();
    sqlite3_stmt *pragma;
    assert_int_equal(sqlite3_prepare_v2(raw, "PRAGMA auto_vacuum", -1, &pragma, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(pragma), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(pragma, 0), 2);
    sqlite3_finalize(pragma);
    assert_int_equal(sqlite3_prepare_v2(raw, "PRAGMA journal_mode", -1, &pragma, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(pragma), SQLITE_ROW);
    mode = (const char *)sqlite3_column_text(pragma, 0);
    assert_string_equal(mode, "wal");
    sqlite3_finalize(pragma);
    sqlite3_close(raw);
}

static void names_in_quotes_are_no_texts(void **state)
{
    const char *text;

    (void)state;
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    assert_error(TRY_FIND(s, DW_TO(&text), "SELECT \"nothing\" FROM things"), DW_EMISUSE, "nothing");
}

/* ---- what others stored ---- */

static void foreign_bytes_do_no_harm(void **state)
{
    sqlite3 *raw = open_raw();
    struct buf json = BUF_INIT;
    struct db_rows *rows;
    const char *text;
    dw_time at;

    (void)state;
    run_raw(raw, "INSERT INTO things (id, name, at) VALUES (1, CAST(x'ff41' AS TEXT), 'yesterday')");
    OK(s, db_query(s, &rows, DB_BY_PLUGIN, DW_LIST("SELECT name FROM things")));
    assert_int_equal(OK(s, db_rows_next(rows)), 1);
    assert_int_equal(db_rows_write_json(rows, &json), -1);
    db_rows_close(rows);
    OK(s, db_query(s, &rows, DB_BY_PLUGIN, DW_LIST("SELECT name AS \"doc::json\" FROM things")));
    assert_int_equal(OK(s, db_rows_next(rows)), 1);
    assert_int_equal(db_rows_write_json(rows, &json), -1);
    db_rows_close(rows);
    assert_error(TRY_FIND(s, DW_TO(&at), "SELECT at FROM things"), DW_EMISUSE, "a time");
    FIND(s, DW_TO(&text), "SELECT at FROM things");
    assert_string_equal(text, "yesterday");
    sqlite3_close(raw);
    buf_finish(&json);
}

/* ---- connections that are used again ---- */

static void a_changed_table_is_read_as_it_is(void **state)
{
    struct buf json = BUF_INIT;

    (void)state;
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    JSON_OF(s, &json, "SELECT * FROM things");
    assert_string_equal(buf_text(&json), "{\"id\":1,\"name\":null,\"raw\":null,\"at\":null}");
    assert_int_equal(db_fixture_script(&fixture, "ALTER TABLE things ADD COLUMN is_new BOOLEAN DEFAULT 1;"),
                     0);
    JSON_OF(s, &json, "SELECT * FROM things");
    assert_string_equal(buf_text(&json), "{\"id\":1,\"name\":null,\"raw\":null,\"at\":null,\"is_new\":true}");
    buf_finish(&json);
}

static void many_statements_are_forgotten_again(void **state)
{
    char sql[64];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        snprintf(sql, sizeof(sql), "SELECT %d", i);
        assert_int_equal(NUMBER(s, (const char *)sql), i);
    }
}

static void one_statement_can_be_open_often(void **state)
{
    static const char sql[] = "SELECT id FROM things ORDER BY id";
    struct db_rows *rows[5];
    int64_t id;

    (void)state;
    EXEC(s, "INSERT INTO things (id) VALUES (1), (2)");
    for (int i = 0; i < 5; i++) {
        OK(s, db_query(s, &rows[i], DB_BY_PLUGIN, DW_LIST(sql)));
        assert_int_equal(OK(s, db_rows_next(rows[i])), 1);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(OK(s, db_rows_next(rows[i])), 1);
        OK(s, db_rows_read(rows[i], DW_TO(&id)));
        assert_int_equal(id, 2);
        db_rows_close(rows[i]);
    }
}

/* ---- the authorizer, where the reader of statements would let it pass ---- */

static void the_cores_own_sessions_are_held_too(void **state)
{
    (void)state;
    assert_error(db_exec(s, DB_BY_CORE, DW_LIST("DROP TABLE things")), DW_EMISUSE, "");
    assert_error(db_exec(s, DB_BY_CORE, DW_LIST("ATTACH 'x.db' AS x")), DW_EMISUSE, "");
    assert_error(db_exec(s, DB_BY_CORE, DW_LIST("PRAGMA foreign_keys = OFF")), DW_EMISUSE, "");
    assert_error(db_exec(s, DB_BY_CORE, DW_LIST("SAVEPOINT x")), DW_EMISUSE, "");
    assert_error(db_run_script(s, STR_OF("DROP TABLE things")), DW_EMISUSE, "unguarded");
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
}

/* One of A, one of B; s is A's then. */
static void make_cases(const char *more)
{
    struct buf sql = BUF_INIT;

    buf_add_format(&sql,
                   "CREATE TABLE cases (tenant_id UUID NOT NULL, id BIGINT, PRIMARY KEY (tenant_id, id));"
                   "INSERT INTO cases VALUES ('" TENANT_A "', 1), ('" TENANT_B "', 2);%s",
                   more);
    assert_int_equal(db_fixture_script(&fixture, buf_text(&sql)), 0);
    buf_finish(&sql);
    assert_int_equal(db_fixture_wall(&fixture, "cases"), 0);
    db_session_destroy(s);
    s = db_session_tenant(&fixture, TENANT_A);
}

static void a_view_does_not_look_over_the_wall(void **state)
{
    (void)state;
    make_cases("CREATE VIEW all_cases AS SELECT * FROM cases;");
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM cases"), 1);
    assert_error(TRY_EXEC(s, "SELECT * FROM all_cases"), DW_EMISUSE, "prohibited");
}

/* Functions that are tables read their argument, and nothing of anybody's; those about the database stay refused. */
static void json_can_be_read_as_rows(void **state)
{
    struct buf json = BUF_INIT;

    (void)state;
    make_cases("");
    assert_int_equal(
        EXEC(s, "INSERT INTO cases (tenant_id, id) SELECT :tenant, value FROM json_each($1)", "[7, 8, 9]"),
        3);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(NUMBER(s, "SELECT sum(value) FROM json_each($1)", "[1, 2, 3]"), 6);
        assert_string_equal(JSON_OF(s, &json, "SELECT key, value FROM json_each($1)", "{\"a\": \"b\"}"),
                            "{\"key\":\"a\",\"value\":\"b\"}");
        assert_string_equal(JSON_OF(s, &json, "SELECT fullkey, atom FROM json_tree($1)", "[5]"),
                            "{\"fullkey\":\"$\",\"atom\":null}{\"fullkey\":\"$[0]\",\"atom\":5}");
        assert_int_equal(
            NUMBER(s, "SELECT count(*) FROM json_tree($1) WHERE key = 'a'", "{\"b\": {\"a\": 1}}"), 1);
        assert_int_equal(NUMBER(s, "SELECT count(*) FROM cases JOIN json_each($1) j ON j.value = cases.id",
                                "[1, 2, 7, 8]"),
                         3);
        /* Connections read the schema again. */
        assert_int_equal(db_fixture_script(&fixture, i ? "" : "CREATE TABLE more (id BIGINT);"), 0);
    }
    assert_error(TRY_EXEC(s, "SELECT * FROM dbstat"), DW_EMISUSE, "");
    assert_error(TRY_EXEC(s, "SELECT * FROM pragma_table_info('cases')"), DW_EMISUSE, "");
    assert_error(TRY_EXEC(s, "SELECT * FROM sqlite_stmt"), DW_EMISUSE, "");
    assert_error(TRY_EXEC(s, "SELECT * FROM bytecode('SELECT 1')"), DW_EMISUSE, "");
    buf_finish(&json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(urls_say_what_they_are),
        TEST(a_file_that_is_none_is_told),
        TEST(what_may_not_be_written_is_told),
        TEST(a_damaged_file_is_told),
        TEST(a_file_that_was_moved_is_noticed),
        TEST(a_full_disk_is_told),
        TEST(a_value_cannot_grow_for_ever),
        TEST(a_failure_is_no_end),
        TEST(another_writer_is_waited_for),
        TEST(a_short_wait_is_not_seen),
        TEST(two_servers_write_in_turns),
        TEST(a_killed_process_lets_go_of_its_lock),
        TEST(what_a_killed_process_wrote_is_there_or_not),
        TEST(notices_cross_processes_and_losses_are_told),
        TEST(a_wall_that_another_process_made_is_learnt),
        TEST(a_thread_does_not_wait_for_itself),
        TEST(a_new_file_is_its_owners),
        TEST(names_in_quotes_are_no_texts),
        TEST(foreign_bytes_do_no_harm),
        TEST(a_changed_table_is_read_as_it_is),
        TEST(many_statements_are_forgotten_again),
        TEST(one_statement_can_be_open_often),
        TEST(the_cores_own_sessions_are_held_too),
        TEST(a_view_does_not_look_over_the_wall),
        TEST(json_can_be_read_as_rows),
    };
    return cmocka_run_group_tests_name("db_sqlite", tests, NULL, NULL);
}
