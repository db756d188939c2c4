/* client_rig.h - one misbehaving peer and one client a test. Include cmocka before it. */
#ifndef CLIENT_RIG_H
#define CLIENT_RIG_H

#include "client/client.h"
#include "http_routes.h"
#include "util/clock.h"

static const int64_t MS = CLOCK_MS, S = CLOCK_SECOND;

struct fixture {
    struct peer peer;
    struct client *client;
    char url[128];
};

static const struct network loopback[] = { { { { 127 }, 4 }, 8 } };

static inline int set_up_with(void **state, const struct client_options *options)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct client_options o = options ? *options : (struct client_options){ .retry_base_us = 1 * MS };

    *state = f;
    o.allow = loopback;
    o.allow_n = 1;
    assert_int_equal(peer_start(&f->peer, route, NULL), 0);
    assert_int_equal(client_create(&f->client, &o), 0);
    return 0;
}

static inline int set_up(void **state)
{
    return set_up_with(state, NULL);
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    client_destroy(f->client);
    peer_stop(&f->peer);
    free(f);
    return 0;
}

static inline const char *at(struct fixture *f, const char *path)
{
    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u%s", f->peer.port, path);
    return f->url;
}

static inline struct client_answer *fetch(struct fixture *f, struct client_request r, enum client_error want)
{
    struct client_answer *a;
    int result;

    if (!r.timeout_us)
        r.timeout_us = 5 * S;
    result = client_fetch(f->client, &a, &r);
    assert_non_null(a);
    assert_int_equal(result, -(int)a->error);
    if (a->error != want)
        fail_msg("%s: %s, not %s: %s", r.url, client_error_name(a->error), client_error_name(want),
                 a->message);
    assert_int_equal(a->error == CLIENT_OK, a->message[0] == 0);
    return a;
}

static inline void expect(struct fixture *f, struct client_request r, enum client_error want)
{
    client_answer_destroy(fetch(f, r, want));
}

/* Counts the answers that come by callback. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int done, ok;
    enum client_error last;
    char message[512];
};

#define WAITER_INIT                                                            \
    {                                                                          \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
    }

static inline void note(struct client_answer *a, void *ud)
{
    struct waiter *w = ud;

    pthread_mutex_lock(&w->lock);
    w->done++;
    w->ok += a->error == CLIENT_OK;
    w->last = a->error;
    if (a->error != CLIENT_OK)
        snprintf(w->message, sizeof(w->message), "%s", a->message);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    client_answer_destroy(a);
}

static inline void wait_for(struct waiter *w, int n)
{
    struct timespec limit;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 20;
    pthread_mutex_lock(&w->lock);
    while (w->done < n) {
        if (pthread_cond_timedwait(&w->changed, &w->lock, &limit) != 0)
            fail_msg("%d of %d answers came", w->done, n);
    }
    pthread_mutex_unlock(&w->lock);
}

/* Cancels from another thread. */
struct canceller {
    struct client_token *token;
    struct peer *peer;
    int requests;
};

/* Cancels as soon as the peer has seen so many requests. */
static inline void *cancel_when_seen(void *ud)
{
    struct canceller *c = ud;

    for (int i = 0; i < 5000 && atomic_load(&c->peer->requests) < c->requests; i++)
        usleep(1000);
    client_token_cancel(c->token);
    return NULL;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
