/* core_page.h - lists of the server's own operations, a page at a time, ordered by their ids.
 *
 *   struct core_page page;
 *   DW_TRY(core_page_read(r, &page));
 *   DW_TRY(webhook_query(r->s, &rows, { ..., .after = page.after, .limit = page.limit + 1 }));
 *   return core_page_reply(r, &page, rows, members);
 *
 * A cursor is sealed with the server's key for one operation, tenant and choice of filters: nobody reads or makes one, and it
 * is of no use for another list. */
#ifndef OPERATIONS_CORE_PAGE_H
#define OPERATIONS_CORE_PAGE_H

#include "operations/core_operation.h"
#include "secure/uuid.h"

enum { CORE_PAGE_LIMIT = 50, CORE_PAGE_LIMIT_MAX = 200 };

struct core_page {
    int64_t limit;
    const char *after; /* the id where the page before ended; NULL: from the beginning */
};

/* `limit` and `cursor` of x-list. 0, or an error. */
int core_page_read(struct core_request *r, struct core_page *out);

/* The same of a list that has places instead of ids: `after` is how many came before, at most nine digits. */
int core_page_read_numbered(struct core_request *r, struct core_page *out);

/* How a column is written. */
enum core_member_kind {
    CORE_PLAIN, /* as its type says */
    CORE_WORDS, /* a text with words between spaces: an array of them */
    CORE_RAW,   /* a text that is JSON */
};

/* One member of what is answered; a table of them ends with { 0 }. What is not listed is not shown. */
struct core_member {
    const char *column;
    const char *name; /* NULL: the column's */
    enum core_member_kind kind;
};

/* The current row as an object. 0, or an error. */
int core_row_write(struct buf *out, struct db_rows *rows, const struct core_member *members);

/* The one row that there is; DW_ENOTFOUND when there is none. Takes the rows. */
int core_row_reply(struct core_request *r, int status, struct db_rows *rows,
                   const struct core_member *members);

/* {"items":[...],"next":...} and its Link. `rows` are one more than the limit, if there are so many, each with an `id`; takes
 * them. 0, or an error. */
int core_page_reply(struct core_request *r, const struct core_page *page, struct db_rows *rows,
                    const struct core_member *members);

/* The same of what is JSON already: the array, and the id or number behind which the next page begins ("": there is none). */
int core_page_reply_items(struct core_request *r, struct str items, const char *next);

#endif
