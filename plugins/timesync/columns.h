/* columns.h - what statements of more than one file have in common. */
#ifndef TIMESYNC_COLUMNS_H
#define TIMESYNC_COLUMNS_H

#include <dowel/dowel.h>

/* FROM timesync_steps t */
#define STEP_COLUMNS                                                                          \
    "t.id, t.entry, t.key, t.outcome, t.reason, t.detail, t.sheet, t.old_sheet, t.new_sheet," \
    " t.undone, t.at"

/* enum dw_billable, in words; column is a literal. */
#define BILLABLE_WORD(column) "CASE " column " WHEN 1 THEN 'yes' WHEN 2 THEN 'no' ELSE 'unsaid' END"

/* "$1 is the sync, or null": a condition for each, as an engine that types parameters takes no `$1 IS NULL OR column = $1`, and
 * one that plans uses no index for it. column is a literal. */
#define OF_SYNC(column, sync) ((sync) ? column " = $1" : "CAST($1 AS TEXT) IS NULL")

/* Where a client gave no end. */
#define END_OF_TIME ((dw_time){ INT64_C(253402300799000000) }) /* of 9999 */

#endif
