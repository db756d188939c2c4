#include "http/content.h"

#include <stdlib.h>
#include <unistd.h>

#include "http/server_struct.h"
#include "http/spool.h"

enum { SPOOL_ABOVE = 256 * 1024, PIPE_HIGH = 256 * 1024, PIPE_LOW = 64 * 1024 };

/* Streamed content on its way from the loop to the handler's thread. */
struct content_pipe {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct buf bytes; /* [taken, n) waits for the handler */
    size_t taken;
    bool ended, failed;
    bool full; /* the loop waits for room */
    bool told; /* that there is room again, and has not looked yet */
};

static const struct content_refusal refusals[] = {
    { 413, "the content is larger than this operation takes" },
    { 400, "the content's framing is malformed" },
    { 500, "there is no memory for the content" },
    { 507, "the content cannot be stored: the data folder has no room or cannot be written" },
};
enum { TOO_LARGE, MALFORMED, NO_MEMORY, NO_STORAGE };

static uint32_t head_end(const struct http_exchange *x)
{
    return x->start + x->reader.at;
}

static enum content_progress refuse(struct http_exchange *x, unsigned why)
{
    x->content.refusal = &refusals[why];
    /* What the reader itself found wrong says it better. */
    content_abort(x);
    return CONTENT_REFUSED;
}

struct content_refusal content_refusal(const struct http_exchange *x)
{
    struct content_refusal why = *x->content.refusal;
    if (x->reader.status)
        why = (struct content_refusal){ x->reader.status, x->reader.reason };
    return why;
}

/* ---- the pipe ---- */

static struct content_pipe *pipe_create(void)
{
    struct content_pipe *pipe = calloc(1, sizeof(*pipe));
    pthread_condattr_t monotonic;

    if (!pipe)
        return NULL;
    pthread_mutex_init(&pipe->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pipe->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return pipe;
}

static void pipe_destroy(struct content_pipe *pipe)
{
    if (!pipe)
        return;
    pthread_mutex_destroy(&pipe->lock);
    pthread_cond_destroy(&pipe->changed);
    buf_finish(&pipe->bytes);
    free(pipe);
}

/* Not only when all is taken: a handler that is always a little behind would collect the whole content. Moving no more
 * than was taken keeps the cost of it below one copy of the content. */
static void drop_taken(struct content_pipe *pipe)
{
    size_t left = pipe->bytes.n - pipe->taken;

    if (pipe->taken == 0 || pipe->taken < left)
        return;
    memmove(pipe->bytes.p, pipe->bytes.p + pipe->taken, left);
    pipe->bytes.n = left;
    pipe->taken = 0;
}

static bool pipe_put(struct content_pipe *pipe, struct str bytes)
{
    pthread_mutex_lock(&pipe->lock);
    drop_taken(pipe);
    buf_add_str(&pipe->bytes, bytes);
    bool ok = !buf_failed(&pipe->bytes);
    pthread_cond_signal(&pipe->changed);
    pthread_mutex_unlock(&pipe->lock);
    return ok;
}

static void pipe_end(struct content_pipe *pipe, bool failed)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->ended = true;
    pipe->failed = pipe->failed || failed;
    pthread_cond_broadcast(&pipe->changed);
    pthread_mutex_unlock(&pipe->lock);
}

static bool pipe_has_room(struct content_pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->full = pipe->bytes.n - pipe->taken >= PIPE_HIGH;
    bool room = !pipe->full;
    pthread_mutex_unlock(&pipe->lock);
    return room;
}

ssize_t content_pipe_read(struct http_exchange *x, void *p, size_t n)
{
    struct content_pipe *pipe = x->content.pipe;
    bool make_room = false;
    ssize_t rc = -1;

    if (!pipe)
        return -1;
    pthread_mutex_lock(&pipe->lock);
    while (pipe->taken == pipe->bytes.n && !pipe->ended && !pipe->failed)
        pthread_cond_wait(&pipe->changed, &pipe->lock); /* the loop's rate floor and timeouts end it */
    if (!pipe->failed) {
        size_t some = pipe->bytes.n - pipe->taken < n ? pipe->bytes.n - pipe->taken : n;
        if (some)
            memcpy(p, pipe->bytes.p + pipe->taken, some);
        pipe->taken += some;
        rc = (ssize_t)some;
        make_room = pipe->full && !pipe->told && pipe->bytes.n - pipe->taken <= PIPE_LOW;
        pipe->told = pipe->told || make_room;
    }
    pthread_mutex_unlock(&pipe->lock);
    if (make_room)
        x->transport->content_taken(x);
    return rc;
}

bool content_waits_for_handler(struct http_exchange *x)
{
    struct content_pipe *pipe = x->content.pipe;

    if (!pipe)
        return false;
    pthread_mutex_lock(&pipe->lock);
    /* Asking for room instead would make the pipe forget that the loop waits, and nobody would wake it. */
    bool full = pipe->full;
    pthread_mutex_unlock(&pipe->lock);
    return full;
}

void content_room_noticed(struct http_exchange *x)
{
    struct content_pipe *pipe = x->content.pipe;

    pthread_mutex_lock(&pipe->lock);
    pipe->told = false;
    pthread_mutex_unlock(&pipe->lock);
}

void content_abort(struct http_exchange *x)
{
    if (x->content.pipe)
        pipe_end(x->content.pipe, true);
}

void content_finish(struct http_exchange *x)
{
    struct http_content *c = &x->content;

    if (c->allocated)
        free(c->data);
    if (c->fd >= 0)
        close(c->fd);
    pipe_destroy(c->pipe);
    *c = (struct http_content){ .fd = -1 };
}

/* ---- files ---- */

static bool begin_spooling(struct http_exchange *x)
{
    struct http_content *c = &x->content;

    c->fd = spool_open(x->server->options.spool_dir);
    if (c->fd < 0 || spool_write(c->fd, str_make(c->data, c->n)) != 0)
        return false;
    if (c->allocated)
        free(c->data);
    c->allocated = false;
    c->data = NULL;
    c->n = c->cap = 0;
    return true;
}

/* ---- pieces ---- */

static bool append_to_memory(struct http_content *c, struct str piece)
{
    if (c->n + piece.n > c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 4096;
        while (cap < c->n + piece.n)
            cap *= 2;
        char *data = realloc(c->allocated ? c->data : NULL, cap);
        if (!data)
            return false;
        c->data = data;
        c->cap = cap;
        c->allocated = true;
    }
    memcpy(c->data + c->n, piece.p, piece.n);
    c->n += piece.n;
    return true;
}

/* One piece of decoded content goes where the mode wants it. */
static enum content_progress take_piece(struct http_exchange *x, struct str piece)
{
    struct http_content *c = &x->content;

    if (c->unwanted)
        return CONTENT_MORE;
    c->received += piece.n;
    if (c->received > c->max)
        return refuse(x, TOO_LARGE);
    if (c->pipe)
        return pipe_put(c->pipe, piece) ? CONTENT_MORE : refuse(x, NO_MEMORY);
    if (c->mode == HTTP_BODY_SPOOL && c->fd < 0 && c->received > c->spool_above && !begin_spooling(x))
        return refuse(x, NO_STORAGE);
    if (c->fd >= 0)
        return spool_write(c->fd, piece) == 0 ? CONTENT_MORE : refuse(x, NO_STORAGE);
    return append_to_memory(c, piece) ? CONTENT_MORE : refuse(x, NO_MEMORY);
}

static enum content_progress complete(struct http_exchange *x)
{
    struct http_content *c = &x->content;

    if (c->pipe)
        pipe_end(c->pipe, false);
    if (c->fd >= 0 && lseek(c->fd, 0, SEEK_SET) != 0)
        return refuse(x, NO_STORAGE);
    return CONTENT_COMPLETE;
}

/* Reads framing and content out of the input buffer from c->at on. */
static enum content_progress decode_input(struct http_exchange *x)
{
    struct http_content *c = &x->content;

    for (;;) {
        struct str piece;
        size_t used;
        enum http_reader_event e =
            http_reader_content(&x->reader, x->in + c->at, x->fill - c->at, &used, &piece);
        c->at += (uint32_t)used;
        if (e == HTTP_READER_BAD)
            return refuse(x, MALFORMED);
        if (e == HTTP_READER_CONTENT && take_piece(x, piece) == CONTENT_REFUSED)
            return CONTENT_REFUSED;
        if (e == HTTP_READER_END)
            return complete(x);
        if (e == HTTP_READER_MORE) {
            /* All of it was taken: the room behind the head is free again. */
            x->fill = c->at = head_end(x);
            return CONTENT_MORE;
        }
    }
}

/* ---- the three ways of receiving ---- */

static enum content_progress begin_in_place(struct http_exchange *x, size_t length)
{
    struct http_content *c = &x->content;

    c->way = CONTENT_IN_PLACE;
    c->data = x->in + head_end(x);
    c->at = head_end(x) + (uint32_t)length;
    c->n = c->received = length;
    return x->fill >= c->at ? complete(x) : CONTENT_MORE;
}

static enum content_progress begin_direct(struct http_exchange *x, size_t length)
{
    struct http_content *c = &x->content;
    size_t here = x->fill - head_end(x);

    c->way = CONTENT_DIRECT;
    c->data = malloc(length);
    if (!c->data)
        return refuse(x, NO_MEMORY);
    c->allocated = true;
    c->cap = length;
    /* What came along with the head is the only part that is ever moved. */
    if (here > length)
        here = length;
    memcpy(c->data, x->in + head_end(x), here);
    c->at = head_end(x) + (uint32_t)here;
    c->n = c->received = here;
    http_reader_skip(&x->reader, here);
    return c->n == length ? complete(x) : CONTENT_MORE;
}

enum content_progress content_begin(struct http_exchange *x)
{
    const struct http_head *head = &x->reader.head;
    const struct http_route *route = x->route;
    struct http_content *c = &x->content;

    c->mode = route->body;
    c->max = route->body_max ? route->body_max : x->server->options.body_max;
    c->spool_above = route->spool_above ? route->spool_above : SPOOL_ABOVE;
    c->began_us = x->loop->now_us;
    c->at = head_end(x);
    c->way = CONTENT_DECODED;
    if (!head->chunked && head->length > c->max)
        return refuse(x, TOO_LARGE);
    if (c->mode == HTTP_BODY_STREAM) {
        c->pipe = pipe_create();
        return c->pipe ? decode_input(x) : refuse(x, NO_MEMORY);
    }
    if (head->chunked)
        return decode_input(x);
    if (head->length == 0)
        return complete(x);
    if (head->length <= x->in_size - head_end(x))
        return begin_in_place(x, (size_t)head->length);
    if (c->mode == HTTP_BODY_MEMORY || head->length <= c->spool_above)
        return begin_direct(x, (size_t)head->length);
    if (!begin_spooling(x))
        return refuse(x, NO_STORAGE);
    return decode_input(x);
}

enum content_progress content_skip(struct http_exchange *x)
{
    x->content.unwanted = true;
    x->content.at = head_end(x);
    return decode_input(x);
}

struct content_room content_room(struct http_exchange *x)
{
    struct http_content *c = &x->content;
    uint64_t certain = http_reader_certain(&x->reader);

    switch (c->way) {
    case CONTENT_IN_PLACE: return (struct content_room){ x->in + x->fill, c->at - x->fill };
    case CONTENT_DIRECT: return (struct content_room){ c->data + c->n, c->cap - c->n };
    case CONTENT_DECODED: break;
    }
    if (c->pipe && !pipe_has_room(c->pipe))
        return (struct content_room){ NULL, 0 };
    /* Large pieces need not go through the small buffer: they are taken at once, so the loop's own will do. */
    if (certain > x->in_size - x->fill)
        return (struct content_room){ x->loop->scratch,
                                      certain < LOOP_SCRATCH ? (size_t)certain : LOOP_SCRATCH };
    return (struct content_room){ x->in + x->fill, x->in_size - x->fill };
}

static enum content_progress received_certain(struct http_exchange *x, size_t n)
{
    if (take_piece(x, str_make(x->loop->scratch, n)) == CONTENT_REFUSED)
        return CONTENT_REFUSED;
    http_reader_skip(&x->reader, n);
    return decode_input(x);
}

enum content_progress content_received(struct http_exchange *x, size_t n)
{
    struct http_content *c = &x->content;
    uint64_t certain = http_reader_certain(&x->reader);

    switch (c->way) {
    case CONTENT_IN_PLACE: x->fill += (uint32_t)n; return x->fill == c->at ? complete(x) : CONTENT_MORE;
    case CONTENT_DIRECT:
        c->n += n;
        c->received += n;
        http_reader_skip(&x->reader, n);
        return c->n == c->cap ? complete(x) : CONTENT_MORE;
    case CONTENT_DECODED: break;
    }
    /* The same question as in content_room(), so the same answer. */
    if (certain > x->in_size - x->fill)
        return received_certain(x, n);
    x->fill += (uint32_t)n;
    return decode_input(x);
}

uint32_t content_end(const struct http_exchange *x)
{
    return x->content.at ? x->content.at : head_end(x);
}
