/* str.h - a piece of text that somebody else owns: a pointer and a length, not terminated.
 *
 * Everything read from a socket or a file is passed around as one of these, so that parsing copies nothing. Names end
 * in _nocase where ASCII letters compare without case; nothing here looks at the locale. [any thread] */
#ifndef UTIL_STR_H
#define UTIL_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* may be NULL when n is 0 */
    size_t n;
};

/* A string literal as a str; usable in constant initialisers. */
#define STR(literal)                   \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }
#define STR_OF(literal) ((struct str){ (literal), sizeof(literal) - 1 })

/* For "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).n ? (s).p : ""

static inline struct str str_make(const char *p, size_t n)
{
    return (struct str){ p, n };
}

/* NULL becomes the empty text. */
static inline struct str str_from(const char *text)
{
    return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_equal_nocase(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);

/* The offset of c, or n when it is not there. */
size_t str_find(struct str s, char c);

/* Without the spaces and tabs at both ends. */
struct str str_trim(struct str s);

/* Cuts the part before the first `separator` off *rest and returns it; the whole rest when there is none. False once
 * *rest was used up:  while (str_split(&rest, ',', &item)) ... */
bool str_split(struct str *rest, char separator, struct str *item);

/* Decimal digits only, no sign, no space; false on anything else and above `max`. */
bool str_to_uint(struct str s, uint64_t max, uint64_t *out);

/* 0-15, or -1. */
int str_hex_digit(char c);

/* Valid UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF; and no NUL. */
bool str_is_utf8(struct str s);

/* How many bytes the first character of s has by the same rules; 0 when it is none, or s is empty. */
size_t str_utf8_length(struct str s);

#endif
