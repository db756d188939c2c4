#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/sqlite.h"
#include "db/wall.h"

const char *sqlite_code_name(int rc)
{
    static const struct {
        int code;
        const char *name;
    } names[] = { { SQLITE_CONSTRAINT_UNIQUE, "SQLITE_CONSTRAINT_UNIQUE" },
                  { SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY" },
                  { SQLITE_CONSTRAINT_ROWID, "SQLITE_CONSTRAINT_ROWID" },
                  { SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY" },
                  { SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK" },
                  { SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL" },
                  { SQLITE_CONSTRAINT_DATATYPE, "SQLITE_CONSTRAINT_DATATYPE" },
                  { SQLITE_CONSTRAINT_TRIGGER, "SQLITE_CONSTRAINT_TRIGGER" },
                  { SQLITE_ERROR, "SQLITE_ERROR" },
                  { SQLITE_PERM, "SQLITE_PERM" },
                  { SQLITE_BUSY, "SQLITE_BUSY" },
                  { SQLITE_LOCKED, "SQLITE_LOCKED" },
                  { SQLITE_NOMEM, "SQLITE_NOMEM" },
                  { SQLITE_READONLY, "SQLITE_READONLY" },
                  { SQLITE_INTERRUPT, "SQLITE_INTERRUPT" },
                  { SQLITE_IOERR, "SQLITE_IOERR" },
                  { SQLITE_CORRUPT, "SQLITE_CORRUPT" },
                  { SQLITE_FULL, "SQLITE_FULL" },
                  { SQLITE_CANTOPEN, "SQLITE_CANTOPEN" },
                  { SQLITE_PROTOCOL, "SQLITE_PROTOCOL" },
                  { SQLITE_TOOBIG, "SQLITE_TOOBIG" },
                  { SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT" },
                  { SQLITE_MISMATCH, "SQLITE_MISMATCH" },
                  { SQLITE_AUTH, "SQLITE_AUTH" },
                  { SQLITE_RANGE, "SQLITE_RANGE" },
                  { SQLITE_NOTADB, "SQLITE_NOTADB" } };

    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        if (names[i].code == rc)
            return names[i].name;
    }
    return rc == (rc & 0xff) ? "SQLITE_ANOTHER" : sqlite_code_name(rc & 0xff);
}

/* ---- about the file ---- */

static void explain_folder(struct buf *why, const char *path)
{
    char copy[PATH_MAX];
    struct stat st;

    snprintf(copy, sizeof(copy), "%s", path);
    const char *folder = dirname(copy);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        buf_add_format(why, "%s is a folder: name a file in it", path);
    else if (stat(folder, &st) != 0)
        buf_add_format(why,
                       "the folder %s is not there: make it, and give it to the user that the server runs as",
                       folder);
    else if (access(folder, W_OK | X_OK) != 0)
        buf_add_format(why,
                       "the folder %s cannot be written, and SQLite keeps its journal beside the file: give "
                       "it to the user "
                       "that the server runs as",
                       folder);
    else
        buf_add_format(why, "%s cannot be opened: give it to the user that the server runs as", path);
}

/* What an admin can do something about. False: it is something else. */
static bool explain_file(struct buf *why, const char *path, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CANTOPEN: explain_folder(why, path); return true;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        buf_add_format(why,
                       "%s or its folder may be read only: let the user that the server runs as write both "
                       "(SQLite keeps its "
                       "journal beside the file)",
                       path);
        return true;
    case SQLITE_NOTADB:
        buf_add_format(why, "%s is no SQLite database: name another file, or move this one away", path);
        return true;
    case SQLITE_CORRUPT:
        buf_add_format(why, "%s is damaged: stop the server and restore a backup (dowel backup restore)",
                       path);
        return true;
    case SQLITE_FULL:
        buf_add_format(why, "the disk that %s lies on is full, or the file has reached its limit: make room",
                       path);
        return true;
    case SQLITE_PROTOCOL:
        buf_add_format(
            why,
            "the file system that %s lies on cannot share memory (is it a network share?): use a local disk",
            path);
        return true;
    case SQLITE_BUSY:
        buf_add_format(
            why,
            "another process keeps %s locked: end it (an open sqlite3 shell, a copying tool), then try again",
            path);
        return true;
    default: return false;
    }
}

static void explain_disk(struct buf *why, const char *path, int rc, int system_error)
{
    buf_add_format(
        why, "the disk that %s lies on failed (%s%s%s): look at the kernel's log, then verify the file", path,
        sqlite3_errstr(rc), system_error ? ", " : "", system_error ? strerror(system_error) : "");
}

/* Does it stay so until the file, its folder or its name is another one? */
static bool is_wrong_place(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_NOTADB:
    case SQLITE_PROTOCOL: return true;
    default: return false;
    }
}

int sqlite_explain(struct buf *why, const char *path, int rc, sqlite3 *handle)
{
    buf_add_text(why, "cannot use the database: ");
    if (explain_file(why, path, rc))
        return is_wrong_place(rc) ? DB_OPEN_WRONG : -1;
    if ((rc & 0xff) == SQLITE_IOERR)
        explain_disk(why, path, rc, handle ? sqlite3_system_errno(handle) : 0);
    else
        buf_add_format(why, "%s: %s", path, handle ? sqlite3_errmsg(handle) : sqlite3_errstr(rc));
    return -1;
}

/* ---- about a statement ---- */

/* "UNIQUE constraint failed: notes.id": the part behind the colon. */
static const char *named(const char *message)
{
    const char *colon = strstr(message, ": ");

    return colon ? colon + 2 : message;
}

/* In the words of the other engine's driver. No values, and nothing about rows of other tenants: this may reach who sent
 * them. */
static int fail_constraint(struct db_session *s, int rc, const char *message)
{
    const char *code = sqlite_code_name(rc);

    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return session_fail(s, DW_ECONFLICT, code, "a row with this key exists already (%s)", named(message));
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return session_fail(s, DW_ECONFLICT, code,
                            "the row refers to one that does not exist, or is referred to");
    case SQLITE_CONSTRAINT_NOTNULL:
        return session_fail(s, DW_EINVALID, code, "%s must not be null", named(message));
    case SQLITE_CONSTRAINT_CHECK:
        return session_fail(s, DW_EINVALID, code, "the row breaks the rule %s of its table", named(message));
    case SQLITE_CONSTRAINT_TRIGGER: break;
    default: return session_fail(s, DW_EINVALID, code, "%s", message);
    }
    if (strcmp(message, WALL_SAYS_FOREIGN) == 0)
        return session_fail(s, DW_EDENIED, code, "the row belongs to another tenant");
    if (strcmp(message, WALL_SAYS_CONFLICT) == 0)
        return session_fail(s, DW_ECONFLICT, code, "a row with this key exists already");
    return session_fail(s, DW_ECONFLICT, code, "%s", message);
}

static int fail_file(struct db_session *s, struct sqlite_connection *c, int rc)
{
    struct buf why = BUF_INIT;

    sqlite_explain(&why, c->engine->path, rc, c->handle);
    int code = session_fail(s, DW_EUNAVAILABLE, sqlite_code_name(rc), "%s", buf_text(&why));
    buf_finish(&why);
    return code;
}

int sqlite_fail(struct db_session *s, struct sqlite_connection *c, int rc)
{
    const char *message = sqlite3_errmsg(c->handle), *name = sqlite_code_name(rc);

    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT: return fail_constraint(s, rc, message);
    case SQLITE_INTERRUPT: return session_fail_stopped(s);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (session_is_over(s))
            return session_fail_stopped(s);
        return session_fail_repeatable(s, name, "another process keeps the database locked: try again");
    case SQLITE_NOMEM: return session_fail(s, DW_ENOMEM, name, "memory is out");
    case SQLITE_TOOBIG: return session_fail(s, DW_ETOOLARGE, name, "%s", message);
    case SQLITE_MISMATCH: return session_fail(s, DW_EINVALID, name, "%s", message);
    case SQLITE_ERROR:
    case SQLITE_AUTH:
    case SQLITE_RANGE: return session_fail(s, DW_EMISUSE, name, "%s", message);
    default: return fail_file(s, c, rc);
    }
}
