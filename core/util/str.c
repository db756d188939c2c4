#include "util/str.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (a.p[i] != b.p[i] && lower(a.p[i]) != lower(b.p[i]))
            return false;
    }
    return true;
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_equal(str_make(s.p, prefix.n), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

size_t str_find(struct str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

bool str_split(struct str *rest, char separator, struct str *item)
{
    if (!rest->p)
        return false;
    size_t cut = str_find(*rest, separator);
    *item = str_make(rest->p, cut);
    if (cut == rest->n) {
        *rest = str_make(NULL, 0);
    } else {
        rest->p += cut + 1;
        rest->n -= cut + 1;
    }
    return true;
}

bool str_to_uint(struct str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

int str_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* How many bytes follow the first one of a sequence, and the range its second byte must lie in: the ranges are what
 * keeps out overlong forms, surrogates and everything above U+10FFFF. -1 for a byte that starts nothing. */
static int utf8_tail(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef) {
        if (first == 0xe0)
            *low = 0xa0;
        if (first == 0xed)
            *high = 0x9f;
        return 2;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (first == 0xf0)
            *low = 0x90;
        if (first == 0xf4)
            *high = 0x8f;
        return 3;
    }
    return -1;
}

/* Nearly all of most texts: whether the eight bytes at p are ASCII and none is NUL. */
static bool are_plain(const unsigned char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return ((word | (word - ones)) & highs) == 0; /* without its own, a NUL borrows a high bit */
}

size_t str_utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    unsigned char low, high;

    if (s.n == 0 || p[0] < 0x80)
        return s.n > 0 && p[0] > 0;
    int tail = utf8_tail(p[0], &low, &high);
    if (tail < 0 || (size_t)tail >= s.n || p[1] < low || p[1] > high)
        return 0;
    for (int k = 2; k <= tail; k++) {
        if ((p[k] & 0xc0) != 0x80)
            return 0;
    }
    return (size_t)tail + 1;
}

bool str_is_utf8(struct str s)
{
    size_t i = 0, length;

    while (i < s.n) {
        if (s.n - i >= 8 && are_plain((const unsigned char *)s.p + i))
            length = 8;
        else
            length = str_utf8_length(str_make(s.p + i, s.n - i));
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}
