/* Durations, sizes, patterns, nearest names: the parts that know nothing of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>

#include "config/core_config.h"
#include "config/nearest.h"
#include "config/pattern.h"
#include "config/units.h"
#include "util/compiler.h"

/* ---- durations and sizes ---- */

static void spans_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        { "0", 0 },
        { "0s", 0 },
        { "1us", 1 },
        { "250ms", 250000 },
        { "10s", 10000000 },
        { "5m", 300000000 },
        { "1h30m", 5400000000 },
        { "1d2h3m4s5ms6us", 93784005006 },
        { "7d", 604800000000 },
        { "90m", 5400000000 },
        { "106751991d", 9223372022400000000 },
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        int64_t us = -1;
        const char *wrong = units_parse_span(str_from(cases[i].text), &us);
        if (wrong)
            fail_msg("%s: %s", cases[i].text, wrong);
        assert_int_equal(us, cases[i].us);
    }
}

static void bad_spans_are_refused(void **state)
{
    static const char *const cases[] = { "",
                                         " ",
                                         "10",
                                         "s",
                                         "-1s",
                                         "1.5s",
                                         "1 s",
                                         "1s ",
                                         "30s1m",
                                         "1s1s",
                                         "1min",
                                         "1S",
                                         "1hour",
                                         "1m5",
                                         "0x1s",
                                         "+1s",
                                         "1s,",
                                         "1h 30m",
                                         "106751992d",
                                         "9223372036854775808us",
                                         "99999999999999999999s" };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        int64_t us = 7;
        if (!units_parse_span(str_from(cases[i]), &us))
            fail_msg("\"%s\" was taken for a duration", cases[i]);
        assert_int_equal(us, 7);
    }
}

static void sizes_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {
        { "0", 0 },           { "1000", 1000 },        { "64KiB", 65536 },
        { "1 MiB", 1048576 }, { "2 GiB", 2147483648 }, { "1 TiB", 1099511627776 },
        { "1 kB", 1000 },     { "1MB", 1000000 },      { "3 GB", 3000000000 },
        { "5 B", 5 },         { "1 mib", 1048576 },    { "9223372036854775807", INT64_MAX },
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        int64_t bytes = -1;
        const char *wrong = units_parse_size(str_from(cases[i].text), &bytes);
        if (wrong)
            fail_msg("%s: %s", cases[i].text, wrong);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void bad_sizes_are_refused(void **state)
{
    static const char *const cases[] = { "",
                                         "MiB",
                                         "-1",
                                         "1M",
                                         "1k",
                                         "1.5 MiB",
                                         "1 MiB 2",
                                         "1 Mib/s",
                                         "0x10",
                                         "1e3",
                                         "9223372036854775808",
                                         "8388608 TiB" };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        int64_t bytes = 7;
        if (!units_parse_size(str_from(cases[i]), &bytes))
            fail_msg("\"%s\" was taken for a size", cases[i]);
        assert_int_equal(bytes, 7);
    }
}

static void what_is_formatted_is_read_again(void **state)
{
    static const int64_t spans[] = { 0, 1, 999, 1000, 1500, 1000000, 60000000, 5400000000, 93784005006 };
    static const int64_t sizes[] = { 0, 1, 1000, 1024, 65536, 1048576, 1048577, (int64_t)3 << 40 };
    struct buf text = BUF_INIT;
    int64_t back;
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(spans); i++) {
        text.n = 0;
        units_format_span(&text, spans[i]);
        assert_null(units_parse_span(buf_str(&text), &back));
        assert_int_equal(back, spans[i]);
    }
    for (size_t i = 0; i < DW_COUNT_OF(sizes); i++) {
        text.n = 0;
        units_format_size(&text, sizes[i]);
        assert_null(units_parse_size(buf_str(&text), &back));
        assert_int_equal(back, sizes[i]);
    }
    text.n = 0;
    units_format_span(&text, 5400000000);
    units_format_size(&text, 65536);
    assert_string_equal(buf_text(&text), "1h30m64 KiB");
    buf_finish(&text);
}

/* ---- patterns ---- */

static const struct {
    const char *pattern, *text;
    bool good;
} pattern_cases[] = {
    { "url", "https://host.example", true },
    { "url", "http://192.0.2.1:8080/a?b=c", true },
    { "url", "https://[2001:db8::1]:443/", true },
    { "url", "ftp://host.example", false },
    { "url", "https://", false },
    { "url", "https:///path", false },
    { "url", "https://host.example:0/", false },
    { "url", "https://host.example:65536/", false },
    { "url", "https://user:pass@host.example/", false },
    { "url", "https://host.example/#x", false },
    { "url", "https://host example/", false },
    { "url", "https://0177.0.0.1/", false },
    { "url", "https://127.1/", false },
    { "url", "host.example", false },
    { "proxy", "http://proxy.example:3128", true },
    { "proxy", "http://user:p%40ss@proxy.example:3128/", true },
    { "proxy", "socks5h://10.0.0.1:1080", true },
    { "proxy", "proxy.example:3128", false },
    { "proxy", "http://", false },
    { "origin", "*", true },
    { "origin", "https://app.example", true },
    { "origin", "http://localhost:3000", true },
    { "origin", "https://app.example/", false },
    { "origin", "https://app.example/x", false },
    { "origin", "app.example", false },
    { "origin", "null", false },
    { "address", "192.0.2.1", true },
    { "address", "2001:db8::1", true },
    { "address", "192.0.2.1/24", false },
    { "address", "192.0.2", false },
    { "network", "10.0.0.0/8", true },
    { "network", "192.0.2.1", true },
    { "network", "fd00::/8", true },
    { "network", "10.0.0.1/8", false },
    { "network", "10.0.0.0/33", false },
    { "network", "ten", false },
    { "host", "host.example", true },
    { "host", "a-b_c.example", true },
    { "host", "-a.example", false },
    { "host", "a..example", false },
    { "host", "host.example.", false },
    { "email", "me@host.example", true },
    { "email", "@host.example", false },
    { "email", "me@", false },
    { "email", "me me@host.example", false },
    { "zone", "UTC", true },
    { "zone", "../../../etc/passwd", false },
    { "zone", "/etc/passwd", false },
    { "zone", "Europe/Atlantis", false },
    { "file", "/etc/passwd", true },
    { "file", "/etc", false },
    { "file", "/nonexistent/file", false },
    { "directory", "/tmp", true },
    { "directory", "/etc/passwd", false },
    { "directory", "/nonexistent", false },
    { "path", "/anything", true },
    { "/^[a-z]+$/", "abc", true },
    { "/^[a-z]+$/", "abc1", false },
    { "/^(a|b){2}$/", "ab", true },
    { "/(/", "abc", false },
    { "/abc", "abc", false },
    { "//", "abc", false },
    { "no such pattern", "abc", false },
};

static void patterns_decide(void **state)
{
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(pattern_cases); i++) {
        const char *wrong = pattern_refuses(pattern_cases[i].pattern, str_from(pattern_cases[i].text));
        if (!wrong != pattern_cases[i].good)
            fail_msg("%s \"%s\": %s", pattern_cases[i].pattern, pattern_cases[i].text,
                     wrong ? wrong : "was accepted");
    }
}

/* ---- core's own forms ---- */

static void listeners_are_understood(void **state)
{
    struct core_listener l;
    char address[ADDRESS_TEXT_SIZE];
    (void)state;

    assert_null(core_listener_parse(STR_OF("127.0.0.1:8000"), &l));
    address_format(&l.address, address);
    assert_string_equal(address, "127.0.0.1");
    assert_int_equal(l.port, 8000);
    assert_false(l.tls);
    assert_null(l.path);

    assert_null(core_listener_parse(STR_OF("https://[::1]:8443"), &l));
    address_format(&l.address, address);
    assert_string_equal(address, "::1");
    assert_int_equal(l.port, 8443);
    assert_true(l.tls);

    assert_null(core_listener_parse(STR_OF("http://0.0.0.0:0"), &l));
    assert_int_equal(l.port, 0);
    assert_false(l.tls);

    assert_null(core_listener_parse(STR_OF("unix:/run/x.sock"), &l));
    assert_string_equal(l.path, "/run/x.sock");
    assert_false(l.tls);
}

static void bad_listeners_are_refused(void **state)
{
    static const char *const cases[] = { "",
                                         "8000",
                                         ":8000",
                                         "*:8000",
                                         "localhost:8000",
                                         "127.0.0.1",
                                         "127.0.0.1:",
                                         "127.0.0.1:65536",
                                         "127.0.0.1:-1",
                                         "::1:8000",
                                         "[::1]",
                                         "[::1:80",
                                         "ftp://127.0.0.1:80",
                                         "127.0.0.1:80/",
                                         "https://127.0.0.1",
                                         "unix:",
                                         "127.1:80",
                                         "127.0.0.1:8 0" };
    char longest[200] = "unix:/";
    struct core_listener l;
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        if (!core_listener_parse(str_from(cases[i]), &l))
            fail_msg("\"%s\" was taken for a listener", cases[i]);
    }
    memset(longest + 6, 'x', 106);
    assert_null(core_listener_parse(str_from(longest), &l));
    longest[112] = 'x';
    assert_non_null(core_listener_parse(str_from(longest), &l));
}

static void rates_are_understood(void **state)
{
    static const char *const bad[] = { "100",    "100/",    "/1m",    "0/1m",     "-1/1m", "100/m",
                                       "100/0s", "100/25h", "1e3/1s", "100 / 1m", "OFF",   "1000000001/1s" };
    uint32_t requests;
    int64_t window;
    (void)state;

    assert_null(core_rate_parse(STR_OF("100/1m"), &requests, &window));
    assert_int_equal(requests, 100);
    assert_int_equal(window, 60000000);
    assert_null(core_rate_parse(STR_OF("off"), &requests, &window));
    assert_int_equal(requests, 0);
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (!core_rate_parse(str_from(bad[i]), &requests, &window))
            fail_msg("\"%s\" was taken for a rate", bad[i]);
    }
}

/* ---- nearest names ---- */

static unsigned distance(const char *a, const char *b)
{
    assert_int_equal(nearest_distance(str_from(a), str_from(b)), nearest_distance(str_from(b), str_from(a)));
    return nearest_distance(str_from(a), str_from(b));
}

static void distances_are_counted(void **state)
{
    char long_name[70] = { 0 };
    (void)state;

    assert_int_equal(distance("listen", "listen"), 0);
    assert_int_equal(distance("", "abc"), 3);
    assert_int_equal(distance("listn", "listen"), 1);
    assert_int_equal(distance("lisetn", "listen"), 1); /* neighbours swapped */
    assert_int_equal(distance("LISTEN", "listen"), 0);
    assert_int_equal(distance("kitten", "sitting"), 3);
    assert_int_equal(distance("ab", "ba"), 1);
    memset(long_name, 'a', 65);
    assert_int_equal(distance(long_name, "a"), UINT_MAX);
    long_name[64] = 0;
    assert_int_equal(distance(long_name, "a"), 63);
}

static const char *nearest_of(const char *wanted)
{
    static const char *const names[] = { "listen",     "loops",   "log_level",
                                         "log_format", "workers", "job_workers" };
    struct nearest n = nearest_init(str_from(wanted));
    for (size_t i = 0; i < DW_COUNT_OF(names); i++)
        nearest_offer(&n, names[i]);
    return n.name;
}

static void nearest_name_is_offered(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("listn"), "listen");
    assert_string_equal(nearest_of("loglevel"), "log_level");
    assert_string_equal(nearest_of("worker"), "workers");
    assert_string_equal(nearest_of("job_worker"), "job_workers");
    assert_null(nearest_of("database_url"));
    assert_null(nearest_of("x"));
    assert_null(nearest_of(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_read),
        cmocka_unit_test(bad_spans_are_refused),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(bad_sizes_are_refused),
        cmocka_unit_test(what_is_formatted_is_read_again),
        cmocka_unit_test(patterns_decide),
        cmocka_unit_test(listeners_are_understood),
        cmocka_unit_test(bad_listeners_are_refused),
        cmocka_unit_test(rates_are_understood),
        cmocka_unit_test(distances_are_counted),
        cmocka_unit_test(nearest_name_is_offered),
    };
    return cmocka_run_group_tests_name("config values", tests, NULL, NULL);
}
