/* epoll.c - the yardstick of the machine: the least that a server can do for a request.
 *
 * Two threads with a socket, an epoll set and a loop each. A request ends at an empty line; it is not looked at any
 * further, and the answer is always the same. What a real server costs above this is what it does. */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

enum { THREADS = 2, EVENTS = 256, INPUT = 4096, BATCH = 64 };

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Length: 3\r\n"
                             "\r\n"
                             "ok\n";
enum { ANSWER = sizeof(answer) - 1 };
static char answers[BATCH * ANSWER]; /* for pipelined requests; filled before the threads begin */

struct connection {
    int fd;
    size_t n; /* bytes of an unfinished request */
    char input[INPUT];
};

static void connection_end(struct connection *c)
{
    close(c->fd);
    free(c);
}

static void accept_all(int epoll, int listener)
{
    int fd;

    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the epoll set holds what is accepted */
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = malloc(sizeof(*c));
        if (!c) {
            close(fd);
            return;
        }
        c->fd = fd;
        c->n = 0;
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            connection_end(c);
    }
}

/* Takes the complete requests out of the input and counts them. */
static size_t take_requests(struct connection *c)
{
    size_t requests = 0;
    const char *from = c->input;
    const char *const end = c->input + c->n;
    const char *blank;

    while ((blank = memmem(from, (size_t)(end - from), "\r\n\r\n", 4))) {
        from = blank + 4;
        requests++;
    }
    c->n = (size_t)(end - from);
    memmove(c->input, from, c->n);
    return requests;
}

/* False when the connection is of no use any more. */
static bool answer_requests(struct connection *c, size_t requests)
{
    while (requests > 0) {
        const size_t now = requests < BATCH ? requests : BATCH;
        const size_t n = now * ANSWER;
        if (send(c->fd, answers, n, MSG_NOSIGNAL) != (ssize_t)n)
            return false;
        requests -= now;
    }
    return true;
}

static void read_connection(struct connection *c)
{
    const ssize_t got = recv(c->fd, c->input + c->n, sizeof(c->input) - c->n, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        connection_end(c);
        return;
    }
    c->n += (size_t)got;
    if (!answer_requests(c, take_requests(c)) || c->n == sizeof(c->input))
        connection_end(c);
}

static void *loop(void *ud)
{
    const int listener = *(const int *)ud;
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN };
    struct epoll_event events[EVENTS];

    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
        err(1, "epoll");
    for (;;) {
        const int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                read_connection(events[i].data.ptr);
            else
                accept_all(epoll, listener);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    uint16_t port = peer_port(argc, argv);
    int listeners[THREADS];
    pthread_t threads[THREADS];

    for (size_t i = 0; i < BATCH; i++)
        memcpy(answers + i * ANSWER, answer, ANSWER);
    peer_raise_limits();
    for (int i = 0; i < THREADS; i++)
        listeners[i] = peer_listen(&port);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, loop, &listeners[i]) != 0)
            errx(1, "no thread");
    }
    printf("listening on http://127.0.0.1:%u\n", (unsigned)port);
    fflush(stdout);
    pthread_join(threads[0], NULL);
    return 0;
}
