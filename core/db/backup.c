#include "db/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/sqlite.h"

enum { PAGES_AT_ONCE = 1024, FAULTS_SHOWN = 5 };

/* ---- the place ---- */

static int make_file(const char *path, struct buf *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        buf_add_format(why, "cannot make the backup %s: %s", path, strerror(errno));
        return -1;
    }
    close(fd);
    return 0;
}

/* A file is there after a power cut when its folder says so. */
static int sync_folder(const char *path, struct buf *why)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    if (rc != 0)
        buf_add_format(why, "cannot write the folder of the backup %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return rc;
}

static void remove_all(const char *path)
{
    char beside[PATH_MAX];

    unlink(path);
    snprintf(beside, sizeof(beside), "%s-journal", path);
    unlink(beside);
}

/* ---- copying ---- */

struct copying {
    struct sqlite_connection *from;
    sqlite3 *to;
    sqlite3_backup *backup;
    const struct db_backup_watch *watch;
};

static bool must_stop(const struct copying *c)
{
    return c->watch && c->watch->must_stop && c->watch->must_stop(c->watch->ud);
}

static void tell(const struct copying *c)
{
    int all = sqlite3_backup_pagecount(c->backup), left = sqlite3_backup_remaining(c->backup);

    if (c->watch && c->watch->progress)
        c->watch->progress((uint64_t)(all - left), (uint64_t)all, c->watch->ud);
}

/* With a reading transaction open on what is copied, each step sees the same instant; without, whatever is written
 * meanwhile would begin it anew, and a busy database would never be done. */
static int copy_pages(struct copying *c)
{
    int rc = sqlite3_exec(c->from->handle, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return rc;
    c->backup = sqlite3_backup_init(c->to, "main", c->from->handle, "main");
    if (!c->backup)
        return sqlite3_errcode(c->to);
    while ((rc = sqlite3_backup_step(c->backup, PAGES_AT_ONCE)) == SQLITE_OK && !must_stop(c))
        tell(c);
    if (rc == SQLITE_DONE)
        tell(c);
    int finished = sqlite3_backup_finish(c->backup);
    sqlite3_exec(c->from->handle, "COMMIT", NULL, NULL, NULL);
    return rc == SQLITE_OK ? SQLITE_INTERRUPT : rc == SQLITE_DONE ? finished : rc;
}

/* The copy says that it has a journal beside it, as its source has. */
static int make_single(sqlite3 *to)
{
    return sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
}

static int copy(struct db *db, const char *path, const struct db_backup_watch *watch, struct buf *why)
{
    struct copying c = { .watch = watch };
    int rc;

    if (sqlite_connect(&c.from, db->engine, SQLITE_OPEN, why) != 0)
        return -1;
    rc = sqlite3_open_v2(path, &c.to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        rc = copy_pages(&c);
    if (rc == SQLITE_OK)
        rc = make_single(c.to);
    if (rc == SQLITE_INTERRUPT)
        buf_add_format(why, "the backup %s was stopped before it was complete", path);
    else if (rc != SQLITE_OK)
        sqlite_explain(why, path, rc, c.to);
    sqlite3_close(c.to);
    sqlite_disconnect(c.from);
    return rc == SQLITE_OK ? 0 : -1;
}

int db_backup_make(struct db *db, const char *to, const struct db_backup_watch *watch, struct buf *why)
{
    if (db->driver->engine != DB_SQLITE) {
        buf_add_text(why, "PostgreSQL is backed up with pg_dump");
        return -1;
    }
    if (make_file(to, why) != 0)
        return -1;
    int rc = copy(db, to, watch, why);
    if (rc == 0)
        rc = sync_folder(to, why);
    if (rc != 0)
        remove_all(to);
    return rc;
}

/* ---- verifying ---- */

/* What a PRAGMA finds; none, or the one line "ok", is nothing. */
struct faults {
    struct buf *why;
    unsigned n;
};

static int note_fault(void *ud, int n, char **values, char **names)
{
    struct faults *faults = ud;

    (void)names;
    if (n == 1 && values[0] && strcmp(values[0], "ok") == 0)
        return 0;
    if (faults->n < FAULTS_SHOWN) {
        buf_add_text(faults->why, faults->n > 0 ? "; " : ": ");
        for (int i = 0; i < n; i++)
            buf_add_format(faults->why, "%s%s", i > 0 ? " " : "", values[i] ? values[i] : "-");
    }
    faults->n++;
    return 0;
}

/* SQLite's code; SQLITE_CORRUPT where something was found. */
static int check(sqlite3 *handle, const char *pragma, const char *what, const char *path, struct buf *why)
{
    struct buf found = BUF_INIT;
    struct faults faults = { .why = &found };
    int rc = sqlite3_exec(handle, pragma, note_fault, &faults, NULL);

    if (rc == SQLITE_OK && faults.n > 0) {
        buf_add_format(why, "%s: %s%s", path, what, buf_text(&found));
        rc = SQLITE_CORRUPT;
    } else if (rc != SQLITE_OK) {
        sqlite_explain(why, path, rc, handle);
    }
    buf_finish(&found);
    return rc;
}

int db_backup_verify(const char *path, struct buf *why)
{
    sqlite3 *handle;

    int rc = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        sqlite_explain(why, path, rc, handle);
    else
        rc = check(handle, "PRAGMA integrity_check(20)", "it is damaged", path, why);
    if (rc == SQLITE_OK)
        rc = check(handle, "PRAGMA foreign_key_check",
                   "rows refer to others that are not there (table, row, other table)", path, why);
    sqlite3_close(handle);
    return rc == SQLITE_OK ? 0 : -1;
}

/* ---- what migrations made it ---- */

static int add_line(void *ud, int n, char **values, char **names)
{
    (void)names;
    if (n == 1 && values[0])
        buf_add_format(ud, "%s\n", values[0]);
    return 0;
}

int db_backup_migrations(const char *path, struct buf *out, struct buf *why)
{
    static const char sql[] = "SELECT owner || ' ' || number || ' ' || checksum FROM dowel_migrations\n"
                              " ORDER BY owner, number";
    sqlite3 *handle;

    int rc = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(handle, sql, add_line, out, NULL);
    if (rc != SQLITE_OK)
        sqlite_explain(why, path, rc, handle);
    sqlite3_close(handle);
    return rc == SQLITE_OK ? 0 : -1;
}
