/* Zones and cron expressions against other people's code: tests/oracle/cron_oracle.py asks Python's zoneinfo and croniter.
 * Some hundred random questions here; as many as wanted, from a seed of one's own, by
 *
 *   DOWEL_ORACLE="10000 7" ./dev test --only unit cron_oracle
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/cron.h"
#include "util/clock.h"

static const struct zone *zone_of(const char *name)
{
    const struct zone *z;
    struct buf why = BUF_INIT;

    if (zone_find(&z, str_from(name), &why) != 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
    return z;
}

/* The lines of the script; skips the test where Debian's croniter is not installed. */
static FILE *ask(const char *what)
{
    static const char python[] = "/usr/bin/python3"; /* whose packages are Debian's */
    char command[512];
    const char *wanted = getenv("DOWEL_ORACLE");
    unsigned count = 400, seed = 1;

    if (wanted && sscanf(wanted, "%u %u", &count, &seed) < 1)
        fail_msg("DOWEL_ORACLE is \"%s\", wanted are a number of questions and a seed", wanted);
    snprintf(command, sizeof(command), "%s -c 'import croniter, zoneinfo' 2>/dev/null", python);
    if (system(command) != 0) /* NOLINT(cert-env33-c,concurrency-mt-unsafe): a fixed command */
        return NULL;
    snprintf(command, sizeof(command), "%s '%s/tests/oracle/cron_oracle.py' %s %u %u", python,
             DOWEL_SOURCE_DIR, what, seed, count);
    FILE *lines = popen(command, "r"); /* NOLINT(cert-env33-c) */
    assert_non_null(lines);
    return lines;
}

static const char *const kinds[] = { [ZONE_ONCE] = "once", [ZONE_GAP] = "gap", [ZONE_FOLD] = "fold" };

/* The number of questions in a line: 1, or 0 and something else is wrong. */
static void check_zone_line(const char *line)
{
    char zone[65], kind[8];
    long long in, a, b;
    int64_t first, last;

    if (sscanf(line, "offset %64s %lld %lld", zone, &in, &a) == 3) {
        struct tzspan span = zone_span_at(zone_of(zone), in);
        if (span.offset != a || span.from > in || span.until <= in)
            fail_msg("%s\nwe say %lld", line, (long long)span.offset);
        return;
    }
    if (sscanf(line, "local %64s %lld %7s %lld %lld", zone, &in, kind, &a, &b) != 5)
        fail_msg("no question: %s", line);
    enum zone_times times = zone_instants(zone_of(zone), in, &first, &last);
    if (strcmp(kinds[times], kind) != 0 || first != a || last != b)
        fail_msg("%s\nwe say %s %lld %lld", line, kinds[times], (long long)first, (long long)last);
}

static void zones_are_as_zoneinfo_reads_them(void **state)
{
    char line[512];
    unsigned n = 0;

    (void)state;
    FILE *lines = ask("zones");
    if (!lines)
        skip();
    for (; fgets(line, sizeof(line), lines); n++)
        check_zone_line(line);
    assert_int_equal(pclose(lines), 0);
    assert_true(n >= 100);
}

static void check_next_line(const char *line)
{
    char zone[65], answer[32];
    long long after;
    int at = 0;
    int64_t next = 0;
    struct cron c;
    struct buf why = BUF_INIT;

    if (sscanf(line, "next %64s %lld %31s %n", zone, &after, answer, &at) != 3)
        fail_msg("no question: %s", line);
    if (cron_parse(&c, str_make(line + at, strcspn(line + at, "\n")), zone_of(zone), &why) != 0)
        fail_msg("%s\n%s", line, buf_text(&why));
    bool found = cron_next(&c, after * CLOCK_SECOND, &next);
    if (found ? strtoll(answer, NULL, 10) != next / CLOCK_SECOND : strcmp(answer, "never") != 0)
        fail_msg("%s\nwe say %lld", line, found ? (long long)(next / CLOCK_SECOND) : -1);
}

static void schedules_are_as_croniter_and_the_policy_have_them(void **state)
{
    char line[512];
    unsigned n = 0, asked = 0, agreed = 0, left_out = 0;

    (void)state;
    FILE *lines = ask("cron");
    if (!lines)
        skip();
    while (fgets(line, sizeof(line), lines)) {
        if (sscanf(line, "asked %u %u %u", &asked, &agreed, &left_out) == 3)
            continue;
        check_next_line(line); /* "differs": croniter contradicts the policy where no clock is changed */
        n++;
    }
    assert_int_equal(pclose(lines), 0);
    assert_true(n >= 100 && n == asked);
    assert_true(agreed > n / 5); /* else croniter itself had nothing to say */
    print_message("%u expressions; %u of them croniter alone with the zone, %u too near to a change\n", n,
                  agreed, left_out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_are_as_zoneinfo_reads_them),
        cmocka_unit_test(schedules_are_as_croniter_and_the_policy_have_them),
    };
    return cmocka_run_group_tests_name("cron_oracle", tests, NULL, NULL);
}
