/* connection_gate.c - the gates of connections by id, and how it goes behind each.
 *
 * They outlive calls and jobs, because what a peer asked for counts for all of them; and they are bounded, because nobody
 * says when the last one was. One lock for all: it is held for a look-up, or to count. */
#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "plugin/connection.h"
#include "util/clock.h"
#include "util/compiler.h"

enum { BUCKETS = 256, IDLE_MAX = 1024 };

enum outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_HELD, OUTCOMES };

struct connection_gate {
    struct client_gate gate; /* first: the client knows no more of it */
    struct connection_gate *next;
    struct list idle; /* while refs is 0 */
    unsigned refs;
    struct connection_health health; /* but closed_us */
    struct metric *counted[OUTCOMES];
    char id[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct connection_gate *buckets[BUCKETS];
static struct list idle = { &idle, &idle }; /* longest first */
static unsigned idle_n;

/* ---- under the lock ---- */

static struct connection_gate **find(const char *id)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (const char *p = id; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    struct connection_gate **at = &buckets[hash % BUCKETS];
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

static struct connection_gate *gate_at(struct list *node)
{
    return LIST_OWNER(node, struct connection_gate, idle);
}

static void forget(struct connection_gate *g)
{
    struct connection_gate **at = find(g->id);

    *at = g->next;
    list_remove(&g->idle);
    idle_n--;
    client_gate_finish(&g->gate);
    free(g);
}

static void hold(struct connection_gate *g)
{
    if (g->refs++ > 0)
        return;
    list_remove(&g->idle);
    idle_n--;
}

static void drop(struct connection_gate *g)
{
    if (--g->refs > 0)
        return;
    list_append(&idle, &g->idle);
    if (++idle_n > IDLE_MAX)
        forget(gate_at(idle.next));
}

/* ---- the client's side ---- */

static struct connection_gate *owner_of(struct client_gate *g)
{
    return LIST_OWNER(g, struct connection_gate, gate);
}

static void on_hold(struct client_gate *g)
{
    pthread_mutex_lock(&lock);
    hold(owner_of(g));
    pthread_mutex_unlock(&lock);
}

static void on_drop(struct client_gate *g)
{
    pthread_mutex_lock(&lock);
    drop(owner_of(g));
    pthread_mutex_unlock(&lock);
}

/* That a thing is not there, or was refused, is an answer like another; that the peer does not take our credentials is not. */
static bool has_failed(const struct client_answer *a)
{
    if (a->error != CLIENT_OK && a->error != CLIENT_STATUS && a->error != CLIENT_TOO_LARGE)
        return true;
    return a->status == 401 || a->status >= 500;
}

static enum outcome outcome_of(const struct client_answer *a)
{
    if (a->error == CLIENT_HELD || a->status == 429)
        return OUTCOME_HELD;
    return has_failed(a) ? OUTCOME_FAILED : OUTCOME_OK;
}

static void note(struct connection_health *h, const struct client_answer *a, bool failed)
{
    h->at_us = clock_wall_us();
    h->error = a->error;
    h->status = a->status;
    if (!failed)
        h->failing_since_us = 0;
    else if (h->failing_since_us == 0)
        h->failing_since_us = h->at_us;
    h->failures = failed ? h->failures + 1 : 0;
}

static void on_done(struct client_gate *gate, const struct client_answer *a)
{
    struct connection_gate *g = owner_of(gate);
    enum outcome outcome = outcome_of(a);

    if (a->error == CLIENT_CANCELLED || a->error == CLIENT_INVALID || a->error == CLIENT_MEMORY)
        return;
    pthread_mutex_lock(&lock);
    g->health.requests++;
    /* Held back: that says nothing new of the peer, who was not asked. */
    if (a->error != CLIENT_HELD)
        note(&g->health, a, outcome == OUTCOME_FAILED);
    struct metric *counted = g->counted[outcome];
    pthread_mutex_unlock(&lock);
    if (counted)
        metric_add(counted, 1);
}

static const struct client_gate_owner owner = { .hold = on_hold, .drop = on_drop, .done = on_done };

/* ---- the host's ---- */

static struct connection_gate *make(const char *id, unsigned parallel)
{
    size_t n = strlen(id) + 1;
    struct connection_gate *g = calloc(1, sizeof(*g) + n);

    if (!g)
        return NULL;
    if (client_gate_init(&g->gate, parallel, &owner) != 0) {
        free(g);
        return NULL;
    }
    memcpy(g->id, id, n);
    list_init(&g->idle);
    return g;
}

struct connection_gate *connection_gate_of(const char *id, unsigned parallel)
{
    pthread_mutex_lock(&lock);
    struct connection_gate **at = find(id), *g = *at;
    if (g)
        hold(g);
    else if ((*at = g = make(id, parallel)) != NULL)
        g->refs = 1;
    pthread_mutex_unlock(&lock);
    if (g)
        client_gate_set_parallel(&g->gate, parallel);
    return g;
}

void connection_gate_drop(struct connection_gate *g)
{
    if (g)
        on_drop(&g->gate);
}

void connection_gate_renew(const char *id)
{
    pthread_mutex_lock(&lock);
    struct connection_gate *g = *find(id);
    if (g) {
        g->health = (struct connection_health){ .requests = g->health.requests };
        hold(g);
    }
    pthread_mutex_unlock(&lock);
    if (g)
        client_gate_reopen(&g->gate);
    connection_gate_drop(g);
}

int connection_gate_health(const char *id, struct connection_health *out)
{
    *out = (struct connection_health){ 0 };
    pthread_mutex_lock(&lock);
    struct connection_gate *g = *find(id);
    if (g) {
        *out = g->health;
        hold(g);
    }
    pthread_mutex_unlock(&lock);
    if (g)
        out->closed_us = client_gate_closed_us(&g->gate);
    connection_gate_drop(g);
    return out->requests > 0 ? 0 : -1;
}

static struct metric *counter_of(const char *kind, const char *outcome)
{
    struct buf labels = BUF_INIT;

    metrics_label(&labels, "kind", str_from(kind));
    buf_add_char(&labels, ',');
    metrics_label(&labels, "outcome", str_from(outcome));
    struct metric *counter = metrics_counter(
        "dowel_connection_requests_total",
        "Requests over connections by their kind: ok, failed, or held (429, or not sent because of one).",
        buf_text(&labels));
    buf_finish(&labels);
    return counter;
}

struct client_gate *connection_gate_for(struct connection_gate *g, const char *kind)
{
    static const char *const names[OUTCOMES] = {
        [OUTCOME_OK] = "ok", [OUTCOME_FAILED] = "failed", [OUTCOME_HELD] = "held"
    };

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < OUTCOMES && !g->counted[OUTCOMES - 1]; i++)
        g->counted[i] = counter_of(kind, names[i]);
    pthread_mutex_unlock(&lock);
    return &g->gate;
}

void connection_gates_forget(void)
{
    pthread_mutex_lock(&lock);
    while (!list_empty(&idle))
        forget(gate_at(idle.next));
    pthread_mutex_unlock(&lock);
}
