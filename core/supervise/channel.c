#include "supervise/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

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

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int channel_pass(int fd, enum channel_kind kind, int passed)
{
    char letter = (char)kind;
    struct iovec part = { .iov_base = &letter, .iov_len = 1 };
    union control control = { { 0 } };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    ssize_t n;

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &passed, sizeof(passed));
    do {
        n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

static int descriptor_of(struct msghdr *message)
{
    const struct cmsghdr *head = CMSG_FIRSTHDR(message);
    int passed = -1;

    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&passed, CMSG_DATA(head), sizeof(passed));
    return passed;
}

int channel_receive_passed(int fd, enum channel_kind *kind, struct str *text, char room[CHANNEL_TEXT_MAX + 2],
                           int *passed)
{
    struct iovec part = { .iov_base = room, .iov_len = CHANNEL_TEXT_MAX + 1 };
    union control control;
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };
    ssize_t n;

    *passed = -1;
    do {
        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -1;
    if (n == 0)
        return -1;
    *passed = descriptor_of(&message);
    room[n] = 0;
    *kind = (enum channel_kind)room[0];
    *text = str_make(room + 1, (size_t)n - 1);
    return 1;
}

int channel_receive(int fd, enum channel_kind *kind, struct str *text, char room[CHANNEL_TEXT_MAX + 2])
{
    int passed, got = channel_receive_passed(fd, kind, text, room, &passed);

    if (passed >= 0)
        close(passed);
    return got;
}
