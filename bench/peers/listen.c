#include "listen.h"

#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

int peer_listen(uint16_t *port)
{
    static const int on = 1;
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons(*port) };
    socklen_t size = sizeof(where);

    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        err(1, "socket");
    if (bind(fd, (struct sockaddr *)&where, sizeof(where)) != 0 || listen(fd, SOMAXCONN) != 0)
        err(1, "listen on 127.0.0.1:%u", (unsigned)*port);
    if (getsockname(fd, (struct sockaddr *)&where, &size) != 0)
        err(1, "getsockname");
    *port = ntohs(where.sin_port);
    return fd;
}

void peer_raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        err(1, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        err(1, "setrlimit");
}

uint16_t peer_port(int argc, char **argv)
{
    const long port = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    if (port < 0 || port > UINT16_MAX)
        errx(2, "%s: not a port", argv[1]);
    return (uint16_t)port;
}
