#include "cli/command_frames.h"

#include <errno.h>
#include <sys/socket.h>

enum { HEAD_SIZE = 5 };

static int send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

static int send_one(int fd, enum frame_kind kind, struct str payload)
{
    const char head[HEAD_SIZE] = { (char)kind, (char)(payload.n >> 24), (char)(payload.n >> 16),
                                   (char)(payload.n >> 8), (char)payload.n };

    return send_all(fd, head, sizeof(head)) == 0 ? send_all(fd, payload.p, payload.n) : -1;
}

int frame_send(int fd, enum frame_kind kind, struct str payload)
{
    while (payload.n > FRAME_MAX) {
        if (send_one(fd, kind, str_make(payload.p, FRAME_MAX)) != 0)
            return -1;
        payload = str_make(payload.p + FRAME_MAX, payload.n - FRAME_MAX);
    }
    return send_one(fd, kind, payload);
}

/* 1, 0 at the end before the first byte, -1. */
static int receive_all(int fd, char *p, size_t n)
{
    size_t got = 0;

    while (got < n) {
        ssize_t more = recv(fd, p + got, n - got, 0);
        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0) {
            errno = more < 0 ? errno : ECONNRESET;
            return more == 0 && got == 0 ? 0 : -1;
        }
        got += (size_t)more;
    }
    return 1;
}

int frame_receive(int fd, enum frame_kind *kind, struct buf *payload)
{
    unsigned char head[HEAD_SIZE];
    int rc = receive_all(fd, (char *)head, sizeof(head));

    if (rc <= 0)
        return rc;
    size_t n = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    payload->n = 0;
    if (n > FRAME_MAX || !buf_reserve(payload, n + 1)) {
        errno = n > FRAME_MAX ? EPROTO : ENOMEM;
        return -1;
    }
    if (n > 0 && receive_all(fd, payload->p, n) <= 0)
        return -1;
    payload->n = n;
    *kind = (enum frame_kind)head[0];
    return 1;
}
