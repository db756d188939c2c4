#include "supervise/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

int channel_open(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return -1;
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

int channel_send(int fd, enum channel_kind kind, struct str text)
{
    char letter = (char)kind;
    union {
        const char *in;
        void *out;
    } body = { .in = text.p }; /* sendmsg takes what it only reads without const */
    struct iovec parts[2] = {
        { .iov_base = &letter, .iov_len = 1 },
        { .iov_base = body.out, .iov_len = text.n < CHANNEL_TEXT_MAX ? text.n : CHANNEL_TEXT_MAX },
    };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t n;

    do {
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

int channel_receive(int fd, enum channel_kind *kind, struct str *text, char room[CHANNEL_TEXT_MAX + 2])
{
    ssize_t n;

    do {
        n = recv(fd, room, CHANNEL_TEXT_MAX + 1, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -1;
    if (n == 0)
        return -1;
    room[n] = 0;
    *kind = (enum channel_kind)room[0];
    *text = str_make(room + 1, (size_t)n - 1);
    return 1;
}
