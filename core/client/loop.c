/* loop.c - the client's thread: libevent tells libcurl which sockets are ready.
 *
 * curl_multi_socket_action() on an event base and not curl_multi_poll(): poll and perform walk all transfers at every
 * wake-up, and a server that holds hundreds of open event streams to language models would pay for all of them with
 * every token of one. Here a wake-up costs what is ready. The base also gives each transfer its timer. */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/transfer.h"
#include "util/thread.h"

/* Transfers that libcurl has finished, then those that were waiting for their room. */
static void settle(struct client *c)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        CURLcode code = message->data.result; /* the message goes with its handle */
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        transfer_attempt_over(t, code);
    }
    slot_start_queued(c);
}

/* ---- libcurl's sockets ---- */

struct watch {
    struct event event;
    struct client *client;
};

static void on_ready(evutil_socket_t fd, short what, void *ud)
{
    const struct watch *w = ud;
    struct client *c = w->client; /* the watch may be gone after the action */
    int running, ready = 0;

    if (what & EV_READ)
        ready |= CURL_CSELECT_IN;
    if (what & EV_WRITE)
        ready |= CURL_CSELECT_OUT;
    curl_multi_socket_action(c->multi, fd, ready, &running);
    settle(c);
}

static void unwatch(struct client *c, curl_socket_t fd, struct watch *w)
{
    if (!w)
        return;
    event_del(&w->event);
    curl_multi_assign(c->multi, fd, NULL);
    free(w);
}

/* Never says no, which would kill the multi handle for good: without memory for a watch the transfer's timer ends it. */
static int on_socket(CURL *easy, curl_socket_t fd, int action, void *ud, void *socket_ud)
{
    struct client *c = ud;
    struct watch *w = socket_ud;
    short what = EV_PERSIST;

    (void)easy;
    if (action == CURL_POLL_REMOVE) {
        unwatch(c, fd, w);
        return 0;
    }
    if (w) {
        event_del(&w->event);
    } else {
        w = calloc(1, sizeof(*w));
        if (!w)
            return 0;
        w->client = c;
        curl_multi_assign(c->multi, fd, w);
    }
    if (action & CURL_POLL_IN)
        what |= EV_READ;
    if (action & CURL_POLL_OUT)
        what |= EV_WRITE;
    event_assign(&w->event, c->base, fd, what, on_ready, w);
    event_add(&w->event, NULL);
    return 0;
}

static int on_timeout_set(CURLM *multi, long ms, void *ud)
{
    struct client *c = ud;
    struct timeval span = { ms / 1000, ms % 1000 * 1000 };

    (void)multi;
    if (ms < 0)
        evtimer_del(c->curl_timer);
    else
        evtimer_add(c->curl_timer, &span);
    return 0;
}

static void on_timeout(evutil_socket_t fd, short what, void *ud)
{
    struct client *c = ud;
    int running;

    (void)fd;
    (void)what;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    settle(c);
}

/* ---- wishes from other threads ---- */

static void cancel_all(struct client *c)
{
    while (!list_empty(&c->transfers)) {
        struct transfer *t = LIST_OWNER(c->transfers.next, struct transfer, node);
        transfer_fail(t, CLIENT_CANCELLED, "cut, because the server is shutting down");
        transfer_finish(t);
    }
}

static struct transfer *take_wish(struct client *c, unsigned *wishes, bool *stopping)
{
    struct transfer *t = NULL;

    pthread_mutex_lock(&c->lock);
    *stopping = c->stopping;
    if (!list_empty(&c->inbox)) {
        t = LIST_OWNER(c->inbox.next, struct transfer, inbox);
        list_remove(&t->inbox);
        *wishes = t->wishes;
        t->wishes = 0;
    }
    pthread_mutex_unlock(&c->lock);
    return t;
}

static void on_wake(evutil_socket_t fd, short what, void *ud)
{
    struct client *c = ud;
    struct transfer *t;
    uint64_t count;
    unsigned wishes = 0;
    bool stopping;

    (void)what;
    while (read(fd, &count, sizeof(count)) > 0)
        continue;
    while ((t = take_wish(c, &wishes, &stopping)) != NULL) {
        transfer_handle(t, wishes);
        transfer_drop(t); /* the inbox's */
    }
    if (stopping) {
        cancel_all(c);
        event_base_loopbreak(c->base);
        return;
    }
    settle(c);
}

static void *run(void *ud)
{
    struct client *c = ud;

    event_base_loop(c->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

/* ---- start and stop ---- */

static struct event_base *create_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (!config)
        return NULL;
    /* Only one thread touches it, and libcurl's timers are in milliseconds anyway. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static int set_up_multi(struct client *c)
{
    bool bad = false;

    c->multi = curl_multi_init();
    if (!c->multi)
        return -1;
    bad |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK;
    bad |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) != CURLM_OK;
    bad |= curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout_set) != CURLM_OK;
    bad |= curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) != CURLM_OK;
    bad |= curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->options.idle_connections) != CURLM_OK;
    return bad ? -1 : 0;
}

int client_loop_start(struct client *c)
{
    c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    c->base = create_base();
    if (c->wake_fd < 0 || !c->base)
        return -1;
    c->wake = event_new(c->base, c->wake_fd, EV_READ | EV_PERSIST, on_wake, c);
    c->curl_timer = evtimer_new(c->base, on_timeout, c);
    if (!c->wake || !c->curl_timer || event_add(c->wake, NULL) != 0)
        return -1;
    if (set_up_multi(c) != 0)
        return -1;
    c->thread_started = thread_start(&c->thread, "client", false, run, c) == 0;
    return c->thread_started ? 0 : -1;
}

void client_loop_stop(struct client *c)
{
    const uint64_t one = 1;

    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_mutex_unlock(&c->lock);
    if (c->thread_started) {
        while (write(c->wake_fd, &one, sizeof(one)) < 0)
            continue; /* interrupted: nothing else can happen to it */
        pthread_join(c->thread, NULL);
    }
    if (c->multi)
        curl_multi_cleanup(c->multi);
    if (c->wake)
        event_free(c->wake);
    if (c->curl_timer)
        event_free(c->curl_timer);
    if (c->base)
        event_base_free(c->base);
    if (c->wake_fd >= 0)
        close(c->wake_fd);
}
