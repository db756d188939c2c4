#include "config/units.h"

#include "util/compiler.h"

struct unit {
    struct str name;
    int64_t worth;
};

/* Largest first, the order in which a span is written. */
static const struct unit spans[] = {
    { STR("d"), 86400000000 }, { STR("h"), 3600000000 }, { STR("m"), 60000000 },
    { STR("s"), 1000000 },     { STR("ms"), 1000 },      { STR("us"), 1 },
};

static const struct unit sizes[] = {
    { STR("TiB"), (int64_t)1 << 40 },
    { STR("GiB"), 1 << 30 },
    { STR("MiB"), 1 << 20 },
    { STR("KiB"), 1 << 10 },
    { STR("TB"), 1000000000000 },
    { STR("GB"), 1000000000 },
    { STR("MB"), 1000000 },
    { STR("kB"), 1000 },
    { STR("B"), 1 },
    { STR(""), 1 },
};

static struct str cut_while(struct str *text, bool (*want)(char))
{
    size_t n = 0;
    while (n < text->n && want(text->p[n]))
        n++;
    struct str front = str_make(text->p, n);
    text->p += n;
    text->n -= n;
    return front;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *const bad_span = "is not a duration like 250ms, 10s or 1h30m";

/* One number with its unit; *below is the first unit that may follow. */
static const char *add_span(struct str *text, size_t *below, int64_t *us)
{
    uint64_t number;
    struct str digits = cut_while(text, is_digit), name = cut_while(text, is_letter);

    if (digits.n == 0)
        return bad_span;
    if (name.n == 0)
        return text->n == 0 ? "is a duration without a unit: write 10s, 5m, 250ms" : bad_span;
    for (size_t i = *below; i < DW_COUNT_OF(spans); i++) {
        if (!str_equal(name, spans[i].name))
            continue;
        if (!str_to_uint(digits, (uint64_t)((INT64_MAX - *us) / spans[i].worth), &number))
            return "is longer than a duration can be";
        *us += (int64_t)number * spans[i].worth;
        *below = i + 1;
        return NULL;
    }
    return "is not a duration: the units are d, h, m, s, ms and us, each once, largest first";
}

const char *units_parse_span(struct str text, int64_t *us)
{
    size_t below = 0;
    int64_t sum = 0;

    if (str_equal(text, STR_OF("0"))) {
        *us = 0;
        return NULL;
    }
    do {
        const char *wrong = add_span(&text, &below, &sum);
        if (wrong)
            return wrong;
    } while (text.n > 0);
    *us = sum;
    return NULL;
}

const char *units_parse_size(struct str text, int64_t *bytes)
{
    uint64_t number;
    struct str digits = cut_while(&text, is_digit);

    text = str_trim(text);
    if (digits.n == 0)
        return "is not a size like 1000, 64 KiB or 1 MiB";
    if (text.n == 1 && strchr("kKmMgGtT", text.p[0]))
        return "is ambiguous: write KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)";
    for (size_t i = 0; i < DW_COUNT_OF(sizes); i++) {
        if (!str_equal_nocase(text, sizes[i].name))
            continue;
        if (!str_to_uint(digits, (uint64_t)(INT64_MAX / sizes[i].worth), &number))
            return "is larger than a size can be";
        *bytes = (int64_t)number * sizes[i].worth;
        return NULL;
    }
    return "is not a size: whole numbers, and the units are B, KiB, MiB, GiB, TiB and kB, MB, GB, TB";
}

void units_format_span(struct buf *out, int64_t us)
{
    if (us == 0)
        buf_add_text(out, "0s");
    for (size_t i = 0; i < DW_COUNT_OF(spans); i++) {
        if (us < spans[i].worth)
            continue;
        buf_add_int(out, us / spans[i].worth);
        buf_add_str(out, spans[i].name);
        us %= spans[i].worth;
    }
}

void units_format_size(struct buf *out, int64_t bytes)
{
    for (size_t i = 0; i < 4; i++) {
        if (bytes == 0 || bytes % sizes[i].worth != 0)
            continue;
        buf_add_int(out, bytes / sizes[i].worth);
        buf_add_char(out, ' ');
        buf_add_str(out, sizes[i].name);
        return;
    }
    buf_add_int(out, bytes);
}
