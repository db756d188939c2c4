/* columns.h - what rows of more than one reply show. */
#ifndef TIMESYNC_COLUMNS_H
#define TIMESYNC_COLUMNS_H

/* FROM timesync_steps t */
#define STEP_COLUMNS                                                                          \
    "t.id, t.entry, t.key, t.outcome, t.reason, t.detail, t.sheet, t.old_sheet, t.new_sheet," \
    " t.undone, t.at"

/* enum dw_billable, in words; column is a literal. */
#define BILLABLE_WORD(column) \
    "CASE " column " WHEN 1 THEN 'yes' WHEN 2 THEN 'no' ELSE 'unsaid' END AS billable"

#endif
