#include "jobs/when.h"

#include <string.h>

#include "config/units.h"
#include "jobs/civil.h"
#include "util/clock.h"

/* ---- reading ---- */

static int read_every(struct when *out, struct str span, struct buf *why)
{
    const char *wrong = units_parse_span(str_trim(span), &out->every_us);

    out->kind = WHEN_EVERY;
    if (!wrong && out->every_us < WHEN_EVERY_MIN_SECONDS * (int64_t)CLOCK_SECOND)
        wrong = "it is shorter than a second";
    if (!wrong && out->every_us > WHEN_EVERY_MAX_DAYS * (int64_t)CIVIL_DAY * CLOCK_SECOND)
        wrong = "it is longer than 366 days";
    if (!wrong)
        return 0;
    buf_add_text(why, "the interval ");
    buf_add_json(why, str_trim(span));
    buf_add_format(why, " cannot be used: %s; write \"every 5m\", \"every 1h30m\", \"every 7d\"", wrong);
    return -1;
}

/* "2026-": no expression of cron's begins so. */
static bool is_date(struct str text)
{
    uint64_t year;

    return text.n > 5 && text.p[4] == '-' && str_to_uint(str_make(text.p, 4), 9999, &year);
}

bool when_parse_instant(struct when *out, struct str text, const struct zone *zone)
{
    char with_z[CLOCK_RFC3339_SIZE];
    int64_t local_us, first, last;

    out->kind = WHEN_ONCE;
    if (clock_parse_rfc3339(text, &out->at_us))
        return true;
    if (text.n + 1 >= sizeof(with_z))
        return false;
    memcpy(with_z, text.p, text.n);
    with_z[text.n] = 'Z';
    if (!clock_parse_rfc3339(str_make(with_z, text.n + 1), &local_us))
        return false;
    int64_t local = civil_floor_div(local_us, CLOCK_SECOND);
    enum zone_times times = zone_instants(zone, local, &first, &last);
    out->at_us = first * CLOCK_SECOND + (times == ZONE_GAP ? 0 : local_us - local * CLOCK_SECOND);
    return true;
}

static int read_once(struct when *out, struct str text, const struct zone *zone, struct buf *why)
{
    if (when_parse_instant(out, text, zone))
        return 0;
    buf_add_json(why, text);
    buf_add_text(why, " is no date and time: write 2026-12-24T18:00:00+01:00, or without the offset for the "
                      "clock of the zone");
    return -1;
}

int when_parse(struct when *out, struct str text, const struct zone *zone, struct buf *why)
{
    static const struct str every = STR("every ");

    text = str_trim(text);
    *out = (struct when){ .kind = WHEN_CRON };
    if (text.n == 0) {
        buf_add_text(why,
                     "a schedule is empty: write \"0 3 * * *\", \"every 5m\" or \"2026-12-24T18:00:00Z\"");
        return -1;
    }
    if (str_starts_with(text, every))
        return read_every(out, str_make(text.p + every.n, text.n - every.n), why);
    if (str_starts_with(text, STR_OF("@every "))) /* as other crons have it */
        return read_every(out, str_make(text.p + every.n + 1, text.n - every.n - 1), why);
    if (is_date(text))
        return read_once(out, text, zone, why);
    return cron_parse(&out->cron, text, zone, why);
}

/* ---- instants ---- */

static const int64_t last_us = INT64_C(253402300799) * CLOCK_SECOND; /* of the year 9999 */

static bool next_of_interval(const struct when *w, int64_t after_us, int64_t *next_us)
{
    int64_t passed = civil_floor_div(after_us - w->anchor_us, w->every_us);

    *next_us = w->anchor_us + (passed + 1) * w->every_us;
    return *next_us <= last_us;
}

bool when_next(const struct when *w, int64_t after_us, int64_t *next_us)
{
    bool found = false;

    if (after_us < -last_us)
        after_us = -last_us; /* differences stay in range */
    if (after_us > last_us)
        return false;
    after_us -= w->jitter_us;
    switch (w->kind) {
    case WHEN_CRON: found = cron_next(&w->cron, after_us, next_us); break;
    case WHEN_EVERY: found = next_of_interval(w, after_us, next_us); break;
    case WHEN_ONCE:
        found = w->at_us > after_us;
        if (found)
            *next_us = w->at_us;
        break;
    }
    if (found)
        *next_us += w->jitter_us;
    return found;
}

/* when_next() goes forwards only: looks for the instant behind which comes none until to_us. A year takes it 45 steps, or
 * fewer. */
bool when_last(const struct when *w, int64_t from_us, int64_t to_us, int64_t *last)
{
    int64_t low = from_us - 1, high = to_us, next;

    if (from_us > to_us || !when_next(w, low, &next) || next > to_us)
        return false;
    *last = low = next;
    while (low < high) { /* behind low there is one or it is the last one itself; behind high there is none */
        int64_t middle = low + (high - low) / 2;
        if (when_next(w, middle, &next) && next <= to_us)
            *last = low = next;
        else
            high = middle;
    }
    return true;
}

int64_t when_jitter_us(struct str name, int64_t max_us)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a: the same on all servers and in all versions */

    if (max_us <= 0)
        return 0;
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * UINT64_C(1099511628211);
    hash ^= hash >> 32; /* its low bits alone tell short names badly apart */
    return (int64_t)(hash % ((uint64_t)max_us + 1));
}

/* ---- what was missed ---- */

static const char *const misfires[] = {
    [WHEN_COALESCE] = "coalesce", [WHEN_SKIP] = "skip", [WHEN_ALL] = "all"
};

bool when_misfire_parse(struct str text, enum when_misfire *out)
{
    for (size_t i = 0; i < DW_COUNT_OF(misfires); i++) {
        if (str_equal(text, str_from(misfires[i]))) {
            *out = (enum when_misfire)i;
            return true;
        }
    }
    return false;
}

const char *when_misfire_name(enum when_misfire m)
{
    return misfires[m];
}

void when_fire(const struct when *w, enum when_misfire misfire, int64_t due_us, int64_t now_us,
               int64_t grace_us, struct when_firing *out)
{
    const size_t max = misfire == WHEN_ALL ? WHEN_ALL_MAX : 1;
    int64_t from = due_us, at;

    *out = (struct when_firing){ .n = 0 };
    if (now_us < due_us) {
        out->has_next = true;
        out->next_us = due_us;
        return;
    }
    if (misfire == WHEN_SKIP && from < now_us - grace_us)
        from = now_us - grace_us;
    /* From the last one back, so that of too many the newest are kept; then the right way round. */
    for (int64_t to = now_us; out->n < max && when_last(w, from, to, &at); to = at - 1)
        out->at_us[out->n++] = at;
    for (size_t i = 0; i < out->n / 2; i++) {
        int64_t other = out->at_us[i];
        out->at_us[i] = out->at_us[out->n - 1 - i];
        out->at_us[out->n - 1 - i] = other;
    }
    int64_t first_kept = out->n > 0 ? out->at_us[0] : now_us + 1;
    out->left_out = when_next(w, due_us - 1, &at) && at < first_kept;
    out->has_next = when_next(w, now_us, &out->next_us);
}
