#include "amount.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char member[] = "\"time_unit\"";

struct reader {
    const char *p, *end;
};

/* Behind the string that begins at p; the end where it never ends. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        else if (*p == '"')
            return p + 1;
    }
    return end;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

static bool is_of_number(char ch)
{
    return (ch >= '0' && ch <= '9') || (ch != 0 && strchr("+-.eE", ch));
}

/* The next number that is called time_unit: its first and one past its last byte. A text with a colon behind it can only be
 * a name. */
static bool next_number(struct reader *r, const char **from, const char **to)
{
    while (r->p < r->end) {
        const char *begin = r->p;

        if (*begin != '"') {
            r->p++;
            continue;
        }
        r->p = skip_string(begin, r->end);
        if ((size_t)(r->p - begin) != sizeof(member) - 1 || memcmp(begin, member, sizeof(member) - 1) != 0)
            continue;
        const char *p = skip_blanks(r->p, r->end);
        if (p == r->end || *p != ':')
            continue;
        p = skip_blanks(p + 1, r->end);
        *from = p;
        while (p < r->end && is_of_number(*p))
            p++;
        r->p = *to = p;
        if (*to > *from)
            return true;
    }
    return false;
}

static size_t count_numbers(const char *json, size_t n)
{
    struct reader r = { json, json + n };
    const char *from, *to;
    size_t count = 0;

    while (next_number(&r, &from, &to))
        count++;
    return count;
}

static char *add(char *to, const char *from, const char *end)
{
    memcpy(to, from, (size_t)(end - from));
    return to + (end - from);
}

int amount_quote(const char *json, size_t n, char **out, size_t *out_n)
{
    struct reader r = { json, json + n };
    const char *from, *to, *copied = json;
    size_t count = n ? count_numbers(json, n) : 0;
    char *p;

    *out = NULL;
    *out_n = 0;
    if (count == 0)
        return 0;
    if (!(p = *out = malloc(n + 2 * count + 1)))
        return -1;
    while (next_number(&r, &from, &to)) {
        p = add(p, copied, from);
        *p++ = '"';
        p = add(p, from, to);
        *p++ = '"';
        copied = to;
    }
    p = add(p, copied, json + n);
    *p = 0;
    *out_n = (size_t)(p - *out);
    return 1;
}
