#include "db/dialect.h"

#include "db/ddl.h"

static const struct {
    const char *portable, *sqlite, *postgres;
} types[] = {
    { "INTEGER", "INTEGER", "BIGINT" },
    { "REAL", "REAL", "DOUBLE PRECISION" },
    { "BLOB", "BLOB", "BYTEA" },
    { "JSON", "JSON_TEXT", "JSONB" },
    { "DECIMAL", "DECIMAL_TEXT", "NUMERIC" },
    { "NUMERIC", "DECIMAL_TEXT", "NUMERIC" },
};

struct translation {
    const struct tokens *tokens;
    enum db_engine engine;
    struct buf *out;
    size_t written; /* so many bytes of the text */
};

static void write_until(struct translation *t, size_t offset)
{
    buf_add(t->out, t->tokens->sql.p + t->written, offset - t->written);
    t->written = offset;
}

static void replace(struct translation *t, const struct token *word, const char *type)
{
    if (token_is(word, type))
        return;
    write_until(t, word->offset);
    buf_add_text(t->out, type);
    t->written += word->text.n;
}

/* The first word of a type decides; in quotes it is a name of the author's own. */
static void translate_type(struct translation *t, const struct ddl_column *column)
{
    const struct token *word = &t->tokens->list[column->type];

    if (column->type == column->type_end)
        return;
    for (size_t i = 0; i < DW_COUNT_OF(types); i++) {
        if (token_is(word, types[i].portable)) {
            replace(t, word, t->engine == DB_SQLITE ? types[i].sqlite : types[i].postgres);
            return;
        }
    }
}

static void translate_columns(struct translation *t, const struct ddl_statement *s)
{
    const size_t end = s->body ? t->tokens->list[s->body].partner : 0;
    struct ddl_item item;
    struct ddl_column column;

    for (size_t at = s->body + 1; s->body && ddl_item_next(t->tokens, &at, end, &item);) {
        if (item.first == item.end || ddl_is_constraint(t->tokens, item))
            continue;
        ddl_column_read(t->tokens, item, &column);
        translate_type(t, &column);
    }
}

static void translate_actions(struct translation *t, const struct ddl_statement *s)
{
    struct ddl_item action;
    struct ddl_column column;

    for (size_t at = s->body; s->body && ddl_item_next(t->tokens, &at, s->end, &action);) {
        if (ddl_adds_column(t->tokens, action, &column) || ddl_changes_type(t->tokens, action, &column))
            translate_type(t, &column);
    }
}

int dialect_write(struct buf *out, struct arena *arena, struct str sql, enum db_engine engine,
                  struct buf *why)
{
    struct tokens tokens;
    struct translation t = { .tokens = &tokens, .engine = engine, .out = out };
    struct ddl_statement s;
    int rc = tokens_read(&tokens, arena, sql, engine, why);

    if (rc < 0)
        return rc;
    for (size_t at = 0; ddl_next(&tokens, &at, &s);) {
        if (s.kind == DDL_CREATE_TABLE)
            translate_columns(&t, &s);
        else if (s.kind == DDL_ALTER_TABLE)
            translate_actions(&t, &s);
    }
    write_until(&t, sql.n);
    return buf_failed(out) ? DW_ENOMEM : 0;
}
