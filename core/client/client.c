#include "client/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/transfer.h"
#include "metrics/metrics.h"
#include "util/clock.h"

/* ---- create and destroy ---- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool curl_ready;

/* Never undone: other parts of the process may use libcurl or OpenSSL until the end. */
static void init_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static void set_defaults(struct client_options *o)
{
    static const struct client_options defaults = {
        .transfers = 256,
        .transfers_per_host = 32,
        .queue = 1024,
        .idle_connections = 64,
        .resolver_threads = 4,
        .resolve_ttl_us = 30 * (int64_t)CLOCK_SECOND,
        .retry_base_us = 200 * (int64_t)CLOCK_MS,
        .retry_cap_us = 10 * (int64_t)CLOCK_SECOND,
        .user_agent = "dowel",
        .resolve = resolver_system,
    };
    o->transfers = o->transfers ? o->transfers : defaults.transfers;
    o->transfers_per_host = o->transfers_per_host ? o->transfers_per_host : defaults.transfers_per_host;
    o->queue = o->queue ? o->queue : defaults.queue;
    o->idle_connections = o->idle_connections ? o->idle_connections : defaults.idle_connections;
    o->resolver_threads = o->resolver_threads ? o->resolver_threads : defaults.resolver_threads;
    o->resolve_ttl_us = o->resolve_ttl_us ? o->resolve_ttl_us : defaults.resolve_ttl_us;
    o->retry_base_us = o->retry_base_us ? o->retry_base_us : defaults.retry_base_us;
    o->retry_cap_us = o->retry_cap_us ? o->retry_cap_us : defaults.retry_cap_us;
    o->user_agent = o->user_agent ? o->user_agent : defaults.user_agent;
    o->resolve = o->resolve ? o->resolve : defaults.resolve;
}

static void make_metrics(struct client *c)
{
    for (int i = 0; i < CLIENT_ERRORS; i++) {
        struct buf label = BUF_INIT;
        metrics_label(&label, "outcome", str_from(client_error_name((enum client_error)i)));
        c->outcomes[i] =
            metrics_counter("dowel_client_requests_total", "Outbound requests by outcome.", buf_text(&label));
        buf_finish(&label);
    }
    c->duration = metrics_histogram("dowel_client_duration_seconds",
                                    "Outbound requests from submit to the end, retries included.", NULL);
    c->retries = metrics_counter("dowel_client_retries_total", "Attempts after the first.", NULL);
    c->transfers_open =
        metrics_gauge("dowel_client_transfers", "Outbound requests that have not ended.", NULL);
}

void client_hold(struct client *c)
{
    atomic_fetch_add(&c->refs, 1);
}

void client_drop(struct client *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&c->lock);
    free(c);
}

int client_create(struct client **out, const struct client_options *options)
{
    struct client *c;

    *out = NULL;
    pthread_once(&curl_once, init_curl);
    c = curl_ready ? calloc(1, sizeof(*c)) : NULL;
    if (!c)
        return -1;
    if (options)
        c->options = *options;
    set_defaults(&c->options);
    atomic_init(&c->refs, 1);
    pthread_mutex_init(&c->lock, NULL);
    list_init(&c->inbox);
    list_init(&c->transfers);
    list_init(&c->queued);
    make_metrics(c);
    const struct resolver_options resolving = { .threads = c->options.resolver_threads,
                                                .ttl_us = c->options.resolve_ttl_us,
                                                .resolve = c->options.resolve,
                                                .ud = c->options.resolve_ud };
    if (resolver_create(&c->resolver, &resolving) != 0 || client_loop_start(c) != 0) {
        client_destroy(c);
        return -1;
    }
    *out = c;
    return 0;
}

void client_destroy(struct client *c)
{
    if (!c)
        return;
    client_loop_stop(c);
    resolver_destroy(c->resolver);
    client_drop(c);
}

/* ---- the inbox ---- */

void client_put(struct transfer *t, enum transfer_wish wish)
{
    const uint64_t one = 1;
    struct client *c = t->client;
    bool was_empty = list_empty(&c->inbox);

    t->wishes |= wish;
    if (!list_empty(&t->inbox))
        return;
    transfer_hold(t);
    list_append(&c->inbox, &t->inbox);
    /* A full counter means that it is awake; it can fail in no other way. */
    if (was_empty && write(c->wake_fd, &one, sizeof(one)) < 0)
        return;
}

void client_post(struct transfer *t, enum transfer_wish wish)
{
    struct client *c = t->client;

    pthread_mutex_lock(&c->lock);
    if (!c->stopping)
        client_put(t, wish);
    pthread_mutex_unlock(&c->lock);
}

static void join_token(struct transfer *t)
{
    struct client_token *token = t->token;

    if (!token)
        return;
    pthread_mutex_lock(&token->lock);
    if (token->cancelled)
        transfer_fail(t, CLIENT_CANCELLED, "cancelled before it was sent");
    list_append(&token->transfers, &t->by_token);
    token->refs++;
    pthread_mutex_unlock(&token->lock);
}

int client_submit(struct transfer *t)
{
    struct client *c = t->client;
    int result = -1;

    join_token(t);
    pthread_mutex_lock(&c->lock);
    if (!c->stopping) {
        if (c->open >= c->options.transfers + c->options.queue)
            transfer_fail(t, CLIENT_UNREACHED, "%u requests are open already; is a peer slow?", c->open);
        c->open++;
        transfer_hold(t); /* the client's, until it is finished */
        client_put(t, WISH_SUBMIT);
        result = 0;
    }
    pthread_mutex_unlock(&c->lock);
    if (result != 0) {
        client_leave_token(t);
        transfer_fail(t, CLIENT_CANCELLED, "not sent, because the server is shutting down");
        t->answer->message = buf_text(&t->answer->message_);
    }
    return result;
}

/* ---- whole answers ---- */

int client_fetch(struct client *c, struct client_answer **out, const struct client_request *request)
{
    struct transfer *t = transfer_create(c, request, false, false);

    *out = NULL;
    if (!t)
        return -CLIENT_MEMORY;
    if (pthread_equal(pthread_self(), c->thread)) {
        transfer_fail(t, CLIENT_INVALID, "a callback cannot wait for an answer; use client_start");
        t->answer->message = buf_text(&t->answer->message_);
    } else if (client_submit(t) == 0) {
        pthread_mutex_lock(&t->lock);
        while (!t->done)
            pthread_cond_wait(&t->changed, &t->lock);
        pthread_mutex_unlock(&t->lock);
    }
    *out = t->answer;
    t->answer = NULL;
    transfer_drop(t);
    return -(int)(*out)->error;
}

int client_start(struct client *c, const struct client_request *request,
                 void (*done)(struct client_answer *answer, void *ud), void *ud)
{
    struct transfer *t = transfer_create(c, request, false, true);
    int result;

    if (!t)
        return -CLIENT_MEMORY;
    t->callback = done;
    t->callback_ud = ud;
    result = client_submit(t) == 0 ? 0 : -CLIENT_CANCELLED;
    transfer_drop(t);
    return result;
}

/* ---- tokens ---- */

int client_token_create(struct client_token **out)
{
    struct client_token *token = calloc(1, sizeof(*token));

    *out = token;
    if (!token)
        return -1;
    pthread_mutex_init(&token->lock, NULL);
    list_init(&token->transfers);
    token->refs = 1;
    return 0;
}

void client_token_cancel(struct client_token *token)
{
    pthread_mutex_lock(&token->lock);
    token->cancelled = true;
    for (struct list *node = token->transfers.next; node != &token->transfers; node = node->next)
        client_post(LIST_OWNER(node, struct transfer, by_token), WISH_CANCEL);
    pthread_mutex_unlock(&token->lock);
}

/* With the lock held, which it gives back. */
static void drop_token(struct client_token *token)
{
    bool last = --token->refs == 0;

    pthread_mutex_unlock(&token->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&token->lock);
    free(token);
}

void client_leave_token(struct transfer *t)
{
    if (!t->token)
        return;
    pthread_mutex_lock(&t->token->lock);
    list_remove(&t->by_token);
    drop_token(t->token);
    t->token = NULL;
}

void client_token_destroy(struct client_token *token)
{
    if (!token)
        return;
    pthread_mutex_lock(&token->lock);
    drop_token(token);
}
