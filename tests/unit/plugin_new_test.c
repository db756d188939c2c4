/* `dowel plugin new`: a folder that is whole, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/plugin_new.h"
#include "folder.h"

struct fixture {
    char root[64];
    char path[640]; /* of the last below() */
    struct buf why;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (!f)
        return -1;
    strcpy(f->root, "/tmp/dowel-XXXXXX");
    *state = f;
    return mkdtemp(f->root) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    buf_finish(&f->why);
    folder_remove(f->root);
    free(f);
    return 0;
}

static const char *below(struct fixture *f, const char *path)
{
    snprintf(f->path, sizeof(f->path), "%s/%s", f->root, path);
    return f->path;
}

static bool there(struct fixture *f, const char *path)
{
    return access(below(f, path), F_OK) == 0;
}

static void assert_refused(struct fixture *f, const char *name, const char *directory, const char *reason)
{
    buf_finish(&f->why);
    assert_int_equal(plugin_new(name, directory, &f->why), -1);
    if (!strstr(buf_text(&f->why), reason))
        fail_msg("'%s' does not say '%s'", buf_text(&f->why), reason);
}

static void writes_the_whole_template(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(plugin_new("notes", below(f, "work/notes"), &f->why), 0);
    assert_int_equal(f->why.n, 0);
    assert_true(there(f, "work/notes/CMakeLists.txt"));
    assert_true(there(f, "work/notes/.gitignore"));
    assert_true(there(f, "work/notes/README.md"));
    assert_true(there(f, "work/notes/api.yaml"));
    assert_true(there(f, "work/notes/notes.c"));
    assert_true(there(f, "work/notes/migrations/0001_guests.sql"));
    assert_true(there(f, "work/notes/conf.d/notes.yaml"));
    assert_true(there(f, "work/notes/tests/notes_test.c"));
}

static void puts_the_name_everywhere(void **state)
{
    struct fixture *f = *state;
    char text[16384];

    assert_int_equal(plugin_new("notes", below(f, "notes"), &f->why), 0);
    for (const dw_asset *asset = template_assets; asset->path; asset++) {
        const char *at = strstr(asset->path, "myplugin");
        if (!at)
            continue;
        char path[256];
        snprintf(path, sizeof(path), "notes/%.*snotes%s", (int)(at - asset->path), asset->path,
                 at + strlen("myplugin"));
        FILE *file = fopen(below(f, path), "r");
        assert_non_null(file);
        size_t n = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
        text[n] = 0;
        assert_null(strstr(text, "myplugin"));
        assert_non_null(strstr(text, "notes"));
    }
}

static void takes_an_empty_folder(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(below(f, "notes"), 0755), 0);
    assert_int_equal(plugin_new("notes", below(f, "notes"), &f->why), 0);
    assert_true(there(f, "notes/notes.c"));
}

static void refuses_names(void **state)
{
    static const char *const bad[] = { "",       "Notes",  "1notes", "_notes",
                                       "no-tes", "../etc", "no tes", "a23456789012345678901234567890123" };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(f, bad[i], below(f, "x"), "is no name for a plugin");
    assert_refused(f, "core", below(f, "x"), "a name of the server's own");
    assert_refused(f, "http", below(f, "x"), "a name of the server's own");
    assert_refused(f, "a__b", below(f, "x"), "no two _ together");
    assert_refused(f, "test", below(f, "x"), "CMake");
    assert_false(there(f, "x"));
    assert_int_equal(plugin_new("a2345678901234567890123456789012", below(f, "x"), &f->why), 0);
}

static void refuses_what_is_in_the_way(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(below(f, "full"), 0755), 0);
    assert_int_equal(mkdir(below(f, "full/mine"), 0755), 0);
    assert_refused(f, "notes", below(f, "full"), "is not empty (there is mine)");
    close(creat(below(f, "file"), 0644));
    assert_refused(f, "notes", below(f, "file"), "Not a directory");
    assert_refused(f, "notes", "", "has no name");
}

/* No file may grow past some bytes: the first files can be written, one of the later cannot. */
static void removes_what_it_made_when_it_fails(void **state)
{
    struct fixture *f = *state;
    struct rlimit small = { 512, RLIM_INFINITY }, before;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int result = plugin_new("notes", below(f, "a/b/notes"), &f->why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    assert_int_equal(result, -1);
    assert_non_null(strstr(buf_text(&f->why), "cannot be written"));
    assert_false(there(f, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_the_whole_template, set_up, tear_down),
        cmocka_unit_test_setup_teardown(puts_the_name_everywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_an_empty_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_in_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removes_what_it_made_when_it_fails, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("plugin_new", tests, NULL, NULL);
}
