/* rows.h - results that a plugin has open: handles that are safe to come with too late.
 *
 * A slot belongs to the slot of a call for ever and is never freed, so that whoever comes with it after the call's end, or
 * on another thread, is told so by the call. A handle is the address of its slot and, in the bits that are 0 there, which
 * of its uses is meant. [owner of the call] */
#ifndef PLUGIN_ROWS_H
#define PLUGIN_ROWS_H

#include "db/db.h"
#include "plugin/call.h"

struct call_scope;

struct rows_slot {
    dw_call *c;               /* whose it is, for ever */
    struct rows_slot *next;   /* of the call's */
    struct db_rows *rows;     /* NULL: closed, or read to its end */
    struct call_scope *scope; /* that it was opened in */
    unsigned use;             /* counts */
    bool at_end;
};

/* A slot that is free; NULL: memory is out. Taken before the statement runs, which may be one that writes. */
struct rows_slot *rows_slot(dw_call *c);

/* A handle for the rows, which the slot takes. */
dw_rows *rows_open(struct rows_slot *s, struct db_rows *rows);

/* The slot of a handle that may be used: 0; or DW_ETHREAD, DW_EMISUSE (closed), or what call_check() says. */
int rows_check(const dw_rows *handle, const char *step, struct rows_slot **out);

/* The next row: 1; 0 at the end, where the result is closed at once, for it may hold what others wait for; or an error,
 * recorded in the call. */
int rows_next(struct rows_slot *s, const char *step);

/* True, and the column of that name in *at. */
bool rows_find_column(const struct db_rows *rows, const char *name, size_t *at);

void rows_close(struct rows_slot *s);

/* The same by handle; does nothing when they are closed. NULL is safe. */
void rows_close_handle(const dw_rows *handle);

bool rows_any_open(const dw_call *c);

/* Closes what is open of the call. rows_close_scope: only what was opened in that scope. */
void rows_close_all(dw_call *c);
void rows_close_scope(dw_call *c, const struct call_scope *scope);

#endif
