#include "supervise/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int open_lock(const char *data_dir, int flags)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/dowel.lock", data_dir) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0640);
}

static pid_t read_pid(int fd)
{
    char text[24];
    uint64_t pid;
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    if (n <= 0)
        return -1;
    text[n] = 0;
    if (!str_to_uint(str_make(text, strcspn(text, "\n")), INT32_MAX, &pid))
        return -1;
    return (pid_t)pid;
}

static int write_pid(int fd)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
        return -1;
    return 0;
}

int data_lock(const char *data_dir, int *out, struct buf *why)
{
    *out = open_lock(data_dir, O_RDWR | O_CREAT);
    if (*out < 0) {
        buf_add_format(why, "cannot open %s/dowel.lock: %s", data_dir, strerror(errno));
        return -1;
    }
    if (flock(*out, LOCK_EX | LOCK_NB) == 0 && write_pid(*out) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        buf_add_format(
            why,
            "a server (pid %d) already runs on the data directory %s; stop it, or give this one another "
            "directory with --data",
            (int)read_pid(*out), data_dir);
    else
        buf_add_format(why, "cannot lock %s/dowel.lock: %s", data_dir, strerror(errno));
    close(*out);
    *out = -1;
    return -1;
}

pid_t data_lock_holder(const char *data_dir)
{
    int fd = open_lock(data_dir, O_RDONLY);

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    pid_t holder = 0;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        holder = errno == EWOULDBLOCK ? read_pid(fd) : -1;
    close(fd);
    return holder;
}
