/* lint_steps.h - what the files of the linter share. */
#ifndef DB_LINT_STEPS_H
#define DB_LINT_STEPS_H

#include "db/ddl.h"
#include "db/lint.h"

/* A table that the migration makes. */
struct lint_table {
    const char *name;
    bool is_tenant; /* "-- tenant-table:" names it */
};

struct linting {
    struct lint *out;
    struct arena *arena;
    const struct lint_rules *rules;
    struct tokens tokens;
    struct lint_table *tables;
    size_t tables_n;
    bool is_core;
    bool no_memory; /* sticks: findings are missing */
};

/* A finding at a token, or at an offset of the text. The hint is a literal. */
void lint_add(struct linting *l, size_t token, const char *hint, const char *format, ...) DW_PRINTF(4, 5);
void lint_add_at(struct linting *l, size_t offset, const char *hint, const char *format, ...) DW_PRINTF(4, 5);

/* What the token stands for; "" when memory is out. */
const char *lint_name(struct linting *l, size_t i);

/* NULL: not made here. */
struct lint_table *lint_find_table(const struct linting *l, const char *name);
bool lint_is_tenant_table(const struct linting *l, const char *name);

/* What a table and an index may not do to the wall. lint_tenant.c */
void lint_tenant_table(struct linting *l, const struct ddl_statement *s);
void lint_tenant_alter(struct linting *l, const struct ddl_statement *s);
void lint_tenant_index(struct linting *l, const struct ddl_statement *s);

/* What the server that still runs would trip over. lint_running.c */
void lint_running(struct linting *l, const struct ddl_statement *s);

#endif
