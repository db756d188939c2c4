/* migration_lint.h - the linter (lint.h) over the files of one owner. [any thread] */
#ifndef DB_MIGRATION_LINT_H
#define DB_MIGRATION_LINT_H

#include "db/lint.h"
#include "db/migration.h"

/* What is wrong with the i-th of them for that engine, the tables of those before it being known: a line each, "notes/
 * migrations/0001_notes.sql:4: what is wrong; what to write", added to why. 0 when nothing is, else -1. The result of the
 * way up is in *up (in the arena) unless that is NULL. */
int migration_lint(struct lint *up, struct arena *arena, const struct migrations *migrations, size_t i,
                   enum db_engine engine, struct buf *why);

/* All of them, on both engines; what both find is said once. */
int migrations_lint(const struct migrations *migrations, struct buf *why);

#endif
