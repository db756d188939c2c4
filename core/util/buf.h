/* buf.h - bytes that grow. Failure sticks: append on, look at buf_failed() once at the end. Not thread-safe. */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stdarg.h>

#include "util/compiler.h"
#include "util/str.h"

struct buf {
    char *p;
    size_t n, cap;
    bool failed; /* memory was out: what was appended since is missing */
};

#define BUF_INIT          \
    {                     \
        NULL, 0, 0, false \
    }

void buf_finish(struct buf *b); /* frees; b can be used again */

/* Room for `extra` more bytes; false (and failed) when memory is out. */
bool buf_reserve(struct buf *b, size_t extra);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_add_text(struct buf *b, const char *text);
void buf_add_int(struct buf *b, int64_t value);
void buf_add_uint(struct buf *b, uint64_t value);
void buf_add_format(struct buf *b, const char *format, ...) DW_PRINTF(2, 3);
void buf_add_format_list(struct buf *b, const char *format, va_list args) DW_PRINTF(2, 0);

/* The text as a JSON string with its quotes; each byte that is not UTF-8 becomes U+FFFD, control characters are escaped
 * (also those above ASCII, which terminals obey). */
void buf_add_json(struct buf *b, struct str s);

/* The same of a text that is str_is_utf8(), looked at once for both; false, and nothing added, when it is not. */
bool buf_add_json_checked(struct buf *b, struct str s);

static inline void buf_add_char(struct buf *b, char c)
{
    if (b->n < b->cap ? !b->failed : buf_reserve(b, 1))
        b->p[b->n++] = c;
}

static inline bool buf_failed(const struct buf *b)
{
    return b->failed;
}

static inline struct str buf_str(const struct buf *b)
{
    return str_make(b->p, b->n);
}

/* Terminated, owned by b, "" when empty or out of memory. */
const char *buf_text(struct buf *b);

#endif
