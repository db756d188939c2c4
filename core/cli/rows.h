/* rows.h - what a query found, printed: tables for people, JSON for programs. All of these close the rows. */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include "cli/store.h"

/* {"NAME":[{...},...]}, or a table with a head; `none` is said instead of an empty one. CLI_OK or CLI_FAILED, as all
 * below, after saying why. */
int cli_print_rows(const struct cli *c, struct cli_store *s, struct db_rows *rows, const char *name,
                   const char *none);

/* The first row: an object, or a line a column. Without one: there is no such `thing`. */
int cli_print_row(const struct cli *c, struct cli_store *s, struct db_rows *rows, const char *thing,
                  const char *name);

/* [{...},...] as JSON text. */
int cli_rows_json(struct cli_store *s, struct db_rows *rows, struct buf *out);

#endif
