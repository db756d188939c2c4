#include "http/upload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/spool.h"
#include "util/buf.h"

#define TYPE  "multipart/form-data; boundary=XX"
#define FIELD "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n"
#define FILE_ \
    "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\nContent-Type: x/y\r\n\r\n"
#define LAST "\r\n--XX--\r\n"

static char folder[] = "/tmp/dowel-upload-XXXXXX";
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder); /* fails when a file with a name was left behind */
}

static int new_arena(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 0);
    return 0;
}

static int end_arena(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

static struct upload *begin(size_t spool_above, size_t memory_max, size_t field_max)
{
    const struct upload_options options = {
        .spool_dir = folder, .spool_above = spool_above, .memory_max = memory_max, .field_max = field_max
    };
    struct upload *u = upload_begin(&arena, STR_OF(TYPE), &options);
    assert_non_null(u);
    return u;
}

static void add_noise(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_char(out, (char)(i * 131 + (i >> 8)));
}

static void check_file(const struct upload_part *part, size_t n)
{
    struct buf wanted = BUF_INIT;
    char *found = malloc(n + 1);
    struct stat st;

    add_noise(&wanted, n);
    assert_int_equal(part->size, n);
    if (part->fd >= 0) {
        assert_null(part->value.p);
        assert_int_equal(pread(part->fd, found, n + 1, 0), n);
        assert_int_equal(fstat(part->fd, &st), 0);
        assert_int_equal(st.st_nlink, 0);
    } else {
        assert_int_equal(part->value.n, n);
        memcpy(found, part->value.p, n);
    }
    assert_memory_equal(found, wanted.p, n);
    free(found);
    buf_finish(&wanted);
}

static void small_parts_stay_in_memory(void **state)
{
    struct upload *u = begin(0, 0, 0);
    struct buf body = BUF_INIT;

    (void)state;
    buf_add_text(&body, FIELD "hello\r\n" FIELD "\r\n" FILE_);
    add_noise(&body, 1000);
    buf_add_text(&body, LAST);
    assert_int_equal(upload_feed(u, buf_str(&body)), 0);
    assert_int_equal(upload_end(u), 0);
    buf_finish(&body); /* nothing points into it */

    assert_int_equal(u->parts, 3);
    assert_true(str_equal(u->first->value, STR_OF("hello")));
    assert_null(u->first->filename.p);
    assert_true(str_equal(u->first->next->name, STR_OF("note")));
    assert_non_null(u->first->next->value.p);
    assert_int_equal(u->first->next->value.n, 0);
    const struct upload_part *file = upload_find(u, "f");
    assert_true(str_equal(file->filename, STR_OF("a.bin")));
    assert_true(str_equal(file->content_type, STR_OF("x/y")));
    assert_int_equal(file->fd, -1);
    check_file(file, 1000);
    assert_ptr_equal(upload_find(u, "note"), u->first);
    assert_null(upload_find(u, "none"));
    upload_finish(u);
}

static void large_files_are_spooled(void **state)
{
    static const size_t pieces[] = { 1, 7, 1000, 100000 };

    (void)state;
    for (size_t p = 0; p < DW_COUNT_OF(pieces); p++) {
        struct upload *u = begin(4096, 0, 0);
        struct buf body = BUF_INIT;
        buf_add_text(&body, FILE_);
        add_noise(&body, 4096);
        buf_add_text(&body, "\r\n" FILE_);
        add_noise(&body, 4097);
        buf_add_text(&body, "\r\n" FILE_);
        add_noise(&body, 50000);
        buf_add_text(&body, LAST);
        for (size_t at = 0; at < body.n; at += pieces[p]) {
            size_t n = body.n - at < pieces[p] ? body.n - at : pieces[p];
            assert_int_equal(upload_feed(u, str_make(body.p + at, n)), 0);
        }
        assert_int_equal(upload_end(u), 0);
        assert_int_equal(u->first->fd, -1);
        check_file(u->first, 4096);
        assert_true(u->first->next->fd >= 0);
        check_file(u->first->next, 4097);
        check_file(u->first->next->next, 50000);
        upload_finish(u);
        buf_finish(&body);
    }
}

static void many_small_files_do_not_fill_the_memory(void **state)
{
    struct upload *u = begin(1000, 2500, 0);
    struct buf body = BUF_INIT;
    unsigned spooled = 0;

    (void)state;
    for (int i = 0; i < 10; i++) {
        buf_add_text(&body, i ? "\r\n" FILE_ : FILE_);
        add_noise(&body, 900);
    }
    buf_add_text(&body, LAST);
    assert_int_equal(upload_feed(u, buf_str(&body)), 0);
    assert_int_equal(upload_end(u), 0);
    for (const struct upload_part *part = u->first; part; part = part->next) {
        check_file(part, 900);
        spooled += part->fd >= 0;
    }
    assert_int_equal(spooled, 8);
    upload_finish(u);
    buf_finish(&body);
}

static void a_spooled_body_can_be_read(void **state)
{
    struct upload *u = begin(0, 0, 0);
    struct buf body = BUF_INIT;
    int fd = spool_open(folder);

    (void)state;
    assert_true(fd >= 0);
    buf_add_text(&body, FILE_);
    add_noise(&body, 300000);
    buf_add_text(&body, LAST);
    assert_int_equal(spool_write(fd, buf_str(&body)), 0);
    assert_int_equal(upload_feed_file(u, fd, (off_t)body.n), 0);
    assert_int_equal(upload_end(u), 0);
    assert_true(u->first->fd >= 0);
    check_file(u->first, 300000);
    upload_finish(u);

    u = begin(0, 0, 0);
    assert_int_equal(upload_feed_file(u, fd, (off_t)body.n + 1), -1); /* it ends too early */
    assert_int_equal(u->status, 500);
    upload_finish(u);
    close(fd);
    buf_finish(&body);
}

static void check_refusal(struct upload *u, const char *body, int status)
{
    assert_true(upload_feed(u, str_from(body)) != 0 || upload_end(u) != 0);
    assert_int_equal(u->status, status);
    assert_non_null(u->reason);
    upload_finish(u);
}

static void what_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    check_refusal(begin(0, 0, 4), FIELD "12345" LAST, 413);
    check_refusal(begin(0, 0, 0), FIELD "12345", 400);
    check_refusal(upload_begin(&arena, STR_OF("text/plain"), NULL), "x", 415);
    check_refusal(upload_begin(&arena, STR_OF("text/plain"), NULL), "", 415);

    const struct upload_options nowhere = { .spool_dir = "/nonexistent", .spool_above = 4 };
    check_refusal(upload_begin(&arena, STR_OF(TYPE), &nowhere), FILE_ "12345" LAST, 507);
    upload_finish(NULL);
}

static void no_memory_is_not_the_clients_fault(void **state)
{
    struct arena small;

    (void)state;
    arena_init(&small, NULL, 0, 16384);
    struct upload *u = upload_begin(&small, STR_OF(TYPE), NULL);
    struct buf body = BUF_INIT;
    buf_add_text(&body, FIELD);
    add_noise(&body, 20000);
    buf_add_text(&body, LAST);
    assert_non_null(u);
    assert_int_equal(upload_feed(u, buf_str(&body)), -1);
    assert_int_equal(u->status, 500);
    upload_finish(u);
    buf_finish(&body);
    arena_finish(&small);
    arena_init(&small, NULL, 0, 1);
    assert_null(upload_begin(&small, STR_OF(TYPE), NULL));
    arena_finish(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_parts_stay_in_memory, new_arena, end_arena),
        cmocka_unit_test_setup_teardown(large_files_are_spooled, new_arena, end_arena),
        cmocka_unit_test_setup_teardown(many_small_files_do_not_fill_the_memory, new_arena, end_arena),
        cmocka_unit_test_setup_teardown(a_spooled_body_can_be_read, new_arena, end_arena),
        cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_refused, new_arena, end_arena),
        cmocka_unit_test(no_memory_is_not_the_clients_fault),
    };
    return cmocka_run_group_tests_name("upload", tests, set_up, tear_down);
}
