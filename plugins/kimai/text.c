#include "text.h"

#include <string.h>

static size_t first_line(const char *text)
{
    const size_t n = strcspn(text, "\n");

    return n > 0 && text[n - 1] == '\r' ? n - 1 : n;
}

bool text_begins(const char *text, const char *marker)
{
    const size_t n = text ? first_line(text) : 0;

    return text && n == strlen(marker) && memcmp(text, marker, n) == 0;
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t length_of(char lead)
{
    const unsigned char c = (unsigned char)lead;

    return c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
}

size_t text_whole(const char *text, size_t n)
{
    size_t at = n;

    while (at > 0 && continues(text[at - 1]))
        at--;
    if (at > 0 && at - 1 + length_of(text[at - 1]) > n)
        return at - 1;
    return n;
}

ptrdiff_t text_fitting(const char *text, size_t max)
{
    const size_t n = strlen(text);

    if (n <= max)
        return (ptrdiff_t)n;
    return first_line(text) > max ? -1 : (ptrdiff_t)text_whole(text, max);
}

/* ---- searching ---- */

static bool has_digit(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= '0' && p[i] <= '9')
            return true;
    return false;
}

/* A backslash means something in a LIKE of some databases; "%" and "_" only find more. */
static bool usable(const char *p, size_t n)
{
    return n > 0 && n < TERM_SIZE && p[0] != '!' && !memchr(p, '\\', n) && !memchr(p, '"', n);
}

/* The first piece with a digit tells most apart: of "ZAM:T50|TA:6|C:1a2b3c4d" that is the ticket, where the last one would be all
 * of a source. Else the longest. */
void text_term(const char *marker, char out[TERM_SIZE])
{
    static const char separators[] = ": \t\r\n";
    size_t best_n = 0;
    const char *best = NULL;

    for (const char *at = marker; *at;) {
        const size_t n = strcspn(at, separators);
        if (usable(at, n) && n > best_n) {
            best = at;
            best_n = n;
        }
        if (usable(at, n) && has_digit(at, n)) {
            best = at;
            best_n = n;
            break;
        }
        at += n + strspn(at + n, separators);
    }
    if (best)
        memcpy(out, best, best_n);
    out[best ? best_n : 0] = '\0';
}

/* ---- characters ---- */

size_t text_length(const char *text)
{
    size_t chars = 0;

    for (; *text; text++)
        chars += !continues(*text);
    return chars;
}

size_t text_bytes_of(const char *text, size_t chars)
{
    size_t i = 0;

    for (size_t seen = 0; text[i]; i++)
        if (!continues(text[i]) && seen++ == chars)
            break;
    return i;
}
