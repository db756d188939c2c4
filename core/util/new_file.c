#include "util/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "util/clock.h"

static int write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text.p += n;
        text.n -= (size_t)n;
    }
    return fsync(fd);
}

static int sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX] = ".";

    if (slash)
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = fsync(fd), error = errno;
    close(fd);
    errno = error;
    return result;
}

/* The process's number is no name of its own: in containers everybody is number 1. */
static int open_temporary(const char *path, mode_t mode, char name[PATH_MAX])
{
    if (snprintf(name, PATH_MAX, "%s.%ld-%" PRIx64 ".new", path, (long)getpid(), (uint64_t)clock_wall_us()) >=
        PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
}

int new_file_write(const char *path, mode_t mode, struct str text, bool *made)
{
    char temporary[PATH_MAX];
    int result = -1, error;

    *made = false;
    int fd = open_temporary(path, mode, temporary);
    if (fd < 0)
        return -1;
    if (write_all(fd, text) != 0)
        goto done;
    *made = link(temporary, path) == 0; /* which, unlike rename(), refuses to replace */
    if (*made || errno == EEXIST)
        result = 0;
done:
    error = errno;
    close(fd);
    unlink(temporary);
    errno = error;
    return *made ? sync_folder_of(path) : result;
}

int new_file_replace(const char *path, mode_t mode, struct str text)
{
    char temporary[PATH_MAX];
    int fd = open_temporary(path, mode, temporary);

    if (fd < 0)
        return -1;
    int result = write_all(fd, text), error = errno;
    close(fd);
    if (result == 0) {
        result = rename(temporary, path);
        error = errno;
    }
    if (result == 0)
        return sync_folder_of(path);
    unlink(temporary);
    errno = error;
    return -1;
}
