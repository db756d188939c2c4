/* statements.h - statements that were read once, remembered by their text.
 *
 * Most SQL is a literal in the code, so the text's address finds it; its content decides. Bounded: what was not used for
 * longest is forgotten, and lives on while rows hold it. [any thread] */
#ifndef DB_STATEMENTS_H
#define DB_STATEMENTS_H

#include "db/driver.h"

struct statements;
struct remembered;

/* What else decides how a text is read. */
struct statements_key {
    enum db_author by;
    bool is_guarded, is_migration;
};

/* 0, or -1 when memory is out. */
int statements_create(struct statements **out);
void statements_destroy(struct statements *all);

/* 0 with a statement that is held; or DW_EMISUSE and DW_ENOMEM as statement_read(). */
int statements_find(struct remembered **out, struct db *db, const char *sql, const struct statements_key *key,
                    struct buf *why);
const struct statement *remembered_statement(const struct remembered *r);
void remembered_drop(struct remembered *r); /* NULL is safe */

#endif
