#include "client/gate.h"

#include "client/transfer.h"
#include "metrics/metrics.h"
#include "util/clock.h"

/* After a 429 that does not say for how long: doubled each time, until an answer is another one. */
static const int64_t pause_us = CLOCK_SECOND, pause_max_us = 60 * (int64_t)CLOCK_SECOND;

int client_gate_init(struct client_gate *g, unsigned parallel, const struct client_gate_owner *owner)
{
    *g = (struct client_gate){ .parallel = parallel, .owner = owner };
    list_init(&g->waiting);
    return pthread_mutex_init(&g->lock, NULL) == 0 ? 0 : -1;
}

void client_gate_finish(struct client_gate *g)
{
    pthread_mutex_destroy(&g->lock);
}

/* ---- under the lock ---- */

static int64_t now_us(const struct client *c)
{
    return c && c->options.clock_us ? c->options.clock_us(c->options.clock_ud) : clock_monotonic_us();
}

static int64_t closed_for(const struct client_gate *g, const struct client *c)
{
    int64_t span = g->closed_until_us ? g->closed_until_us - now_us(c) : 0;

    return span > 0 ? span : 0;
}

/* All that are waiting are told that something has changed. */
static void call_up(struct client_gate *g)
{
    for (struct list *node = g->waiting.next; node != &g->waiting; node = node->next)
        client_post(LIST_OWNER(node, struct transfer, by_gate), WISH_GATE);
}

/* `self` sees by itself that it is let through; the others are told. */
static void let_through(struct client_gate *g, const struct client *c, const struct transfer *self)
{
    while (!list_empty(&g->waiting) && (g->parallel == 0 || g->open < g->parallel) && closed_for(g, c) == 0) {
        struct transfer *t = LIST_OWNER(g->waiting.next, struct transfer, by_gate);
        list_remove(&t->by_gate);
        t->place = PLACE_TAKEN;
        g->open++;
        if (t != self)
            client_post(t, WISH_GATE);
    }
}

/* Behind all that came before it: who comes back, because the peer had enough, keeps its turn. */
static void queue(struct client_gate *g, struct transfer *t)
{
    struct list *before = g->waiting.prev;

    if (t->turn == 0)
        t->turn = ++g->turns;
    while (before != &g->waiting && LIST_OWNER(before, struct transfer, by_gate)->turn > t->turn)
        before = before->prev;
    list_append(before->next, &t->by_gate);
    t->place = PLACE_WANTED;
}

static void give_back(struct client_gate *g, struct transfer *t)
{
    list_remove(&t->by_gate);
    if (t->place == PLACE_TAKEN)
        g->open--;
    t->place = PLACE_NONE;
}

/* ---- whoever configures it ---- */

void client_gate_set_parallel(struct client_gate *g, unsigned parallel)
{
    pthread_mutex_lock(&g->lock);
    if (g->parallel != parallel) {
        g->parallel = parallel;
        call_up(g);
    }
    pthread_mutex_unlock(&g->lock);
}

void client_gate_reopen(struct client_gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->closed_until_us = 0;
    g->strikes = 0;
    call_up(g);
    pthread_mutex_unlock(&g->lock);
}

int64_t client_gate_closed_us(struct client_gate *g)
{
    pthread_mutex_lock(&g->lock);
    int64_t span = closed_for(g, NULL);
    pthread_mutex_unlock(&g->lock);
    return span;
}

/* ---- requests, on their client's thread ---- */

/* Its time begins now: how long others took is not its peer's fault. */
static void begin(struct transfer *t)
{
    int64_t end_us = t->timeout_us ? clock_monotonic_us() + t->timeout_us : 0;

    t->deadline_us = end_us && (!t->latest_us || end_us < t->latest_us) ? end_us : t->latest_us;
    route_begin(t);
}

static void hold_back(struct transfer *t, int64_t closed_us)
{
    t->answer->retry_after_us = closed_us;
    transfer_fail(t, CLIENT_HELD,
                  "not sent, because the peer asked for time: there are %.0f s left of it; try again then",
                  (double)closed_us / CLOCK_SECOND);
    transfer_finish(t);
}

void gate_look(struct transfer *t)
{
    struct client_gate *g = t->gate;
    const struct client_options *o = &t->client->options;

    if (t->state != TRANSFER_GATED)
        return;
    pthread_mutex_lock(&g->lock);
    let_through(g, t->client, t);
    bool is_through = t->place == PLACE_TAKEN;
    int64_t closed_us = closed_for(g, t->client);
    pthread_mutex_unlock(&g->lock);
    int64_t left_us = t->patience_until_us - clock_monotonic_us();
    if (is_through) {
        begin(t);
    } else if (closed_us >= left_us && closed_us > 0) {
        hold_back(t, closed_us);
    } else if (left_us <= 0) {
        transfer_fail(
            t, CLIENT_TIMEOUT,
            "no place became free in time among the requests that may go there at once; is the peer slow?");
        transfer_finish(t);
    } else if (closed_us > 0 && o->pass) {
        o->pass(closed_us, o->clock_ud);
        gate_look(t); /* once: the pause is over now */
    } else {
        t->wake_us = clock_monotonic_us() + (closed_us > 0 ? closed_us : left_us);
        transfer_arm_timer(t);
    }
}

void gate_begin(struct transfer *t)
{
    struct client_gate *g = t->gate;

    t->state = TRANSFER_GATED;
    pthread_mutex_lock(&g->lock);
    give_back(g, t);
    t->had_enough = false;
    queue(g, t);
    pthread_mutex_unlock(&g->lock);
    gate_look(t);
}

bool gate_is_closed(const struct transfer *t)
{
    struct client_gate *g = t->gate;

    if (!g)
        return false;
    pthread_mutex_lock(&g->lock);
    bool is = closed_for(g, t->client) > 0;
    pthread_mutex_unlock(&g->lock);
    return is;
}

void gate_leave(struct transfer *t)
{
    struct client_gate *g = t->gate;

    if (!g)
        return;
    pthread_mutex_lock(&g->lock);
    give_back(g, t);
    let_through(g, t->client, t);
    pthread_mutex_unlock(&g->lock);
}

/* Under the lock. How long the peer does not want to be asked. */
static int64_t pause_of(struct client_gate *g, const struct transfer *t)
{
    int64_t span = t->answer->retry_after_us;

    if (span > 0)
        return span;
    span = closed_for(g, t->client);
    if (span > 0)
        return span; /* several were under way, and it had enough of them once */
    span = pause_us;
    for (unsigned i = 0; i < g->strikes && span < pause_max_us; i++)
        span *= 2;
    g->strikes++;
    return span < pause_max_us ? span : pause_max_us;
}

static void close_for(struct client_gate *g, const struct client *c, int64_t span_us)
{
    int64_t until_us = now_us(c) + span_us;

    if (until_us <= g->closed_until_us)
        return;
    g->closed_until_us = until_us;
    call_up(g); /* who has not so much time need not wait */
}

void gate_answered(struct transfer *t)
{
    struct client_answer *a = t->answer;
    struct client_gate *g = t->gate;

    if (!g)
        return;
    pthread_mutex_lock(&g->lock);
    t->had_enough = a->status == 429 || (a->status == 503 && a->retry_after_us > 0);
    if (t->had_enough) {
        a->retry_after_us = pause_of(g, t);
        close_for(g, t->client, a->retry_after_us);
    } else if (a->status < 500) {
        g->strikes = 0;
    }
    pthread_mutex_unlock(&g->lock);
}
