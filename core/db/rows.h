/* rows.h - what session.c and the drivers need of rows beyond db.h. [the session's thread] */
#ifndef DB_ROWS_H
#define DB_ROWS_H

#include "db/driver.h"

struct remembered;

/* The newest of the session's. Takes `remembered`, also when it fails: NULL, memory is out. */
struct db_rows *db_rows_create(struct db_session *s, struct remembered *remembered);

/* Reads all that is left into memory, columns too: the cursor may then go. 0 or an error. */
int db_rows_keep(struct db_rows *rows);

/* Closes the driver's cursor. What was kept stays. */
void db_rows_let_go(struct db_rows *rows);

/* Lets go of those that were opened in the transaction. They stay, for whoever closes them. */
void db_rows_end_with_transaction(struct db_session *s);

/* As they were when they were created: for another attempt. */
void db_rows_forget(struct db_rows *rows);

/* As db_rows_read(), and texts last as long as the session's memory. */
int db_rows_read_lasting(struct db_rows *rows, dw_list targets);

/* ---- json that was given out ---- */

struct db_tree {
    struct db_tree *older;
    json_t *json;
};
void db_trees_drop(struct db_tree **trees);

/* ---- cells into targets ---- */

/* 0; DW_EMISUSE (of another type), DW_EINVALID (does not fit), DW_ENOMEM; *expected is what would fit. What has to be
 * made (json, a time as text) lies in memory and in trees; with `lasting`, all texts do. */
int db_cell_store(const struct db_cell *cell, const dw_value *target, struct arena *memory, bool lasting,
                  struct db_tree **trees, const char **expected);

#endif
