/* ddl.h - a script of migrations as a list of statements, as far as names and types of columns go. For the linter and the
 * translation of types; whatever else stands in a script passes unread. Indexes are of tokens. [any thread] */
#ifndef DB_DDL_H
#define DB_DDL_H

#include "db/tokens.h"

enum ddl_kind {
    DDL_OTHER, /* its first words tell */
    DDL_CREATE_TABLE,
    DDL_ALTER_TABLE,
    DDL_DROP_TABLE,
    DDL_CREATE_INDEX,
    DDL_DROP_INDEX
};

struct ddl_statement {
    enum ddl_kind kind;
    size_t first, end; /* without the semicolon */
    size_t name;       /* of the table or index; 0: none can be read */
    size_t table;      /* that an index is on; else as name */
    bool is_unique;    /* CREATE UNIQUE INDEX */
    /* the ( of columns and constraints, or of an index's columns, 0: there is none; what ALTER TABLE does begins here */
    size_t body;
};

/* Statement by statement, from *at = 0: false at the end. */
bool ddl_next(const struct tokens *tokens, size_t *at, struct ddl_statement *out);

/* What commas divide between `*at` and `end`, at the same depth: columns, constraints, actions of ALTER TABLE. False at
 * the end. An item may be empty. */
struct ddl_item {
    size_t first, end;
};
bool ddl_item_next(const struct tokens *tokens, size_t *at, size_t end, struct ddl_item *out);

/* The index of a word of the item at its own depth, or `end`. */
size_t ddl_find(const struct tokens *tokens, struct ddl_item item, const char *word);

/* Does the item begin with these words, "ADD COLUMN"? */
bool ddl_begins(const struct tokens *tokens, struct ddl_item item, const char *words);

/* An item of CREATE TABLE: CONSTRAINT .., PRIMARY KEY (..), UNIQUE (..), CHECK (..), FOREIGN KEY (..). */
bool ddl_is_constraint(const struct tokens *tokens, struct ddl_item item);

/* name TYPE ..: where the type's words stand. It may have none. */
struct ddl_column {
    size_t name;
    size_t type, type_end;
    size_t end; /* of its constraints, which begin at type_end */
};
void ddl_column_read(const struct tokens *tokens, struct ddl_item item, struct ddl_column *out);

/* An action of ALTER TABLE that gives a column a type: ADD [COLUMN] name TYPE .., ALTER [COLUMN] name [SET DATA] TYPE ... */
bool ddl_adds_column(const struct tokens *tokens, struct ddl_item action, struct ddl_column *out);
bool ddl_changes_type(const struct tokens *tokens, struct ddl_item action, struct ddl_column *out);

#endif
