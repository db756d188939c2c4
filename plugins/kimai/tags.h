/* tags.h - tags have to be there before a timesheet has them: Kimai drops those it does not know, without a word. */
#ifndef KIMAI_TAGS_H
#define KIMAI_TAGS_H

#include "kimai.h"

enum { TAG_LEAST = 2, TAG_MOST = 100 }; /* characters of a name */

/* Makes those that this process has not seen yet; visible, as others can neither be listed nor searched for. */
int tags_make(dw_call *c, dw_connection *conn, dw_texts tags);

/* They turned out not to be there: as tags_make(), whatever was seen. */
int tags_make_again(dw_call *c, dw_connection *conn, dw_texts tags);

/* The same of one name, for whoever wants to know: DW_ECONFLICT if it is there. */
int tag_make(dw_call *c, dw_connection *conn, const char *name);

#endif
