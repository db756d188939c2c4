/* values.h - what was given for a statement's parameters, judged before an engine sees it. [the session's thread] */
#ifndef DB_VALUES_H
#define DB_VALUES_H

#include "db/driver.h"

enum { DB_VALUE_BYTES_MAX = 64 << 20 }; /* of one text, blob or json */

/* Fills parameters_n values as driver.h promises them; what has to be written (json, times) lies in room. 0, or
 * session_fail()'s code: DW_EMISUSE (how many, a target, something void), DW_EINVALID (not UTF-8, too large a number),
 * DW_ETOOLARGE, DW_ENOMEM. */
int db_values_make(struct db_session *s, const struct statement *st, dw_list given, dw_value *out,
                   struct arena *room);

#endif
