#include "db/statement_shape.h"

/* WITH inside WITH inside WITH: more is nobody's SQL. */
enum { DEEPEST = 32 };

struct walk {
    const struct tokens *tokens;
    struct statement_shape *shape;
    struct buf *why;
    unsigned depth;
};

static int refuse(const struct walk *w, size_t i, const char *what)
{
    return token_refuse(w->why, w->tokens->sql, tokens_at(w->tokens, i), "%s", what);
}

/* ---- INSERT, UPDATE, DELETE ---- */

/* The table's name at `i`, its schema before it. The index behind it. */
static size_t read_target(const struct walk *w, size_t i, struct statement_write *write)
{
    if (tokens_is(w->tokens, i, "ONLY"))
        i++;
    if (tokens_is_symbol(w->tokens, i + 1, '.')) {
        write->schema = i;
        i += 2;
    }
    write->target = i++;
    return tokens_is_symbol(w->tokens, i, '*') ? i + 1 : i;
}

/* What may stand where an alias without AS could. */
static bool is_alias(const struct walk *w, size_t i)
{
    static const char *const others[] = { "SET",     "WHERE",  "RETURNING", "ORDER", "LIMIT",
                                          "INDEXED", "NOT",    "USING",     "FROM",  "DEFAULT",
                                          "VALUES",  "SELECT", "WITH",      "ON",    "OVERRIDING" };

    return tokens_at(w->tokens, i)->kind == TOKEN_QUOTED ||
           (tokens_at(w->tokens, i)->kind == TOKEN_WORD &&
            !tokens_is_any(w->tokens, i, others, DW_COUNT_OF(others)));
}

static size_t read_alias(const struct walk *w, size_t i, struct statement_write *write)
{
    if (tokens_is(w->tokens, i, "AS"))
        i++;
    else if (!is_alias(w, i))
        return i;
    write->alias = i;
    return i + 1;
}

static void find_condition(const struct walk *w, size_t i, size_t end, struct statement_write *write)
{
    static const char *const behind[] = { "RETURNING", "ORDER", "LIMIT" };

    for (; i < end && !tokens_is_symbol(w->tokens, i, ';'); i = tokens_step(w->tokens, i)) {
        if (tokens_is_symbol(w->tokens, i - 1, '.'))
            continue; /* a column may be called so */
        if (tokens_is_any(w->tokens, i, behind, DW_COUNT_OF(behind)))
            break;
        if (!write->where && tokens_is(w->tokens, i, "WHERE"))
            write->where = i;
    }
    write->end = i < end ? i : end;
}

/* [OR REPLACE] before the table of INSERT and UPDATE. */
static size_t skip_conflict_word(const struct walk *w, size_t i)
{
    return tokens_is(w->tokens, i, "OR") ? i + 2 : i;
}

static size_t read_into(const struct walk *w, size_t i)
{
    return tokens_is(w->tokens, i, "INTO") ? i + 1 : i;
}

/* ON CONFLICT and RETURNING. */
static void read_rest(struct walk *w, size_t i, size_t end, struct statement_write *write, bool *is_returning)
{
    static const char *const behind[] = { "SELECT", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT" };
    bool is_behind_from = false;

    for (; i < end && !tokens_is_symbol(w->tokens, i, ';'); i = tokens_step(w->tokens, i)) {
        if (tokens_is(w->tokens, i, "FROM"))
            is_behind_from = write->kind == STATEMENT_INSERT;
        else if (tokens_is_any(w->tokens, i, behind, DW_COUNT_OF(behind)))
            is_behind_from = false;
        else if (is_behind_from && !write->conflict && tokens_is(w->tokens, i, "ON") &&
                 tokens_is(w->tokens, i + 1, "CONFLICT"))
            write->conflict = i;
        else if (tokens_is(w->tokens, i, "DO") && tokens_is(w->tokens, i + 1, "UPDATE"))
            w->shape->is_upsert = true;
        else if (tokens_is(w->tokens, i, "RETURNING"))
            *is_returning = true;
    }
}

static int read_write(struct walk *w, size_t i, size_t end, enum statement_kind kind)
{
    struct statement_write write = { .kind = kind };
    bool is_returning = false;

    i = skip_conflict_word(w, i + 1);
    if (kind == STATEMENT_INSERT)
        i = read_into(w, i);
    else if (kind == STATEMENT_DELETE && tokens_is(w->tokens, i, "FROM"))
        i++;
    i = read_alias(w, read_target(w, i, &write), &write);
    if (i > end)
        return refuse(w, end, "the statement is cut off");
    if (kind != STATEMENT_INSERT)
        find_condition(w, i, end, &write);
    read_rest(w, i, end, &write, &is_returning);
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

    for (*i += tokens_is(w->tokens, *i + 1, "RECURSIVE") ? 2 : 1;; (*i)++) {
        while (*i < end && !tokens_is(w->tokens, *i, "AS"))
            *i = tokens_step(w->tokens, *i);
        while (*i < end && !tokens_is_symbol(w->tokens, *i, '('))
            (*i)++;
        if (*i >= end)
            return refuse(w, end, "WITH name AS (..) is cut off");
        rc = read_query(w, *i + 1, tokens_at(w->tokens, *i)->partner);
        if (rc < 0)
            return rc;
        *i = tokens_step(w->tokens, *i);
        if (!tokens_is_symbol(w->tokens, *i, ','))
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
        if (tokens_is(w->tokens, i, kinds[k].word))
            return kinds[k].kind;
    }
    return tokens_is_symbol(w->tokens, i, '(') ? STATEMENT_SELECT : STATEMENT_OTHER;
}

/* Tokens i .. end are a query: the statement, or what stands in the parentheses of a WITH. */
static int read_query(struct walk *w, size_t i, size_t end)
{
    enum statement_kind kind;
    int rc = 0;

    if (++w->depth > DEEPEST)
        return refuse(w, i, "WITH stands in WITH too often");
    if (tokens_is(w->tokens, i, "WITH"))
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
