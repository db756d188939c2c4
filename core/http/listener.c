#include "http/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/address_counts.h"
#include "http/server_struct.h"
#include "http/tls.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum { ACCEPTS_A_TURN = 64, PAUSE_US = 100000 };

struct listener {
    struct listener *next;
    struct http_server *server;
    struct http_loop *loop;
    struct tls_context *tls;
    struct event event, resume;
    enum http_listener_kind kind;
    int fd;
    bool spread, active;
};

/* A connection on its way to the loop that shall serve it. */
struct dealt {
    struct loop_task task;
    struct listener *listener;
    int fd;
    struct sockaddr_storage peer;
};

static void take_dealt(struct http_loop *loop, struct loop_task *task)
{
    struct dealt *d = LIST_OWNER(task, struct dealt, task);
    struct http_server *s = loop->server;

    connection_open(loop, d->listener, d->fd, (struct sockaddr *)&d->peer);
    free(d);
    atomic_fetch_sub(&s->dealt, 1);
    server_check_drained(s);
}

/* One socket cannot be shared out by the kernel, so its connections are dealt in turn. */
static void deal(struct listener *l, int fd, const struct sockaddr_storage *peer)
{
    struct http_server *s = l->server;
    unsigned turn = atomic_fetch_add_explicit(&s->next_loop, 1, memory_order_relaxed);
    struct http_loop *loop = s->loops[turn % s->options.loops];
    struct dealt *d = loop == l->loop ? NULL : malloc(sizeof(*d));

    if (!d) {
        connection_open(l->loop, l, fd, (const struct sockaddr *)peer);
        return;
    }
    *d = (struct dealt){ .task.run = take_dealt, .listener = l, .fd = fd, .peer = *peer };
    atomic_fetch_add(&s->dealt, 1);
    loop_post(loop, &d->task);
}

static const struct timeval pause_time = { 0, PAUSE_US };

/* Out of descriptors or memory: waiting a little is better than being woken for a connection that cannot be taken. */
static void pause_accepting(struct listener *l)
{
    log_warn("cannot accept a connection; pausing", LOG_TEXT("error", strerror(errno)));
    /* First what can fail: without the timer the listener would never come back. */
    if (event_add(&l->resume, &pause_time) == 0)
        event_del(&l->event);
}

static void on_resume(evutil_socket_t fd, short what, void *ud)
{
    struct listener *l = ud;

    (void)fd;
    (void)what;
    if (l->active && event_add(&l->event, NULL) != 0)
        event_add(&l->resume, &pause_time);
}

static void on_acceptable(evutil_socket_t fd, short what, void *ud)
{
    struct listener *l = ud;

    (void)what;
    loop_turn(l->loop);
    for (unsigned i = 0; i < ACCEPTS_A_TURN && l->active; i++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);
        memset(&peer, 0, sizeof(peer));
        int client = accept4(fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(l);
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            return;
        }
        metric_add(l->server->metrics.accepted, 1);
        if (l->spread)
            deal(l, client, &peer);
        else
            connection_open(l->loop, l, client, (struct sockaddr *)&peer);
    }
}

int listener_create(struct listener **out, struct http_server *s, int fd, enum http_listener_kind kind,
                    unsigned loop, bool spread, struct tls_context *tls)
{
    struct listener *l = calloc(1, sizeof(*l));

    if (!l)
        return -1;
    l->server = s;
    l->fd = fd;
    l->kind = kind;
    l->loop = s->loops[loop % s->options.loops];
    l->spread = spread;
    l->tls = tls;
    event_assign(&l->event, l->loop->base, fd, EV_READ | EV_PERSIST, on_acceptable, l);
    event_assign(&l->resume, l->loop->base, -1, 0, on_resume, l);
    l->next = s->listeners;
    s->listeners = l;
    *out = l;
    return 0;
}

int listener_start(struct listener *l)
{
    l->active = true;
    return event_add(&l->event, NULL);
}

void listener_stop(struct listener *l)
{
    l->active = false;
    event_del(&l->event);
    event_del(&l->resume);
}

void listener_stop_on(struct http_loop *loop)
{
    for (struct listener *l = loop->server->listeners; l; l = l->next) {
        if (l->loop == loop)
            listener_stop(l);
    }
}

void listener_destroy_all(struct listener *l)
{
    while (l) {
        struct listener *next = l->next;
        listener_stop(l);
        free(l);
        l = next;
    }
}

struct listener *listener_next(const struct listener *l)
{
    return l->next;
}

struct http_loop *listener_loop(const struct listener *l)
{
    return l->loop;
}

struct tls_context *listener_tls(const struct listener *l)
{
    return l->tls;
}

/* One client may be many people where it is a proxy, and a test or a local front server where it is this machine. */
static bool is_counted(const struct http_server *s, const struct address *a)
{
    if (a->size == 0 || address_scope_of(a) == ADDRESS_LOOPBACK)
        return false;
    for (size_t i = 0; i < s->options.trusted_proxies_n; i++) {
        if (network_contains(&s->options.trusted_proxies[i], a))
            return false;
    }
    return true;
}

/* Best effort: who is turned away may not even read it. */
static void send_busy(int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
                                 "Content-Length: 0\r\n\r\n";
    (void)!send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool listener_connection_opened(struct http_server *s, struct connection *c)
{
    unsigned now = atomic_fetch_add_explicit(&s->connections, 1, memory_order_relaxed);
    enum http_refusal why = REFUSALS;

    if (now >= s->options.connections_max)
        why = REFUSED_CONNECTIONS;
    else if (is_counted(s, &c->peer)) {
        c->counted = address_counts_add(s->addresses, &c->peer, s->options.connections_per_address);
        if (!c->counted)
            why = REFUSED_CONNECTIONS_ADDRESS;
    }
    if (why == REFUSALS)
        return true;
    server_count_refusal(s, why);
    if (!listener_tls(c->listener))
        send_busy(c->fd);
    atomic_fetch_sub(&s->connections, 1);
    server_check_drained(s);
    return false;
}

void listener_connection_closed(struct http_server *s, struct connection *c)
{
    if (c->counted)
        address_counts_remove(s->addresses, &c->peer);
    atomic_fetch_sub(&s->connections, 1);
    server_check_drained(s);
}
