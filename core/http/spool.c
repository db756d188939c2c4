#include "http/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log/log.h"

/* For file systems without O_TMPFILE (overlayfs of old kernels, NFS): the name lives for a moment. */
static int open_and_unlink(const char *dir)
{
    char name[PATH_MAX];

    if (snprintf(name, sizeof(name), "%s/body-XXXXXX", dir) >= (int)sizeof(name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

/* The client learns that there is no room, why is for the admin. */
static void complain(const char *what)
{
    int error = errno;

    log_error("a content that is too large for memory cannot be stored", LOG_TEXT("what", what),
              LOG_TEXT("error", strerror(error)));
    errno = error;
}

int spool_open(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = open_and_unlink(dir);
    if (fd < 0)
        complain(dir);
    return fd;
}

int spool_write(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            complain("writing");
            return -1;
        }
        bytes = str_make(bytes.p + n, bytes.n - (size_t)n);
    }
    return 0;
}
