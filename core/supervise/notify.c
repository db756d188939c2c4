#include "supervise/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/str.h"

static int64_t watchdog_interval(const char *usec, const char *for_pid, long pid)
{
    uint64_t interval, wanted;

    if (!usec || !str_to_uint(str_from(usec), INT64_MAX, &interval))
        return 0;
    if (for_pid && (!str_to_uint(str_from(for_pid), INT32_MAX, &wanted) || (long)wanted != pid))
        return 0;
    return (int64_t)interval;
}

int notify_init(struct notify *n, const char *socket_name, const char *watchdog_usec,
                const char *watchdog_pid, long pid)
{
    *n = (struct notify){ .fd = -1 };
    if (!socket_name || !*socket_name)
        return 0;
    size_t length = strlen(socket_name);
    if ((socket_name[0] != '/' && socket_name[0] != '@') || length >= sizeof(n->to.sun_path)) {
        errno = EINVAL;
        return -1;
    }
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, socket_name, length);
    if (socket_name[0] == '@')
        n->to.sun_path[0] = 0;
    n->to_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (n->fd < 0)
        return -1;
    n->watchdog_us = watchdog_interval(watchdog_usec, watchdog_pid, pid);
    return 0;
}

void notify_finish(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

void notify_send(const struct notify *n, const char *format, ...)
{
    char text[1024];
    va_list args;

    if (n->fd < 0)
        return;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length <= 0)
        return;
    size_t size = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;
    sendto(n->fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_size);
}
