#include "jobs/tzfile.h"

#include <stdlib.h>

#include "jobs/civil.h"

/* ---- the footer's rule: POSIX's TZ, with the wider hours of RFC 9636 ---- */

enum tzday { TZDAY_MONTH_WEEK, TZDAY_JULIAN, TZDAY_OF_YEAR };

/* When, in each year. */
struct tzwhen {
    enum tzday kind;
    int month, week, weekday; /* M3.5.0: the last Sunday of March */
    int day;                  /* J60: 1 March in each year; 59: the 60th day */
    int64_t time;             /* of the clock before the change, seconds; from -167 to 167 hours */
};

struct tzrule {
    bool is_known, has_summer;
    int64_t standard, summer; /* offsets */
    struct tzwhen begins, ends;
};

/* What is left of a text that is read from its front. */
struct scan {
    const char *p, *end;
};

static bool scan_is(const struct scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

static bool scan_take(struct scan *s, char c)
{
    if (!scan_is(s, c))
        return false;
    s->p++;
    return true;
}

static bool scan_number(struct scan *s, int max, int *out)
{
    int n = 0;
    const char *from = s->p;

    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        n = n * 10 + (*s->p - '0');
        if (n > max)
            return false;
    }
    *out = n;
    return s->p > from;
}

/* "CEST", "<+0330>": only its end matters. */
static bool scan_name(struct scan *s)
{
    const char *from = s->p;

    if (scan_take(s, '<')) {
        while (s->p < s->end && *s->p != '>')
            s->p++;
        return scan_take(s, '>');
    }
    while (s->p < s->end && ((*s->p >= 'A' && *s->p <= 'Z') || (*s->p >= 'a' && *s->p <= 'z')))
        s->p++;
    return s->p - from >= 3;
}

/* "-3:30", "26", "+1:00:30" */
static bool scan_time(struct scan *s, int hours_max, int64_t *out)
{
    int h, m = 0, sec = 0;
    bool negative = scan_take(s, '-');

    if (!negative)
        scan_take(s, '+');
    if (!scan_number(s, hours_max, &h))
        return false;
    if (scan_take(s, ':') && (!scan_number(s, 59, &m) || (scan_take(s, ':') && !scan_number(s, 59, &sec))))
        return false;
    *out = (int64_t)h * CIVIL_HOUR + m * CIVIL_MINUTE + sec;
    if (negative)
        *out = -*out;
    return true;
}

static bool scan_day(struct scan *s, struct tzwhen *out)
{
    if (scan_take(s, 'M')) {
        out->kind = TZDAY_MONTH_WEEK;
        return scan_number(s, 12, &out->month) && out->month >= 1 && scan_take(s, '.') &&
               scan_number(s, 5, &out->week) && out->week >= 1 && scan_take(s, '.') &&
               scan_number(s, 6, &out->weekday);
    }
    if (scan_take(s, 'J')) {
        out->kind = TZDAY_JULIAN;
        return scan_number(s, 365, &out->day) && out->day >= 1;
    }
    out->kind = TZDAY_OF_YEAR;
    return scan_number(s, 365, &out->day);
}

static bool scan_when(struct scan *s, struct tzwhen *out)
{
    if (!scan_take(s, ',') || !scan_day(s, out))
        return false;
    out->time = 2 * CIVIL_HOUR;
    return !scan_take(s, '/') || scan_time(s, 167, &out->time);
}

/* False when it is not such a rule. An empty one is none: the last change holds for ever. */
static bool read_rule(struct str text, struct tzrule *out)
{
    struct scan s = { text.p, text.p + text.n };

    *out = (struct tzrule){ .is_known = text.n > 0 };
    if (text.n == 0)
        return true;
    if (!scan_name(&s) || !scan_time(&s, 24, &out->standard))
        return false;
    out->standard = -out->standard; /* POSIX counts west */
    if (s.p == s.end)
        return true;
    out->has_summer = true;
    out->summer = -(out->standard + CIVIL_HOUR);
    if (!scan_name(&s) || (!scan_is(&s, ',') && !scan_time(&s, 24, &out->summer)))
        return false;
    out->summer = -out->summer;
    return scan_when(&s, &out->begins) && scan_when(&s, &out->ends) && s.p == s.end;
}

/* The day in this year, since 1970. */
static int64_t day_in_year(const struct tzwhen *w, int64_t year)
{
    if (w->kind == TZDAY_OF_YEAR)
        return civil_days(year, 1, 1) + w->day;
    if (w->kind == TZDAY_JULIAN) /* 29 February has no number */
        return civil_days(year, 1, 1) + w->day - 1 + (w->day >= 60 && civil_is_leap(year));
    int64_t first = civil_days(year, w->month, 1);
    int day = 1 + (w->weekday - civil_weekday(first) + 7) % 7 + (w->week - 1) * 7;
    if (day > civil_month_days(year, w->month))
        day -= 7; /* week 5 is the last one */
    return first + day - 1;
}

struct change {
    int64_t at, offset;
};

/* Two a year; the years around are looked at as well, as 167 hours may lead into them. */
enum { RULE_YEARS = 5, RULE_CHANGES = 2 * RULE_YEARS };

/* The summers of a rule that has some, in order of time, without those that last no time. Returns how many. */
static int rule_changes(const struct tzrule *r, int64_t year, struct change out[RULE_CHANGES])
{
    struct change all[RULE_CHANGES];
    int n = 0, kept = 0;

    for (int64_t y = year - RULE_YEARS / 2; y <= year + RULE_YEARS / 2; y++) {
        /* At the same instant summer comes last: "all the year" is written as ending when it begins. */
        all[n++] =
            (struct change){ day_in_year(&r->ends, y) * CIVIL_DAY + r->ends.time - r->summer, r->standard };
        all[n++] = (struct change){ day_in_year(&r->begins, y) * CIVIL_DAY + r->begins.time - r->standard,
                                    r->summer };
    }
    for (int i = 1; i < n; i++) { /* nearly sorted */
        struct change c = all[i];
        int j = i;
        for (; j > 0 && (all[j - 1].at > c.at || (all[j - 1].at == c.at && c.offset == r->standard)); j--)
            all[j] = all[j - 1];
        all[j] = c;
    }
    for (int i = 0; i < n; i++) {
        if (i + 1 < n && all[i + 1].at == all[i].at)
            continue;
        if (kept > 0 && out[kept - 1].offset == all[i].offset)
            continue;
        out[kept++] = all[i];
    }
    return kept;
}

static struct tzspan rule_span(const struct tzrule *r, int64_t utc)
{
    struct tzspan span = { INT64_MIN, INT64_MAX, r->standard };
    struct change changes[RULE_CHANGES];

    if (!r->has_summer)
        return span;
    int64_t year = civil_from_seconds(utc + r->standard).year;
    int n = rule_changes(r, year, changes);
    if (n == 1) /* it is always summer, or never */
        return (struct tzspan){ INT64_MIN, INT64_MAX, changes[0].offset };
    for (int i = 0; i < n; i++) {
        if (changes[i].at > utc) {
            span.until = changes[i].at;
            break;
        }
        span.from = changes[i].at;
        span.offset = changes[i].offset;
    }
    return span;
}

/* ---- the file ---- */

struct tzfile {
    struct tzrule rule;
    int64_t rule_from;     /* the last change listed, also of a name only: from then on the rule holds */
    int64_t offset_before; /* the first change */
    size_t n;
    struct change changes[];
};

enum { HEADER_SIZE = 44, TYPE_SIZE = 6 };

/* One of the two blocks of data: the old with times of four bytes, the newer with eight. */
struct block {
    const unsigned char *times, *indexes, *types;
    size_t time_size, times_n, types_n;
    size_t size; /* of all */
};

static uint64_t big_endian(const unsigned char *p, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

static int64_t signed_at(const unsigned char *p, size_t n)
{
    uint64_t value = big_endian(p, n);

    return n == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

/* The block whose header is at the front of the bytes; NULL, or what is wrong. */
static const char *find_block(struct str bytes, size_t time_size, struct block *out)
{
    if (bytes.n < HEADER_SIZE || memcmp(bytes.p, "TZif", 4) != 0)
        return "it is no TZif file";
    const unsigned char *head = (const unsigned char *)bytes.p, *counts = head + 20;
    uint64_t utc_n = big_endian(counts, 4), wall_n = big_endian(counts + 4, 4),
             leaps = big_endian(counts + 8, 4);
    uint64_t times = big_endian(counts + 12, 4), types = big_endian(counts + 16, 4),
             text = big_endian(counts + 20, 4);
    uint64_t size = HEADER_SIZE + times * (time_size + 1) + types * TYPE_SIZE + text +
                    leaps * (time_size + 4) + wall_n + utc_n;

    if (size > bytes.n || types == 0 || types > 256)
        return "its counts do not fit its size";
    if (leaps > 0)
        return "it counts leap seconds, which the system's clock does not";
    out->time_size = time_size;
    out->times_n = (size_t)times;
    out->types_n = (size_t)types;
    out->times = head + HEADER_SIZE;
    out->indexes = out->times + times * time_size;
    out->types = out->indexes + times;
    out->size = (size_t)size;
    return NULL;
}

static bool offset_of_type(const struct block *b, size_t type, int64_t *out)
{
    if (type >= b->types_n)
        return false;
    *out = signed_at(b->types + type * TYPE_SIZE, 4);
    return *out >= -TZFILE_OFFSET_MAX && *out <= TZFILE_OFFSET_MAX;
}

/* Changes of nothing but a name or the word "summer" are left out: nobody reads it off a clock. */
static const char *copy_changes(struct tzfile *t, const struct block *b)
{
    int64_t offset;

    t->rule_from = INT64_MIN;
    if (!offset_of_type(b, 0, &t->offset_before))
        return "an offset is out of range";
    offset = t->offset_before;
    for (size_t i = 0; i < b->times_n; i++) {
        struct change c = { .at = signed_at(b->times + i * b->time_size, b->time_size) };
        if (i > 0 && c.at <= t->rule_from)
            return "its changes are out of order";
        t->rule_from = c.at;
        if (!offset_of_type(b, b->indexes[i], &c.offset))
            return "an offset is out of range";
        if (c.offset != offset)
            t->changes[t->n++] = c;
        offset = c.offset;
    }
    return NULL;
}

/* "\nCET-1CEST,M3.5.0,M10.5.0/3\n" behind the second block. */
static const char *read_footer(struct str rest, struct tzrule *out)
{
    if (rest.n < 2 || rest.p[0] != '\n' || rest.p[rest.n - 1] != '\n' ||
        !read_rule(str_make(rest.p + 1, rest.n - 2), out))
        return "its footer is no rule";
    return NULL;
}

int tzfile_read(struct tzfile **out, struct str bytes, const char **why)
{
    struct block b;
    struct tzrule rule = { .is_known = false };

    *out = NULL;
    *why = find_block(bytes, 4, &b);
    if (!*why && bytes.p[4] != 0) { /* from version 2 on there is a second block, and a footer */
        struct str second = str_make(bytes.p + b.size, bytes.n - b.size);
        *why = find_block(second, 8, &b);
        if (!*why)
            *why = read_footer(str_make(second.p + b.size, second.n - b.size), &rule);
    }
    if (*why)
        return -1;
    struct tzfile *t = calloc(1, sizeof(*t) + b.times_n * sizeof(t->changes[0]));
    if (!t) {
        *why = "memory is out";
        return -1;
    }
    t->rule = rule;
    *why = copy_changes(t, &b);
    if (*why) {
        free(t);
        return -1;
    }
    *out = t;
    return 0;
}

void tzfile_destroy(struct tzfile *t)
{
    free(t);
}

/* How many changes are not after this instant. */
static size_t changes_until(const struct tzfile *t, int64_t utc)
{
    size_t low = 0, high = t->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->changes[middle].at <= utc)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tzspan tzfile_span_at(const struct tzfile *t, int64_t utc)
{
    static const int64_t far = INT64_C(1) << 55; /* a thousand million years: sums stay in range */
    struct tzspan span = { INT64_MIN, INT64_MAX, t->offset_before };

    if (utc < -far || utc > far)
        utc = utc < 0 ? -far : far;
    size_t i = changes_until(t, utc);
    if (i > 0) {
        span.from = t->changes[i - 1].at;
        span.offset = t->changes[i - 1].offset;
    }
    if (i < t->n) {
        span.until = t->changes[i].at;
    } else if (t->rule.is_known) {
        struct tzspan rule = rule_span(&t->rule, utc < t->rule_from ? t->rule_from : utc);
        if (rule.offset != span.offset && utc < t->rule_from) /* a file that contradicts its own rule */
            rule.until = t->rule_from;
        else
            span.offset = rule.offset;
        span.until = rule.until;
        if (rule.from > span.from && rule.from <= utc)
            span.from = rule.from;
    }
    return span;
}
