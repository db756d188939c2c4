/* cursor.h - where a page of a list ended, as a text that its client hands back: sealed under the server's key, for one
 * operation, tenant and order, so that nobody reads or makes one. [owner of the call] */
#ifndef PLUGIN_CURSOR_H
#define PLUGIN_CURSOR_H

#include "db/db.h"
#include "plugin/request.h"

enum { CURSOR_KEYS_MAX = 2 };

/* What is to be sealed, in `plain`: begin, then a cell for each key of the order. `order`: "-created_at", "id". note: 0, or
 * DW_EMISUSE when nothing can be sorted by such a cell; `name` is its column's. */
void cursor_begin(struct request *r, const char *order, struct buf *plain);
int cursor_note(struct request *r, const char *name, const struct db_cell *cell, struct buf *plain);

/* 0 with the text appended to out, or an error. */
int cursor_seal(struct request *r, struct str plain, struct buf *out);

/* The n keys in it, borrowed for the call. 0; or DW_EINVALID, told to the client as a fault of its query. */
int cursor_open(struct request *r, const char *order, struct str text, dw_value *keys, size_t n);

#endif
