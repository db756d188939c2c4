/* page.h - which part of a list a client asked for (x-list in api.yaml: limit, cursor, sort, filters), and that part of an
 * author's statement. [owner of the call] */
#ifndef PLUGIN_PAGE_H
#define PLUGIN_PAGE_H

#include "plugin/cursor.h"

enum { PAGE_LIMIT = 50, PAGE_LIMIT_MAX = 200, PAGE_FILTERS_MAX = 16 };

/* As clients are told (api/publish_operation.c). */
enum { PAGE_FILTER_LENGTH_MAX = 8000 };

struct page_filter {
    const char *column;
    dw_value value;
};

struct page {
    size_t limit;
    const char *order; /* "-created_at": as cursors know it; "id" unless the client says more */
    bool descends;
    const char *keys[CURSOR_KEYS_MAX]; /* columns; the last one is "id" */
    size_t keys_n;
    bool has_cursor;
    dw_value after[CURSOR_KEYS_MAX]; /* where the last page ended */
    struct page_filter filters[PAGE_FILTERS_MAX];
    size_t filters_n;
};

/* 0; DW_EINVALID, told to the client as faults of its query; or DW_EMISUSE: what api.yaml says cannot be done. */
int page_read(struct request *r, struct page *out);

/* The statement with the page's conditions around it and a row more than its limit, its values behind the author's. In
 * the call's memory. */
dw_list page_wrap(dw_call *c, const struct page *page, dw_list sql_and_values);

/* What the cursor behind the current row is made of. 0, or an error. */
int page_note(struct request *r, const struct page *page, struct db_rows *rows, struct buf *plain);

#endif
