/* While a new version starts, the old one still runs on the same tables: what it knows has to stay, until a later migration
 * or one that stops it first. Tables made in the same migration are nobody's yet. */
#include "db/lint_steps.h"

#define HINT_OFFLINE                                                                                \
    "the server that still runs would fail: add now and take away in a later version, or write -- " \
    "migrate:offline, "                                                                             \
    "which stops it first"

/* The word behind the column's name in ALTER [COLUMN] name .. */
static size_t behind_column(const struct linting *l, struct ddl_item action)
{
    return action.first + (tokens_is(&l->tokens, action.first + 1, "COLUMN") ? 3 : 2);
}

static bool becomes_not_null(const struct linting *l, struct ddl_item action)
{
    const size_t i = behind_column(l, action);

    return tokens_is(&l->tokens, action.first, "ALTER") && tokens_is(&l->tokens, i, "SET") &&
           tokens_is(&l->tokens, i + 1, "NOT");
}

static bool loses_default(const struct linting *l, struct ddl_item action)
{
    const size_t i = behind_column(l, action);

    return tokens_is(&l->tokens, action.first, "ALTER") && tokens_is(&l->tokens, i, "DROP") &&
           tokens_is(&l->tokens, i + 1, "DEFAULT");
}

static bool lacks_value(const struct linting *l, const struct ddl_column *column)
{
    const struct ddl_item rest = { column->type_end, column->end };
    const size_t word = ddl_find(&l->tokens, rest, "NOT");

    return word < column->end && tokens_is(&l->tokens, word + 1, "NULL") &&
           ddl_find(&l->tokens, rest, "DEFAULT") == column->end &&
           ddl_find(&l->tokens, rest, "GENERATED") == column->end;
}

static void check_action(struct linting *l, struct ddl_item action, const char *table)
{
    struct ddl_column column;

    if (tokens_is(&l->tokens, action.first, "RENAME"))
        lint_add(l, action.first, HINT_OFFLINE, "RENAME takes a name from %s", table);
    else if (tokens_is(&l->tokens, action.first, "DROP") &&
             !tokens_is(&l->tokens, action.first + 1, "CONSTRAINT"))
        lint_add(l, action.first, HINT_OFFLINE, "DROP takes a column from %s", table);
    else if (ddl_changes_type(&l->tokens, action, &column))
        lint_add(l, action.first, HINT_OFFLINE, "a column of %s changes its type", table);
    else if (becomes_not_null(l, action))
        lint_add(l, action.first, HINT_OFFLINE, "a column of %s becomes NOT NULL", table);
    else if (loses_default(l, action))
        lint_add(l, action.first, HINT_OFFLINE, "a column of %s loses its DEFAULT", table);
    else if (ddl_adds_column(&l->tokens, action, &column) && lacks_value(l, &column))
        lint_add(
            l, action.first, "give it a DEFAULT, or leave NOT NULL out",
            "rows of %s, there already or inserted by the server that still runs, have no value for a column",
            table);
}

/* DISABLE ROW LEVEL SECURITY, OWNER TO and their like. */
static void check_known(struct linting *l, struct ddl_item action, const char *table)
{
    static const char *const known[] = { "ADD", "ALTER", "DROP", "RENAME", "VALIDATE" };

    for (size_t i = 0; i < DW_COUNT_OF(known); i++) {
        if (tokens_is(&l->tokens, action.first, known[i]))
            return;
    }
    lint_add(l, action.first, "leave it out",
             "what else there is to %s than columns and constraints is the server's", table);
}

static void check_drop(struct linting *l, const struct ddl_statement *s, const char *table,
                       bool is_disturbing)
{
    const size_t comma = s->name + 1;

    if (comma < s->end && tokens_is_symbol(&l->tokens, comma, ','))
        lint_add(l, comma, "write one DROP TABLE for each", "several tables are dropped at once");
    if (is_disturbing)
        lint_add(l, s->first, HINT_OFFLINE, "DROP TABLE takes %s away", table);
}

void lint_running(struct linting *l, const struct ddl_statement *s)
{
    const char *table = lint_name(l, s->table);
    const bool is_disturbing = !l->out->is_offline && !lint_find_table(l, table);
    struct ddl_item action;

    if (s->kind == DDL_DROP_TABLE)
        check_drop(l, s, table, is_disturbing);
    if (s->kind != DDL_ALTER_TABLE)
        return;
    for (size_t at = s->body; s->body && ddl_item_next(&l->tokens, &at, s->end, &action);) {
        if (!l->is_core)
            check_known(l, action, table);
        if (is_disturbing)
            check_action(l, action, table);
    }
}
