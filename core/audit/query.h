/* query.h - the audit log is looked at: filtered, a page at a time, or all of it as a file.
 *
 * What is about persons is shown in the open, until they are erased. Codes of enum dw_error have their text in
 * db_error_of(). */
#ifndef AUDIT_QUERY_H
#define AUDIT_QUERY_H

#include "audit/audit.h"

/* NULL and 0: any. */
struct audit_filter {
    const char *tenant;
    const char *actor;  /* a user's id, or an account of the operating system */
    const char *action; /* a name, or the beginning of names: "notes.*" */
    const char *target;
    const char *request;
    int64_t since_us, until_us; /* from, and before */
};

/* NULL, or what is wrong with it: a constant sentence. */
const char *audit_filter_wrong(const struct audit_filter *f);

/* The newest first, as a JSON array of objects, at most `limit`, of those before the id in `cursor` (NULL: from the newest).
 * How many; next becomes the cursor of the page behind, or "". */
int audit_list(struct audit *a, struct db_session *s, const struct audit_filter *f, const char *cursor,
               int64_t limit, struct buf *out, char next[UUID_TEXT_SIZE]);

enum audit_format { AUDIT_NDJSON, AUDIT_CSV };

/* "text/csv; charset=utf-8" */
const char *audit_format_type(enum audit_format format);

/* All of them, the oldest first; write(piece, ud) gets pieces of some kilobytes and returns 0, or what ends it and is
 * returned. A cell of CSV that a spreadsheet would take for a formula begins with an apostrophe. How many records. */
int64_t audit_export(struct audit *a, struct db_session *s, const struct audit_filter *f,
                     enum audit_format format, int (*write)(struct str piece, void *ud), void *ud);

#endif
