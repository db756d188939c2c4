/* Locks that all processes on one database file share: a file each beside it. The kernel lets go of them however a process
 * ends, which a row in a table would not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/sqlite.h"
#include "log/log.h"
#include "util/clock.h"

enum { NAP_US = 20 * CLOCK_MS };

struct sqlite_held {
    struct sqlite_held *older;
    int fd;
};

static bool is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return n > 0 && n <= 64 && !name[n];
}

static int fail_file(struct db_session *s, const char *path)
{
    return session_fail(s, DW_EUNAVAILABLE, "", "cannot lock %s: %s", path, strerror(errno));
}

/* 0, or a failure. */
static int wait_for(struct db_session *s, int fd, const char *path, const char *name, int64_t patience_us)
{
    int64_t until = clock_monotonic_us() + patience_us;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return fail_file(s, path);
        if (session_is_over(s))
            return session_fail_stopped(s);
        if (clock_monotonic_us() >= until)
            return session_fail(
                s, DW_EUNAVAILABLE, "",
                "another server or command has the lock \"%s\" of this database: wait until it is done",
                name);
        nanosleep(&(struct timespec){ .tv_nsec = NAP_US * 1000 }, NULL);
    }
    return 0;
}

/* Root's lock has to be one that the server's user can take, as SQLite sees to it for its own files. */
static void give_to_owner(int fd, const char *database)
{
    struct stat st;

    if (geteuid() == 0 && stat(database, &st) == 0 && st.st_uid != 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
        log_warn("the lock of the database belongs to root; the server may not be able to take it",
                 LOG_TEXT("database", database), LOG_TEXT("why", strerror(errno)));
}

int sqlite_lock(struct db_session *s, const char *name, int64_t patience_us)
{
    const struct sqlite *engine = s->db->engine;
    struct buf path = BUF_INIT;
    int rc = 0;

    if (!is_name(name))
        return session_fail(s, DW_EMISUSE, "", "a lock's name is of small letters, digits, _ and -");
    buf_add_format(&path, "%s.%s.lock", engine->path, name);
    struct sqlite_held *held = calloc(1, sizeof(*held));
    if (!held || !*buf_text(&path)) {
        rc = session_fail(s, DW_ENOMEM, "", "memory is out");
    } else if ((held->fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640)) < 0) {
        rc = fail_file(s, buf_text(&path));
    } else if ((rc = wait_for(s, held->fd, buf_text(&path), name, patience_us)) < 0) {
        close(held->fd);
    } else {
        give_to_owner(held->fd, engine->path);
        held->older = s->held;
        s->held = held;
        held = NULL;
    }
    free(held);
    buf_finish(&path);
    return rc;
}

/* The files stay: one that is removed while another process waits for it would be two locks. */
void sqlite_unlock_all(struct db_session *s)
{
    struct sqlite_held *held = s->held;

    while (held) {
        struct sqlite_held *older = held->older;
        close(held->fd);
        free(held);
        held = older;
    }
    s->held = NULL;
}
