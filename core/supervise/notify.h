/* notify.h - telling systemd how we are (sd_notify(3)), without its library. Everything does nothing when nobody asked
 * to be told. [one thread] */
#ifndef SUPERVISE_NOTIFY_H
#define SUPERVISE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/compiler.h"

struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un to;
    socklen_t to_size;
    int64_t watchdog_us; /* 0: no watchdog */
};

/* From the values of NOTIFY_SOCKET (a path, or an abstract name as "@name"), WATCHDOG_USEC and WATCHDOG_PID, each
 * possibly NULL. 0, or -1 when the socket's name cannot be used. */
int notify_init(struct notify *n, const char *socket, const char *watchdog_usec, const char *watchdog_pid,
                long pid);
void notify_finish(struct notify *n);

/* Lines such as "READY=1\nSTATUS=...". Sent without waiting: a manager that does not listen must not stop us. */
void notify_send(const struct notify *n, const char *format, ...) DW_PRINTF(2, 3);

#endif
