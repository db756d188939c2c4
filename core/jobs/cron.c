#include "jobs/cron.h"

#include "jobs/civil.h"
#include "util/clock.h"

/* ---- reading an expression ---- */

struct field {
    const char *name;
    unsigned min, max;
    const char (*words)[4]; /* NULL: none; the first one is `words_from` */
    unsigned words_n, words_from;
    bool is_of_days; /* takes ? */
};

static const char month_words[12][4] = { "jan", "feb", "mar", "apr", "may", "jun",
                                         "jul", "aug", "sep", "oct", "nov", "dec" };
static const char weekday_words[7][4] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const struct field fields[FIELDS] = {
    [SECOND] = { .name = "second", .max = 59 },
    [MINUTE] = { .name = "minute", .max = 59 },
    [HOUR] = { .name = "hour", .max = 23 },
    [DAY] = { .name = "day of the month", .min = 1, .max = 31, .is_of_days = true },
    [MONTH] = { .name = "month", .min = 1, .max = 12, .words = month_words, .words_n = 12, .words_from = 1 },
    [WEEKDAY] = { .name = "day of the week",
                  .max = 7,
                  .words = weekday_words,
                  .words_n = 7,
                  .is_of_days = true },
};

/* What one field came to. */
struct marks {
    uint64_t bits;
    bool any;     /* it says `*` or `?` */
    bool follows; /* it says `*` or has a step */
};

static void say_field(struct buf *why, const struct field *f, struct str item)
{
    buf_add_format(why, "the %s ", f->name);
    buf_add_json(why, item);
}

static void say_allowed(struct buf *why, const struct field *f)
{
    buf_add_format(why, "; allowed are %u-%u%s", f->min, f->max,
                   f == &fields[WEEKDAY] ? " (0 and 7 are Sunday)" : "");
    if (f->words)
        buf_add_format(why, " and %.3s-%.3s", f->words[0], f->words[f->words_n - 1]);
    buf_add_text(why, f->is_of_days ? ", *, ?, lists, ranges and steps" : ", *, lists, ranges and steps");
}

/* L, W and # of other crons, which people bring along. */
static bool is_of_other_crons(const struct field *f, struct str item)
{
    if (!f->is_of_days || item.n == 0)
        return false;
    char last = item.p[item.n - 1];
    return str_find(item, '#') < item.n || last == 'L' || last == 'W' || item.p[0] == 'L';
}

static bool read_value(const struct field *f, struct str text, struct str item, unsigned *out,
                       struct buf *why)
{
    uint64_t value;

    for (unsigned i = 0; i < f->words_n; i++) {
        if (str_equal_nocase(text, str_from(f->words[i]))) {
            *out = f->words_from + i;
            return true;
        }
    }
    bool is_number = str_to_uint(text, 9999, &value);
    if (is_number && value >= f->min && value <= f->max) {
        *out = (unsigned)value;
        return true;
    }
    say_field(why, f, item);
    if (is_of_other_crons(f, item)) {
        buf_add_text(why, " uses L, W or #, which are not understood here: let it run on all the days that "
                          "it may be, and let "
                          "the job look at the date");
        return false;
    }
    buf_add_text(why, text.n == 0 ? " lacks a value" : is_number ? " is out of range" : " is no value");
    say_allowed(why, f);
    return false;
}

/* The step behind a slash; 1 without one. */
static bool read_step(const struct field *f, struct str text, unsigned span, struct str item, unsigned *out,
                      struct buf *why)
{
    uint64_t step;

    if (!str_to_uint(text, 9999, &step) || step == 0) {
        say_field(why, f, item);
        buf_add_text(why, " has no step behind its slash: a number from 1 on");
        return false;
    }
    /* It would match once and look as if it did so again and again: "every 90 minutes" is not an hour's business. */
    if (step > 1 && step > span) {
        say_field(why, f, item);
        buf_add_format(why,
                       " has a step that leads beyond its end: at most %u here; for other intervals there is "
                       "\"every 90m\"",
                       span > 1 ? span : 1);
        return false;
    }
    *out = (unsigned)step;
    return true;
}

/* "8-18/2", "5", "*", "5/15" */
static bool read_item(const struct field *f, struct str item, struct marks *out, struct buf *why)
{
    struct str rest = item, range = { NULL, 0 }, first = { NULL, 0 };
    unsigned low = f->min, high = f->max, step = 1;
    bool has_step = str_find(item, '/') < item.n;

    str_split(&rest, '/', &range);
    bool any = str_equal(range, STR_OF("*")) || (f->is_of_days && str_equal(range, STR_OF("?")));
    if (any && f == &fields[WEEKDAY])
        high = 6; /* a step must not find Sunday twice */
    if (!any) {
        struct str last = range;
        bool is_range = str_find(range, '-') < range.n;
        str_split(&last, '-', &first);
        if (!read_value(f, first, item, &low, why))
            return false;
        if (is_range) {
            if (!read_value(f, last, item, &high, why))
                return false;
            if (f == &fields[WEEKDAY] && high == 0 && low > 0)
                high = 7; /* FRI-SUN */
        } else if (!has_step) {
            high = low;
        }
        if (high < low) {
            say_field(why, f, item);
            buf_add_format(why, " runs backwards: write %u-%u,%u-%u", low, f->max, f->min, high);
            return false;
        }
        if (f == &fields[WEEKDAY] && has_step && !is_range && low < 7)
            high = 6;
    }
    if (has_step && !read_step(f, rest, high - low, item, &step, why))
        return false;
    for (unsigned i = low; i <= high; i += step)
        out->bits |= UINT64_C(1) << i;
    out->any = out->any || (any && step == 1);
    out->follows = out->follows || any || has_step;
    return true;
}

static bool read_field(const struct field *f, struct str text, struct marks *out, struct buf *why)
{
    struct str item;

    *out = (struct marks){ .bits = 0 };
    while (str_split(&text, ',', &item)) {
        if (!read_item(f, item, out, why))
            return false;
    }
    return true;
}

/* The next word, without the spaces around it; empty at the end. */
static struct str cut_word(struct str *rest)
{
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct str word = str_make(rest->p, n);
    *rest = str_make(rest->p + n, rest->n - n);
    return word;
}

static const struct alias {
    struct str name;
    const char *expression;
} aliases[] = {
    { STR("@hourly"), "0 * * * *" },   { STR("@daily"), "0 0 * * *" },   { STR("@midnight"), "0 0 * * *" },
    { STR("@weekly"), "0 0 * * 0" },   { STR("@monthly"), "0 0 1 * *" }, { STR("@yearly"), "0 0 1 1 *" },
    { STR("@annually"), "0 0 1 1 *" },
};

/* The expression that a name stands for, the text itself, or an empty one with why. */
static struct str resolve_alias(struct str text, struct buf *why)
{
    for (size_t i = 0; i < DW_COUNT_OF(aliases); i++) {
        if (str_equal_nocase(text, aliases[i].name))
            return str_from(aliases[i].expression);
    }
    if (text.n == 0 || text.p[0] != '@')
        return text;
    buf_add_text(why, "there is no ");
    buf_add_json(why, text);
    buf_add_text(why, "; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually");
    return str_make(NULL, 0);
}

/* Cuts "TZ=Europe/Berlin " off. */
static bool read_zone(struct str *text, const struct zone **zone, struct buf *why)
{
    static const struct str prefixes[] = { STR("TZ="), STR("CRON_TZ=") };

    for (size_t i = 0; i < DW_COUNT_OF(prefixes); i++) {
        struct str rest = *text;
        if (!str_starts_with(rest, prefixes[i]))
            continue;
        struct str word = cut_word(&rest);
        *text = str_trim(rest);
        return zone_find(zone, str_make(word.p + prefixes[i].n, word.n - prefixes[i].n), why) == 0;
    }
    return true;
}

int cron_parse(struct cron *out, struct str text, const struct zone *zone, struct buf *why)
{
    struct str words[FIELDS + 1], rest = str_trim(text);
    struct marks marks[FIELDS] = { [SECOND] = { .bits = 1 } };
    size_t n = 0;

    *out = (struct cron){ .zone = zone };
    if (!read_zone(&rest, &out->zone, why))
        return -1;
    rest = resolve_alias(rest, why);
    if (rest.n == 0 && why->n > 0)
        return -1;
    for (struct str word; n <= FIELDS && (word = cut_word(&rest)).n > 0;)
        words[n++] = word;
    if (n != FIELDS && n != FIELDS - 1) {
        buf_add_json(why, text);
        buf_add_format(why,
                       " has %s%zu field%s; five are wanted (minute, hour, day of the month, month, day of "
                       "the week), or six with the second in front, or \"every 15m\"",
                       n > FIELDS ? "more than " : "", n > FIELDS ? (size_t)FIELDS : n, n == 1 ? "" : "s");
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        size_t field = FIELDS - n + i;
        if (!read_field(&fields[field], words[i], &marks[field], why))
            return -1;
    }
    out->seconds = marks[SECOND].bits;
    out->minutes = marks[MINUTE].bits;
    out->hours = marks[HOUR].bits;
    out->days = marks[DAY].bits;
    out->months = marks[MONTH].bits;
    out->weekdays = (marks[WEEKDAY].bits | marks[WEEKDAY].bits >> 7) & 0x7f;
    out->any_day = marks[DAY].any;
    out->any_weekday = marks[WEEKDAY].any;
    out->both_hours = marks[HOUR].follows || out->hours == (UINT64_C(1) << 24) - 1;
    return 0;
}

/* ---- what the calendar shows next ---- */

static bool has(uint64_t bits, int value)
{
    return bits >> value & 1;
}

/* The lowest bit from here on; -1: none. */
static int next_bit(uint64_t bits, int from)
{
    for (int i = from; i < 64 && bits >> i != 0; i++) {
        if (has(bits, i))
            return i;
    }
    return -1;
}

static int64_t day_number(const struct civil *t)
{
    return civil_days(t->year, t->month, t->day);
}

/* Cron's old rule: where both are restricted, either is enough. */
static bool day_matches(const struct cron *c, const struct civil *date)
{
    bool day = has(c->days, date->day);

    if (c->any_weekday)
        return day;
    bool weekday = has(c->weekdays, civil_weekday(day_number(date)));
    return c->any_day ? weekday : day || weekday;
}

/* From this date on, itself included. False: not before the year `until`. */
static bool find_date(const struct cron *c, struct civil *date, int64_t until)
{
    while (date->year < until) {
        if (has(c->months, date->month)) {
            for (int last = civil_month_days(date->year, date->month); date->day <= last; date->day++) {
                if (day_matches(c, date))
                    return true;
            }
        }
        date->day = 1;
        date->month = date->month % 12 + 1;
        date->year += date->month == 1;
    }
    return false;
}

/* From this time of the day on, itself included. */
static bool find_time(const struct cron *c, struct civil *time)
{
    int hour = next_bit(c->hours, time->hour);
    if (hour == time->hour) {
        int minute = next_bit(c->minutes, time->minute);
        if (minute == time->minute) {
            int second = next_bit(c->seconds, time->second);
            if (second >= 0) {
                time->second = second;
                return true;
            }
            minute = next_bit(c->minutes, time->minute + 1);
        }
        if (minute >= 0) {
            time->minute = minute;
            time->second = next_bit(c->seconds, 0);
            return true;
        }
        hour = next_bit(c->hours, time->hour + 1);
    }
    if (hour < 0)
        return false;
    time->hour = hour;
    time->minute = next_bit(c->minutes, 0);
    time->second = next_bit(c->seconds, 0);
    return true;
}

/* The first local second from `local` on that matches; false: not before the year `until`. */
static bool find_local(const struct cron *c, int64_t local, int64_t until, int64_t *out)
{
    struct civil t = civil_from_seconds(local);

    for (;;) {
        int64_t day = day_number(&t);
        if (!find_date(c, &t, until))
            return false;
        if (day_number(&t) != day) /* its beginning */
            t.hour = t.minute = t.second = 0;
        if (find_time(c, &t)) {
            *out = civil_to_seconds(&t);
            return true;
        }
        t = civil_from_seconds((day_number(&t) + 1) * CIVIL_DAY);
    }
}

/* ---- what the clock in the zone shows next ---- */

/* Years 1 to 9999, which RFC 3339 can write: an instant has to be kept and shown. */
static const int64_t first_second = -62135596800, last_second = 253402300799;

/* From one span of the zone, in which the clock runs evenly, to the next. A clock that is set back shows some time again:
 * who counts only the first time goes on behind it. One that is set forward skips some: what would have been then comes at
 * that instant. */
static bool find_instant(const struct cron *c, int64_t after, int64_t *out)
{
    const bool every_hour = c->hours == (UINT64_C(1) << 24) - 1;
    struct tzspan span = zone_span_at(c->zone, after);
    int64_t low = after + span.offset + 1, local = INT64_MIN;
    const int64_t until = civil_from_seconds(low).year + CRON_YEARS_MAX + 1;

    if (span.from != INT64_MIN && !c->both_hours) {
        int64_t shown = span.from + zone_span_at(c->zone, span.from - 1).offset;
        low = low < shown ? shown : low;
    }
    for (;;) {
        if (local < low && !find_local(c, low, until, &local))
            return false;
        if (span.until == INT64_MAX || local - span.offset < span.until) {
            *out = local - span.offset;
            return true;
        }
        struct tzspan next = zone_span_at(c->zone, span.until);
        int64_t before = span.until + span.offset, behind = span.until + next.offset;
        if (behind > before && local < behind && !every_hour) {
            *out = span.until;
            return true;
        }
        if (c->both_hours && behind < before)
            local = INT64_MIN; /* it may match in what is shown again */
        low = behind > before || c->both_hours ? behind : before;
        span = next;
    }
}

bool cron_next(const struct cron *c, int64_t after_us, int64_t *next_us)
{
    int64_t after = civil_floor_div(after_us, CLOCK_SECOND), next;

    if (after < first_second)
        after = first_second - 1;
    if (after > last_second || !find_instant(c, after, &next) || next > last_second)
        return false;
    *next_us = next * CLOCK_SECOND;
    return true;
}
