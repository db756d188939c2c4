/* Time zones: known changes of the clock, names, and files that lie. Against another implementation: cron_oracle_test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "jobs/civil.h"
#include "jobs/zone.h"
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

static int64_t seconds(const char *rfc3339)
{
    int64_t us;

    if (!clock_parse_rfc3339(str_from(rfc3339), &us))
        fail_msg("%s is no instant", rfc3339);
    return us / CLOCK_SECOND;
}

static void assert_refused(const char *name, const char *with)
{
    const struct zone *z = zone_utc();
    struct buf why = BUF_INIT;

    assert_int_equal(zone_find(&z, str_from(name), &why), -1);
    assert_null(z);
    if (!strstr(buf_text(&why), with))
        fail_msg("%s: says \"%s\", wanted \"%s\"", name, buf_text(&why), with);
    buf_finish(&why);
}

static void dates_and_numbers_are_each_others_inverse(void **state)
{
    (void)state;
    assert_int_equal(civil_days(1970, 1, 1), 0);
    assert_int_equal(civil_days(2000, 2, 29), 11016);
    assert_int_equal(civil_weekday(civil_days(2026, 11, 27)), 5);
    assert_int_equal(civil_weekday(civil_days(1969, 12, 28)), 0);
    for (int64_t day = -800000; day < 800000; day += 13) {
        struct civil c;
        civil_date(day, &c);
        assert_int_equal(civil_days(c.year, c.month, c.day), day);
        assert_in_range(c.day, 1, civil_month_days(c.year, c.month));
    }
    struct civil before = civil_from_seconds(-1);
    assert_int_equal(before.year, 1969);
    assert_int_equal(before.second, 59);
    assert_int_equal(civil_to_seconds(&before), -1);
}

struct clock_row {
    const char *zone, *utc;
    int offset; /* minutes */
};

static void a_clock_shows_what_it_did_and_will(void **state)
{
    static const struct clock_row rows[] = {
        { "Europe/Berlin", "2026-01-15T12:00:00Z", 60 },
        { "Europe/Berlin", "2026-03-29T00:59:59Z", 60 },
        { "Europe/Berlin", "2026-03-29T01:00:00Z", 120 },
        { "Europe/Berlin", "2026-10-25T00:59:59Z", 120 },
        { "Europe/Berlin", "2026-10-25T01:00:00Z", 60 },
        { "Europe/Berlin", "1945-06-15T12:00:00Z", 180 }, /* double summer time */
        { "Europe/Berlin", "2100-07-01T00:00:00Z", 120 }, /* by the rule */
        { "Europe/Dublin", "2050-01-01T00:00:00Z", 0 },   /* whose summer is its standard */
        { "Europe/Dublin", "2050-07-01T00:00:00Z", 60 },
        { "America/Nuuk", "2060-03-27T00:59:59Z", -120 }, /* begins on the day before, at "-1" o'clock */
        { "America/Nuuk", "2060-03-28T01:00:00Z", -60 },
        { "Asia/Gaza", "2090-07-01T00:00:00Z", 180 }, /* begins at "50" o'clock */
        { "Antarctica/Troll", "2045-07-01T00:00:00Z", 120 },
        { "Australia/Lord_Howe", "2026-01-01T00:00:00Z", 660 },
        { "Australia/Lord_Howe", "2026-07-01T00:00:00Z", 630 },
        { "Pacific/Chatham", "2040-01-01T00:00:00Z", 825 },
        { "Pacific/Apia", "2011-12-30T09:59:59Z", -600 },
        { "Pacific/Apia", "2011-12-30T10:00:00Z", 840 },
        { "Africa/Casablanca", "2026-03-01T12:00:00Z", 0 }, /* Ramadan */
        { "Africa/Casablanca", "2026-06-01T12:00:00Z", 60 },
        { "Africa/Cairo", "2050-07-01T00:00:00Z", 180 },
        { "Asia/Tehran", "2030-07-01T00:00:00Z", 210 },
        { "America/Sao_Paulo", "2030-01-01T00:00:00Z", -180 },
        { "UTC", "2026-07-01T00:00:00Z", 0 },
        { "Etc/GMT+5", "2026-07-01T00:00:00Z", -300 },
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(rows); i++) {
        struct tzspan span = zone_span_at(zone_of(rows[i].zone), seconds(rows[i].utc));
        if (span.offset != rows[i].offset * 60)
            fail_msg("%s at %s: offset %d, wanted %d", rows[i].zone, rows[i].utc, (int)span.offset,
                     rows[i].offset * 60);
    }
}

/* Each span begins where the one before it ended, and with a change. */
static void spans_follow_each_other(void **state)
{
    static const char *const names[] = { "Europe/Berlin",     "America/Nuuk",     "Asia/Gaza",
                                         "Africa/Casablanca", "Antarctica/Troll", "Europe/Dublin",
                                         "America/St_Johns",  "Pacific/Apia",     "America/Santiago" };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        const struct zone *z = zone_of(names[i]);
        struct tzspan span = zone_span_at(z, INT64_MIN);
        unsigned n = 0;
        assert_true(span.from == INT64_MIN);
        for (; span.until != INT64_MAX && span.until < seconds("2200-01-01T00:00:00Z"); n++) {
            struct tzspan next = zone_span_at(z, span.until);
            struct tzspan last = zone_span_at(z, span.until - 1);
            assert_true(next.from == span.until && next.until > next.from);
            assert_int_not_equal(next.offset, span.offset);
            assert_true(last.from == span.from && last.until == span.until);
            span = next;
        }
        assert_in_range(n, 10, 1000);
    }
}

struct local_row {
    const char *zone, *local; /* written as if it were UTC */
    enum zone_times times;
    const char *first, *last;
};

static void gaps_and_folds_are_told(void **state)
{
    static const struct local_row rows[] = {
        { "Europe/Berlin", "2026-07-01T12:00:00Z", ZONE_ONCE, "2026-07-01T10:00:00Z",
          "2026-07-01T10:00:00Z" },
        { "Europe/Berlin", "2025-03-30T01:59:59Z", ZONE_ONCE, "2025-03-30T00:59:59Z",
          "2025-03-30T00:59:59Z" },
        { "Europe/Berlin", "2025-03-30T02:00:00Z", ZONE_GAP, "2025-03-30T01:00:00Z", "2025-03-30T01:00:00Z" },
        { "Europe/Berlin", "2025-03-30T02:30:00Z", ZONE_GAP, "2025-03-30T01:00:00Z", "2025-03-30T01:00:00Z" },
        { "Europe/Berlin", "2025-03-30T03:00:00Z", ZONE_ONCE, "2025-03-30T01:00:00Z",
          "2025-03-30T01:00:00Z" },
        { "Europe/Berlin", "2025-10-26T02:30:00Z", ZONE_FOLD, "2025-10-26T00:30:00Z",
          "2025-10-26T01:30:00Z" },
        { "Europe/Berlin", "2025-10-26T03:00:00Z", ZONE_ONCE, "2025-10-26T02:00:00Z",
          "2025-10-26T02:00:00Z" },
        { "Pacific/Apia", "2011-12-30T12:00:00Z", ZONE_GAP, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z" },
        { "Australia/Lord_Howe", "2026-10-04T02:15:00Z", ZONE_GAP, "2026-10-03T15:30:00Z",
          "2026-10-03T15:30:00Z" },
        { "Australia/Lord_Howe", "2026-04-05T01:45:00Z", ZONE_FOLD, "2026-04-04T14:45:00Z",
          "2026-04-04T15:15:00Z" },
        { "UTC", "2026-04-05T01:45:00Z", ZONE_ONCE, "2026-04-05T01:45:00Z", "2026-04-05T01:45:00Z" },
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(rows); i++) {
        int64_t first, last;
        enum zone_times times = zone_instants(zone_of(rows[i].zone), seconds(rows[i].local), &first, &last);
        if (times != rows[i].times || first != seconds(rows[i].first) || last != seconds(rows[i].last))
            fail_msg("%s %s: %d, %lld, %lld", rows[i].zone, rows[i].local, (int)times, (long long)first,
                     (long long)last);
    }
}

static void an_unknown_name_is_told_what_is_meant(void **state)
{
    (void)state;
    assert_refused("Europe/Berln", "there is no time zone \"Europe/Berln\", did you mean Europe/Berlin?");
    assert_refused("europe/berlin", "did you mean Europe/Berlin?");
    assert_refused("Berlin", "did you mean Europe/Berlin?");
    assert_refused("America/New York", "did you mean America/New_York?");
    assert_refused("Middle-earth/Shire", "such as Europe/Berlin");
    assert_refused("", "there is no time zone \"\"");
    assert_refused("utc", "did you mean");
}

static void a_name_leads_nowhere_else(void **state)
{
    (void)state;
    assert_refused("../../../etc/passwd", "there is no time zone");
    assert_refused("/etc/passwd", "there is no time zone");
    assert_refused("Europe", "there is no time zone");
    assert_refused("Europe/", "there is no time zone");
    assert_refused("Europe//Berlin", "there is no time zone");
    assert_refused("Europe/Berlin/", "there is no time zone");
    assert_refused("zone.tab", "there is no time zone");
    assert_refused("right/Europe/Berlin", "there is no time zone");
    assert_refused("localtime", "there is no time zone");
    assert_refused("A123456789012345678901234567890123456789012345678901234567890123456789", "there is no");
}

static void one_name_is_one_zone(void **state)
{
    (void)state;
    assert_ptr_equal(zone_of("Europe/Paris"), zone_of("Europe/Paris"));
    assert_ptr_equal(zone_of("UTC"), zone_utc());
    assert_string_equal(zone_name(zone_of("Europe/Paris")), "Europe/Paris");
}

/* Each looks some up that nobody has, and one that all have. */
static void *find_many(void *ud)
{
    static const char *const names[] = { "Asia/Tokyo", "Asia/Dubai", "Asia/Seoul", "Asia/Kolkata",
                                         "Asia/Manila" };
    const struct zone *z = NULL;
    struct buf why = BUF_INIT;

    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        size_t turn = (i + (size_t)(uintptr_t)ud) % DW_COUNT_OF(names);
        if (zone_find(&z, str_from(names[turn]), &why) != 0 || zone_span_at(z, 0).offset == 0)
            return NULL;
    }
    return zone_find(&z, str_from("Asia/Tokyo"), &why) == 0 ? (void *)(uintptr_t)z : NULL;
}

static void threads_find_the_same_zone(void **state)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    void *found;

    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find_many, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &found);
        assert_ptr_equal(found, zone_of("Asia/Tokyo"));
    }
}

/* ---- files ---- */

/* A file of version 2 with no changes, two types and this footer. */
static size_t make_file(char *out, const char *footer)
{
    static const char head[44] = "TZif2";
    char *p = out;

    for (int block = 0; block < 2; block++) {
        memcpy(p, head, sizeof(head));
        p[20 + 19] = 1; /* one type */
        p[20 + 23] = 1; /* one byte of names */
        memset(p + 44, 0, 7);
        p += 51;
    }
    size_t n = strlen(footer);
    memcpy(p, footer, n);
    return (size_t)(p - out) + n;
}

static void assert_file(const char *footer, const char *wrong)
{
    char bytes[512];
    const char *why;
    struct tzfile *t;
    size_t n = make_file(bytes, footer);
    int rc = tzfile_read(&t, str_make(bytes, n), &why);

    if (rc != (wrong ? -1 : 0) || (wrong && strcmp(why, wrong) != 0))
        fail_msg("%s: %s", footer, why ? why : "was taken");
    tzfile_destroy(t);
}

static int64_t offset_by(const char *footer, const char *at)
{
    char bytes[512];
    const char *why;
    struct tzfile *t;

    assert_int_equal(tzfile_read(&t, str_make(bytes, make_file(bytes, footer)), &why), 0);
    int64_t offset = tzfile_span_at(t, seconds(at)).offset;
    tzfile_destroy(t);
    return offset;
}

static void rules_of_every_form_are_read(void **state)
{
    (void)state;
    assert_file("\n\n", NULL);
    assert_file("\nCET-1\n", NULL);
    assert_file("\nCET-1CEST,M3.5.0,M10.5.0/3\n", NULL);
    assert_int_equal(offset_by("\n<-0330>3:30\n", "2026-01-01T00:00:00Z"), -12600);
    /* Summer without an offset is an hour more; days by their numbers. */
    assert_int_equal(offset_by("\nAAA0BBB,J60,J300\n", "2024-03-01T01:59:59Z"), 0);
    assert_int_equal(offset_by("\nAAA0BBB,J60,J300\n", "2024-03-01T02:00:00Z"), 3600);
    assert_int_equal(offset_by("\nAAA0BBB,59,300\n", "2024-02-29T02:00:00Z"), 3600);
    /* Summer all the year, and the southern one that spans its end. */
    assert_int_equal(offset_by("\nXXX3EDT4,0/0,J365/23\n", "2026-01-01T03:00:00Z"), -14400);
    assert_int_equal(offset_by("\nXXX3EDT4,0/0,J365/23\n", "2026-07-01T03:00:00Z"), -14400);
    assert_int_equal(offset_by("\nAAA-10BBB,M10.1.0,M4.1.0/3\n", "2026-01-01T00:00:00Z"), 39600);
    assert_int_equal(offset_by("\nAAA-10BBB,M10.1.0,M4.1.0/3\n", "2026-07-01T00:00:00Z"), 36000);
}

static void a_file_that_lies_is_refused(void **state)
{
    static const char *const footers[] = { "\nC\n",
                                           "\nCET\n",
                                           "\nCET-25\n",
                                           "\nCET-1CEST\n",
                                           "\nCET-1CEST,M3.5.0\n",
                                           "\nCET-1CEST,M13.5.0,M10.5.0\n",
                                           "\nCET-1CEST,M3.6.0,M10.5.0\n",
                                           "\nCET-1CEST,M3.5.7,M10.5.0\n",
                                           "\nCET-1CEST,M3.5.0/168,M10.5.0\n",
                                           "\nCET-1CEST,J0,J5\n",
                                           "\n<CET-1\n",
                                           "\nCET-1:60\n",
                                           "CET-1",
                                           "" };
    char bytes[512];
    const char *why;
    struct tzfile *t;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(footers); i++)
        assert_file(footers[i], "its footer is no rule");
    size_t n = make_file(bytes, "\n\n");
    for (size_t cut = 0; cut < n - 1; cut++)
        assert_int_equal(tzfile_read(&t, str_make(bytes, cut), &why), -1);
    memset(bytes + 20, 0xff, 24);
    assert_int_equal(tzfile_read(&t, str_make(bytes, n), &why), -1);
    assert_string_equal(why, "its counts do not fit its size");
    n = make_file(bytes, "\n\n");
    bytes[51 + 44] = 0x7f; /* the type's offset */
    assert_int_equal(tzfile_read(&t, str_make(bytes, n), &why), -1);
    assert_string_equal(why, "an offset is out of range");
    assert_int_equal(tzfile_read(&t, STR_OF("hello"), &why), -1);
    assert_string_equal(why, "it is no TZif file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_and_numbers_are_each_others_inverse),
        cmocka_unit_test(a_clock_shows_what_it_did_and_will),
        cmocka_unit_test(spans_follow_each_other),
        cmocka_unit_test(gaps_and_folds_are_told),
        cmocka_unit_test(an_unknown_name_is_told_what_is_meant),
        cmocka_unit_test(a_name_leads_nowhere_else),
        cmocka_unit_test(one_name_is_one_zone),
        cmocka_unit_test(threads_find_the_same_zone),
        cmocka_unit_test(rules_of_every_form_are_read),
        cmocka_unit_test(a_file_that_lies_is_refused),
    };
    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
