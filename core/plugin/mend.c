#include "plugin/mend.h"

#include <string.h>

#include "secure/digest.h"
#include "util/buf.h"
#include "util/str.h"

static const char ellipsis[] = "\xe2\x80\xa6", unknown[] = "\xef\xbf\xbd";

enum { MARK = 3, SHOWN = 40 }; /* bytes of either; hex digits of an id */

bool mend_is_bad(const char *text, size_t max)
{
    const size_t n = text ? strnlen(text, max + 1) : 0;

    return n > max || !str_is_utf8(str_make(text ? text : "", n));
}

/* Of the first n bytes those that end with a whole letter. */
static size_t whole(const char *text, size_t n)
{
    size_t end = n;

    while (end > 0 && n - end < 4 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    return end;
}

/* 0, or -1: memory. */
static int mend(struct buf *out, struct str text, size_t max)
{
    for (size_t i = 0; i < text.n;) {
        const size_t good = str_utf8_length(str_make(text.p + i, text.n - i));

        if (buf_str(out).n + (good ? good : (size_t)MARK) > max)
            break;
        if (good)
            buf_add(out, text.p + i, good);
        else
            buf_add(out, unknown, MARK);
        i += good ? good : 1;
    }
    return buf_failed(out) ? -1 : 0;
}

const char *mend_text(dw_call *c, const char *text, size_t max)
{
    struct buf out = BUF_INIT;
    const char *copy = "";
    size_t n;

    if (!mend_is_bad(text, max))
        return text;
    n = strnlen(text, max + 1);
    const bool is_long = n > max;

    if (is_long)
        n = whole(text, max - MARK);
    if (mend(&out, str_make(text, n), is_long ? max - MARK : max) == 0) {
        if (is_long)
            buf_add(&out, ellipsis, MARK);
        copy = call_copy(c, buf_str(&out));
    }
    buf_finish(&out);
    return copy;
}

const char *mend_id(dw_call *c, const char *id)
{
    char hex[DIGEST_HEX_SIZE];
    struct buf out = BUF_INIT;
    const char *copy = NULL;

    if (digest_hex(DIGEST_SHA256, str_from(id), hex) != 0)
        return NULL;
    buf_add_text(&out, "sha256:");
    buf_add(&out, hex, SHOWN);
    if (!buf_failed(&out))
        copy = call_copy(c, buf_str(&out));
    buf_finish(&out);
    return copy;
}
