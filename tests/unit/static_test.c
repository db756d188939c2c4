/* The decisions of static_plan.h on a real folder; each test runs with openat2 and with the walk that replaces it. */
#include "http/static_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/percent.h"
#include "util/compiler.h"

static char folder[] = "/tmp/dowel-static-XXXXXX"; /* root/ is served, secret.txt lies beside it */
static struct beneath roots[2];

static void write_file(const char *path, const char *text)
{
    int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void make_socket(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    close(fd);
}

static void make_links(void)
{
    char absolute[64];

    snprintf(absolute, sizeof(absolute), "%s/root/a.txt", folder);
    assert_int_equal(symlink("a.txt", "root/inside.txt"), 0);
    assert_int_equal(symlink("../a.txt", "root/sub/up.txt"), 0);
    assert_int_equal(symlink("sub", "root/subalias"), 0);
    assert_int_equal(symlink("../secret.txt", "root/outside.txt"), 0);
    assert_int_equal(symlink("..", "root/parent"), 0);
    assert_int_equal(symlink(absolute, "root/absolute.txt"), 0);
    assert_int_equal(symlink("/etc/passwd", "root/passwd.txt"), 0);
    assert_int_equal(symlink("/proc/self/cwd", "root/magic"), 0);
    assert_int_equal(symlink("circle", "root/circle"), 0);
    assert_int_equal(symlink("nowhere", "root/broken"), 0);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    write_file("secret.txt", "secret");
    assert_int_equal(mkdir("root", 0755) | mkdir("root/sub", 0755) | mkdir("root/.git", 0755) |
                         mkdir("root/.well-known", 0755) | mkdir("root/empty", 0755) |
                         mkdir("root/sub/.well-known", 0755) | mkdir("root/index.html.d", 0755),
                     0);
    write_file("root/index.html", "<p>home");
    write_file("root/a.txt", "0123456789");
    write_file("root/empty.txt", "");
    write_file("root/gr\xc3\xbcn.txt", "green");
    write_file("root/sub/index.html", "<p>sub");
    write_file("root/sub/b.txt", "b");
    write_file("root/.env", "KEY=1");
    write_file("root/.git/config", "x");
    write_file("root/.well-known/security.txt", "Contact: us");
    write_file("root/sub/.well-known/x.txt", "x");
    write_file("root/back\\slash.txt", "x");
    write_file("root/app-3f2a9c1b.js", "let a;");
    write_file("root/app-3f2a9c1b.js.gz", "gzipped");
    write_file("root/app-3f2a9c1b.js.br", "brotli");
    write_file("root/only.css", "p{}");
    write_file("root/only.css.gz", "gz");
    write_file("root/pic.png", "png");
    write_file("root/pic.png.gz", "gz");
    write_file("root/secret-bits.txt", "x");
    assert_int_equal(chmod("root/secret-bits.txt", 0), 0);
    assert_int_equal(mkfifo("root/fifo.txt", 0644), 0);
    make_socket("root/socket.txt");
    make_links();
    assert_int_equal(beneath_init(&roots[0], "root"), 0);
    assert_int_equal(beneath_init(&roots[1], "root"), 0);
    roots[1].walk = true;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    beneath_finish(&roots[0]);
    beneath_finish(&roots[1]);
    assert_int_equal(chdir("/"), 0);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct static_plan plan_request(const struct beneath *root, const struct static_request *request)
{
    static const struct static_options options = { .hashed_names = true };
    struct static_plan plan;
    static_plan_make(root, &options, request, &plan);
    assert_int_equal(plan.fd >= 0, plan.status == 200 || plan.status == 206);
    return plan;
}

/* As the server gets there: the raw path of a request, decoded. -1: refused before. */
static int status_of(const struct beneath *root, const char *raw)
{
    char out[512];
    struct static_request request = { .path = STR("") };
    struct str path;

    if (http_path_decode(str_from(raw), out, sizeof(out), &path) != 0)
        return -1;
    request.path = str_make(path.p + 1, path.n - 1);
    struct static_plan plan = plan_request(root, &request);
    if (plan.fd >= 0)
        close(plan.fd);
    return plan.status;
}

struct expected {
    const char *raw;
    int status;
    int walking; /* when different without openat2 */
};

static void check_all(const struct expected *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (int walking = 0; walking < 2; walking++) {
            int wanted = walking && rows[i].walking ? rows[i].walking : rows[i].status;
            int got = status_of(&roots[walking], rows[i].raw);
            if (got != wanted)
                fail_msg("%s (%s): wanted %d, got %d", rows[i].raw, walking ? "walk" : "openat2", wanted,
                         got);
        }
    }
}

static void this_kernel_has_openat2(void **state)
{
    (void)state;
    if (roots[0].walk)
        skip();
}

static void files_are_found(void **state)
{
    static const struct expected rows[] = {
        { "/", 200, 0 },
        { "/a.txt", 200, 0 },
        { "/%61.txt", 200, 0 },
        { "/sub/b.txt", 200, 0 },
        { "/sub/", 200, 0 },
        { "/sub", 308, 0 },
        { "/sub/../a.txt", 200, 0 },
        { "/gr%C3%BCn.txt", 200, 0 },
        { "/.well-known/security.txt", 200, 0 },
        { "/empty.txt", 200, 0 },
        { "/empty", 308, 0 },
        { "/empty/", 404, 0 },
        { "/none.txt", 404, 0 },
        { "/a.txt/", 404, 0 },
        { "/a.txt/b", 404, 0 },
        { "/A.TXT", 404, 0 },
    };
    (void)state;
    check_all(rows, DW_COUNT_OF(rows));
}

static void dots_and_encodings_do_not_escape(void **state)
{
    static const struct expected rows[] = {
        { "/../secret.txt", 404, 0 },
        { "/%2e%2e/secret.txt", 404, 0 },
        { "/sub/../../secret.txt", 404, 0 },
        { "/..%2fsecret.txt", -1, 0 },
        { "/sub%2fb.txt", -1, 0 },
        { "/%252e%252e/secret.txt", 404, 0 },
        { "/..%5csecret.txt", 404, 0 },
        { "/..%c0%afsecret.txt", -1, 0 },
        { "/a.txt%00.html", -1, 0 },
        { "//etc/passwd", 404, 0 },
        { "//a.txt", 404, 0 },
        { "/sub//b.txt", 404, 0 },
        { "//", 404, 0 },
    };
    (void)state;
    check_all(rows, DW_COUNT_OF(rows));
}

/* The decoder keeps these out already; this layer must not rely on it. */
static void undecoded_tricks_do_not_escape_either(void **state)
{
    static const struct str paths[] = { STR("../secret.txt"),
                                        STR("sub/../../secret.txt"),
                                        STR("sub/../a.txt"),
                                        STR("/etc/passwd"),
                                        STR("a.txt\0.html"),
                                        STR(".."),
                                        STR("."),
                                        STR("sub/..") };
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(paths); i++) {
        for (size_t walking = 0; walking < 2; walking++) {
            struct static_request request = { .path = paths[i] };
            assert_int_equal(plan_request(&roots[walking], &request).status, 404);
        }
    }
}

static void the_opener_alone_does_not_escape(void **state)
{
    static const char *const paths[] = {
        "../secret.txt", "sub/../../secret.txt", "/etc/passwd",      "",       "parent/secret.txt",
        "outside.txt",   "passwd.txt",           "magic/secret.txt", "circle", "broken"
    };
    struct stat st;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(paths); i++) {
        for (size_t walking = 0; walking < 2; walking++) {
            errno = 0;
            assert_int_equal(beneath_open(&roots[walking], paths[i], &st), -1);
            assert_int_equal(errno, ENOENT);
        }
    }
}

static void links_stay_inside(void **state)
{
    static const struct expected rows[] = {
        { "/inside.txt", 200, 404 },      { "/sub/up.txt", 200, 404 }, { "/subalias/b.txt", 200, 404 },
        { "/subalias", 308, 404 },        { "/outside.txt", 404, 0 },  { "/parent/secret.txt", 404, 0 },
        { "/parent/root/a.txt", 404, 0 }, { "/absolute.txt", 404, 0 }, { "/passwd.txt", 404, 0 },
        { "/magic/secret.txt", 404, 0 },  { "/circle", 404, 0 },       { "/broken", 404, 0 },
    };
    (void)state;
    check_all(rows, DW_COUNT_OF(rows));
}

static void hidden_names_do_not_exist(void **state)
{
    static const struct expected rows[] = {
        { "/.env", 404, 0 },
        { "/%2eenv", 404, 0 },
        { "/.git/config", 404, 0 },
        { "/.git/", 404, 0 },
        { "/.git", 404, 0 },
        { "/sub/.well-known/x.txt", 404, 0 },
        { "/back%5cslash.txt", 404, 0 },
        { "/back\\slash.txt", 404, 0 },
    };
    (void)state;
    check_all(rows, DW_COUNT_OF(rows));
}

static void only_regular_files_are_served(void **state)
{
    static const struct expected rows[] = { { "/fifo.txt", 404, 0 }, { "/socket.txt", 404, 0 } };
    (void)state;
    check_all(rows, DW_COUNT_OF(rows));
}

static void an_unreadable_file_is_forbidden(void **state)
{
    static const struct expected rows[] = { { "/secret-bits.txt", 403, 0 } };
    (void)state;
    if (geteuid() == 0)
        skip(); /* root may read it */
    check_all(rows, DW_COUNT_OF(rows));
}

static void a_very_long_name_is_not_found(void **state)
{
    char raw[6000] = "";
    struct static_request request = { .path = str_make(raw, sizeof(raw)) };

    (void)state;
    memset(raw, 'a', sizeof(raw));
    assert_int_equal(plan_request(&roots[0], &request).status, 404);
    request.path.n = 300; /* above NAME_MAX */
    assert_int_equal(plan_request(&roots[0], &request).status, 404);
    assert_int_equal(plan_request(&roots[1], &request).status, 404);
}

static struct static_plan plan_for(const char *path, struct static_request request)
{
    request.path = str_from(path);
    return plan_request(&roots[0], &request);
}

static void check_content(struct static_plan *plan, const char *wanted)
{
    char text[64] = "";

    assert_int_equal(plan->size, strlen(wanted));
    assert_int_equal(pread(plan->fd, text, (size_t)plan->size, plan->offset), plan->size);
    assert_string_equal(text, wanted);
    close(plan->fd);
}

static void a_whole_file_has_its_validators(void **state)
{
    struct static_plan plan = plan_for("a.txt", (struct static_request){ .path = STR("") });

    (void)state;
    assert_int_equal(plan.status, 200);
    assert_string_equal(plan.content_type, "text/plain; charset=utf-8");
    assert_string_equal(plan.cache_control, "no-cache");
    assert_true(plan.vary);
    assert_int_equal(plan.coding, CODING_IDENTITY);
    assert_true(plan.etag[0] == '"' && strlen(plan.etag) > 10);
    assert_int_equal(strlen(plan.last_modified), 29);
    check_content(&plan, "0123456789");
}

static void conditions_are_honoured(void **state)
{
    struct static_plan first = plan_for("a.txt", (struct static_request){ .path = STR("") });
    struct static_request request = { .conditions.if_none_match = str_from(first.etag) };

    (void)state;
    close(first.fd);
    struct static_plan plan = plan_for("a.txt", request);
    assert_int_equal(plan.status, 304);
    assert_string_equal(plan.etag, first.etag);
    request = (struct static_request){ .conditions.if_modified_since = str_from(first.last_modified) };
    assert_int_equal(plan_for("a.txt", request).status, 304);
    request = (struct static_request){ .conditions.if_match = STR("\"other\"") };
    assert_int_equal(plan_for("a.txt", request).status, 412);

    /* Other content under the name has another tag, within the same second too. */
    write_file("root/a.txt.new", "9876543210");
    assert_int_equal(rename("root/a.txt.new", "root/a.txt"), 0);
    request = (struct static_request){ .conditions.if_none_match = str_from(first.etag) };
    plan = plan_for("a.txt", request);
    assert_int_equal(plan.status, 200);
    check_content(&plan, "9876543210");
    write_file("root/a.txt", "0123456789");
}

static void ranges_are_parts_of_the_file(void **state)
{
    struct static_plan plan = plan_for("a.txt", (struct static_request){ .range = STR("bytes=2-4") });

    (void)state;
    assert_int_equal(plan.status, 206);
    assert_int_equal(plan.whole_size, 10);
    check_content(&plan, "234");
    plan = plan_for("a.txt", (struct static_request){ .range = STR("bytes=-3") });
    assert_int_equal(plan.status, 206);
    check_content(&plan, "789");
    plan = plan_for("a.txt", (struct static_request){ .range = STR("bytes=10-") });
    assert_int_equal(plan.status, 416);
    assert_int_equal(plan.whole_size, 10);
    plan = plan_for("a.txt", (struct static_request){ .range = STR("bytes=0-1,3-4") });
    assert_int_equal(plan.status, 200);
    check_content(&plan, "0123456789");
    plan =
        plan_for("a.txt", (struct static_request){ .range = STR("bytes=2-4"), .if_range = STR("\"old\"") });
    assert_int_equal(plan.status, 200);
    check_content(&plan, "0123456789");
    plan = plan_for("empty.txt", (struct static_request){ .range = STR("bytes=0-") });
    assert_int_equal(plan.status, 416);
}

static struct static_request accepting(const char *field)
{
    struct static_request request = { .path = STR("") };
    accept_encoding_parse(str_from(field), &request.accepted);
    return request;
}

static void compressed_siblings_are_preferred(void **state)
{
    struct static_plan plan = plan_for("app-3f2a9c1b.js", accepting("gzip, br"));
    struct static_plan plain = plan_for("app-3f2a9c1b.js", accepting(NULL));

    (void)state;
    assert_int_equal(plan.coding, CODING_BR);
    assert_string_equal(plan.content_type, "text/javascript; charset=utf-8");
    assert_string_not_equal(plan.etag, plain.etag);
    assert_true(plan.vary && plain.vary);
    check_content(&plan, "brotli");
    assert_int_equal(plain.coding, CODING_IDENTITY);
    check_content(&plain, "let a;");

    plan = plan_for("app-3f2a9c1b.js", accepting("gzip, br;q=0.5"));
    assert_int_equal(plan.coding, CODING_GZIP);
    check_content(&plan, "gzipped");
    plan = plan_for("only.css", accepting("br, gzip;q=0.1"));
    assert_int_equal(plan.coding, CODING_GZIP);
    check_content(&plan, "gz");
    plan = plan_for("pic.png", accepting("br, gzip"));
    assert_int_equal(plan.coding, CODING_IDENTITY);
    assert_false(plan.vary);
    check_content(&plan, "png");
}

static void a_sibling_that_is_out_of_date_is_not_used(void **state)
{
    const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

    (void)state;
    assert_int_equal(utimensat(AT_FDCWD, "root/only.css.gz", old, 0), 0);
    struct static_plan plan = plan_for("only.css", accepting("gzip"));
    assert_int_equal(plan.coding, CODING_IDENTITY);
    check_content(&plan, "p{}");
    write_file("root/only.css.gz", "gz");
}

static void only_hashed_names_are_immutable(void **state)
{
    static const char *const hashed[] = { "app-3f2a9c1b.js", "a/b/index.BxY12_ab.css",
                                          "x-12345678901234567890abcdef.map" };
    static const char *const plain[] = { "app.js",
                                         "app-3f2a9c1.js",
                                         "jquery-datatable.js",
                                         "report-20240131.pdf",
                                         "3f2a9c1b.js",
                                         "app-3f2a9c1b",
                                         "app-3f2a 9c1b.js",
                                         "",
                                         "." };
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(hashed); i++)
        assert_true(static_name_is_hashed(str_from(hashed[i])));
    for (size_t i = 0; i < DW_COUNT_OF(plain); i++) {
        if (static_name_is_hashed(str_from(plain[i])))
            fail_msg("%s is taken for hashed", plain[i]);
    }
    struct static_plan plan = plan_for("app-3f2a9c1b.js", accepting(NULL));
    assert_non_null(strstr(plan.cache_control, "immutable"));
    close(plan.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_kernel_has_openat2),
        cmocka_unit_test(files_are_found),
        cmocka_unit_test(dots_and_encodings_do_not_escape),
        cmocka_unit_test(undecoded_tricks_do_not_escape_either),
        cmocka_unit_test(the_opener_alone_does_not_escape),
        cmocka_unit_test(links_stay_inside),
        cmocka_unit_test(hidden_names_do_not_exist),
        cmocka_unit_test(only_regular_files_are_served),
        cmocka_unit_test(an_unreadable_file_is_forbidden),
        cmocka_unit_test(a_very_long_name_is_not_found),
        cmocka_unit_test(a_whole_file_has_its_validators),
        cmocka_unit_test(conditions_are_honoured),
        cmocka_unit_test(ranges_are_parts_of_the_file),
        cmocka_unit_test(compressed_siblings_are_preferred),
        cmocka_unit_test(a_sibling_that_is_out_of_date_is_not_used),
        cmocka_unit_test(only_hashed_names_are_immutable),
    };
    return cmocka_run_group_tests_name("static", tests, set_up, tear_down);
}
