#include "jobs/presence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/str.h"

enum { BOOT_SIZE = 64, TEXT_SIZE = PRESENCE_SERVER_SIZE + BOOT_SIZE + 64 };

/* ---- what stands in a file: the server's name, and what the file is ---- */

/* Another one with each start of the machine. 0 or -1 with errno. */
static int read_boot(char out[BOOT_SIZE])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, BOOT_SIZE - 1);

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return -1;
    out[n] = 0;
    out[strcspn(out, "\n")] = 0;
    return 0;
}

/* A copy has another inode. */
static int describe(char out[TEXT_SIZE], int fd, const char *server)
{
    char boot[BOOT_SIZE];
    struct stat st;

    if (read_boot(boot) != 0 || fstat(fd, &st) != 0)
        return -1;
    int n = snprintf(out, TEXT_SIZE, "%s\n%s\n%llu %llu\n", server, boot, (unsigned long long)st.st_dev,
                     (unsigned long long)st.st_ino);
    if (n < TEXT_SIZE)
        return n;
    errno = ENAMETOOLONG;
    return -1;
}

/* Is it the very file that a server of this start of the machine made? Then also whose. */
static bool is_proof(int fd, char server[PRESENCE_SERVER_SIZE])
{
    char found[TEXT_SIZE], expected[TEXT_SIZE];
    ssize_t n = pread(fd, found, sizeof(found) - 1, 0);

    if (n <= 0)
        return false;
    found[n] = 0;
    size_t name_n = strcspn(found, "\n");
    if (name_n == 0 || name_n >= PRESENCE_SERVER_SIZE)
        return false;
    memcpy(server, found, name_n);
    server[name_n] = 0;
    return describe(expected, fd, server) > 0 && strcmp(found, expected) == 0;
}

/* ---- our own ---- */

static int open_folder(const char *data_dir)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/servers", data_dir) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int write_own(const struct presence *p, const char *server)
{
    char text[TEXT_SIZE];
    int n = flock(p->fd, LOCK_EX | LOCK_NB) == 0 ? describe(text, p->fd, server) : -1;
    ssize_t written = n < 0 ? -1 : pwrite(p->fd, text, (size_t)n, 0);

    if (written >= 0 && written < n)
        errno = ENOSPC;
    return written == n && n > 0 ? 0 : -1;
}

/* It gets its name when it is locked: nobody ever finds it without. */
static int make_own(struct presence *p, const char *server)
{
    char fresh[PRESENCE_FILE_SIZE + 8];

    snprintf(fresh, sizeof(fresh), ".%s", p->file);
    p->fd = openat(p->folder, fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->fd < 0)
        return -1;
    if (write_own(p, server) == 0 && renameat(p->folder, fresh, p->folder, p->file) == 0)
        return 0;
    int error = errno;
    unlinkat(p->folder, fresh, 0);
    errno = error;
    return -1;
}

int presence_begin(struct presence *p, const char *data_dir, const char *server, const char *file)
{
    *p = (struct presence)PRESENCE_INIT;
    if (snprintf(p->file, sizeof(p->file), "%s", file) >= (int)sizeof(p->file)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    p->folder = open_folder(data_dir);
    if (p->folder >= 0 && make_own(p, server) == 0)
        return 0;
    int error = errno;
    presence_end(p, false);
    errno = error;
    return -1;
}

void presence_end(struct presence *p, bool leaves_nothing)
{
    if (p->fd >= 0 && leaves_nothing)
        unlinkat(p->folder, p->file, 0);
    if (p->fd >= 0)
        close(p->fd);
    if (p->folder >= 0)
        close(p->folder);
    *p = (struct presence)PRESENCE_INIT;
}

/* ---- the others' ---- */

/* True when its server is dead; a file that nobody has and that proves nothing is removed. */
static bool is_dead(const struct presence *p, struct presence_dead *d)
{
    int fd = openat(p->folder, d->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool is_unlocked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0;
    bool dead = is_unlocked && is_proof(fd, d->server);

    if (is_unlocked && !dead)
        unlinkat(p->folder, d->file, 0);
    if (fd >= 0)
        close(fd);
    return dead;
}

/* Those that begin with a dot have not got their name yet. */
static bool is_other(const struct presence *p, const char *name)
{
    return name[0] != '.' && strlen(name) < PRESENCE_FILE_SIZE && strcmp(name, p->file) != 0;
}

int presence_find_dead(const struct presence *p, struct presence_dead *out, size_t max)
{
    int fd = openat(p->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    size_t n = 0;

    if (!folder) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while (n < max && (entry = readdir(folder)) != NULL) {
        if (!is_other(p, entry->d_name))
            continue;
        memcpy(out[n].file, entry->d_name, strlen(entry->d_name) + 1); /* it fits: is_other() */
        n += is_dead(p, &out[n]);
    }
    closedir(folder);
    return (int)n;
}

void presence_forget(const struct presence *p, const struct presence_dead *dead)
{
    unlinkat(p->folder, dead->file, 0);
}
