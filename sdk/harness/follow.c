/* follow.c - a client of an event stream. */
#include <stdlib.h>
#include <string.h>

#include "client/events.h"
#include "inside.h"
#include "util/clock.h"

struct dw_harness_follower {
    dw_harness_follower *next;
    dw_harness *h;
    struct memory_exchange *m;
    size_t taken; /* of the content */
    struct lines lines;
    struct events events;
    struct buf id, name, data;
};

dw_harness_follower *dw_harness_follow(dw_harness *h, const char *target, const char *last_event_id,
                                       int *status)
{
    dw_harness_follower *f = calloc(1, sizeof(*f));
    struct buf field = BUF_INIT;

    if (!f)
        return NULL;
    if (last_event_id)
        buf_add_format(&field, "Last-Event-ID: %s\r\n", last_event_id);
    f->h = h;
    f->m = harness_send(h, &(dw_harness_request_args){ .target = target, .headers = buf_text(&field) });
    buf_finish(&field);
    while (f->m && !memory_is_stream(f->m) && !memory_is_over(f->m) && memory_wait(f->m, h->patience_us))
        continue;
    if (status)
        *status = f->m ? memory_status(f->m) : 0;
    if (!f->m || !memory_is_stream(f->m)) {
        memory_leave(f->m);
        free(f);
        return NULL;
    }
    lines_init(&f->lines, true, LINES_MAX);
    events_init(&f->events, LINES_MAX);
    f->next = h->followers;
    h->followers = f;
    return f;
}

static void feed(dw_harness_follower *f)
{
    struct str content = memory_content(f->m);

    if (content.n > f->taken)
        lines_feed(&f->lines, str_make(content.p + f->taken, content.n - f->taken));
    f->taken = content.n;
}

static const char *keep(struct buf *b, struct str s)
{
    b->n = 0;
    buf_add_str(b, s);
    return buf_text(b);
}

static bool next_event(dw_harness_follower *f, struct client_event *event)
{
    struct str line;

    while (lines_next(&f->lines, &line) > 0) {
        if (events_line(&f->events, line, event) > 0)
            return true;
    }
    return false;
}

int dw_harness_event(dw_harness_follower *f, const char **id, const char **name, const char **data)
{
    int64_t until = clock_monotonic_us() + f->h->patience_us;
    struct client_event event;

    while (!next_event(f, &event)) {
        size_t had = memory_content(f->m).n;
        if (had == f->taken && memory_is_over(f->m))
            return 0;
        int64_t left = until - clock_monotonic_us();
        if (had == f->taken && (left <= 0 || !memory_wait(f->m, left)))
            return -1;
        feed(f);
    }
    const char *texts[] = { keep(&f->id, event.id), keep(&f->name, event.name), keep(&f->data, event.data) };
    const char **out[] = { id, name, data };
    for (size_t i = 0; i < DW_COUNT_OF(out); i++) {
        if (out[i])
            *out[i] = texts[i];
    }
    return 1;
}

void dw_harness_leave(dw_harness_follower *f)
{
    if (!f)
        return;
    for (dw_harness_follower **at = &f->h->followers; *at; at = &(*at)->next) {
        if (*at == f) {
            *at = f->next;
            break;
        }
    }
    memory_leave(f->m);
    lines_finish(&f->lines);
    events_finish(&f->events);
    buf_finish(&f->id);
    buf_finish(&f->name);
    buf_finish(&f->data);
    free(f);
}
