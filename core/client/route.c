/* route.c - where a request goes: its address, and its proxy's, found and judged before anything is sent. */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "client/transfer.h"
#include "util/clock.h"

/* How long the name of a peer behind a proxy is looked up, only to judge it. */
enum { PROXIED_NAME_US = 2 * CLOCK_SECOND };

/* False when the transfer is over. */
static bool judge(struct transfer *t, const struct guard *g, const char *host, const struct address *list,
                  size_t n)
{
    char text[ADDRESS_TEXT_SIZE];
    size_t which = 0;
    enum guard_verdict verdict = guard_check_all(g, list, n, &which);

    if (verdict == GUARD_ALLOWED)
        return true;
    address_format(&list[which], text);
    transfer_fail(
        t, CLIENT_DENIED, "%s is at %s, %s; %s", host, text, guard_describe(&list[which]),
        verdict == GUARD_NEVER
            ? "such addresses are never asked"
            : "if that is meant, allow it: allow_private of a connection, or client_allow of the server");
    transfer_finish(t);
    return false;
}

static struct guard peer_guard(const struct transfer *t)
{
    const struct client_options *o = &t->client->options;
    return (struct guard){ .allow = o->allow,
                           .allow_n = o->allow_n,
                           .also = t->allow,
                           .also_n = t->allow_n,
                           .any_inner = t->allow_any_inner && !t->foreign };
}

/* Whoever configured the client's own proxy meant its address; one that a request names is judged like any peer. */
static struct guard proxy_guard(const struct transfer *t)
{
    static const struct network all[] = { { .base = { .size = 4 } }, { .base = { .size = 16 } } };

    if (t->proxy_is_ours)
        return (struct guard){ .allow = all, .allow_n = DW_COUNT_OF(all) };
    return peer_guard(t);
}

static void enqueue(struct transfer *t, const struct address *to, size_t n)
{
    memcpy(t->to, to, n * sizeof(*to));
    t->to_n = n;
    t->to_at = 0;
    t->state = TRANSFER_QUEUED;
    t->heard_us = clock_monotonic_us();
    if (slot_join(t) == 0) {
        transfer_arm_timer(t);
        return;
    }
    transfer_fail(t, CLIENT_MEMORY, "memory is out");
    transfer_finish(t);
}

/* ---- looking up ---- */

static void on_answer(struct lookup *l)
{
    struct question *q = LIST_OWNER(l, struct question, lookup);
    struct transfer *t = q->transfer;
    int asked = QUESTION_ASKED;

    if (atomic_compare_exchange_strong(&q->state, &asked, QUESTION_ANSWERED))
        client_post(t, WISH_RESOLVED); /* q is the transfer's now */
    else
        free(q);
    transfer_drop(t);
}

void route_abandon(struct transfer *t)
{
    struct question *q = t->question;
    int asked = QUESTION_ASKED;

    t->question = NULL;
    if (q && !atomic_compare_exchange_strong(&q->state, &asked, QUESTION_ABANDONED))
        free(q);
}

static void looked_up(struct transfer *t, const struct lookup *l);

static void look_up(struct transfer *t, const char *host, enum transfer_state state)
{
    struct question *q = calloc(1, sizeof(*q));
    int ready = -1;

    t->state = state;
    if (q) {
        q->transfer = t;
        q->lookup.done = on_answer;
        atomic_init(&q->state, QUESTION_ASKED);
        t->question = q;
        transfer_hold(t); /* the question's, however late it is answered */
        ready = resolver_start(t->client->resolver, host, &q->lookup);
    }
    if (ready == 0) {
        transfer_arm_timer(t);
        return;
    }
    t->question = NULL;
    if (ready == 1) {
        looked_up(t, &q->lookup);
    } else {
        transfer_fail(t, CLIENT_MEMORY, "memory is out, or no thread can be started to look up %s", host);
        transfer_finish(t);
    }
    if (q)
        transfer_drop(t);
    free(q);
}

void route_answered(struct transfer *t)
{
    struct question *q = t->question;

    if (!q || atomic_load(&q->state) != QUESTION_ANSWERED)
        return; /* an earlier one's answer, too late */
    t->question = NULL;
    looked_up(t, &q->lookup);
    free(q);
}

/* ---- the way ---- */

static void route_by_proxy(struct transfer *t)
{
    const struct guard g = proxy_guard(t);

    t->connect_until_us = clock_monotonic_us() + t->connect_timeout_us;
    if (t->proxy.address.size == 0)
        look_up(t, t->proxy.host, TRANSFER_RESOLVING_PROXY);
    else if (judge(t, &g, t->proxy.host, &t->proxy.address, 1))
        enqueue(t, &t->proxy.address, 1);
}

static void lookup_failed(struct transfer *t, const char *host, int error)
{
    int64_t span = error == EAI_AGAIN ? transfer_retry_span(t) : -1;

    if (span >= 0) {
        transfer_retry_later(t, span);
        return;
    }
    transfer_fail(t, CLIENT_UNREACHED,
                  "%s could not be looked up: %s; check the name and this machine's name servers", host,
                  gai_strerror(error));
    transfer_finish(t);
}

static void looked_up(struct transfer *t, const struct lookup *l)
{
    bool is_proxy = t->state == TRANSFER_RESOLVING_PROXY, by_proxy = t->proxy.host && !is_proxy;
    const struct guard g = is_proxy ? proxy_guard(t) : peer_guard(t);
    const char *host = is_proxy ? t->proxy.host : t->url.host;

    /* Behind a proxy a name that only the proxy can look up is usual; one that is known to be inside is refused. */
    if (l->error != 0 && !by_proxy) {
        lookup_failed(t, host, l->error);
        return;
    }
    if (l->error == 0 && !judge(t, &g, host, l->addresses, l->n))
        return;
    if (by_proxy)
        route_by_proxy(t);
    else
        enqueue(t, l->addresses, l->n);
}

void route_timeout(struct transfer *t)
{
    route_abandon(t);
    if (t->proxy.host && t->state == TRANSFER_RESOLVING) {
        route_by_proxy(t); /* name servers that know nothing of the world outside may be silent about it */
        return;
    }
    transfer_fail(t, CLIENT_TIMEOUT, "the name servers did not answer for %s in time; are they up?",
                  t->state == TRANSFER_RESOLVING ? t->url.host : t->proxy.host);
    transfer_finish(t);
}

static bool judge_name(struct transfer *t)
{
    const struct guard g = peer_guard(t);
    enum guard_verdict verdict = guard_check_name(&g, str_from(t->url.host));

    if (verdict == GUARD_ALLOWED)
        return true;
    transfer_fail(t, CLIENT_DENIED, "%s is %s", t->url.host,
                  verdict == GUARD_NEVER
                      ? "a cloud metadata service, which is never asked"
                      : "this machine; allow 127.0.0.1 for this connection if it is meant");
    transfer_finish(t);
    return false;
}

void route_begin(struct transfer *t)
{
    const struct guard g = peer_guard(t);
    int64_t patience = t->connect_timeout_us;

    t->attempt++;
    t->answer->attempts++;
    if (t->client->options.play) {
        played_begin(t);
        return;
    }
    if (t->proxy.host && patience > PROXIED_NAME_US)
        patience = PROXIED_NAME_US;
    t->connect_until_us = clock_monotonic_us() + patience;
    if (!judge_name(t))
        return;
    if (t->url.address.size == 0)
        look_up(t, t->url.host, TRANSFER_RESOLVING);
    else if (!judge(t, &g, t->url.host, &t->url.address, 1))
        return;
    else if (t->proxy.host)
        route_by_proxy(t);
    else
        enqueue(t, &t->url.address, 1);
}
