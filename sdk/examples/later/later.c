/* later - requests that are answered by a thread of the plugin's own: whoever asks gets the next beat. */
#include <dowel/dowel.h>

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct later_conf {
    dw_span every;
};

static const dw_item items[] = {
    DW_ITEM(struct later_conf, every, .fallback = "1s", .min = 10000, .max = 60000000,
            .help = "From beat to beat"),
    { 0 },
};

struct waiter {
    struct waiter *next;
    dw_token *token;
};

struct later {
    dw_instance *instance; /* what a thread opens calls with */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t stop_asked;
    struct waiter *waiters;
    bool stopping;
};

/* ---- the thread ---- */

/* A call of the thread's own: configuration, log and metrics need one. */
static dw_span count_beat(struct later *self)
{
    dw_span every = DW_SECONDS(1);
    dw_call *c;

    if (dw_call_open(self->instance, "beat", &c) < 0)
        return every; /* it stops */
    every = ((const struct later_conf *)dw_conf(c))->every;
    dw_count(c, "beats", 1);
    dw_call_close(c);
    return every;
}

/* Until the time has passed, or false at once when it is to stop. What waits is taken along. */
static bool wait_for(struct later *self, dw_span span, struct waiter **all)
{
    struct timespec end;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &end); /* dw_now() is what people call time; it may jump */
    int64_t ns = end.tv_nsec + span.us % 1000000 * 1000;
    end.tv_sec += (time_t)(span.us / 1000000 + ns / 1000000000);
    end.tv_nsec = (long)(ns % 1000000000);

    pthread_mutex_lock(&self->lock);
    while (!self->stopping && rc == 0)
        rc = pthread_cond_timedwait(&self->stop_asked, &self->lock, &end);
    *all = self->waiters;
    self->waiters = NULL;
    bool go_on = !self->stopping;
    pthread_mutex_unlock(&self->lock);
    return go_on;
}

/* Nothing is done about DW_EGONE: the client has left, and that is all. */
static void answer(struct waiter *all, int64_t beat)
{
    while (all) {
        struct waiter *next = all->next;

        if (beat)
            dw_token_reply(all->token, 200, "beat", beat);
        else
            dw_token_fail(all->token, DW_EUNAVAILABLE, "the plugin stops");
        free(all);
        all = next;
    }
}

static void *beat(void *ud)
{
    struct later *self = ud;
    struct waiter *all;
    int64_t n = 0;

    while (wait_for(self, count_beat(self), &all))
        answer(all, ++n);
    answer(all, 0);
    return NULL;
}

/* ---- the plugin ---- */

static int wait_for_beat(dw_call *c, dw_request *req)
{
    struct later *self = dw_self(c);
    struct waiter *w = malloc(sizeof(*w)); /* dw_alloc() is this call's, which ends before the answer */

    if (!w)
        return DW_ENOMEM;
    int rc = dw_request_detach(req, &w->token, .timeout = DW_SECONDS(90));
    if (rc < 0) {
        free(w);
        return rc;
    }
    /* From here on c and req are not ours any more; the token is, until it has been answered. */
    pthread_mutex_lock(&self->lock);
    w->next = self->waiters;
    self->waiters = w;
    pthread_mutex_unlock(&self->lock);
    return 0;
}

static int start(dw_call *c)
{
    struct later *self = dw_self(c);
    pthread_condattr_t monotonic;

    self->instance = dw_call_instance(c);
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->stop_asked, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&self->thread, NULL, beat, self) != 0)
        return dw_fail(c, DW_EUNAVAILABLE, "cannot start a thread");
    return 0;
}

/* No handler runs any more, so nobody comes to wait. */
static int stop(dw_call *c)
{
    struct later *self = dw_self(c);

    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_signal(&self->stop_asked);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    return 0;
}

static const dw_operation operations[] = { { "waitForBeat", wait_for_beat }, { 0 } };

DOWEL_PLUGIN(.name = "later", .version = "1.0.0", .summary = "Answers from a thread of its own",
             .license = "MIT", .self_size = sizeof(struct later), .conf = DW_ITEMS(struct later_conf, items),
             .operations = operations, .start = start, .stop = stop);
