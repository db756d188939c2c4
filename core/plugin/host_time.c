/* host_time.c - what the tables say about instants: texts, zones, schedules. */
#include "plugin/host_time.h"

#include <stdio.h>

#include "jobs/civil.h"
#include "jobs/when.h"
#include "plugin/call.h"
#include "util/clock.h"

enum { SHOWN_BYTES = 40 };

/* Ten thousand years. */
#define FAR_US (INT64_C(315576000000) * CLOCK_SECOND)

static const char *shown(const char *text)
{
    return text ? text : "";
}

/* 0, or recorded as an error. NULL is UTC. */
static int find_zone(dw_call *c, const char *name, const struct zone **out)
{
    struct buf why = BUF_INIT;
    int rc = 0;

    *out = zone_utc();
    if (name && zone_find(out, str_from(name), &why) != 0) {
        struct str text = buf_str(&why);
        rc = call_fail(c, DW_EINVALID, "%.*s", (int)text.n, text.p ? text.p : "out of memory");
    }
    buf_finish(&why);
    return rc;
}

/* ---- texts ---- */

int host_time_parse(dw_call *c, const char *text, dw_time *out)
{
    DW_TRY(call_check(c, "dw_time_parse"));
    if (!out)
        return call_misuse(c, "dw_time_parse was given no place for its result");
    if (text && clock_parse_rfc3339(str_from(text), &out->us))
        return 0;
    return call_fail(c, DW_EINVALID, "\"%.*s\" is no time with its offset, such as 2026-11-21T08:05:00+01:00",
                     SHOWN_BYTES, shown(text));
}

const char *host_time_format(dw_call *c, dw_time t)
{
    char text[CLOCK_RFC3339_SIZE];

    if (!call_is_mine(c)) {
        call_stray(c, "dw_time_format");
        return "";
    }
    clock_format_rfc3339(t.us, text);
    return call_copy(c, str_from(text));
}

/* ---- zones ---- */

int host_time_parse_in(dw_call *c, const char *text, const char *zone_name, dw_time *out)
{
    const struct zone *zone;
    struct when when;

    DW_TRY(call_check(c, "dw_time_parse_in"));
    if (!out)
        return call_misuse(c, "dw_time_parse_in was given no place for its result");
    DW_TRY(find_zone(c, zone_name, &zone));
    if (!text || !when_parse_instant(&when, str_from(text), zone))
        return call_fail(
            c, DW_EINVALID,
            "\"%.*s\" is no date and time, such as 2026-11-21T08:05:00 or 2026-11-21T08:05:00+01:00",
            SHOWN_BYTES, shown(text));
    out->us = when.at_us;
    return 0;
}

/* "2026-11-21T08:05:00.000000Z" as the local clock shows it, with "+01:00" for the Z. */
static const char *with_offset(dw_call *c, int64_t local_us, int32_t offset)
{
    char local[CLOCK_RFC3339_SIZE], text[CLOCK_RFC3339_SIZE + sizeof("+00:00")];
    unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;

    clock_format_rfc3339(local_us, local);
    snprintf(text, sizeof(text), "%.*s%c%02u:%02u", CLOCK_RFC3339_SIZE - 2, local, offset < 0 ? '-' : '+',
             minutes / 60 % 100, minutes % 60);
    return call_copy(c, str_from(text));
}

int host_time_format_in(dw_call *c, dw_time t, const char *zone_name, const char **out)
{
    const struct zone *zone;

    DW_TRY(call_check(c, "dw_time_format_in"));
    if (!out)
        return call_misuse(c, "dw_time_format_in was given no place for its result");
    DW_TRY(find_zone(c, zone_name, &zone));
    /* So far away nobody has a clock; but whoever counts with such a time must not lead astray. */
    t.us = t.us > FAR_US ? FAR_US : t.us < -FAR_US ? -FAR_US : t.us;
    int32_t offset = (int32_t)zone_span_at(zone, civil_floor_div(t.us, CLOCK_SECOND)).offset;
    *out = with_offset(c, t.us + (int64_t)offset * CLOCK_SECOND, offset);
    return 0;
}

/* ---- schedules ---- */

int host_when_next(dw_call *c, const char *text, const char *zone_name, dw_time after, dw_time *out)
{
    const struct zone *zone;
    struct buf why = BUF_INIT;
    struct when when;
    int rc;

    DW_TRY(call_check(c, "dw_when_next"));
    if (!out)
        return call_misuse(c, "dw_when_next was given no place for its result");
    DW_TRY(find_zone(c, zone_name, &zone));
    if (when_parse(&when, str_from(shown(text)), zone, &why) == 0) {
        rc = when_next(&when, after.us, &out->us) ? 1 : 0;
    } else {
        struct str wrong = buf_str(&why);
        rc = call_fail(c, DW_EINVALID, "%.*s", (int)wrong.n, wrong.p ? wrong.p : "out of memory");
    }
    buf_finish(&why);
    return rc;
}
