/* statement_shape.h - what a statement is made of, as far as a guard has to know. Indexes are of tokens. */
#ifndef DB_STATEMENT_SHAPE_H
#define DB_STATEMENT_SHAPE_H

#include "db/statement.h"
#include "db/tokens.h"

/* One INSERT, UPDATE or DELETE; an index of 0 is "not there", for nothing of this can be a statement's first token. */
struct statement_write {
    enum statement_kind kind; /* STATEMENT_SELECT: nothing is written */
    size_t schema;            /* of main.notes */
    size_t target;            /* the table's name */
    size_t alias;
    size_t where; /* the WHERE of UPDATE and DELETE */
    size_t
        conflict; /* the ON CONFLICT of INSERT .. SELECT .. FROM .. without WHERE: SQLite takes it for a join's ON */
    size_t end; /* behind what WHERE says, or would: RETURNING, ORDER, LIMIT, the end */
};

struct statement_shape {
    enum statement_kind kind;     /* of the outermost */
    struct statement_write write; /* the outermost's; when that writes nothing the first in a WITH */
    size_t inner_write;           /* an INSERT, UPDATE or DELETE inside a WITH */
    bool writes, is_upsert, is_returning;
};

/* DW_EMISUSE and why: a statement that is cut off, or nested too deep. */
int statement_shape_read(struct statement_shape *out, const struct tokens *tokens, struct buf *why);

#endif
