/* Several keys, their setting, and the file that holds them where there is no setting. */
#include "secure/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "log/log.h"
#include "secure/key_file.h"

#define A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define B "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
#define C "_-7dzLuqmYh3ZlVEMyIRAAARIjNEVWZ3iJmqu8zd7v8="

/* Of A: the bytes 00 01 ... 1f. */
#define A_ID "630dcd29"

static struct keyring *keyring_of(const char *text)
{
    struct keyring *k;
    const char *wrong = keyring_parse(&k, str_from(text), NULL);

    if (wrong)
        fail_msg("%s: %s", text, wrong);
    assert_null(keyring_wrong(str_from(text)));
    return k;
}

/* ---- texts ---- */

static void keys_are_read_in_their_order(void **state)
{
    static const char *const texts[] = {
        A "," B "," C,
        A ", " B "\t" C "  ",
        " " A "\n" B "\r\n" C "\r\n",
        "# keys\n" A "#,the newest\n\n" B " # " B "\n," C,
    };
    struct keyring *first = keyring_of(A), *second = keyring_of(B), *third = keyring_of(C);
    (void)state;

    assert_string_equal(keyring_id(first, 0), A_ID);
    for (size_t i = 0; i < DW_COUNT_OF(texts); i++) {
        struct keyring *k = keyring_of(texts[i]);
        assert_int_equal(keyring_count(k), 3);
        assert_string_equal(keyring_id(k, 0), A_ID);
        assert_string_equal(keyring_id(k, 1), keyring_id(second, 0));
        assert_string_equal(keyring_id(k, 2), keyring_id(third, 0));
        keyring_destroy(k);
    }
    keyring_destroy(first);
    keyring_destroy(second);
    keyring_destroy(third);
    keyring_destroy(NULL);
}

static const struct {
    const char *text, *wrong;
    unsigned line;
} wrongs[] = {
    { "", "holds no key", 0 },
    { "# " A "\n", "holds no key", 0 },
    { " ,\n,", "holds no key", 0 },
    { "changeme", "is not a key, ", 1 },
    { A A, "is not a key, ", 1 },
    { A ";" B, "is not a key, ", 1 },
    { A "\n" B "\nx", "is not a key, ", 3 },
    { A "\n\n" A, "holds the same key twice", 3 },
};

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(wrongs); i++) {
        struct keyring *k;
        unsigned line = 99;
        const char *wrong = keyring_parse(&k, str_from(wrongs[i].text), &line);
        assert_null(k);
        assert_non_null(wrong);
        assert_memory_equal(wrong, wrongs[i].wrong, strlen(wrongs[i].wrong));
        assert_int_equal(line, wrongs[i].line);
        assert_non_null(keyring_wrong(str_from(wrongs[i].text)));
    }
    assert_non_null(strstr(keyring_wrong(STR_OF("changeme")), "openssl rand -base64 32 | tr '+/' '-_'"));
}

static void add_key(struct buf *text, int i)
{
    struct fernet_key key = { { 0 } };
    char one[FERNET_KEY_TEXT + 1];

    key.bytes[0] = (unsigned char)i;
    fernet_key_format(&key, one);
    buf_add_format(text, "%s\n", one);
}

static void sixteen_keys_are_enough(void **state)
{
    struct buf text = BUF_INIT;
    struct keyring *k;
    unsigned line;
    (void)state;

    for (int i = 0; i < KEYRING_MAX; i++)
        add_key(&text, i);
    k = keyring_of(buf_text(&text));
    assert_int_equal(keyring_count(k), KEYRING_MAX);
    keyring_destroy(k);
    add_key(&text, KEYRING_MAX);
    assert_string_equal(keyring_parse(&k, buf_str(&text), &line), "holds more than 16 keys");
    assert_int_equal(line, 17);
    buf_finish(&text);
}

/* ---- sealing ---- */

static char *seal(const struct keyring *k, const char *plain)
{
    char *token = malloc(fernet_sealed_size(strlen(plain)) + 1);

    assert_non_null(token);
    assert_int_equal(keyring_seal(k, str_from(plain), token), 0);
    return token;
}

static void rotation_step_by_step(void **state)
{
    struct keyring *old = keyring_of(A), *both = keyring_of(B "," A), *new = keyring_of(B);
    char *token = seal(old, "hello"), room[200], again[200], other_room[200];
    struct fernet_opened opened, reopened;
    (void)state;

    assert_int_equal(keyring_unseal(new, str_from(token), -1, room, &opened), FERNET_INVALID);
    assert_int_equal(keyring_unseal(both, str_from(token), -1, room, &opened), 0);
    assert_int_equal(opened.key, 1);
    assert_true(str_equal(opened.plain, STR_OF("hello")));

    opened.made_s -= 100; /* what was sealed anew stays as old as it was */
    assert_int_equal(keyring_reseal(both, &opened, again), 0);
    assert_int_equal(keyring_unseal(both, str_from(again), -1, other_room, &reopened), 0);
    assert_int_equal(reopened.key, 0);
    assert_int_equal(reopened.made_s, opened.made_s);
    assert_int_equal(keyring_unseal(new, str_from(again), -1, other_room, &reopened), 0);
    assert_true(str_equal(reopened.plain, STR_OF("hello")));
    assert_int_equal(keyring_unseal(new, str_from(again), 1000, other_room, &reopened), 0);
    assert_int_equal(keyring_unseal(new, str_from(again), 99, other_room, &reopened), FERNET_EXPIRED);
    free(token);
    keyring_destroy(old);
    keyring_destroy(both);
    keyring_destroy(new);
}

/* ---- the file ---- */

struct fixture {
    char dir[64], path[96];
    struct keyring *k;
    struct buf why, said;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    snprintf(f->dir, sizeof(f->dir), "/tmp/dowel-keyring-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/secret.key", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    keyring_destroy(f->k);
    buf_finish(&f->why);
    buf_finish(&f->said);
    folder_remove(f->dir);
    free(f);
    return 0;
}

/* What was logged is in f->said. */
static int open_ring(struct fixture *f, const char *setting)
{
    char line[1000];
    int pipes[2];

    keyring_destroy(f->k);
    f->why.n = f->said.n = 0;
    assert_int_equal(pipe(pipes), 0);
    log_set_fd(pipes[1]);
    int result = keyring_open(&f->k, str_from(setting), f->dir, &f->why);
    log_set_fd(2);
    close(pipes[1]);
    ssize_t n = read(pipes[0], line, sizeof(line));
    close(pipes[0]);
    buf_add(&f->said, line, n > 0 ? (size_t)n : 0);
    assert_int_equal(result == 0, f->k != NULL);
    assert_int_equal(result == 0, f->why.n == 0);
    return result;
}

static void write_key_file(struct fixture *f, const char *text, mode_t mode)
{
    FILE *file = fopen(f->path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(f->path, mode), 0);
}

static void assert_refused(struct fixture *f, const char *part)
{
    struct stat before, after;

    assert_int_equal(lstat(f->path, &before), 0);
    assert_int_equal(open_ring(f, ""), -1);
    if (!strstr(buf_text(&f->why), part) || strncmp(f->why.p, f->path, strlen(f->path)) != 0)
        fail_msg("expected \"%s\" in: %s", part, buf_text(&f->why));
    assert_int_equal(lstat(f->path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_size, after.st_size);
}

static void a_missing_file_is_made_once(void **state)
{
    struct fixture *f = *state;
    char id[KEYRING_ID_SIZE], pattern[128];
    struct stat st;
    glob_t found;

    umask(022);
    assert_int_equal(open_ring(f, ""), 0);
    assert_int_equal(keyring_count(f->k), 1);
    memcpy(id, keyring_id(f->k, 0), sizeof(id));
    assert_non_null(strstr(buf_text(&f->said), "back it up"));
    assert_non_null(strstr(buf_text(&f->said), f->path));
    assert_non_null(strstr(buf_text(&f->said), id));
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_uid, geteuid());

    assert_int_equal(open_ring(f, ""), 0);
    assert_string_equal(keyring_id(f->k, 0), id);
    assert_string_equal(buf_text(&f->said), "");
    snprintf(pattern, sizeof(pattern), "%s/*", f->dir);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1); /* nothing temporary is left */
    globfree(&found);
}

static void no_two_files_hold_the_same_key(void **state)
{
    struct fixture *f = *state;
    char id[KEYRING_ID_SIZE];

    assert_int_equal(open_ring(f, ""), 0);
    memcpy(id, keyring_id(f->k, 0), sizeof(id));
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(open_ring(f, ""), 0);
    assert_string_not_equal(keyring_id(f->k, 0), id);
}

static void a_setting_needs_no_file(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(open_ring(f, B "," A), 0);
    assert_int_equal(keyring_count(f->k), 2);
    assert_string_equal(keyring_id(f->k, 1), A_ID);
    assert_int_equal(access(f->path, F_OK), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(open_ring(f, "changeme"), -1);
    assert_string_equal(buf_text(&f->why),
                        "secret_key: is not a key, 44 characters of A-Z a-z 0-9 - _ with one = at the end");
}

static void a_file_of_an_admin_is_read(void **state)
{
    struct fixture *f = *state;

    write_key_file(f, "# 2024\n" A "\n# 2023\n" B, 0400);
    assert_int_equal(open_ring(f, ""), 0);
    assert_int_equal(keyring_count(f->k), 2);
    assert_string_equal(keyring_id(f->k, 0), A_ID);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    static const mode_t modes[] = { 0640, 0604, 0620, 0610, 0644, 0666 };
    struct fixture *f = *state;
    char advice[128];

    snprintf(advice, sizeof(advice), ": chmod 600 %s", f->path);
    for (size_t i = 0; i < DW_COUNT_OF(modes); i++) {
        write_key_file(f, A, modes[i]);
        assert_refused(f, advice);
    }
}

static void a_file_of_somebody_else_is_refused(void **state)
{
    struct fixture *f = *state;

    if (geteuid() != 0)
        skip();
    write_key_file(f, A, 0600);
    assert_int_equal(chown(f->path, 1, 1), 0);
    assert_refused(f, ": belongs to user 1, but this process runs as user 0; ");
}

static void a_broken_file_is_never_replaced(void **state)
{
    struct fixture *f = *state;
    struct buf large = BUF_INIT;

    write_key_file(f, "", 0600);
    assert_refused(f, ": holds no key; restore it from a backup");
    write_key_file(f, A "\nAAECAwQF", 0600);
    assert_refused(f, "secret.key:2: is not a key, ");
    while (large.n < 8192)
        buf_add_text(&large, "# a line\n");
    write_key_file(f, buf_text(&large), 0600);
    assert_refused(f, ": is larger than 8192 bytes");
    buf_finish(&large);
}

static void what_is_no_file_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_refused(f, ": is not a regular file");
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_refused(f, ": is not a regular file");
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(symlink("elsewhere", f->path), 0);
    assert_refused(f, ": is a link; name the file that it leads to in the variable SECRET_KEY_FILE");
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(rmdir(f->dir), 0);
    assert_int_equal(open_ring(f, ""), -1);
    assert_non_null(strstr(buf_text(&f->why), "secret.key: cannot be written: No such file or directory"));
    assert_int_equal(mkdir(f->dir, 0700), 0);
}

#define FILES(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read_in_their_order),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(sixteen_keys_are_enough),
        cmocka_unit_test(rotation_step_by_step),
        FILES(a_missing_file_is_made_once),
        FILES(no_two_files_hold_the_same_key),
        FILES(a_setting_needs_no_file),
        FILES(a_file_of_an_admin_is_read),
        FILES(a_file_that_others_may_read_is_refused),
        FILES(a_file_of_somebody_else_is_refused),
        FILES(a_broken_file_is_never_replaced),
        FILES(what_is_no_file_is_refused),
        FILES(a_folder_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
