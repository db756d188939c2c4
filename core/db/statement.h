/* statement.h - SQL as it was written, made into what an engine gets: parameters numbered, names judged, the target of a
 * write put behind its wall. Pure text work; knows no connection. [any thread] */
#ifndef DB_STATEMENT_H
#define DB_STATEMENT_H

#include "db/db.h"

/* Where the engine's n-th parameter comes from. */
enum statement_source { STATEMENT_VALUE, STATEMENT_TENANT, STATEMENT_ME, STATEMENT_NOW };

struct statement_parameter {
    enum statement_source source;
    unsigned value; /* of STATEMENT_VALUE: 0 for $1 */
};

enum statement_kind {
    STATEMENT_SELECT,
    STATEMENT_INSERT,
    STATEMENT_UPDATE,
    STATEMENT_DELETE,
    STATEMENT_OTHER
};

struct statement {
    uint64_t id; /* filled by statements.c: no other of this process ever has it. For caches of drivers */
    enum statement_kind kind; /* of the outermost; a CTE may write as well, see writes */
    bool writes;              /* anywhere in it */
    bool is_upsert;           /* ON CONFLICT DO UPDATE */
    bool is_returning;
    const char *text;   /* for the engine, terminated */
    const char *target; /* table that is written, without quotes; NULL: none */
    bool target_has_wall;
    struct statement_parameter *parameters; /* the engine's $1.. or ?1.. */
    size_t parameters_n;
    size_t values_n; /* the highest $n: so many must be given */
};

struct statement_rules {
    enum db_engine engine;
    enum db_author by;
    bool is_guarded;   /* a tenant's session: the target of a write stands behind a wall */
    bool is_migration; /* everything is allowed */
    bool (*has_wall)(struct str table, const void *ud);
    const void *ud;
};

/* All in the arena. 0; or DW_EMISUSE (what is wrong and where, in why), DW_ENOMEM. */
int statement_read(struct statement **out, struct arena *arena, const char *sql,
                   const struct statement_rules *rules, struct buf *why);

#endif
