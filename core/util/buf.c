#include "util/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_finish(struct buf *b)
{
    free(b->p);
    *b = (struct buf)BUF_INIT;
}

bool buf_reserve(struct buf *b, size_t extra)
{
    if (b->failed)
        return false;
    if (extra <= b->cap - b->n)
        return true;
    size_t cap = b->cap ? b->cap : 128;
    while (cap - b->n < extra) {
        if (cap > SIZE_MAX / 2) {
            b->failed = true;
            return false;
        }
        cap *= 2;
    }
    char *p = realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n == 0 || !buf_reserve(b, n))
        return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_text(struct buf *b, const char *text)
{
    if (text)
        buf_add(b, text, strlen(text));
}

void buf_add_uint(struct buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_add_int(struct buf *b, int64_t value)
{
    if (value < 0) {
        buf_add_char(b, '-');
        buf_add_uint(b, 0 - (uint64_t)value);
    } else {
        buf_add_uint(b, (uint64_t)value);
    }
}

void buf_add_format_list(struct buf *b, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n < 0 || !buf_reserve(b, (size_t)n + 1)) {
        b->failed = true;
    } else {
        vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_add_format(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_add_format_list(b, format, args);
    va_end(args);
}

const char *buf_text(struct buf *b)
{
    if (!buf_reserve(b, 1))
        return "";
    b->p[b->n] = 0;
    return b->p;
}

/* ---- JSON ---- */

/* Control characters, in UTF-8 also those of U+0080 to U+009F: JSON may carry the latter as they are, but logs are
 * JSON too, and a terminal obeys them. */
static bool is_c1(const char *p, size_t length)
{
    return length == 2 && (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0;
}

static void add_json_escape(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"': buf_add(b, "\\\"", 2); return;
    case '\\': buf_add(b, "\\\\", 2); return;
    case '\n': buf_add(b, "\\n", 2); return;
    case '\r': buf_add(b, "\\r", 2); return;
    case '\t': buf_add(b, "\\t", 2); return;
    default: {
        char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
        buf_add(b, text, sizeof(text));
    }
    }
}

/* The bytes at p that can be copied as they are: one character, or 0. */
static size_t plain_length(const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;

    if (c < 0x80)
        return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
    size_t length = str_utf8_length(str_make(p, n));
    return is_c1(p, length) ? 0 : length;
}

/* Writes what cannot be copied; returns how many bytes it was, 0 for a NUL and for what is not UTF-8. */
static size_t add_escaped(struct buf *b, const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;

    if (c < 0x80) {
        if (c)
            add_json_escape(b, c);
        return c != 0;
    }
    if (!is_c1(p, str_utf8_length(str_make(p, n))))
        return 0;
    add_json_escape(b, (unsigned char)p[1]);
    return 2;
}

/* A high bit for each byte of the word that is more than ASCII which needs no escape. Borrows and carries go up only, and
 * only from a byte that has its own bit set already: so 0 is exact, and nothing else is asked for. */
static uint64_t special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);

    return word | (word + ones) | (word - ones * 0x20) | ((word ^ ones * '"') - ones) |
           ((word ^ ones * '\\') - ones);
}

/* Nearly all of most texts: how many bytes from p on, by eights, are ASCII that needs no escape. */
static size_t plain_eights(const char *p, size_t n)
{
    const uint64_t highs = UINT64_C(0x8080808080808080);
    uint64_t word[4];
    size_t i = 0;

    for (; n - i >= sizeof(word); i += sizeof(word)) {
        memcpy(word, p + i, sizeof(word));
        if ((special(word[0]) | special(word[1]) | special(word[2]) | special(word[3])) & highs)
            break;
    }
    for (; n - i >= sizeof(word[0]); i += sizeof(word[0])) {
        memcpy(word, p + i, sizeof(word[0]));
        if (special(word[0]) & highs)
            break;
    }
    return i;
}

/* Up to the first NUL or byte that is not UTF-8; returns its offset, or s.n. */
static size_t add_valid_json(struct buf *b, struct str s)
{
    size_t i = 0, length;

    while (i < s.n) { /* an empty text may have no bytes at all to point at */
        size_t plain = i;
        i += plain_eights(s.p + i, s.n - i);
        while (i < s.n && (length = plain_length(s.p + i, s.n - i)) > 0)
            i += length;
        buf_add(b, s.p + plain, i - plain);
        if (i == s.n || (length = add_escaped(b, s.p + i, s.n - i)) == 0)
            return i;
        i += length;
    }
    return i;
}

void buf_add_json(struct buf *b, struct str s)
{
    size_t done;

    buf_add_char(b, '"');
    while ((done = add_valid_json(b, s)) < s.n) {
        buf_add_text(b, s.p[done] ? "\xef\xbf\xbd" : "\\u0000");
        s = str_make(s.p + done + 1, s.n - done - 1);
    }
    buf_add_char(b, '"');
}

bool buf_add_json_checked(struct buf *b, struct str s)
{
    size_t before = b->n;

    buf_add_char(b, '"');
    if (add_valid_json(b, s) < s.n) {
        b->n = before;
        return false;
    }
    buf_add_char(b, '"');
    return true;
}
