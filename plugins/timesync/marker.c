#include "marker.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

size_t marker_line(const char *text)
{
    return text ? strcspn(text, "\r\n") : 0;
}

/* ---- writing ---- */

static char *put_id(char *to, const char *id)
{
    static const char hex[] = "0123456789ABCDEF";

    for (; *id; id++) {
        const unsigned char c = (unsigned char)*id;

        if (c < 0x20 || c == '|' || c == '%' || c == 0x7f) {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        } else {
            *to++ = (char)c;
        }
    }
    return to;
}

static bool is_writable(const char *id)
{
    const size_t n = id ? strlen(id) : 0;

    return n > 0 && n <= MARKER_ID;
}

int marker_write(const char *ticket, const char *entry, const char *mark, char out[MARKER_SIZE])
{
    char *to = out;

    if (!is_writable(ticket) || !is_writable(entry) || strlen(mark) != 8)
        return -1;
    memcpy(to, "ZAM:T", 5);
    to = put_id(to + 5, ticket);
    memcpy(to, "|TA:", 4);
    to = put_id(to + 4, entry);
    memcpy(to, "|C:", 3);
    memcpy(to + 3, mark, 9);
    return 0;
}

/* ---- reading ---- */

static int hex_value(char c)
{
    static const char hex[] = "0123456789ABCDEF";
    const char *at = c ? strchr(hex, c) : NULL;

    return at ? (int)(at - hex) : -1;
}

/* Up to `end`; 1, or 0 for what put_id() would not have written. */
static int take_id(const char *from, const char *end, char out[MARKER_ID + 1])
{
    size_t n = 0;

    for (; from < end; from++) {
        char c = *from;

        if (c == '%') {
            if (end - from < 3 || hex_value(from[1]) < 0 || hex_value(from[2]) < 0)
                return 0;
            c = (char)(hex_value(from[1]) * 16 + hex_value(from[2]));
            from += 2;
        }
        if (n == MARKER_ID || !c)
            return 0;
        out[n++] = c;
    }
    out[n] = '\0';
    return n > 0;
}

static bool is_mark(const char *from, const char *end)
{
    return end - from == 8 && strspn(from, "0123456789abcdef") >= 8;
}

int marker_read(const char *text, struct marker *out)
{
    const char *end, *bar, *ticket;

    memset(out, 0, sizeof(*out));
    if (!text || strncmp(text, "ZAM:T", 5) != 0)
        return 0;
    ticket = text + 5;
    end = text + marker_line(text);
    bar = memchr(ticket, '|', (size_t)(end - ticket));
    if (!bar || end - bar < 4 || memcmp(bar, "|TA:", 4) != 0 || !take_id(ticket, bar, out->ticket))
        return 0;
    ticket = bar + 4;
    bar = memchr(ticket, '|', (size_t)(end - ticket));
    if (!bar)
        return take_id(ticket, end, out->entry);
    if (end - bar < 3 || memcmp(bar, "|C:", 3) != 0 || !is_mark(bar + 3, end))
        return 0;
    memcpy(out->mark, bar + 3, 8);
    return take_id(ticket, bar, out->entry);
}

int marker_read_tags(const char *const *tags, size_t n, struct marker *out)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < n; i++) {
        const char *tag = tags[i];

        if (strncmp(tag, "zid:", 4) == 0 && strlen(tag + 4) <= MARKER_ID)
            snprintf(out->entry, sizeof(out->entry), "%s", tag + 4);
        else if (strncmp(tag, "ticket:#", 8) == 0 && strlen(tag + 8) <= MARKER_ID)
            snprintf(out->ticket, sizeof(out->ticket), "%s", tag + 8);
    }
    return *out->entry != '\0';
}
