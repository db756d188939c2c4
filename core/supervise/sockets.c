#include "supervise/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervise/owner.h"

enum { BACKLOG = 4096 }; /* the kernel lowers it to net.core.somaxconn */

unsigned socket_set_processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > SOCKETS_MAX ? SOCKETS_MAX : (unsigned)n;
}

static int turn_on(int fd, int level, int option)
{
    int one = 1;
    return setsockopt(fd, level, option, &one, sizeof(one));
}

/* ---- TCP ---- */

static int bound_tcp(const struct listen_spec *spec, uint16_t port, bool shared)
{
    struct sockaddr_storage to;
    socklen_t size = address_to_sockaddr(&spec->address, port, &to);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (turn_on(fd, SOL_SOCKET, SO_REUSEADDR) || (shared && turn_on(fd, SOL_SOCKET, SO_REUSEPORT)) ||
        turn_on(fd, IPPROTO_TCP, TCP_NODELAY) ||
        (to.ss_family == AF_INET6 && turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) ||
        bind(fd, (const struct sockaddr *)&to, size)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof(at);
    struct address address;
    uint16_t port = 0;

    if (getsockname(fd, (struct sockaddr *)&at, &size) == 0)
        address_from_sockaddr((const struct sockaddr *)&at, &address, &port);
    return port;
}

/* With SO_REUSEPORT two servers of one user could share a port by mistake, each getting half of the connections: ask
 * without it first. */
static int refuse_shared(const struct listen_spec *spec)
{
    int fd = bound_tcp(spec, spec->port, false);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int open_tcp(struct socket_set *set, unsigned count)
{
    if (set->spec.port != 0 && refuse_shared(&set->spec))
        return -1;
    set->port = set->spec.port;
    for (unsigned i = 0; i < count; i++) {
        int fd = bound_tcp(&set->spec, set->port, true);
        if (fd < 0)
            return -1;
        set->fds[set->n++] = fd;
        set->port = port_of(fd);
    }
    /* Only now: a set that is not whole must not have taken connections. */
    for (unsigned i = 0; i < set->n; i++) {
        if (listen(set->fds[i], BACKLOG))
            return -1;
    }
    return 0;
}

static void explain_in_use(const struct listen_spec *spec, struct buf *why)
{
    struct port_owner owner;

    buf_add_text(why, "the port is in use");
    if (port_owner_find(spec, &owner) && owner.pid)
        buf_add_format(why, " by %s (pid %d)", owner.name, (int)owner.pid);
    buf_add_text(why, "; stop that program or listen on another port");
}

static void explain_tcp(const struct listen_spec *spec, int error, struct buf *why)
{
    char text[LISTEN_TEXT_SIZE];

    listen_format(spec, spec->port, text);
    buf_add_format(why, "cannot listen on %s: ", text);
    switch (error) {
    case EADDRINUSE: explain_in_use(spec, why); break;
    case EACCES:
        buf_add_text(
            why,
            "not permitted; a port below 1024 needs root, CAP_NET_BIND_SERVICE or systemd's dowel.socket");
        break;
    case EADDRNOTAVAIL:
        buf_add_text(why, "this machine has no such address; `ip address` lists those it has");
        break;
    case EAFNOSUPPORT:
        buf_add_text(why, "IPv6 is turned off on this machine; listen on an IPv4 address");
        break;
    default: buf_add_text(why, strerror(error));
    }
}

/* ---- Unix sockets ---- */

static socklen_t unix_address(const char *path, struct sockaddr_un *out)
{
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, path, strlen(path));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

/* Removes the file that a server left behind, and only that: a file of another kind or a socket that answers stays. */
static int remove_stale(const char *path, struct buf *why)
{
    struct stat st;
    struct sockaddr_un to;
    socklen_t size = unix_address(path, &to);

    if (lstat(path, &st))
        return errno == ENOENT ? 0 : -1;
    if (!S_ISSOCK(st.st_mode)) {
        buf_add_format(
            why,
            "cannot listen on unix:%s: there is a file that is no socket; move it or choose another path",
            path);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    bool stale = connect(fd, (const struct sockaddr *)&to, size) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!stale) {
        buf_add_format(
            why, "cannot listen on unix:%s: a running program answers there; stop it or choose another path",
            path);
        return -1;
    }
    return unlink(path);
}

static int open_unix(struct socket_set *set, struct buf *why)
{
    const char *path = set->spec.path;
    struct sockaddr_un to;
    struct stat st;
    socklen_t size = unix_address(path, &to);

    if (remove_stale(path, why))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    set->fds[set->n++] = fd;
    /* The mask, because between bind and chmod everybody could connect. */
    mode_t mask = umask(~set->spec.mode & 0777);
    int bound = bind(fd, (const struct sockaddr *)&to, size);
    umask(mask);
    if (bound || stat(path, &st))
        return -1;
    set->device = st.st_dev;
    set->inode = st.st_ino;
    return listen(fd, BACKLOG);
}

static void remove_own_file(const struct socket_set *set)
{
    struct stat st;

    if (lstat(set->spec.path, &st) == 0 && st.st_dev == set->device && st.st_ino == set->inode)
        unlink(set->spec.path);
}

/* ---- sets ---- */

int socket_set_open(struct socket_set *set, const struct listen_spec *spec, unsigned count, struct buf *why)
{
    size_t said = why->n;
    bool is_unix = listen_is_unix(spec);

    memset(set, 0, sizeof(*set));
    set->spec = *spec;
    if (count == 0 || count > SOCKETS_MAX)
        count = SOCKETS_MAX;
    if ((is_unix ? open_unix(set, why) : open_tcp(set, count)) == 0)
        return 0;
    int error = errno;
    if (is_unix && why->n == said)
        buf_add_format(why, "cannot listen on unix:%s: %s", spec->path, strerror(error));
    if (!is_unix)
        explain_tcp(spec, error, why);
    if (is_unix && set->inode)
        remove_own_file(set);
    socket_set_close(set);
    return -1;
}

static bool is_listening_stream(int fd)
{
    int type = 0, listening = 0;
    socklen_t size = sizeof(type), size2 = sizeof(listening);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size2) == 0 && listening;
}

int socket_set_adopt(struct socket_set *set, int fd, struct buf *why)
{
    struct sockaddr_storage at = { 0 };
    socklen_t size = sizeof(at);

    memset(set, 0, sizeof(*set));
    set->activated = true;
    set->fds[set->n++] = fd;
    if (!is_listening_stream(fd) || getsockname(fd, (struct sockaddr *)&at, &size)) {
        buf_add_format(
            why,
            "descriptor %d from systemd is no listening stream socket; dowel.socket needs ListenStream=", fd);
        socket_set_close(set);
        return -1;
    }
    if (at.ss_family == AF_UNIX) {
        const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&at;
        size_t room = size - offsetof(struct sockaddr_un, sun_path);
        memcpy(set->spec.path, un->sun_path, room < LISTEN_PATH_SIZE ? room : LISTEN_PATH_SIZE - 1);
    } else {
        address_from_sockaddr((const struct sockaddr *)&at, &set->spec.address, &set->port);
        set->spec.port = set->port;
        turn_on(fd, IPPROTO_TCP, TCP_NODELAY);
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return 0;
}

void socket_set_shutdown(struct socket_set *set)
{
    if (set->activated || set->n == 0)
        return;
    for (unsigned i = 0; i < set->n; i++)
        shutdown(set->fds[i], SHUT_RDWR);
    if (listen_is_unix(&set->spec))
        remove_own_file(set);
}

void socket_set_close(struct socket_set *set)
{
    while (set->n > 0)
        close(set->fds[--set->n]);
}
