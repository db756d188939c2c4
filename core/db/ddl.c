#include "db/ddl.h"

/* ---- statements ---- */

static bool is_trigger(const struct tokens *tokens, size_t first)
{
    static const char *const between[] = { "OR", "REPLACE", "TEMP", "TEMPORARY", "CONSTRAINT" };
    size_t i = first + 1;

    if (!tokens_is(tokens, first, "CREATE"))
        return false;
    while (tokens_is_any(tokens, i, between, DW_COUNT_OF(between)))
        i++;
    return tokens_is(tokens, i, "TRIGGER");
}

/* The semicolon behind it, or the end. Semicolons inside a trigger's BEGIN .. END are its own. */
static size_t statement_end(const struct tokens *tokens, size_t first)
{
    const bool may_nest = is_trigger(tokens, first);
    size_t depth = 0, i;

    for (i = first; i < tokens->n; i = tokens_step(tokens, i)) {
        if (may_nest && (tokens_is(tokens, i, "BEGIN") || tokens_is(tokens, i, "CASE")))
            depth++;
        else if (may_nest && depth > 0 && tokens_is(tokens, i, "END"))
            depth--;
        else if (depth == 0 && tokens_is_symbol(tokens, i, ';'))
            break;
    }
    return i;
}

/* IF [NOT] EXISTS, ONLY, CONCURRENTLY before a name. */
static size_t skip_words(const struct tokens *tokens, size_t i)
{
    static const char *const words[] = { "IF", "NOT", "EXISTS", "ONLY", "CONCURRENTLY" };

    while (tokens_is_any(tokens, i, words, DW_COUNT_OF(words)))
        i++;
    return i;
}

/* The index of the name's last part, main.notes or notes; 0 when none is there. */
static size_t name_at(const struct tokens *tokens, size_t i)
{
    while (tokens_is_symbol(tokens, i + 1, '.'))
        i += 2;
    return token_is_name(tokens_at(tokens, i)) ? i : 0;
}

static void read_table(const struct tokens *tokens, size_t i, struct ddl_statement *out)
{
    out->name = out->table = name_at(tokens, skip_words(tokens, i));
    if (!out->name)
        return;
    if (out->kind == DDL_ALTER_TABLE)
        out->body = out->name + 1;
    else if (tokens_is_symbol(tokens, out->name + 1, '('))
        out->body = out->name + 1;
}

/* name ON table [USING method] (columns); PostgreSQL makes a name up where there is none. */
static void read_index(const struct tokens *tokens, size_t i, struct ddl_statement *out)
{
    i = skip_words(tokens, i);
    out->name = tokens_is(tokens, i, "ON") ? 0 : name_at(tokens, i);
    while (i < out->end && !tokens_is(tokens, i, "ON"))
        i++;
    out->table = name_at(tokens, skip_words(tokens, i + 1));
    for (i = out->table; out->table && i < out->end && !out->body; i++)
        out->body = tokens_is_symbol(tokens, i, '(') ? i : 0;
}

static void read_create(const struct tokens *tokens, struct ddl_statement *out)
{
    static const char *const before[] = { "TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL" };
    size_t i = out->first + 1;

    while (tokens_is_any(tokens, i, before, DW_COUNT_OF(before)))
        i++;
    if (tokens_is(tokens, i, "TABLE")) {
        out->kind = DDL_CREATE_TABLE;
        read_table(tokens, i + 1, out);
        return;
    }
    out->is_unique = tokens_is(tokens, i, "UNIQUE");
    i += out->is_unique;
    if (tokens_is(tokens, i, "INDEX")) {
        out->kind = DDL_CREATE_INDEX;
        read_index(tokens, i + 1, out);
    }
}

static void read_statement(const struct tokens *tokens, struct ddl_statement *out)
{
    const size_t second = out->first + 1;

    if (tokens_is(tokens, out->first, "CREATE")) {
        read_create(tokens, out);
    } else if (tokens_is(tokens, out->first, "ALTER") && tokens_is(tokens, second, "TABLE")) {
        out->kind = DDL_ALTER_TABLE;
        read_table(tokens, second + 1, out);
    } else if (tokens_is(tokens, out->first, "DROP") && tokens_is(tokens, second, "TABLE")) {
        out->kind = DDL_DROP_TABLE;
        read_table(tokens, second + 1, out);
    } else if (tokens_is(tokens, out->first, "DROP") && tokens_is(tokens, second, "INDEX")) {
        out->kind = DDL_DROP_INDEX;
        read_table(tokens, second + 1, out);
    }
}

bool ddl_next(const struct tokens *tokens, size_t *at, struct ddl_statement *out)
{
    while (tokens_is_symbol(tokens, *at, ';'))
        (*at)++;
    if (*at >= tokens->n)
        return false;
    *out = (struct ddl_statement){ .first = *at, .end = statement_end(tokens, *at) };
    *at = out->end;
    read_statement(tokens, out);
    return true;
}

/* ---- what commas divide ---- */

bool ddl_item_next(const struct tokens *tokens, size_t *at, size_t end, struct ddl_item *out)
{
    size_t i = *at;

    if (i > end)
        return false;
    while (i < end && !tokens_is_symbol(tokens, i, ','))
        i = tokens_step(tokens, i);
    *out = (struct ddl_item){ *at, i < end ? i : end };
    *at = i < end ? i + 1 : end + 1;
    return true;
}

size_t ddl_find(const struct tokens *tokens, struct ddl_item item, const char *word)
{
    size_t i = item.first;

    while (i < item.end && !tokens_is(tokens, i, word))
        i = tokens_step(tokens, i);
    return i < item.end ? i : item.end;
}

bool ddl_begins(const struct tokens *tokens, struct ddl_item item, const char *words)
{
    struct str rest = str_from(words), word;

    for (size_t i = item.first; str_split(&rest, ' ', &word); i++) {
        const struct token *t = tokens_at(tokens, i);
        if (i >= item.end || t->kind != TOKEN_WORD || !str_equal_nocase(t->text, word))
            return false;
    }
    return true;
}

bool ddl_is_constraint(const struct tokens *tokens, struct ddl_item item)
{
    static const char *const words[] = { "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK",
                                         "FOREIGN",    "EXCLUDE", "LIKE" };

    return tokens_is_any(tokens, item.first, words, DW_COUNT_OF(words));
}

/* ---- columns ---- */

static bool ends_type(const struct tokens *tokens, size_t i)
{
    static const char *const words[] = { "CONSTRAINT", "PRIMARY", "NOT",     "NULL",       "UNIQUE",
                                         "CHECK",      "DEFAULT", "COLLATE", "AS",         "REFERENCES",
                                         "GENERATED",  "USING",   "STORAGE", "COMPRESSION" };
    return tokens_is_any(tokens, i, words, DW_COUNT_OF(words));
}

static void read_type(const struct tokens *tokens, struct ddl_item item, size_t type, struct ddl_column *out)
{
    out->type = out->type_end = type;
    out->end = item.end;
    while (out->type_end < item.end && !ends_type(tokens, out->type_end))
        out->type_end = tokens_step(tokens, out->type_end);
}

void ddl_column_read(const struct tokens *tokens, struct ddl_item item, struct ddl_column *out)
{
    out->name = item.first;
    read_type(tokens, item, item.first + 1 < item.end ? item.first + 1 : item.end, out);
}

bool ddl_adds_column(const struct tokens *tokens, struct ddl_item action, struct ddl_column *out)
{
    if (!tokens_is(tokens, action.first, "ADD") || action.first >= action.end)
        return false;
    action.first += tokens_is(tokens, action.first + 1, "COLUMN") ? 2 : 1;
    action.first = skip_words(tokens, action.first);
    if (ddl_is_constraint(tokens, action) || action.first >= action.end)
        return false;
    ddl_column_read(tokens, action, out);
    return true;
}

bool ddl_changes_type(const struct tokens *tokens, struct ddl_item action, struct ddl_column *out)
{
    size_t type;

    if (!tokens_is(tokens, action.first, "ALTER") || action.first >= action.end)
        return false;
    out->name = action.first + (tokens_is(tokens, action.first + 1, "COLUMN") ? 2 : 1);
    type = out->name +
           (tokens_is(tokens, out->name + 1, "SET") && tokens_is(tokens, out->name + 2, "DATA") ? 3 : 1);
    if (type >= action.end || !tokens_is(tokens, type, "TYPE"))
        return false;
    read_type(tokens, action, type + 1, out);
    return true;
}
