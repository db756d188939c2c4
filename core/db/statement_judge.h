/* statement_judge.h - what a plugin's SQL may not say: its text could leave the tenant, the plugin's tables, or what both
 * engines understand. Each refusal says what to write instead. */
#ifndef DB_STATEMENT_JUDGE_H
#define DB_STATEMENT_JUDGE_H

#include "db/statement_shape.h"

/* 0; DW_EMISUSE and why; DW_ENOMEM. */
int statement_judge(const struct tokens *tokens, const struct statement_shape *shape, struct arena *arena,
                    struct buf *why);

/* The part of it that depends on where a name stands: tables have no schema, and no text stands for a name.
 * statement_places.c */
int statement_judge_places(const struct tokens *tokens, struct arena *arena, struct buf *why);

/* A name that belongs to the core or to an engine: the sentence that refuses it; NULL: anybody may use it. */
const char *sql_name_refused(struct str name);

/* The same of a column: rowid, oid, ctid and their like. */
const char *sql_column_refused(struct str name);

#endif
