#include "http/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/compiler.h"

#define ID   "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

/* A copy of exactly its size, so that ASan sees a byte read too many. */
static int parse(const char *text, struct trace *out)
{
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    int result = trace_parse(str_make(copy, n), out);
    free(copy);
    return result;
}

static const struct {
    const char *header;
    int flags; /* -1: refused */
} headers[] = {
    { "00-" ID "-" SPAN "-00", 0 },
    { "00-" ID "-" SPAN "-01", 1 },
    { "00-" ID "-" SPAN "-ff", 1 },
    { "00-" ID "-" SPAN "-fe", 0 },
    { "01-" ID "-" SPAN "-01", 1 },
    { "cc-" ID "-" SPAN "-01-more-of-it", 1 },
    { "fe-" ID "-" SPAN "-01-", 1 },

    { "", -1 },
    { "00", -1 },
    { "00-" ID "-" SPAN "-0", -1 },
    { "00-" ID "-" SPAN "-01-", -1 },
    { "00-" ID "-" SPAN "-01-more", -1 },
    { "00-" ID "-" SPAN "-01 ", -1 },
    { "01-" ID "-" SPAN "-01x", -1 },
    { "01-" ID "-" SPAN "-011", -1 },
    { "ff-" ID "-" SPAN "-01", -1 },
    { "FF-" ID "-" SPAN "-01", -1 },
    { "0A-" ID "-" SPAN "-01", -1 },
    { "0g-" ID "-" SPAN "-01", -1 },
    { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", -1 },
    { "00-" ID "-00F067AA0BA902B7-01", -1 },
    { "00-" ID "-" SPAN "-0X", -1 },
    { "00-" ID "-" SPAN "-0A", -1 },
    { "00-00000000000000000000000000000000-" SPAN "-01", -1 },
    { "00-" ID "-0000000000000000-01", -1 },
    { "00_" ID "-" SPAN "-01", -1 },
    { "00-" ID "_" SPAN "-01", -1 },
    { "00-" ID "-" SPAN "_01", -1 },
    { "00-" ID "-" SPAN "--1", -1 },
    { " 00-" ID "-" SPAN "-01", -1 },
};

static void headers_are_judged_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(headers); i++) {
        struct trace t;
        int got = parse(headers[i].header, &t);
        if ((got == 0) != (headers[i].flags >= 0))
            fail_msg("\"%s\" was %s", headers[i].header, got == 0 ? "accepted" : "refused");
        if (got != 0)
            continue;
        assert_int_equal(t.flags, headers[i].flags);
        assert_memory_equal(t.id, ID, TRACE_ID);
        assert_memory_equal(t.span, SPAN, TRACE_SPAN);
    }
}

static void what_is_formatted_can_be_parsed(void **state)
{
    struct trace t = { .flags = TRACE_SAMPLED }, back;
    char text[TRACE_PARENT];

    (void)state;
    memcpy(t.id, ID, TRACE_ID);
    memcpy(t.span, SPAN, TRACE_SPAN);
    trace_format(&t, text);
    assert_memory_equal(text, "00-" ID "-" SPAN "-01", TRACE_PARENT);
    assert_int_equal(trace_parse(str_make(text, sizeof(text)), &back), 0);
    t.flags = 0;
    trace_format(&t, text);
    assert_memory_equal(text, "00-" ID "-" SPAN "-00", TRACE_PARENT);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, TRACE_ID);
}

static void ids_are_hex_and_differ(void **state)
{
    enum { N = 20000 };
    char(*ids)[TRACE_ID] = malloc(N * sizeof(*ids));
    unsigned seen[256] = { 0 };

    (void)state;
    for (size_t i = 0; i < N; i++) {
        trace_make_id(ids[i]);
        for (size_t k = 0; k < TRACE_ID; k++)
            seen[(unsigned char)ids[i][k]]++;
    }
    unsigned digits = 0;
    for (const char *p = "0123456789abcdef"; *p; p++) {
        unsigned n = seen[(unsigned char)*p];
        assert_in_range(n, N * TRACE_ID / 16 * 95 / 100, N * TRACE_ID / 16 * 105 / 100);
        digits += n;
    }
    assert_int_equal(digits, N * TRACE_ID);
    qsort(ids, N, sizeof(*ids), compare_ids);
    for (size_t i = 1; i < N; i++)
        assert_memory_not_equal(ids[i - 1], ids[i], TRACE_ID);
    free(ids);
}

static void a_child_does_not_repeat_its_parent(void **state)
{
    char mine[TRACE_SPAN], theirs[TRACE_SPAN];
    int ends[2], status;

    (void)state;
    trace_make_span(mine); /* the generator exists before the fork */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    trace_make_span(mine);
    if (child == 0)
        _exit(write(ends[1], mine, sizeof(mine)) == (ssize_t)sizeof(mine) ? 0 : 1);
    assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_memory_not_equal(mine, theirs, TRACE_SPAN);
    close(ends[0]);
    close(ends[1]);
}

static void request_ids_of_proxies_are_checked(void **state)
{
    char longest[129];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    assert_true(trace_request_id_is_usable(STR_OF("Root=1-67891233-abcdef012345678912345678")));
    assert_true(trace_request_id_is_usable(STR_OF("a.b_c:d/e+f=g@h-0")));
    assert_true(trace_request_id_is_usable(str_make(longest, 128)));
    assert_false(trace_request_id_is_usable(str_make(longest, 129)));
    assert_false(trace_request_id_is_usable(STR_OF("")));
    static const char bad[] = " \t\r\n\"\\<>&%#?,;'`\x7f\xc3";
    for (size_t i = 0; i < sizeof(bad); i++) { /* with the NUL */
        char id[3] = { 'a', bad[i], 'b' };
        assert_false(trace_request_id_is_usable(str_make(id, 3)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_judged_strictly),
        cmocka_unit_test(what_is_formatted_can_be_parsed),
        cmocka_unit_test(ids_are_hex_and_differ),
        cmocka_unit_test(a_child_does_not_repeat_its_parent),
        cmocka_unit_test(request_ids_of_proxies_are_checked),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
