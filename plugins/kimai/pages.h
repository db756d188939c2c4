/* pages.h - a list of timesheets that is longer than an answer. */
#ifndef KIMAI_PAGES_H
#define KIMAI_PAGES_H

#include "kimai.h"

enum { PAGES_AT_ONCE = 4, PAGES_QUERY_MAX = 32 };

/* Reads all pages of /api/timesheets in the order of their ids, several at a time, and gives each row to take(c, row, ud), no id
 * twice. query: what narrows it, without page, size and order.
 *
 * While they are read, rows may go, and what lies behind them moves a place forward: onto a page that was read before. So the
 * last page is asked for first and again at the end. Where it has moved, everything is read again, a few times, then
 * DW_EUNAVAILABLE. 0 is a promise that nothing is missing which was there all the time; where the query narrows it, all but: one row
 * that is edited into what it finds and one that goes, both in front of the last page and within one reading, cancel each
 * other out, and no answer of Kimai's tells. So what a narrowed list lacks is looked at by its id before it counts as gone. */
int pages_each(dw_call *c, dw_connection *conn, dw_list query,
               int (*take)(dw_call *c, const json_t *row, void *ud), void *ud);

#endif
