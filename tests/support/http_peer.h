/* http_peer.h - an HTTP server that misbehaves as told: plain sockets on port 0, a thread a connection.
 *
 * A route writes raw bytes, so that it can send what no server library would. All reads and writes have a limit. */
#ifndef HTTP_PEER_H
#define HTTP_PEER_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PEER_CONNECTIONS = 128, PEER_REQUEST_MAX = 2 * 1024 * 1024 };

struct peer;

struct peer_conn {
    struct peer *peer;
    int fd;
    SSL *ssl;
    pthread_t thread;
};

struct peer_request {
    const char *method, *path; /* terminated */
    const char *head;          /* request line and fields, terminated */
    const char *body;
    size_t body_n;
};

/* True keeps the connection for the next request. */
typedef bool peer_route(struct peer_conn *c, const struct peer_request *r);

struct peer {
    int fd;
    uint16_t port;
    SSL_CTX *tls; /* NULL: plain */
    peer_route *route;
    pthread_t thread;
    pthread_mutex_t lock;
    struct peer_conn conns[PEER_CONNECTIONS];
    size_t conns_n;
    atomic_int accepts, requests;
    atomic_llong written;
    char last_head[16384]; /* guarded by lock */
};

/* All of it or false. */
static inline bool peer_write(struct peer_conn *c, const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t sent =
            c->ssl ? SSL_write(c->ssl, p, (int)(n < 16384 ? n : 16384)) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
        atomic_fetch_add(&c->peer->written, sent);
    }
    return true;
}

static inline bool peer_text(struct peer_conn *c, const char *text)
{
    return peer_write(c, text, strlen(text));
}

/* A whole answer with a length. `fields` is "Name: value\r\n..." or "". */
static inline bool peer_answer(struct peer_conn *c, int status, const char *fields, const char *body)
{
    char head[2048];

    snprintf(head, sizeof(head), "HTTP/1.1 %d Whatever\r\nContent-Length: %zu\r\n%s\r\n", status,
             strlen(body), fields);
    return peer_text(c, head) && peer_text(c, body);
}

static inline ssize_t peer_read(struct peer_conn *c, char *p, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, p, (int)n) : recv(c->fd, p, n, 0);
}

/* Waits until the other side closes, at most the socket's limit: what a server does that never answers. */
static inline void peer_linger(struct peer_conn *c)
{
    char byte;

    (void)!peer_read(c, &byte, 1);
}

/* Reads one request into buffer. False at the end. */
static inline bool peer_receive(struct peer_conn *c, char *buffer, struct peer_request *r)
{
    size_t n = 0, head_n = 0, length = 0;
    const char *end = NULL, *field;
    char *rest = NULL;

    while (!end || n < head_n + length) {
        ssize_t got = n < PEER_REQUEST_MAX - 1 ? peer_read(c, buffer + n, PEER_REQUEST_MAX - 1 - n) : 0;
        if (got <= 0)
            return false;
        n += (size_t)got;
        buffer[n] = 0;
        end = strstr(buffer, "\r\n\r\n");
        if (!end)
            continue;
        head_n = (size_t)(end - buffer) + 4;
        field = strcasestr(buffer, "\r\ncontent-length:");
        length = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
    }
    pthread_mutex_lock(&c->peer->lock);
    snprintf(c->peer->last_head, sizeof(c->peer->last_head), "%.*s", (int)head_n, buffer);
    pthread_mutex_unlock(&c->peer->lock);
    buffer[head_n - 2] = 0;
    r->head = strdup(buffer);
    r->method = strtok_r(buffer, " ", &rest);
    r->path = strtok_r(NULL, " ", &rest);
    r->body = buffer + head_n;
    r->body_n = length;
    return r->head && r->method && r->path;
}

static inline void *peer_serve(void *ud)
{
    struct peer_conn *c = ud;
    struct peer_request r = { .body = "" };
    char *buffer = malloc(PEER_REQUEST_MAX);
    sigset_t pipe;

    /* Only here: that the client's own thread takes none is a part of what is tested. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    bool more = buffer && (!c->ssl || SSL_accept(c->ssl) == 1);

    while (more && peer_receive(c, buffer, &r)) {
        atomic_fetch_add(&c->peer->requests, 1);
        more = c->peer->route(c, &r);
        free((char *)r.head);
    }
    if (c->ssl)
        SSL_shutdown(c->ssl);
    shutdown(c->fd, SHUT_RDWR);
    free(buffer);
    return NULL;
}

static inline void *peer_accept(void *ud)
{
    struct peer *p = ud;
    const struct timeval limit = { .tv_sec = 8 };
    const int on = 1;
    int fd;

    while ((fd = accept(p->fd, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&p->lock);
        if (p->conns_n == PEER_CONNECTIONS) {
            pthread_mutex_unlock(&p->lock);
            close(fd);
            continue;
        }
        struct peer_conn *c = &p->conns[p->conns_n++];
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        c->peer = p;
        c->fd = fd;
        if (p->tls) {
            c->ssl = SSL_new(p->tls);
            SSL_set_fd(c->ssl, fd);
        }
        atomic_fetch_add(&p->accepts, 1);
        if (pthread_create(&c->thread, NULL, peer_serve, c) != 0)
            abort();
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

static inline int peer_start(struct peer *p, peer_route *route, SSL_CTX *tls)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof(at);

    memset(p, 0, sizeof(*p));
    p->route = route;
    p->tls = tls;
    pthread_mutex_init(&p->lock, NULL);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || bind(p->fd, (const struct sockaddr *)&at, n) != 0 || listen(p->fd, 64) != 0 ||
        getsockname(p->fd, (struct sockaddr *)&at, &n) != 0)
        return -1;
    p->port = ntohs(at.sin_port);
    return pthread_create(&p->thread, NULL, peer_accept, p) == 0 ? 0 : -1;
}

static inline void peer_stop(struct peer *p)
{
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->fd);
    for (size_t i = 0; i < p->conns_n; i++) {
        shutdown(p->conns[i].fd, SHUT_RDWR);
        pthread_join(p->conns[i].thread, NULL);
        SSL_free(p->conns[i].ssl);
        close(p->conns[i].fd);
    }
    pthread_mutex_destroy(&p->lock);
}

static inline bool peer_saw(struct peer *p, const char *text)
{
    pthread_mutex_lock(&p->lock);
    bool found = strcasestr(p->last_head, text) != NULL;
    pthread_mutex_unlock(&p->lock);
    return found;
}

#endif
