/* sockets.h - listening sockets, opened once and kept as long as the address is wanted.
 *
 * A TCP address has one socket per processor, all on the same port (SO_REUSEPORT): the kernel deals new connections to
 * them. The set is fixed, because closing one of its members drops the connections queued in it. Sockets are
 * non-blocking, close-on-exec, and what they accept has TCP_NODELAY. [one thread] */
#ifndef SUPERVISE_SOCKETS_H
#define SUPERVISE_SOCKETS_H

#include "supervise/listen.h"

enum { SOCKETS_MAX = 64 }; /* of one address */

struct socket_set {
    struct listen_spec spec;
    uint16_t port; /* what is really listened on */
    unsigned n;
    int fds[SOCKETS_MAX];
    bool activated; /* systemd's: never shut down, never unlinked */
    dev_t device;   /* of a Unix socket's file: only our own is removed at the end */
    ino_t inode;
};

/* `count` sockets for a TCP address (clipped to SOCKETS_MAX), one for a Unix socket. A Unix socket that nobody answers
 * any more is replaced. 0, or -1 with a sentence added to why: what failed, who is in the way, what to do. */
int socket_set_open(struct socket_set *set, const struct listen_spec *spec, unsigned count, struct buf *why);

/* Makes fd, a listening socket that somebody else opened, a set of its own; takes fd, also on failure. */
int socket_set_adopt(struct socket_set *set, int fd, struct buf *why);

/* Ends listening for all processes that share the sockets, and removes a Unix socket's file. systemd's are left alone. */
void socket_set_shutdown(struct socket_set *set);

/* Closes this process's descriptors only. */
void socket_set_close(struct socket_set *set);

/* Processors that this process may run on, 1..SOCKETS_MAX. */
unsigned socket_set_processors(void);

#endif
