/* decimal.c - multiplication by hand: 20 digits times 20 digits are more than an int64_t holds. */
#include "decimal.h"

#include <stdbool.h>
#include <string.h>

enum { DIGITS = 20, WIDE = 2 * DIGITS + 20 };

/* digits[0] is the lowest one; the value is digits / 10^scale. */
struct decimal {
    unsigned digits[WIDE];
    unsigned n, scale;
    bool negative;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [-]digits[.digits]; what is too long to be an amount is none. */
static int parse(const char *text, struct decimal *out)
{
    char seen[DIGITS];
    unsigned n = 0, scale = 0;
    bool point = false;

    memset(out, 0, sizeof(*out));
    if (!text)
        return -1;
    out->negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    if (!is_digit(*text))
        return -1;
    for (; *text; text++) {
        if (*text == '.' && !point && is_digit(text[1])) {
            point = true;
            continue;
        }
        if (!is_digit(*text) || n == DIGITS)
            return -1;
        seen[n++] = *text;
        scale += point;
    }
    for (unsigned i = 0; i < n; i++)
        out->digits[i] = (unsigned)(seen[n - 1 - i] - '0');
    out->n = n;
    out->scale = scale;
    return 0;
}

/* Digits of the product may be carried at the end only: 20 x 81 fit into any unsigned. */
static void multiply(const struct decimal *a, const struct decimal *b, struct decimal *out)
{
    unsigned carry = 0;

    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < a->n; i++)
        for (unsigned k = 0; k < b->n; k++)
            out->digits[i + k] += a->digits[i] * b->digits[k];
    for (unsigned i = 0; i < WIDE; i++) {
        out->digits[i] += carry;
        carry = out->digits[i] / 10;
        out->digits[i] %= 10;
    }
    for (out->n = WIDE; out->n > 1 && !out->digits[out->n - 1];)
        out->n--;
    out->scale = a->scale + b->scale;
    out->negative = a->negative != b->negative;
}

static void from_int(int64_t value, struct decimal *out)
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    memset(out, 0, sizeof(*out));
    out->negative = value < 0;
    do {
        out->digits[out->n++] = (unsigned)(left % 10);
        left /= 10;
    } while (left);
}

/* Its whole part, rounded by the first digit behind the point: 5 and above is half or more, whatever follows. */
static int rounded(const struct decimal *d, int64_t *out)
{
    uint64_t whole = d->scale > 0 && d->digits[d->scale - 1] >= 5;
    uint64_t above = 0;

    for (unsigned i = d->n; i > d->scale; i--) {
        if (above > (uint64_t)INT64_MAX / 10 - 1)
            return -1;
        above = above * 10 + d->digits[i - 1];
    }
    whole += above;
    *out = d->negative ? -(int64_t)whole : (int64_t)whole;
    return 0;
}

int decimal_seconds(const char *amount, const char *factor, int64_t seconds, int64_t *out)
{
    struct decimal a, b, ab, s, all;

    if (parse(amount, &a) != 0 || parse(factor, &b) != 0)
        return -1;
    multiply(&a, &b, &ab);
    if (ab.n > 2 * DIGITS)
        return -1;
    from_int(seconds, &s);
    multiply(&ab, &s, &all);
    return rounded(&all, out);
}

int decimal_valid(const char *text)
{
    struct decimal d;

    return parse(text, &d) == 0;
}
