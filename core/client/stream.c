/* stream.c - the reader's side of a long answer.
 *
 * The client's thread fills one buffer, the reader takes it whole and leaves its own empty one: no copy, and one lock a
 * piece. A full buffer pauses the transfer until the reader has taken it. */
#include <errno.h>
#include <stdlib.h>

#include "client/transfer.h"
#include "util/clock.h"

struct client_stream {
    struct transfer *transfer;
    struct buf piece; /* what the reader holds */
    bool submitted;
};

int client_stream_open(struct client *c, struct client_stream **out, const struct client_request *request)
{
    struct client_stream *s = calloc(1, sizeof(*s));
    struct transfer *t = s ? transfer_create(c, request, true, true) : NULL;

    *out = NULL;
    if (!t) {
        free(s);
        return -CLIENT_MEMORY;
    }
    s->transfer = t;
    *out = s;
    if (pthread_equal(pthread_self(), c->thread)) {
        transfer_fail(t, CLIENT_INVALID, "a callback cannot wait for an answer; use client_start");
        t->answer->message = buf_text(&t->answer->message_);
        return -CLIENT_INVALID;
    }
    if (client_submit(t) != 0)
        return -CLIENT_CANCELLED;
    s->submitted = true;
    pthread_mutex_lock(&t->lock);
    while (!t->done && !t->head_ready)
        pthread_cond_wait(&t->changed, &t->lock);
    bool ready = t->head_ready;
    pthread_mutex_unlock(&t->lock);
    return ready ? 0 : -(int)t->answer->error;
}

const struct client_answer *client_stream_answer(const struct client_stream *s)
{
    /* Without a head the transfer is done, and nobody writes the answer any more. */
    return s->transfer->head ? s->transfer->head : s->transfer->answer;
}

/* Under the lock. False when the time is up. */
static bool wait_for_piece(struct transfer *t, int64_t until_us)
{
    const struct timespec until = { until_us / CLOCK_SECOND, until_us % CLOCK_SECOND * 1000 };

    while (t->filled.n == 0 && !t->done) {
        if (until_us < 0)
            pthread_cond_wait(&t->changed, &t->lock);
        else if (pthread_cond_timedwait(&t->changed, &t->lock, &until) == ETIMEDOUT)
            return t->filled.n > 0 || t->done;
    }
    return true;
}

int client_stream_read(struct client_stream *s, struct str *piece, int64_t wait_us)
{
    struct transfer *t = s->transfer;
    int64_t until_us = wait_us < 0 ? -1 : clock_monotonic_us() + wait_us;
    bool resume = false;
    int result;

    *piece = str_make("", 0);
    s->piece.n = 0;
    if (!s->submitted)
        return -(int)t->answer->error;
    pthread_mutex_lock(&t->lock);
    if (!wait_for_piece(t, until_us)) {
        result = -CLIENT_TIMEOUT;
    } else if (t->filled.n > 0) {
        struct buf empty = s->piece;
        s->piece = t->filled;
        t->filled = empty;
        resume = t->paused;
        t->paused = false;
        *piece = buf_str(&s->piece);
        result = 1;
    } else {
        result = -(int)t->answer->error; /* done: 0 is the end */
    }
    pthread_mutex_unlock(&t->lock);
    if (resume)
        client_post(t, WISH_RESUME);
    return result;
}

bool client_stream_ended(const struct client_stream *s)
{
    struct transfer *t = s->transfer;

    pthread_mutex_lock(&t->lock);
    bool ended = !s->submitted || (t->done && t->filled.n == 0);
    pthread_mutex_unlock(&t->lock);
    return ended;
}

const char *client_stream_message(const struct client_stream *s)
{
    return client_stream_ended(s) ? s->transfer->answer->message : "";
}

void client_stream_close(struct client_stream *s)
{
    if (!s)
        return;
    if (s->submitted)
        client_post(s->transfer, WISH_CANCEL);
    transfer_drop(s->transfer);
    buf_finish(&s->piece);
    free(s);
}
