/* rows_table.h - what a query found, as people read it: for the command line. The rows stay open. [who has the rows] */
#ifndef DB_ROWS_TABLE_H
#define DB_ROWS_TABLE_H

#include "db/db.h"

/* All rows that are left, below a head of the columns' names. How many; 0 and nothing is written when there is none.
 * DW_ETOOLARGE: more than `max` (0: no limit); DW_ENOMEM; or what db_rows_next() says. */
int table_write(struct buf *out, struct db_rows *rows, size_t max);

/* The row that was read last, a line a column. 0, DW_ENOMEM, or what db_rows_cell() says. */
int table_write_row(struct buf *out, struct db_rows *rows);

/* A name and its value in one line of those: `widest` is that of the longest name. */
void table_write_line(struct buf *out, const char *name, size_t widest, struct str value);

/* How many columns of a terminal it takes: continuation bytes of UTF-8 take none. */
size_t table_width(struct str text);

#endif
