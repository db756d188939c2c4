#include "http/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

/* O_NONBLOCK: opening a FIFO must not wait for its writer; a regular file does not care. */
enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, TRIES = 8 };

static int open_whole(int root, const char *path)
{
    const struct open_how how = {
        .flags = OPEN_FLAGS,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd;
    int tries = TRIES;

    /* EAGAIN: something was renamed meanwhile and the kernel could not be sure. */
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return (int)fd;
}

/* Opens one component, which must be no link, and gives back the folder that it was looked for in. */
static int step(int at, int root, struct str name, int flags)
{
    char text[NAME_MAX + 1];
    int fd = -1;

    if (name.n > NAME_MAX || str_equal(name, STR_OF(".."))) {
        errno = ENOENT;
    } else {
        memcpy(text, name.p, name.n);
        text[name.n] = 0;
        fd = openat(at, text, flags | O_NOFOLLOW);
    }
    int saved = errno;
    if (at != root)
        close(at);
    errno = saved;
    return fd;
}

static int open_walking(int root, const char *path)
{
    struct str rest = str_from(path), name;
    int at = root;

    while (at >= 0 && str_split(&rest, '/', &name))
        at = step(at, root, name, rest.p ? O_PATH | O_DIRECTORY | O_CLOEXEC : OPEN_FLAGS);
    return at;
}

int beneath_init(struct beneath *b, const char *dir)
{
    b->walk = false;
    b->root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (b->root < 0)
        return -1;
    int fd = open_whole(b->root, ".");
    if (fd < 0)
        b->walk = errno == ENOSYS || errno == EPERM || errno == E2BIG || errno == EINVAL;
    else
        close(fd);
    return 0;
}

void beneath_finish(struct beneath *b)
{
    if (b->root >= 0)
        close(b->root);
    b->root = -1;
}

int beneath_open(const struct beneath *b, const char *path, struct stat *st)
{
    if (path[0] == 0 || path[0] == '/') {
        errno = ENOENT;
        return -1;
    }
    int fd = b->walk ? open_walking(b->root, path) : open_whole(b->root, path);
    if (fd < 0) {
        /* Outside, a link in a circle or too deep, a file as a folder, a socket: from here all of them do not exist. */
        if (errno == EXDEV || errno == ELOOP || errno == ENOTDIR || errno == ENXIO || errno == ENAMETOOLONG ||
            errno == EAGAIN || errno == ENODEV)
            errno = ENOENT;
        return -1;
    }
    if (fstat(fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
        return fd;
    close(fd);
    errno = ENOENT;
    return -1;
}
