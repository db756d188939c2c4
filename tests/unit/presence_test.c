/* Who lives in a data folder, and who is known to be dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "jobs/presence.h"

enum { PATH_SIZE = 160 };

static char folder[32];
static struct presence self;

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/dowel-there-XXXXXX");
    return mkdtemp(folder) && presence_begin(&self, folder, "host:1:self", "self") == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    presence_end(&self, true);
    return folder_remove(folder);
}

static void path_of(char out[PATH_SIZE], const char *in, const char *file)
{
    snprintf(out, PATH_SIZE, "%s/servers/%s", in, file);
}

static bool is_there(const char *file)
{
    char path[PATH_SIZE];

    path_of(path, folder, file);
    return access(path, F_OK) == 0;
}

static int find(struct presence_dead *out)
{
    return presence_find_dead(&self, out, 8);
}

static void begin(struct presence *p, const char *in)
{
    assert_int_equal(presence_begin(p, in, "host:2:other", "other"), 0);
}

/* One that has died, as it would. */
static void leave(const char *in)
{
    struct presence p;

    begin(&p, in);
    presence_end(&p, false);
}

/* ---- tests ---- */

static void who_lives_is_not_found(void **state)
{
    struct presence_dead dead[8];
    struct presence other;

    (void)state;
    begin(&other, folder);
    assert_int_equal(find(dead), 0);
    assert_true(is_there("other"));
    presence_end(&other, true);
    assert_int_equal(find(dead), 0);
    assert_false(is_there("other"));
}

static void who_was_killed_is_found_at_once(void **state)
{
    struct presence_dead dead[8];
    int ends[2], status;
    char ready;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct presence p;
        ready = presence_begin(&p, folder, "host:2:other", "other") == 0 ? 'y' : 'n';
        if (write(ends[1], &ready, 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ends[0], &ready, 1), 1);
    assert_int_equal(ready, 'y');
    assert_int_equal(find(dead), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(ends[0]);
    close(ends[1]);

    for (int i = 0; i < 2; i++) {
        assert_int_equal(find(dead), 1);
        assert_string_equal(dead[0].server, "host:2:other");
    }
    presence_forget(&self, &dead[0]);
    assert_int_equal(find(dead), 0);
    assert_false(is_there("other"));
}

/* Its server may well live, beside the original. */
static void a_copy_proves_nothing(void **state)
{
    char from[PATH_SIZE], to[PATH_SIZE], text[400], elsewhere[] = "/tmp/dowel-there-XXXXXX";
    struct presence_dead dead[8];

    (void)state;
    assert_non_null(mkdtemp(elsewhere));
    leave(elsewhere);
    path_of(from, elsewhere, "other");
    path_of(to, folder, "other");
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ssize_t n = read(in, text, sizeof(text));
    assert_true(n > 0);
    assert_int_equal(write(out, text, (size_t)n), n);
    close(in);
    close(out);
    assert_int_equal(find(dead), 0);
    assert_false(is_there("other"));
    assert_int_equal(access(from, F_OK), 0);
    assert_int_equal(folder_remove(elsewhere), 0);
}

/* The same file, and a text about another start of the machine; or none, or too much of it. */
static void what_is_not_of_this_start_proves_nothing(void **state)
{
    static char much[2000];
    const char *const texts[] = { "host:2:other\n01234567-0000-0000-0000-000000000000\n", "", "\n\n\n",
                                  much };
    struct presence_dead dead[8];
    char path[PATH_SIZE];

    (void)state;
    memset(much, 'x', sizeof(much) - 1);
    path_of(path, folder, "other");
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        leave(folder);
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        fputs(texts[i], f);
        fclose(f);
        assert_int_equal(find(dead), 0);
        assert_false(is_there("other"));
    }
}

/* Whoever has that file may just be beginning. */
static void what_somebody_has_is_left_alone(void **state)
{
    struct presence_dead dead[8];
    struct presence other;

    (void)state;
    begin(&other, folder);
    assert_int_equal(ftruncate(other.fd, 0), 0);
    assert_int_equal(find(dead), 0);
    assert_true(is_there("other"));
    presence_end(&other, true);
}

static void more_than_there_is_room_for_come_later(void **state)
{
    struct presence_dead dead[3];
    struct presence p;
    char name[32];
    int found = 0, n;

    (void)state;
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof(name), "host:3:n%d", i);
        assert_int_equal(presence_begin(&p, folder, name, name + strlen("host:3:")), 0);
        presence_end(&p, false);
    }
    while ((n = presence_find_dead(&self, dead, 3)) > 0) {
        found += n;
        for (int i = 0; i < n; i++)
            presence_forget(&self, &dead[i]);
    }
    assert_int_equal(n, 0);
    assert_int_equal(found, 7);
}

static void where_it_cannot_be_it_says_why(void **state)
{
    struct presence p;

    (void)state;
    assert_int_equal(presence_begin(&p, "/nowhere/at/all", "host:2:other", "other"), -1);
    assert_int_equal(errno, ENOENT);
    presence_end(&p, true);
    assert_int_equal(presence_begin(&p, folder, "host:2:other", "a-name-that-is-much-too-long-to-be-one"),
                     -1);
    assert_int_equal(errno, ENAMETOOLONG);
    begin(&p, folder);
    presence_end(&p, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_lives_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(who_was_killed_is_found_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_proves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_of_this_start_proves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_somebody_has_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_there_is_room_for_come_later, setup, teardown),
        cmocka_unit_test_setup_teardown(where_it_cannot_be_it_says_why, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
