#include "supervise/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervise/remote.h"
#include "util/clock.h"

enum { LINE_TIMEOUT_US = 10 * CLOCK_SECOND, CONTROL_BACKLOG = 16 };

/* ---- the socket ---- */

static int bound(const char *data_dir)
{
    struct sockaddr_un to;
    int dir, result = -1, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (remote_address(data_dir, &to, &dir) == 0) {
        unlink(to.sun_path);
        mode_t mask = umask(0177);
        result = bind(fd, (const struct sockaddr *)&to, sizeof(to));
        umask(mask);
    }
    int error = errno;
    if (dir >= 0)
        close(dir);
    if (result == 0 && listen(fd, CONTROL_BACKLOG) == 0)
        return fd;
    errno = result ? error : errno;
    close(fd);
    return -1;
}

int control_open(struct control *c, const char *data_dir, int adopted, struct buf *why)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        c->clients[i] = (struct control_client){ .fd = -1 };
    c->fd = adopted >= 0 ? adopted : bound(data_dir);
    if (c->fd >= 0)
        return 0;
    buf_add_format(why, "cannot make %s/dowel.sock: %s", data_dir, strerror(errno));
    return -1;
}

static void client_close(struct control_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->line);
    *c = (struct control_client){ .fd = -1 };
}

void control_close(struct control *c, const char *data_dir)
{
    struct sockaddr_un at;
    int dir;

    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        client_close(&c->clients[i]);
    if (c->fd < 0)
        return;
    close(c->fd);
    c->fd = -1;
    if (data_dir && remote_address(data_dir, &at, &dir) == 0) {
        unlink(at.sun_path);
        if (dir >= 0)
            close(dir);
    }
}

/* ---- answers ---- */

/* The line is small and the socket's buffer empty: it fits, or the peer is not worth waiting for. */
static void send_line(int fd, const json_t *answer)
{
    char *line = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

    if (!line)
        return;
    size_t n = strlen(line);
    line[n] = '\n'; /* the NUL's place: the length is known */
    send(fd, line, n + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    free(line);
}

void control_reply(struct control_client *c, json_t *answer)
{
    send_line(c->fd, answer);
    json_decref(answer);
    client_close(c);
}

void control_release(struct control_client *c)
{
    client_close(c);
}

void control_move(struct control *c, int from, int to)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (c->clients[i].fd >= 0 && c->clients[i].waits_for == from)
            c->clients[i].waits_for = to;
    }
}

void control_reply_all(struct control *c, int waited_for, json_t *answer)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (c->clients[i].fd >= 0 && c->clients[i].waits_for == waited_for)
            control_reply(&c->clients[i], json_incref(answer));
    }
    json_decref(answer);
}

static void refuse(struct control_client *c, const char *reason)
{
    control_reply(c, json_pack("{s:b, s:i, s:s}", "ok", 0, "exit", 1, "error", reason));
}

/* ---- requests ---- */

static void read_request(struct control *control, struct control_client *c)
{
    json_t *request = json_loadb(c->line, c->n, 0, NULL);
    const char *verb = json_string_value(json_object_get(request, "verb"));

    c->deadline_us = 0;
    free(c->line);
    c->line = NULL;
    if (verb)
        control->request(c, verb, json_object_get(request, "arguments"), control->ud);
    else
        refuse(c, "a request is one line: {\"verb\":NAME,\"arguments\":{...}}");
    json_decref(request);
}

static void client_ready(struct control *control, struct control_client *c)
{
    if (!c->line) { /* an answer is owed, and nobody waits for it any more */
        client_close(c);
        return;
    }
    ssize_t n = recv(c->fd, c->line + c->n, CONTROL_LINE_MAX - c->n, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_close(c);
        return;
    }
    c->n += (size_t)n;
    if (memchr(c->line, '\n', c->n))
        read_request(control, c);
    else if (c->n == CONTROL_LINE_MAX)
        refuse(c, "the request's line is too long");
}

static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static struct control_client *free_client(struct control *c)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (c->clients[i].fd < 0)
            return &c->clients[i];
    }
    return NULL;
}

static void accept_client(struct control *control)
{
    struct control_client *c = free_client(control);
    int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    char *line = c && is_trusted(fd) ? malloc(CONTROL_LINE_MAX) : NULL;
    if (!line) {
        close(fd);
        return;
    }
    *c = (struct control_client){ .fd = fd,
                                  .line = line,
                                  .deadline_us = clock_monotonic_us() + LINE_TIMEOUT_US };
}

void control_adopt(struct control *control, int fd, int waits_for)
{
    struct control_client *c = free_client(control);

    if (c)
        *c = (struct control_client){ .fd = fd, .waits_for = waits_for };
    else
        close(fd);
}

/* ---- the owner's loop ---- */

void control_poll(const struct control *c, struct pollfd *fds)
{
    fds[0] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        /* Of a client that waits only the hang-up counts; one that has shut down its sending side still wants to know. */
        const struct control_client *client = &c->clients[i];
        fds[1 + i] = (struct pollfd){ .fd = client->fd, .events = client->line ? POLLIN : 0 };
    }
}

void control_ready(struct control *c, const struct pollfd *fds)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (fds[1 + i].revents && c->clients[i].fd == fds[1 + i].fd)
            client_ready(c, &c->clients[i]);
    }
    if (fds[0].revents)
        accept_client(c);
}

int64_t control_deadline(const struct control *c)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        const struct control_client *client = &c->clients[i];
        if (client->fd >= 0 && client->deadline_us && client->deadline_us < next)
            next = client->deadline_us;
    }
    return next;
}

void control_expire(struct control *c, int64_t now_us)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct control_client *client = &c->clients[i];
        if (client->fd >= 0 && client->deadline_us && client->deadline_us <= now_us)
            refuse(client, "no request came within 10 seconds");
    }
}
