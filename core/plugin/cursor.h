/* cursor.h - where a page of a list ended, as a text that its client hands back: sealed under the server's key, for one
 * operation and one tenant, so that nobody reads or makes one. [owner of the call] */
#ifndef PLUGIN_CURSOR_H
#define PLUGIN_CURSOR_H

#include "db/db.h"
#include "plugin/request.h"

/* What is to be sealed, of a row's id, in `plain`. 0; or DW_EMISUSE when an id of this kind is none. */
int cursor_note(struct request *r, const struct db_cell *id, struct buf *plain);

/* 0 with the text appended to out, or an error. */
int cursor_seal(struct request *r, struct str plain, struct buf *out);

/* The id in it, borrowed for the call. 0; or DW_EINVALID, told to the client as a fault of its query. */
int cursor_open(struct request *r, struct str text, dw_value *id);

#endif
