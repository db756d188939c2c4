/* Files that may not be opened are known before they are. */
#include "plugin/files.h"

#include "plugin_folder.h"

#include <elf.h>
#include <link.h>
#include <unistd.h>

static enum plugin_file_fault check(struct plugin_folder *f, const char *path)
{
    struct plugin_file file;

    f->why.n = 0;
    assert_int_equal(plugin_file_at(&file, &f->arena, path, &f->why), 0);
    enum plugin_file_fault fault = plugin_file_check(&file, &f->why);
    assert_int_equal(fault != PLUGIN_FILE_GOOD, f->why.n > 0);
    if (fault == PLUGIN_FILE_GOOD) {
        assert_int_equal(strlen(file.hash), 64);
        assert_true(plugin_file_is_same(&file));
    }
    return fault;
}

static void refused(struct plugin_folder *f, const char *path, enum plugin_file_fault fault, const char *said)
{
    assert_int_equal(check(f, path), fault);
    assert_has(buf_text(&f->why), said);
}

/* ---- what is in it ---- */

static void a_good_one_is_good(void **state)
{
    assert_int_equal(check(*state, plugin_folder_take(*state, "innocent")), PLUGIN_FILE_GOOD);
}

/* Nothing that is cut off anywhere is taken for whole. */
static void a_cut_off_one_is_refused(void **state)
{
    struct plugin_folder *f = *state;
    struct str bytes = plugin_folder_bytes(f, "innocent");

    for (size_t n = 0; n < bytes.n; n += n < 4096 ? 13 : 997) {
        const char *path = plugin_folder_write(f, "innocent.so", str_make(bytes.p, n));
        if (check(f, path) != PLUGIN_FILE_BROKEN)
            fail_msg("the first %zu of %zu bytes are taken for a plugin", n, bytes.n);
    }
    refused(f, plugin_folder_write(f, "innocent.so", str_make(bytes.p, 0)), PLUGIN_FILE_BROKEN, "is empty");
    refused(f, plugin_folder_write(f, "innocent.so", str_make(bytes.p, bytes.n / 2)), PLUGIN_FILE_BROKEN,
            "is cut off");
}

static void another_kind_of_file_is_refused(void **state)
{
    struct plugin_folder *f = *state;

    refused(f, plugin_folder_write(f, "x.so", STR_OF("#!/bin/sh\n")), PLUGIN_FILE_BROKEN,
            "is not a shared object");
    assert_int_equal(mkfifo(plugin_folder_path(f, "fifo.so"), 0600), 0);
    refused(f, plugin_folder_path(f, "fifo.so"), PLUGIN_FILE_BROKEN, "is not a regular file");
    assert_int_equal(mkdir(plugin_folder_path(f, "folder.so"), 0700), 0);
    refused(f, plugin_folder_path(f, "folder.so"), PLUGIN_FILE_BROKEN, "is not a regular file");
    refused(f, plugin_folder_path(f, "nothing.so"), PLUGIN_FILE_BROKEN, "No such file");
}

static void change_header(struct plugin_folder *f, void (*change)(ElfW(Ehdr) * head), const char *said)
{
    struct str bytes = plugin_folder_bytes(f, "innocent");
    ElfW(Ehdr) head;

    memcpy(&head, bytes.p, sizeof(head));
    change(&head);
    char *copy = arena_copy(&f->arena, bytes);
    assert_non_null(copy);
    memcpy(copy, &head, sizeof(head));
    refused(f, plugin_folder_write(f, "innocent.so", str_make(copy, bytes.n)), PLUGIN_FILE_BROKEN, said);
}

static void other_machine(ElfW(Ehdr) * head)
{
    head->e_machine = head->e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
}

static void other_class(ElfW(Ehdr) * head)
{
    head->e_ident[EI_CLASS] = head->e_ident[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
}

static void unknown_machine(ElfW(Ehdr) * head)
{
    head->e_machine = 0x7fff;
}

static void object_file(ElfW(Ehdr) * head)
{
    head->e_type = ET_REL;
}

static void far_segments(ElfW(Ehdr) * head)
{
    head->e_phoff = (ElfW(Off)) - 8;
}

static void odd_segments(ElfW(Ehdr) * head)
{
    head->e_phentsize = 7;
}

static void no_segments(ElfW(Ehdr) * head)
{
    head->e_phnum = 0;
}

static void another_machine_is_named(void **state)
{
    change_header(*state, other_machine, "machines (64 bits), this server is for");
    change_header(*state, other_class, "32 bits");
    change_header(*state, unknown_machine, "another kind of machines");
    change_header(*state, object_file, "not a shared object");
    change_header(*state, far_segments, "its list of segments is missing");
    change_header(*state, odd_segments, "is damaged");
    change_header(*state, no_segments, "is damaged");
}

/* ---- whose it is ---- */

static void what_others_may_write_is_refused(void **state)
{
    struct plugin_folder *f = *state;
    char *path = plugin_folder_take(f, "innocent"), *command = arena_format(&f->arena, "chmod go-w %s", path);

    assert_int_equal(chmod(path, 0757), 0);
    refused(f, path, PLUGIN_FILE_UNSAFE, "may be written by everyone (mode 0757)");
    assert_has(buf_text(&f->why), command);
    assert_int_equal(chmod(path, 0775), 0);
    refused(f, path, PLUGIN_FILE_UNSAFE, "may be written by its group (mode 0775)");
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(chmod(f->path, 0777), 0);
    refused(f, path, PLUGIN_FILE_UNSAFE, "its directory may be written by everyone");
    assert_has(buf_text(&f->why), arena_format(&f->arena, "chmod go-w %s", f->path));
    assert_int_equal(chmod(f->path, 0700), 0);
    assert_int_equal(check(f, path), PLUGIN_FILE_GOOD);
}

static void behind_a_link_the_same_is_asked(void **state)
{
    struct plugin_folder *f = *state;
    char *folder = plugin_folder_path(f, "open"), *link = plugin_folder_path(f, "innocent.so");

    assert_int_equal(mkdir(folder, 0700), 0);
    char *target = plugin_folder_write(f, "open/innocent.so", plugin_folder_bytes(f, "innocent"));
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(check(f, link), PLUGIN_FILE_GOOD);
    assert_int_equal(chmod(folder, 0777), 0);
    refused(f, link, PLUGIN_FILE_UNSAFE, arena_format(&f->arena, "chmod go-w %s", folder));
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(chmod(target, 0777), 0);
    refused(f, link, PLUGIN_FILE_UNSAFE, "chmod go-w");
}

static void somebody_elses_is_refused(void **state)
{
    struct plugin_folder *f = *state;
    char *path = plugin_folder_take(f, "innocent");

    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(path, 4711, 4711), 0);
    refused(f, path, PLUGIN_FILE_UNSAFE,
            "belongs to user 4711, who is neither root nor the server's user (0)");
    assert_has(buf_text(&f->why), arena_format(&f->arena, "chown root %s", path));
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chown(f->path, 4711, 4711), 0);
    refused(f, path, PLUGIN_FILE_UNSAFE, "its directory belongs to user 4711");
}

static void doubted(struct plugin_folder *f, const char *path, const char *said)
{
    struct plugin_file file;

    assert_int_equal(check(f, path), PLUGIN_FILE_GOOD);
    assert_int_equal(plugin_file_at(&file, &f->arena, path, &f->why), 0);
    plugin_file_doubt(&file, &f->why);
    if (said)
        assert_has(buf_text(&f->why), said);
    else
        assert_string_equal(buf_text(&f->why), "");
}

/* Somebody who may rename what is in between has the file as well. */
static void what_is_above_is_doubted(void **state)
{
    struct plugin_folder *f = *state;
    char *outer = plugin_folder_path(f, "outer"), *inner = plugin_folder_path(f, "outer/inner"),
         *link = plugin_folder_path(f, "innocent.so");

    assert_int_equal(mkdir(outer, 0700), 0);
    assert_int_equal(mkdir(inner, 0700), 0);
    const char *path = plugin_folder_write(f, "outer/inner/innocent.so", plugin_folder_bytes(f, "innocent"));
    doubted(f, path, NULL);
    assert_int_equal(chmod(outer, 0777), 0);
    doubted(f, path,
            arena_format(&f->arena,
                         "its directory is below %s, which may be written by everyone (mode 0777): chmod "
                         "go-w %s",
                         outer, outer));
    assert_null(strchr(buf_text(&f->why), '\n'));
    assert_int_equal(chmod(outer, 01777), 0);
    doubted(f, path, NULL);
    assert_int_equal(chmod(outer, 0770), 0);
    assert_int_equal(symlink(path, link), 0);
    doubted(f, link, "which may be written by its group");
    f->why.n = 0;
    plugin_directory_doubt(inner, &f->why);
    assert_has(buf_text(&f->why), outer);
    f->why.n = 0;
    plugin_directory_doubt(plugin_folder_path(f, "absent"), &f->why);
    assert_int_equal(f->why.n, 0);
}

static void a_swap_is_seen(void **state)
{
    struct plugin_folder *f = *state;
    struct plugin_file file;
    char *path = plugin_folder_take(f, "innocent"), *other = plugin_folder_take(f, "lonely");

    assert_int_equal(plugin_file_at(&file, &f->arena, path, &f->why), 0);
    assert_int_equal(plugin_file_check(&file, &f->why), PLUGIN_FILE_GOOD);
    assert_true(plugin_file_is_same(&file));
    assert_int_equal(rename(other, path), 0);
    assert_false(plugin_file_is_same(&file));
    assert_int_equal(unlink(path), 0);
    assert_false(plugin_file_is_same(&file));
}

/* ---- finding ---- */

static void the_first_of_a_name_counts(void **state)
{
    struct plugin_folder *f = *state;
    const char *const directories[] = { plugin_folder_path(f, "one"), plugin_folder_path(f, "absent"),
                                        plugin_folder_path(f, "two") };
    struct plugin_files files;

    assert_int_equal(mkdir(directories[0], 0700), 0);
    assert_int_equal(mkdir(directories[2], 0700), 0);
    plugin_folder_write(f, "one/b.so", STR_OF("x"));
    plugin_folder_write(f, "one/readme.txt", STR_OF("x"));
    plugin_folder_write(f, "one/.hidden.so", STR_OF("x"));
    char *second = plugin_folder_write(f, "two/b.so", STR_OF("x"));
    plugin_folder_write(f, "two/a.so", STR_OF("x"));
    assert_int_equal(plugin_files_find(&files, &f->arena, directories, 3, &f->why), 0);
    assert_int_equal(files.n, 2);
    assert_string_equal(files.v[0].name, "a");
    assert_null(files.v[0].shadowed);
    assert_string_equal(files.v[1].path, plugin_folder_path(f, "one/b.so"));
    assert_string_equal(files.v[1].shadowed, second);
}

static void a_directory_that_is_none_is_told(void **state)
{
    struct plugin_folder *f = *state;
    const char *const directories[] = { plugin_folder_write(f, "file", STR_OF("x")), f->path };
    struct plugin_files files;

    plugin_folder_take(f, "innocent");
    assert_int_equal(plugin_files_find(&files, &f->arena, directories, 2, &f->why), -1);
    assert_has(buf_text(&f->why), "plugins cannot be looked for there: Not a directory");
    assert_int_equal(files.n, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, plugin_folder_setup, plugin_folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_good_one_is_good),
        TEST(a_cut_off_one_is_refused),
        TEST(another_kind_of_file_is_refused),
        TEST(another_machine_is_named),
        TEST(what_others_may_write_is_refused),
        TEST(behind_a_link_the_same_is_asked),
        TEST(somebody_elses_is_refused),
        TEST(what_is_above_is_doubted),
        TEST(a_swap_is_seen),
        TEST(the_first_of_a_name_counts),
        TEST(a_directory_that_is_none_is_told),
    };
    return cmocka_run_group_tests_name("plugin_files", tests, NULL, NULL);
}
