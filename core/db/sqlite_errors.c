#include "db/sqlite.h"

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
                  { SQLITE_BUSY, "SQLITE_BUSY" },
                  { SQLITE_LOCKED, "SQLITE_LOCKED" },
                  { SQLITE_NOMEM, "SQLITE_NOMEM" },
                  { SQLITE_READONLY, "SQLITE_READONLY" },
                  { SQLITE_INTERRUPT, "SQLITE_INTERRUPT" },
                  { SQLITE_IOERR, "SQLITE_IOERR" },
                  { SQLITE_CORRUPT, "SQLITE_CORRUPT" },
                  { SQLITE_FULL, "SQLITE_FULL" },
                  { SQLITE_CANTOPEN, "SQLITE_CANTOPEN" },
                  { SQLITE_TOOBIG, "SQLITE_TOOBIG" },
                  { SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT" },
                  { SQLITE_MISMATCH, "SQLITE_MISMATCH" },
                  { SQLITE_AUTH, "SQLITE_AUTH" },
                  { SQLITE_NOTADB, "SQLITE_NOTADB" } };

    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        if (names[i].code == rc)
            return names[i].name;
    }
    return rc == (rc & 0xff) ? "SQLITE" : sqlite_code_name(rc & 0xff);
}

void sqlite_explain(struct buf *why, const char *path, int rc, const char *message)
{
    buf_add_format(why, "cannot use the database %s: %s", path,
                   message && *message ? message : sqlite3_errstr(rc));
}

static int fail_constraint(struct db_session *s, int rc, const char *message)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
    case SQLITE_CONSTRAINT_FOREIGNKEY:
    case SQLITE_CONSTRAINT_TRIGGER: return session_fail(s, DW_ECONFLICT, sqlite_code_name(rc), "%s", message);
    default: return session_fail(s, DW_EINVALID, sqlite_code_name(rc), "%s", message);
    }
}

int sqlite_fail(struct db_session *s, struct sqlite_connection *c, int rc)
{
    const char *message = sqlite3_errmsg(c->handle);

    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT: return fail_constraint(s, rc, message);
    case SQLITE_INTERRUPT: return session_fail_stopped(s);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return session_fail_repeatable(s, sqlite_code_name(rc), "the database is busy: %s", message);
    case SQLITE_NOMEM: return session_fail(s, DW_ENOMEM, sqlite_code_name(rc), "memory is out");
    case SQLITE_TOOBIG: return session_fail(s, DW_ETOOLARGE, sqlite_code_name(rc), "%s", message);
    case SQLITE_MISMATCH: return session_fail(s, DW_EINVALID, sqlite_code_name(rc), "%s", message);
    case SQLITE_ERROR:
    case SQLITE_AUTH: return session_fail(s, DW_EMISUSE, sqlite_code_name(rc), "%s", message);
    default: return session_fail(s, DW_EUNAVAILABLE, sqlite_code_name(rc), "%s", message);
    }
}
