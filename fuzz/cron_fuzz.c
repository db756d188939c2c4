/* cron_fuzz.c - schedules as people write them: what is accepted comes after it was asked for, rises, and is what a clock in
 * the zone then shows, or is the instant of a change. And zone files, which are read from a folder of the system's. */
#include <stdint.h>
#include <stdlib.h>

#include "jobs/civil.h"
#include "jobs/when.h"
#include "util/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool shows(const struct cron *c, int64_t local)
{
    struct civil t = civil_from_seconds(local);
    bool day = c->days >> t.day & 1;
    bool weekday = c->weekdays >> civil_weekday(civil_days(t.year, t.month, t.day)) & 1;

    if (!(c->seconds >> t.second & 1) || !(c->minutes >> t.minute & 1) || !(c->hours >> t.hour & 1) ||
        !(c->months >> t.month & 1))
        return false;
    return c->any_weekday ? day : c->any_day ? weekday : day || weekday;
}

static void check(const struct when *w, int64_t after_us)
{
    int64_t next, last;

    for (int i = 0; i < 5; i++) {
        if (!when_next(w, after_us, &next))
            return;
        if (next <= after_us)
            abort();
        if (w->kind == WHEN_CRON) {
            int64_t at = civil_floor_div(next, CLOCK_SECOND);
            struct tzspan span = zone_span_at(w->cron.zone, at);
            if (!shows(&w->cron, at + span.offset) && span.from != at)
                abort();
        }
        if (!when_last(w, after_us + 1, next, &last) || last != next)
            abort();
        after_us = next;
    }
}

static void check_file(struct str bytes)
{
    struct tzfile *t;
    const char *why;
    int64_t at = -(INT64_C(1) << 36);

    if (tzfile_read(&t, bytes, &why) != 0)
        return;
    for (int i = 0; i < 100; i++) {
        struct tzspan span = tzfile_span_at(t, at);
        if (span.from > at || span.until <= at || span.offset < -TZFILE_OFFSET_MAX ||
            span.offset > TZFILE_OFFSET_MAX)
            abort();
        if (span.until == INT64_MAX)
            break;
        at = span.until;
    }
    tzfile_destroy(t);
}

/* A file around a rule, which random bytes would hardly become. */
static void check_rule(struct str rule)
{
    static const char block[44] = "TZif2";
    struct buf file = BUF_INIT;

    if (rule.n == 0 || rule.p[0] != '\n')
        return;
    for (int i = 0; i < 2; i++) {
        buf_add(&file, block, sizeof(block));
        if (file.p) {
            file.p[file.n - 5] = 1; /* one type, */
            file.p[file.n - 1] = 1; /* and the NUL of its name */
        }
        buf_add(&file, "\0\0\0\0\0\0", 7);
    }
    buf_add_str(&file, rule);
    check_file(buf_str(&file));
    buf_finish(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t instants[] = { 0, INT64_MIN, INT64_C(1743292799999999), INT64_C(1761437400000000),
                                        INT64_C(4070908800000000) };
    static const struct zone *zone;
    const struct str text = str_make((const char *)data, size);
    struct buf why = BUF_INIT;
    struct when w;

    if (!zone && zone_find(&zone, STR_OF("Europe/Berlin"), &why) != 0)
        abort();
    check_file(text);
    check_rule(text);
    if (when_parse(&w, text, zone, &why) == 0) {
        for (size_t i = 0; i < DW_COUNT_OF(instants); i++)
            check(&w, instants[i]);
    } else if (why.n == 0) {
        abort();
    }
    buf_finish(&why);
    return 0;
}
