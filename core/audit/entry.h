/* entry.h - a record as it is shown: what is about persons opened, if it still can be. */
#ifndef AUDIT_ENTRY_H
#define AUDIT_ENTRY_H

#include "audit/audit.h"

struct audit_entry {
    struct buf who, personal; /* JSON objects; empty: nothing, or nobody can read it any more */
    bool is_erased;           /* something of it was */
};

/* Of the row, with room from the entry before it. 0, or an error. */
int audit_entry_open(struct audit_entry *e, struct audit *a, struct db_session *s,
                     const struct audit_row *row);
void audit_entry_finish(struct audit_entry *e);

/* {"id":...,"at":...,...} */
void audit_entry_write_json(struct buf *out, const struct audit_entry *e, const struct audit_row *row);

/* A line with CRLF; and the one above all of them. */
void audit_entry_write_csv(struct buf *out, const struct audit_entry *e, const struct audit_row *row);
void audit_entry_write_csv_head(struct buf *out);

#endif
