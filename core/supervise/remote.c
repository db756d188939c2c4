#include "supervise/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/clock.h"

enum { ANSWER_MAX = 1 << 20 };

int remote_address(const char *data_dir, struct sockaddr_un *out, int *dir)
{
    *dir = -1;
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    if (snprintf(out->sun_path, sizeof(out->sun_path), "%s/dowel.sock", data_dir) <
        (int)sizeof(out->sun_path))
        return 0;
    *dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir < 0)
        return -1;
    snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/dowel.sock", *dir);
    return 0;
}

int remote_connect(const char *data_dir, struct buf *why)
{
    struct sockaddr_un to;
    int dir = -1, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && remote_address(data_dir, &to, &dir) == 0 &&
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        goto done;
    const char *reason = errno == ENOENT || errno == ECONNREFUSED
                             ? "no server runs on it; is --data the directory "
                               "that `dowel serve` was given?"
                         : errno == EACCES ? "not permitted; be the user that the server runs as, or root"
                                           : strerror(errno);
    buf_add_format(why, "cannot reach a server through %s/dowel.sock: %s", data_dir, reason);
    if (fd >= 0)
        close(fd);
    fd = -1;
done:
    if (dir >= 0)
        close(dir);
    return fd;
}

static int send_request(int fd, const char *verb, json_t *arguments)
{
    json_t *request = json_pack("{s:s, s:O?}", "verb", verb, "arguments", arguments);
    char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
    int result = -1;

    if (line) {
        struct str rest = str_from(line);
        line[rest.n] = '\n'; /* the NUL's place: the length is known */
        rest.n++;
        while (rest.n > 0) {
            ssize_t n = send(fd, rest.p, rest.n, MSG_NOSIGNAL);
            if (n < 0)
                break;
            rest = str_make(rest.p + n, rest.n - (size_t)n);
        }
        result = rest.n == 0 ? 0 : -1;
    }
    free(line);
    json_decref(request);
    return result;
}

/* To the end of the line, or of the connection. */
static int receive_line(int fd, int64_t deadline_us, struct buf *line)
{
    while (line->n == 0 || line->p[line->n - 1] != '\n') {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int64_t left = deadline_us - clock_monotonic_us();
        int ready = left > 0 ? poll(&p, 1, (int)(left / CLOCK_MS) + 1) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || line->n > ANSWER_MAX || !buf_reserve(line, 4096)) {
            errno = ready == 0 ? ETIMEDOUT : EPROTO;
            return -1;
        }
        ssize_t n = recv(fd, line->p + line->n, 4096, 0);
        if (n <= 0) {
            errno = n == 0 ? ECONNRESET : errno;
            return -1;
        }
        line->n += (size_t)n;
    }
    return 0;
}

enum remote_result remote_call(const char *data_dir, const char *verb, json_t *arguments, int64_t timeout_us,
                               json_t **answer, struct buf *why)
{
    struct buf line = BUF_INIT;
    enum remote_result result = REMOTE_BROKEN;
    int fd = remote_connect(data_dir, why);

    *answer = NULL;
    if (fd < 0)
        return REMOTE_NO_SERVER;
    if (send_request(fd, verb, arguments) || receive_line(fd, clock_monotonic_us() + timeout_us, &line)) {
        buf_add_format(why, "the server on %s did not answer \"%s\": %s", data_dir, verb,
                       errno == ECONNRESET ? "it hung up (does it run as another user?)" : strerror(errno));
        goto done;
    }
    *answer = json_loadb(line.p, line.n, 0, NULL);
    if (!json_is_object(*answer)) {
        json_decref(*answer);
        *answer = NULL;
        buf_add_format(why, "the server on %s answered \"%s\" with what is no JSON object", data_dir, verb);
        goto done;
    }
    result = REMOTE_ANSWERED;
done:
    buf_finish(&line);
    close(fd);
    return result;
}
