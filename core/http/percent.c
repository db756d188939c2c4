#include "http/percent.h"

/* The byte that "%XX" at p stands for, or -1. `left` counts the '%' too. */
static int decode_triplet(const char *p, size_t left)
{
    if (left < 3)
        return -1;
    int high = str_hex_digit(p[1]), low = str_hex_digit(p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Nothing to decode, to resolve or to check: only ASCII, and no segment that begins with a dot. */
static bool path_is_plain(struct str raw)
{
    char before = 0;

    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '%' || (unsigned char)(c - 1) >= 0x7f || (c == '.' && before == '/'))
            return false;
        before = c;
    }
    return true;
}

struct path_writer {
    char *out;
    size_t at;    /* the next byte to write */
    size_t begin; /* where the current segment began */
};

/* The segment that was written is complete: "." is dropped, ".." takes the segment before it along, if there is one. */
static void close_segment(struct path_writer *w, bool slash_follows)
{
    size_t n = w->at - w->begin;
    const char *segment = w->out + w->begin;

    if (n == 1 && segment[0] == '.') {
        w->at = w->begin;
    } else if (n == 2 && segment[0] == '.' && segment[1] == '.') {
        w->at = w->begin > 1 ? w->begin - 1 : 1;
        while (w->out[w->at - 1] != '/')
            w->at--;
    } else if (slash_follows) {
        w->out[w->at++] = '/';
    }
    w->begin = w->at;
}

static int path_rewrite(struct str raw, struct path_writer *w)
{
    for (size_t i = 1; i < raw.n; i++) {
        int c = (unsigned char)raw.p[i];
        if (c == '/') {
            close_segment(w, true);
            continue;
        }
        if (c == '%') {
            c = decode_triplet(raw.p + i, raw.n - i);
            if (c <= 0 || c == '/')
                return -1;
            i += 2;
        }
        w->out[w->at++] = (char)c;
    }
    close_segment(w, false);
    return 0;
}

int http_path_decode(struct str raw, char *out, size_t cap, struct str *path)
{
    if (raw.n == 0 || raw.p[0] != '/')
        return -1;
    if (path_is_plain(raw)) {
        *path = raw;
        return 0;
    }
    if (cap < raw.n)
        return -1;
    struct path_writer w = { .out = out, .at = 1, .begin = 1 };
    out[0] = '/';
    if (path_rewrite(raw, &w) != 0)
        return -1;
    *path = str_make(out, w.at);
    return str_is_utf8(*path) ? 0 : -1;
}

int http_query_decode(struct str raw, char *out, size_t cap, struct str *text)
{
    size_t at = 0;

    if (str_find(raw, '%') == raw.n && str_find(raw, '+') == raw.n) {
        *text = raw;
        return str_is_utf8(raw) ? 0 : -1;
    }
    for (size_t i = 0; i < raw.n; i++) {
        int c = (unsigned char)raw.p[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            c = decode_triplet(raw.p + i, raw.n - i);
            if (c < 0)
                return -1;
            i += 2;
        }
        if (at == cap)
            return -1;
        out[at++] = (char)c;
    }
    *text = str_make(out, at);
    return str_is_utf8(*text) ? 0 : -1;
}

bool http_query_next(struct str *rest, struct str *name, struct str *value)
{
    struct str pair;

    while (str_split(rest, '&', &pair)) {
        if (pair.n == 0)
            continue;
        size_t equals = str_find(pair, '=');
        size_t skip = equals < pair.n ? equals + 1 : pair.n;
        *name = str_make(pair.p, equals);
        *value = str_make(pair.p + skip, pair.n - skip);
        return true;
    }
    return false;
}

/* Compares while decoding, so that looking for a name needs no room for all the others. */
static bool name_is(struct str raw, const char *name)
{
    for (size_t i = 0; i < raw.n; i++, name++) {
        int c = (unsigned char)raw.p[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            c = decode_triplet(raw.p + i, raw.n - i);
            i += 2;
        }
        if (c <= 0 || (unsigned char)*name != c)
            return false;
    }
    return *name == 0;
}

int http_query_find(struct str query, const char *name, char *out, size_t cap, struct str *value)
{
    struct str raw_name, raw_value;

    *value = str_make(NULL, 0);
    while (http_query_next(&query, &raw_name, &raw_value)) {
        if (name_is(raw_name, name))
            return http_query_decode(raw_value, out, cap, value);
    }
    return 0;
}
