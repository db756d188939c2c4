#include "db/statement_shape.h"

/* WITH inside WITH inside WITH: more is nobody's SQL. */
enum { DEEPEST = 32 };

struct walk {
    const struct tokens *tokens;
    struct statement_shape *shape;
    struct buf *why;
    unsigned depth;
};

static const struct token *token_at(const struct walk *w, size_t i)
{
    return &w->tokens->list[i < w->tokens->n ? i : w->tokens->n];
}

static bool is_word(const struct walk *w, size_t i, const char *word)
{
    return token_is(token_at(w, i), word);
}

static bool is_symbol(const struct walk *w, size_t i, char c)
{
    return token_is_symbol(token_at(w, i), c);
}

static bool is_any(const struct walk *w, size_t i, const char *const *words, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (is_word(w, i, words[k]))
            return true;
    }
    return false;
}

/* The next token at the same depth: what stands in parentheses is one step. */
static size_t step(const struct walk *w, size_t i)
{
    return is_symbol(w, i, '(') ? token_at(w, i)->partner + 1 : i + 1;
}

static int refuse(const struct walk *w, size_t i, const char *what)
{
    return token_refuse(w->why, w->tokens->sql, token_at(w, i), "%s", what);
}

/* ---- INSERT, UPDATE, DELETE ---- */

/* The table's name at `i`, its schema before it. The index behind it. */
static size_t read_target(const struct walk *w, size_t i, struct statement_write *write)
{
    if (is_word(w, i, "ONLY"))
        i++;
    if (is_symbol(w, i + 1, '.')) {
        write->schema = i;
        i += 2;
    }
    write->target = i++;
    return is_symbol(w, i, '*') ? i + 1 : i;
}

/* What may stand where an alias without AS could. */
static bool is_alias(const struct walk *w, size_t i)
{
    static const char *const others[] = { "SET",     "WHERE",  "RETURNING", "ORDER", "LIMIT",
                                          "INDEXED", "NOT",    "USING",     "FROM",  "DEFAULT",
                                          "VALUES",  "SELECT", "WITH",      "ON",    "OVERRIDING" };

    return token_at(w, i)->kind == TOKEN_QUOTED ||
           (token_at(w, i)->kind == TOKEN_WORD && !is_any(w, i, others, DW_COUNT_OF(others)));
}

static size_t read_alias(const struct walk *w, size_t i, struct statement_write *write)
{
    if (is_word(w, i, "AS"))
        i++;
    else if (!is_alias(w, i))
        return i;
    write->alias = i;
    return i + 1;
}

static void find_condition(const struct walk *w, size_t i, size_t end, struct statement_write *write)
{
    static const char *const behind[] = { "RETURNING", "ORDER", "LIMIT" };

    for (; i < end && !is_symbol(w, i, ';'); i = step(w, i)) {
        if (is_symbol(w, i - 1, '.'))
            continue; /* a column may be called so */
        if (is_any(w, i, behind, DW_COUNT_OF(behind)))
            break;
        if (!write->where && is_word(w, i, "WHERE"))
            write->where = i;
    }
    write->end = i < end ? i : end;
}

/* [OR REPLACE] before the table of INSERT and UPDATE. */
static size_t skip_conflict_word(const struct walk *w, size_t i)
{
    return is_word(w, i, "OR") ? i + 2 : i;
}

static size_t read_into(const struct walk *w, size_t i)
{
    return is_word(w, i, "INTO") ? i + 1 : i;
}

static int read_write(struct walk *w, size_t i, size_t end, enum statement_kind kind)
{
    struct statement_write write = { .kind = kind };
    bool is_returning = false;

    i = skip_conflict_word(w, i + 1);
    if (kind == STATEMENT_INSERT)
        i = read_into(w, i);
    else if (kind == STATEMENT_DELETE && is_word(w, i, "FROM"))
        i++;
    i = read_alias(w, read_target(w, i, &write), &write);
    if (i > end)
        return refuse(w, end, "the statement is cut off");
    if (kind != STATEMENT_INSERT)
        find_condition(w, i, end, &write);
    for (size_t k = i; k < end && !is_symbol(w, k, ';'); k = step(w, k)) {
        if (is_word(w, k, "DO") && is_word(w, k + 1, "UPDATE"))
            w->shape->is_upsert = true;
        is_returning = is_returning || is_word(w, k, "RETURNING");
    }
    if (w->depth == 1)
        w->shape->is_returning = is_returning;
    if (w->depth == 1 || w->shape->write.kind == STATEMENT_SELECT)
        w->shape->write = write;
    w->shape->writes = true;
    return 0;
}

/* ---- WITH, and what follows ---- */

static int read_query(struct walk *w, size_t i, size_t end);

/* name [(columns)] AS [NOT] [MATERIALIZED] ( query ), ...: *i is moved behind the last one. */
static int read_with(struct walk *w, size_t *i, size_t end)
{
    int rc;

    for (*i += is_word(w, *i + 1, "RECURSIVE") ? 2 : 1;; (*i)++) {
        while (*i < end && !is_word(w, *i, "AS"))
            *i = step(w, *i);
        while (*i < end && !is_symbol(w, *i, '('))
            (*i)++;
        if (*i >= end)
            return refuse(w, end, "WITH name AS (..) is cut off");
        rc = read_query(w, *i + 1, token_at(w, *i)->partner);
        if (rc < 0)
            return rc;
        *i = step(w, *i);
        if (!is_symbol(w, *i, ','))
            return 0;
    }
}

static enum statement_kind kind_at(const struct walk *w, size_t i)
{
    static const struct {
        const char *word;
        enum statement_kind kind;
    } kinds[] = {
        { "SELECT", STATEMENT_SELECT },  { "VALUES", STATEMENT_SELECT }, { "INSERT", STATEMENT_INSERT },
        { "REPLACE", STATEMENT_INSERT }, { "UPDATE", STATEMENT_UPDATE }, { "DELETE", STATEMENT_DELETE },
    };

    for (size_t k = 0; k < DW_COUNT_OF(kinds); k++) {
        if (is_word(w, i, kinds[k].word))
            return kinds[k].kind;
    }
    return is_symbol(w, i, '(') ? STATEMENT_SELECT : STATEMENT_OTHER;
}

/* Tokens i .. end are a query: the statement, or what stands in the parentheses of a WITH. */
static int read_query(struct walk *w, size_t i, size_t end)
{
    enum statement_kind kind;
    int rc = 0;

    if (++w->depth > DEEPEST)
        return refuse(w, i, "WITH stands in WITH too often");
    if (is_word(w, i, "WITH"))
        rc = read_with(w, &i, end);
    kind = kind_at(w, i);
    if (w->depth == 1)
        w->shape->kind = kind;
    if (rc == 0 && kind != STATEMENT_SELECT && kind != STATEMENT_OTHER) {
        if (w->depth > 1)
            w->shape->inner_write = i;
        rc = read_write(w, i, end, kind);
    } else if (kind == STATEMENT_OTHER) {
        w->shape->writes = true; /* who knows */
    }
    w->depth--;
    return rc;
}

/* Where no WITH introduces it, a write in parentheses is none that an engine takes; seen all the same. */
int statement_shape_read(struct statement_shape *out, const struct tokens *tokens, struct buf *why)
{
    struct walk w = { .tokens = tokens, .shape = out, .why = why };

    *out = (struct statement_shape){ 0 };
    if (tokens->n == 0)
        return refuse(&w, 0, "there is no statement");
    return read_query(&w, 0, tokens->n);
}
