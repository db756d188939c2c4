/* idle_clients.c - opens many connections, asks once on each, and then only holds them.
 *
 *   idle_clients PORT COUNT PATH
 *
 * They come from several addresses of 127/8, so that neither the ports of one address nor a limit per address is what
 * is measured. Prints "ready COUNT" when every one has the head of its answer, and ends when its input does: with 1 when
 * the server has closed one in the meantime, for then nothing was measured. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

enum { PER_ADDRESS = 1000, ANSWER_LIMIT_MS = 10000, COUNT_MAX = 100000 };

static int connect_from(uint32_t source, uint16_t port)
{
    static const int on = 1;
    struct sockaddr_in from = { .sin_family = AF_INET };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

    from.sin_addr.s_addr = htonl(source);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        err(1, "socket");
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        err(1, "connect to port %u", (unsigned)port);
    return fd;
}

/* Reads until the end of the head; what follows stays in the kernel or is thrown away with it. */
static void await_answer(int fd, long number)
{
    char answer[2048];
    size_t n = 0;

    while (n < sizeof(answer) - 1) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        if (poll(&ready, 1, ANSWER_LIMIT_MS) != 1)
            errx(1, "connection %ld: no answer within %d ms", number, (int)ANSWER_LIMIT_MS);
        const ssize_t got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0);
        if (got <= 0)
            errx(1, "connection %ld: closed before its answer", number);
        n += (size_t)got;
        answer[n] = '\0';
        if (strstr(answer, "\r\n\r\n"))
            break;
    }
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
        errx(1, "connection %ld: %.*s", number, (int)strcspn(answer, "\r\n"), answer);
}

static bool is_open(int fd)
{
    char byte;
    const ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got > 0 || (got < 0 && errno == EAGAIN);
}

static void hold_until_end_of_input(const int *fds, long count)
{
    char rest[64];

    while (read(STDIN_FILENO, rest, sizeof(rest)) > 0)
        continue;
    for (long i = 0; i < count; i++) {
        if (!is_open(fds[i]))
            errx(1, "connection %ld was closed by the server", i);
    }
}

int main(int argc, char **argv)
{
    static int fds[COUNT_MAX];
    char request[512];

    if (argc != 4)
        errx(2, "usage: idle_clients PORT COUNT PATH");
    const uint16_t port = peer_port(argc, argv);
    const long count = strtol(argv[2], NULL, 10);
    const int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: idle\r\n\r\n", argv[3]);
    if (count <= 0 || count > COUNT_MAX || size < 0 || (size_t)size >= sizeof(request))
        errx(2, "usage: idle_clients PORT COUNT PATH");

    peer_raise_limits();
    for (long i = 0; i < count; i++) {
        const int fd = fds[i] = connect_from(INADDR_LOOPBACK + 1 + (uint32_t)(i / PER_ADDRESS), port);
        if (send(fd, request, (size_t)size, MSG_NOSIGNAL) != size)
            err(1, "send");
        await_answer(fd, i);
    }
    printf("ready %ld\n", count);
    fflush(stdout);
    hold_until_end_of_input(fds, count);
    return 0;
}
