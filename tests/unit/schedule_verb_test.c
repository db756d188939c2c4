/* `dowel schedule`, each call a process of its own, on a database of the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "jobs/schedule.h"
#include "jobs_fixture.h"
#include "util/compiler.h"

enum { ARGUMENTS_MAX = 8, TEXT_MAX = 1 << 14 };

static struct jobs_fixture fixture;

static struct {
    int code;
    char out[TEXT_MAX], err[TEXT_MAX];
} spoken;

static void read_back(int fd, char *out)
{
    ssize_t n = pread(fd, out, TEXT_MAX - 1, 0);

    assert_true(n >= 0);
    out[n] = 0;
    close(fd);
}

static int scratch(void)
{
    int fd = open(fixture.db.folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    return fd;
}

/* Arguments end with NULL. The exit code. */
static int dowel(const char *const *arguments)
{
    char *argv[ARGUMENTS_MAX + 3] = { (char *)(uintptr_t) "dowel", (char *)(uintptr_t) "schedule" };
    int argc = 2, out = scratch(), err = scratch(), status;

    for (; arguments[argc - 2]; argc++) {
        assert_true(argc < ARGUMENTS_MAX + 2);
        argv[argc] = (char *)(uintptr_t)arguments[argc - 2];
    }
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        clearenv();
        setenv("DATABASE_URL", fixture.db.url, 1);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        alarm(20);
        int code = chdir(fixture.db.folder) == 0 ? cli_main(argc, argv) : 120;
        fflush(NULL);
        _exit(code);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    spoken.code = WEXITSTATUS(status);
    read_back(out, spoken.out);
    read_back(err, spoken.err);
    return spoken.code;
}

#define DOWEL(...) dowel((const char *const[]){ __VA_ARGS__, NULL })

static void assert_in(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("\"%s\" is not in: %s", wanted, text);
}

/* Two rows, as a server's first look leaves them. */
static void make_schedules(void)
{
    const struct schedules_options options = { .db = fixture.db.db };
    const struct schedule_plan plans[] = {
        { .owner = "notes",
          .name = "tidy",
          .job = "sweep",
          .when = "0 3 * * *",
          .zone = "Europe/Berlin",
          .is_across_tenants = true },
        { .owner = "csvtime",
          .name = "poll",
          .job = "read",
          .when = "every 1h30m",
          .is_across_tenants = true },
    };
    struct buf why = BUF_INIT;
    struct schedules *s;
    int64_t next_us;

    assert_int_equal(schedules_create(&s, &options, &why), 0);
    for (size_t i = 0; i < DW_COUNT_OF(plans); i++)
        assert_int_equal(schedules_add(s, &plans[i], &why), 0);
    assert_int_equal(schedules_tick(s, &next_us, &why), 0);
    schedules_destroy(s);
    buf_finish(&why);
}

static int setup(void **state)
{
    (void)state;
    return jobs_fixture_open(&fixture);
}

static int teardown(void **state)
{
    (void)state;
    jobs_fixture_close(&fixture);
    return 0;
}

static json_t *listed(void)
{
    json_error_t error;

    assert_int_equal(DOWEL("list", "--output", "json"), CLI_OK);
    json_t *rows = json_loads(spoken.out, 0, &error);
    if (!rows)
        fail_msg("%s in %s", error.text, spoken.out);
    return rows;
}

static void list_tells_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(DOWEL("list"), CLI_OK);
    assert_in(spoken.out, "no schedules");
    make_schedules();
    assert_int_equal(DOWEL("list"), CLI_OK);
    assert_in(spoken.out, "NAME");
    assert_in(spoken.out, "notes.tidy    -       0 3 * * *    Europe/Berlin  2");
    json_t *rows = listed();
    assert_int_equal(json_array_size(rows), 2);
    const json_t *poll = json_array_get(rows, 0);
    assert_string_equal(json_string_value(json_object_get(poll, "name")), "csvtime.poll");
    assert_string_equal(json_string_value(json_object_get(poll, "job")), "csvtime.read");
    assert_string_equal(json_string_value(json_object_get(poll, "when")), "every 1h30m");
    assert_true(json_is_null(json_object_get(poll, "tenant")));
    assert_true(json_is_null(json_object_get(poll, "fired_at")));
    assert_true(json_is_string(json_object_get(poll, "next_at")));
    json_decref(rows);
}

static void pause_and_resume(void **state)
{
    (void)state;
    make_schedules();
    assert_int_equal(DOWEL("pause", "notes.tidy"), CLI_OK);
    assert_string_equal(spoken.out, "notes.tidy: paused\n");
    assert_int_equal(DOWEL("list"), CLI_OK);
    assert_in(spoken.out, "  paused\n");
    assert_int_equal(
        JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_schedules WHERE paused_at IS NOT NULL"), 1);
    assert_int_equal(DOWEL("resume", "notes.tidy", "--output", "json"), CLI_OK);
    assert_string_equal(spoken.out, "{\"schedule\":\"notes.tidy\",\"done\":\"goes on\",\"rows\":1}\n");
    assert_int_equal(
        JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_schedules WHERE paused_at IS NOT NULL"), 0);
}

static void run_adds_a_job(void **state)
{
    (void)state;
    make_schedules();
    assert_int_equal(DOWEL("run", "csvtime.poll"), CLI_OK);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE kind = 'csvtime.read'"), 1);
}

static void what_is_not_there_is_told(void **state)
{
    (void)state;
    make_schedules();
    assert_int_equal(DOWEL("pause", "notes.tide"), CLI_FAILED);
    assert_in(spoken.err, "notes.tide: there is no such schedule; see dowel schedule list");
    assert_int_equal(DOWEL("run", "notes.tidy", "t1"), CLI_FAILED);
    assert_in(spoken.err, "of this tenant");
    assert_int_equal(DOWEL("pause"), CLI_USAGE);
    assert_in(spoken.err, "the name of a schedule is missing");
    assert_int_equal(DOWEL("list", "x"), CLI_USAGE);
    assert_int_equal(DOWEL("sing"), CLI_USAGE);
    assert_int_equal(dowel((const char *const[]){ NULL }), CLI_USAGE);
}

static void next_explains_an_expression(void **state)
{
    (void)state;
    assert_int_equal(DOWEL("next", "0 0 29 2 *", "Asia/Tokyo"), CLI_OK);
    assert_in(spoken.out, "-02-29T00:00:00+09:00  ");
    assert_in(spoken.out, "-02-28T15:00:00Z\n");
    assert_int_equal(DOWEL("next", "0 0 30 2 *"), CLI_OK);
    assert_string_equal(spoken.out, "never\n");
    assert_int_equal(DOWEL("next", "every 1d", "--output", "json"), CLI_OK);
    json_t *instants = json_loads(spoken.out, 0, NULL);
    assert_int_equal(json_array_size(instants), 5);
    json_decref(instants);
    assert_int_equal(DOWEL("next", "99 * * * *"), CLI_FAILED);
    assert_in(spoken.err, "the minute \"99\" is out of range");
    assert_int_equal(DOWEL("next", "@daily", "Europe/Berln"), CLI_FAILED);
    assert_in(spoken.err, "did you mean Europe/Berlin?");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(list_tells_what_there_is),
        TEST(pause_and_resume),
        TEST(run_adds_a_job),
        TEST(what_is_not_there_is_told),
        TEST(next_explains_an_expression),
    };
    return DB_ON_EVERY_ENGINE("schedule_verb", tests);
}
