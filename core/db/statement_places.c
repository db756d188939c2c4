/* Where names stand in a statement. a.b is a column nearly everywhere, but a schema's table behind FROM; and where a name
 * is wanted SQLite takes a text for one, which whoever judges names does not look at. */
#include "db/statement_judge.h"

/* What is between two parentheses. */
struct scope {
    bool is_query;    /* behind a FROM come tables, not the second half of extract(year FROM ..) */
    bool is_delete;   /* behind USING as well */
    bool in_from;     /* behind a comma comes one more table */
    bool wants_table; /* here is one */
    bool in_set;      /* behind a comma comes one more column to be set */
    bool wants_column;
    bool is_names; /* nothing but names of columns */
};

struct walk {
    const struct tokens *tokens;
    struct buf *why;
    struct scope *scope;
};

#define NO_TEXT "a name stands in \"..\", text in '..'"

static bool ends_list(const struct tokens *tokens, size_t i)
{
    static const char *const words[] = { "WHERE",  "GROUP",     "HAVING", "ORDER",  "LIMIT",
                                         "OFFSET", "WINDOW",    "UNION",  "EXCEPT", "INTERSECT",
                                         "FETCH",  "RETURNING", "FOR",    "VALUES" };
    return tokens_is_any(tokens, i, words, DW_COUNT_OF(words));
}

/* a IS [NOT] DISTINCT FROM b */
static bool is_comparison(const struct tokens *tokens, size_t from)
{
    return tokens_is(tokens, from - 1, "DISTINCT") &&
           (tokens_is(tokens, from - 2, "IS") || tokens_is(tokens, from - 2, "NOT"));
}

/* UPDATE notes; not DO UPDATE, FOR UPDATE, FOR NO KEY UPDATE. */
static bool is_update_of_table(const struct tokens *tokens, size_t i)
{
    static const char *const before[] = { "DO", "FOR", "KEY" };
    return tokens_is(tokens, i, "UPDATE") && !tokens_is_any(tokens, i - 1, before, DW_COUNT_OF(before));
}

static bool is_from(const struct walk *w, size_t i)
{
    if (tokens_is(w->tokens, i, "USING"))
        return w->scope->is_delete && !tokens_is_symbol(w->tokens, i + 1, '(');
    return tokens_is(w->tokens, i, "FROM") && w->scope->is_query && !is_comparison(w->tokens, i);
}

/* True for a word that says what comes next. */
static bool follow_clause(struct walk *w, size_t i)
{
    static const char *const writes[] = { "UPDATE", "INSERT", "DELETE" };
    struct scope *s = w->scope;

    if (tokens_is(w->tokens, i, "SELECT"))
        *s = (struct scope){ .is_query = true };
    else if (tokens_is_any(w->tokens, i, writes, DW_COUNT_OF(writes)))
        *s = (struct scope){ .is_query = true,
                             .is_delete = tokens_is(w->tokens, i, "DELETE"),
                             .wants_table = is_update_of_table(w->tokens, i) };
    else if (tokens_is(w->tokens, i, "INTO") || tokens_is(w->tokens, i, "JOIN"))
        s->wants_table = true;
    else if (is_from(w, i))
        *s = (struct scope){
            .is_query = true, .is_delete = s->is_delete, .in_from = true, .wants_table = true
        };
    else if (tokens_is(w->tokens, i, "SET"))
        *s = (struct scope){ .is_query = s->is_query, .in_set = true, .wants_column = true };
    else if (ends_list(w->tokens, i))
        s->in_from = s->wants_table = s->in_set = false;
    else
        return false;
    return true;
}

/* INSERT INTO notes (..), INSERT INTO notes AS n (..) */
static bool is_column_list(const struct tokens *tokens, size_t open)
{
    return tokens_is(tokens, open - 2, "INTO") ||
           (tokens_is(tokens, open - 2, "AS") && tokens_is(tokens, open - 4, "INTO"));
}

static void enter(struct walk *w, size_t open)
{
    struct scope *outer = w->scope++;
    const bool is_join = outer->wants_table; /* FROM (a JOIN b ..), unless a SELECT follows */

    *w->scope = (struct scope){ .is_query = is_join,
                                .in_from = is_join,
                                .wants_table = is_join,
                                .is_names = outer->wants_column || is_column_list(w->tokens, open) };
    outer->wants_table = outer->wants_column = false;
}

/* A name or a text. */
static int judge_name(struct walk *w, size_t i)
{
    static const char *const before[] = { "ONLY", "LATERAL" };
    const struct token *t = tokens_at(w->tokens, i);
    const bool is_table = w->scope->wants_table, is_column = w->scope->wants_column || w->scope->is_names;

    w->scope->wants_column = false;
    if (is_table && tokens_is_any(w->tokens, i, before, DW_COUNT_OF(before)))
        return 0;
    w->scope->wants_table = false;
    if (t->kind == TOKEN_STRING && (is_table || is_column || tokens_is(w->tokens, i - 1, "IN")))
        return token_refuse(w->why, w->tokens->sql, t, NO_TEXT);
    if (is_table && tokens_is_symbol(w->tokens, i + 1, '.'))
        return token_refuse(w->why, w->tokens->sql, t,
                            "this names a schema, and a plugin's tables have none: write %.*s alone",
                            STR_ARG(tokens_at(w->tokens, i + 2)->text));
    return 0;
}

static int judge_place(struct walk *w, size_t i)
{
    const struct token *t = tokens_at(w->tokens, i);

    if (token_is_symbol(t, '(')) {
        enter(w, i);
    } else if (token_is_symbol(t, ')')) {
        w->scope--;
    } else if (token_is_symbol(t, ',')) {
        w->scope->wants_table = w->scope->in_from;
        w->scope->wants_column = w->scope->in_set;
    } else if (token_is_name(t) || t->kind == TOKEN_STRING) {
        const bool is_part = tokens_is_symbol(w->tokens, i - 1, '.');
        if (is_part || !follow_clause(w, i))
            return judge_name(w, i);
    }
    return 0;
}

int statement_judge_places(const struct tokens *tokens, struct arena *arena, struct buf *why)
{
    struct scope *scopes = arena_calloc(arena, (tokens->deepest + 1) * sizeof *scopes);
    struct walk w = { tokens, why, scopes };
    int rc = 0;

    if (!scopes)
        return DW_ENOMEM;
    for (size_t i = 0; i < tokens->n && rc == 0; i++)
        rc = judge_place(&w, i);
    return rc;
}
