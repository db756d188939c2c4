#include "client/events.h"

#include "util/clock.h"

void lines_init(struct lines *l, bool any_end, size_t max)
{
    *l = (struct lines){ .any_end = any_end, .max = max };
}

void lines_finish(struct lines *l)
{
    buf_finish(&l->rest);
}

void lines_feed(struct lines *l, struct str piece)
{
    l->piece = piece;
}

static size_t find_end(const struct lines *l)
{
    size_t lf = str_find(l->piece, '\n');
    size_t cr = l->any_end ? str_find(str_make(l->piece.p, lf), '\r') : lf;

    return cr < lf ? cr : lf;
}

/* The part before the end, joined with what came earlier. */
static int give(struct lines *l, size_t n, struct str *line)
{
    struct str part = str_make(l->piece.p, n);

    if (l->rest.n + n > l->max)
        return -1;
    if (l->rest.n > 0) {
        buf_add_str(&l->rest, part);
        if (buf_failed(&l->rest))
            return -1;
        part = buf_str(&l->rest);
        l->taken = true;
    }
    if (!l->any_end && part.n > 0 && part.p[part.n - 1] == '\r')
        part.n--;
    *line = part;
    return 1;
}

int lines_next(struct lines *l, struct str *line)
{
    if (l->taken)
        l->rest.n = 0;
    l->taken = false;
    if (l->after_cr && l->piece.n > 0) {
        l->after_cr = false;
        if (l->piece.p[0] == '\n')
            l->piece = str_make(l->piece.p + 1, l->piece.n - 1);
    }
    size_t end = find_end(l);
    if (end < l->piece.n) {
        int result = give(l, end, line);
        l->after_cr = l->piece.p[end] == '\r';
        l->piece = str_make(l->piece.p + end + 1, l->piece.n - end - 1);
        return result;
    }
    if (l->rest.n + l->piece.n > l->max)
        return -1;
    buf_add_str(&l->rest, l->piece);
    l->piece.n = 0;
    return buf_failed(&l->rest) ? -1 : 0;
}

int lines_last(struct lines *l, struct str *line)
{
    if (l->taken || l->rest.n == 0)
        return 0;
    l->taken = true;
    *line = buf_str(&l->rest);
    return 1;
}

void events_init(struct events *e, size_t max)
{
    *e = (struct events){ .retry_ms = -1, .max = max };
}

void events_finish(struct events *e)
{
    buf_finish(&e->name);
    buf_finish(&e->data);
    buf_finish(&e->id);
}

static int end_event(struct events *e, struct client_event *event)
{
    bool has_data = e->has_data;

    e->given = true;
    e->has_data = false;
    if (!has_data)
        return 0; /* an event without data is none */
    *event = (struct client_event){ .name = str_make(buf_text(&e->name), e->name.n),
                                    .data = str_make(buf_text(&e->data), e->data.n),
                                    .id = str_make(buf_text(&e->id), e->id.n),
                                    .retry_ms = e->retry_ms };
    return buf_failed(&e->name) || buf_failed(&e->data) || buf_failed(&e->id) ? -1 : 1;
}

static void set_text(struct buf *b, struct str value)
{
    b->n = 0;
    buf_add_str(b, value);
}

static int read_field(struct events *e, struct str name, struct str value)
{
    uint64_t ms;

    if (str_equal(name, STR_OF("data"))) {
        if (e->data.n + value.n >= e->max)
            return -1;
        if (e->has_data)
            buf_add_char(&e->data, '\n');
        buf_add_str(&e->data, value);
        e->has_data = true;
    } else if (str_equal(name, STR_OF("event"))) {
        set_text(&e->name, value);
    } else if (str_equal(name, STR_OF("id"))) {
        if (str_find(value, 0) == value.n)
            set_text(&e->id, value);
    } else if (str_equal(name, STR_OF("retry"))) {
        if (str_to_uint(value, INT64_MAX / CLOCK_MS, &ms))
            e->retry_ms = (int64_t)ms;
    }
    return buf_failed(&e->data) || buf_failed(&e->name) || buf_failed(&e->id) ? -1 : 0;
}

int events_line(struct events *e, struct str line, struct client_event *event)
{
    if (e->given)
        e->name.n = e->data.n = 0;
    e->given = false;
    if (!e->started && str_starts_with(line, STR_OF("\xef\xbb\xbf")))
        line = str_make(line.p + 3, line.n - 3);
    e->started = true;
    if (line.n == 0)
        return end_event(e, event);
    size_t colon = str_find(line, ':');
    if (colon == 0)
        return 0; /* a comment: the peer's sign of life */
    struct str value = str_make("", 0);
    if (colon < line.n) {
        value = str_make(line.p + colon + 1, line.n - colon - 1);
        if (value.n > 0 && value.p[0] == ' ')
            value = str_make(value.p + 1, value.n - 1);
    }
    return read_field(e, str_make(line.p, colon), value);
}

void client_reader_init(struct client_reader *r, struct client_stream *stream, bool is_events)
{
    r->stream = stream;
    lines_init(&r->lines, is_events, LINES_MAX);
    events_init(&r->events, LINES_MAX);
}

void client_reader_finish(struct client_reader *r)
{
    lines_finish(&r->lines);
    events_finish(&r->events);
}

/* A limit of the caller counts for the line, not for each piece of it. */
static int next_line(struct client_reader *r, struct str *line, int64_t until_us)
{
    struct str piece;
    int result;

    while ((result = lines_next(&r->lines, line)) == 0) {
        int64_t left = until_us < 0 ? -1 : until_us - clock_monotonic_us();
        result = client_stream_read(r->stream, &piece, until_us < 0 ? -1 : left > 0 ? left : 0);
        if (result != 1)
            return result;
        lines_feed(&r->lines, piece);
    }
    return result == 1 ? 1 : -CLIENT_TOO_LARGE;
}

static int64_t until(int64_t wait_us)
{
    return wait_us < 0 ? -1 : clock_monotonic_us() + wait_us;
}

int client_reader_line(struct client_reader *r, struct str *line, int64_t wait_us)
{
    int result = next_line(r, line, until(wait_us));

    return result == 0 ? lines_last(&r->lines, line) : result;
}

int client_reader_event(struct client_reader *r, struct client_event *event, int64_t wait_us)
{
    int64_t until_us = until(wait_us);
    struct str line;
    int result;

    while ((result = next_line(r, &line, until_us)) == 1) {
        int found = events_line(&r->events, line, event);
        if (found != 0)
            return found == 1 ? 1 : -CLIENT_TOO_LARGE;
    }
    return result;
}
