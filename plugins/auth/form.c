#include "form.h"

#include <string.h>
#include <unistr.h>

static int digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    if (!at)
        return -1;
    return (int)(at - digits) < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* The bytes written, or -1 for a broken escape. `out` has room for n. */
static ptrdiff_t decode(const char *text, size_t n, char *out)
{
    ptrdiff_t made = 0;

    for (size_t i = 0; i < n; i++) {
        char byte = text[i] == '+' ? ' ' : text[i];
        if (byte == '%') {
            if (i + 2 >= n || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
                return -1;
            byte = (char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        }
        out[made++] = byte;
    }
    return made;
}

static const char *value_of(dw_call *c, const char *text, size_t n, size_t most)
{
    char *value = dw_alloc(c, n + 1);
    ptrdiff_t made = decode(text, n, value);

    if (made < 0 || (size_t)made > most || memchr(value, '\0', (size_t)made) ||
        u8_check((const uint8_t *)value, (size_t)made))
        return NULL;
    return value;
}

const char *form_field(dw_call *c, dw_bytes body, const char *name, size_t most)
{
    const char *at = body.p, *end = at + body.n;
    const size_t name_n = strlen(name);

    while (body.n > 0 && at < end) {
        const char *and = memchr(at, '&', (size_t)(end - at));
        size_t n = (size_t)((and? and : end) - at);
        if (n > name_n && memcmp(at, name, name_n) == 0 && at[name_n] == '=')
            return value_of(c, at + name_n + 1, n - name_n - 1, most);
        at += n + 1;
    }
    return NULL;
}
