/* pages.h - lists that come in pages, several of them under way. [call]
 *
 * Zammad says neither how many pages there are nor how many rows it gives at most: a list ends with an empty page. And rows
 * move from page to page while it is read:
 *
 *   forward    as many pages at once as is worth it. What was added at the end meanwhile is seen, but when a row goes, the
 *              one behind its page moves onto a page that was read already, and is not seen.
 *   backward   one page after the other, the last one first: in a list that is sorted by id, and so only grows at its end,
 *              rows move only onto pages that are still to be read. Slow, and misses nothing. */
#ifndef ZAMMAD_PAGES_H
#define ZAMMAD_PAGES_H

#include "desk.h"

struct pages {
    const char *path;
    dw_list query;      /* all but page and per_page */
    const json_t *json; /* of a POST: all but page and per_page, which are added */
    const char *model;  /* "Ticket": where rows stand in an answer that has its assets apart */
    unsigned per_page;
    unsigned first; /* the first page to read; 0: 1 */
    unsigned *
        largest; /* the caller's, zero at first, of one kind of list: how many rows ever came on one page. A page
                        * with fewer is the last one, as more would have been allowed. NULL: not known */
};

/* Gets the rows of one page, which are not none. 1: that is enough; 0: go on; or an error. Its memory ends soon after. */
typedef int (*pages_visit)(struct desk *d, const json_t *rows, void *ud);

/* *count, unless NULL, is how many pages had rows. */
DW_MUST_CHECK int pages_forward(struct desk *d, const struct pages *p, pages_visit visit, void *ud,
                                unsigned *count);
DW_MUST_CHECK int pages_backward(struct desk *d, const struct pages *p, unsigned from, pages_visit visit,
                                 void *ud);

/* The rows of an answer in any of the shapes that versions give: a list, or numbers and beside them the assets. */
DW_MUST_CHECK int pages_rows(struct desk *d, json_t *answer, const char *model, const char *path,
                             const json_t **rows);

#endif
