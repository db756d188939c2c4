#include "db/statement.h"

#include "db/statement_judge.h"
#include "db/statement_shape.h"

/* libpq counts parameters in 16 bits. */
enum { MOST_VALUES = 65535 };

/* Text that is put in before the token at `before`, or behind it. */
struct insertion {
    size_t token;
    bool is_behind;
    const char *text;
};

struct reading {
    const struct statement_rules *rules;
    struct arena *arena;
    struct buf *why;
    struct tokens tokens;
    struct statement_shape shape;
    struct statement *statement;
    struct insertion insertions[3]; /* an UPDATE's: the schema, and the tenant around what WHERE says */
    size_t insertions_n;
    struct buf text;
};

static int refuse(const struct reading *r, size_t i, const char *sentence)
{
    return token_refuse(r->why, r->tokens.sql, tokens_at(&r->tokens, i), "%s", sentence);
}

/* ---- what an engine takes once ---- */

static int check_single(const struct reading *r)
{
    for (size_t i = 0; i + 1 < r->tokens.n; i++) {
        if (token_is_symbol(tokens_at(&r->tokens, i), ';') &&
            !token_is_symbol(tokens_at(&r->tokens, i + 1), ';'))
            return refuse(
                r, i + 1,
                "this is a second statement; run one at a time, in a transaction if they belong together");
    }
    return 0;
}

static int check_engine(const struct reading *r)
{
    if (r->rules->engine == DB_SQLITE && r->shape.inner_write)
        return refuse(
            r, r->shape.inner_write,
            "SQLite changes nothing inside WITH; run it as a statement of its own in the same transaction");
    return 0;
}

/* ---- the target of a write ---- */

static int find_target(struct reading *r)
{
    const struct statement_write *write = &r->shape.write;
    struct statement *s = r->statement;

    if (write->kind == STATEMENT_SELECT || r->rules->is_migration)
        return 0;
    if (!token_is_name(tokens_at(&r->tokens, write->target)))
        return refuse(r, write->target, "the name of a table belongs here, without quotes or in \"..\"");
    s->target = token_name(r->arena, &r->tokens, tokens_at(&r->tokens, write->target));
    if (!s->target)
        return DW_ENOMEM;
    s->target_has_wall = r->rules->has_wall && r->rules->has_wall(str_from(s->target), r->rules->ud);
    return 0;
}

static void insert(struct reading *r, size_t token, bool is_behind, const char *text)
{
    r->insertions[r->insertions_n++] = (struct insertion){ token, is_behind, text };
}

/* The tenant stands in front of what WHERE says, so that the engine seeks by (tenant_id, ..) instead of asking the
 * trigger about every row. The wall itself is the trigger. */
static int add_condition(struct reading *r)
{
    const struct statement_write *write = &r->shape.write;
    const struct str name = tokens_at(&r->tokens, write->alias ? write->alias : write->target)->text;
    const char *schema = write->alias ? "" : "main.", *text;

    if (write->where)
        text = arena_format(r->arena, " %s%.*s.tenant_id = dw_tenant() AND (", schema, STR_ARG(name));
    else
        text = arena_format(r->arena, " WHERE %s%.*s.tenant_id = dw_tenant()", schema, STR_ARG(name));
    if (!text)
        return DW_ENOMEM;
    insert(r, write->where ? write->where : write->end - 1, true, text);
    if (write->where)
        insert(r, write->end - 1, true, ")");
    return 0;
}

/* On a guarded connection of SQLite the table's name means a view, which nothing can be written to: the write is sent to
 * the table, where triggers wait. */
static int guard(struct reading *r)
{
    const struct statement_write *write = &r->shape.write;

    if (r->rules->engine != DB_SQLITE || !r->rules->is_guarded || !r->statement->target_has_wall)
        return 0;
    for (size_t i = 0; i < write->target; i++) {
        if (token_is(tokens_at(&r->tokens, i), "OR") || token_is(tokens_at(&r->tokens, i), "REPLACE"))
            return refuse(
                r, i, "this passes over rows of other tenants; write INSERT .. ON CONFLICT (key) DO UPDATE");
    }
    if (write->alias && !token_is_name(tokens_at(&r->tokens, write->alias)))
        return refuse(r, write->alias, "an alias stands without quotes or in \"..\"");
    if (!write->schema)
        insert(r, write->target, false, "main.");
    return write->kind == STATEMENT_INSERT ? 0 : add_condition(r);
}

/* Where PostgreSQL understands it as it is. */
static void complete(struct reading *r)
{
    if (r->rules->engine == DB_SQLITE && r->shape.write.conflict)
        insert(r, r->shape.write.conflict, false, "WHERE true ");
}

/* ---- parameters ---- */

static int name_parameter(const struct reading *r, size_t i, struct statement_parameter *out)
{
    static const struct {
        const char *name;
        enum statement_source source;
    } names[] = { { ":tenant", STATEMENT_TENANT }, { ":me", STATEMENT_ME }, { ":now", STATEMENT_NOW } };

    for (size_t k = 0; k < DW_COUNT_OF(names); k++) {
        if (str_equal(tokens_at(&r->tokens, i)->text, str_from(names[k].name))) {
            *out = (struct statement_parameter){ names[k].source, 0 };
            return 0;
        }
    }
    return refuse(r, i, "by themselves come :tenant, :me and :now; other values are $1, $2 and so on");
}

static int number_parameter(const struct reading *r, size_t i, struct statement_parameter *out)
{
    const struct str digits =
        str_make(tokens_at(&r->tokens, i)->text.p + 1, tokens_at(&r->tokens, i)->text.n - 1);
    uint64_t number;

    if (!str_to_uint(digits, MOST_VALUES, &number) || number == 0)
        return refuse(r, i, "values are numbered from $1 on");
    *out = (struct statement_parameter){ STATEMENT_VALUE, (unsigned)number - 1 };
    return 0;
}

/* The engine's number of a source, from 1; what comes again has the number it had. */
static size_t number_of(struct statement *s, struct statement_parameter p)
{
    size_t i = 0;

    while (i < s->parameters_n && (s->parameters[i].source != p.source || s->parameters[i].value != p.value))
        i++;
    if (i == s->parameters_n) {
        s->parameters[s->parameters_n++] = p;
        if (p.source == STATEMENT_VALUE && p.value >= s->values_n)
            s->values_n = p.value + 1;
    }
    return i + 1;
}

static int add_parameter(struct reading *r, size_t i)
{
    struct statement_parameter p = { STATEMENT_VALUE, 0 };
    int rc =
        tokens_at(&r->tokens, i)->kind == TOKEN_NAMED ? name_parameter(r, i, &p) : number_parameter(r, i, &p);

    if (rc < 0)
        return rc;
    buf_add_char(&r->text, r->rules->engine == DB_SQLITE ? '?' : '$');
    buf_add_uint(&r->text, number_of(r->statement, p));
    return 0;
}

/* A value that no $n asks for is a mistake, and PostgreSQL cannot know its type. */
static int check_gaps(const struct reading *r)
{
    const struct statement *s = r->statement;
    size_t given = 0;

    for (size_t i = 0; i < s->parameters_n; i++)
        given += s->parameters[i].source == STATEMENT_VALUE;
    if (given == s->values_n)
        return 0;
    for (unsigned value = 0; value < s->values_n; value++) {
        bool is_used = false;
        for (size_t i = 0; i < s->parameters_n && !is_used; i++)
            is_used = s->parameters[i].source == STATEMENT_VALUE && s->parameters[i].value == value;
        if (!is_used) {
            buf_add_format(r->why, "$%u is used nowhere, but $%zu is; number values from $1 without a gap",
                           value + 1, s->values_n);
            break;
        }
    }
    return DW_EMISUSE;
}

static int make_room_for_parameters(struct reading *r)
{
    size_t most = 0;

    for (size_t i = 0; i < r->tokens.n; i++)
        most += tokens_at(&r->tokens, i)->kind == TOKEN_PARAMETER ||
                tokens_at(&r->tokens, i)->kind == TOKEN_NAMED;
    r->statement->parameters = arena_alloc(r->arena, (most ? most : 1) * sizeof *r->statement->parameters);
    return r->statement->parameters ? 0 : DW_ENOMEM;
}

/* ---- the text for the engine ---- */

static void add_insertions(struct reading *r, size_t token, bool is_behind)
{
    for (size_t i = 0; i < r->insertions_n; i++) {
        if (r->insertions[i].token == token && r->insertions[i].is_behind == is_behind)
            buf_add_text(&r->text, r->insertions[i].text);
    }
}

/* Token by token, with the blanks and comments before each. */
static int write_text(struct reading *r)
{
    const struct str sql = r->tokens.sql;
    size_t at = 0;
    int rc = make_room_for_parameters(r);

    for (size_t i = 0; i < r->tokens.n && rc == 0; i++) {
        const struct token *t = tokens_at(&r->tokens, i);
        buf_add(&r->text, sql.p + at, t->offset - at);
        add_insertions(r, i, false);
        if (t->kind == TOKEN_PARAMETER || t->kind == TOKEN_NAMED)
            rc = add_parameter(r, i);
        else
            buf_add_str(&r->text, t->text);
        add_insertions(r, i, true);
        at = t->offset + t->text.n;
    }
    if (rc < 0)
        return rc;
    r->statement->text = buf_failed(&r->text) ? NULL : arena_copy(r->arena, buf_str(&r->text));
    return r->statement->text ? check_gaps(r) : DW_ENOMEM;
}

/* ---- all of it ---- */

static int judge(struct reading *r)
{
    int rc;

    if (r->rules->is_migration)
        return 0;
    rc = check_single(r);
    if (rc == 0 && r->rules->by == DB_BY_PLUGIN)
        rc = statement_judge(&r->tokens, &r->shape, r->arena, r->why);
    return rc < 0 ? rc : check_engine(r);
}

static int read_all(struct reading *r, const char *sql)
{
    int rc = tokens_read(&r->tokens, r->arena, str_from(sql), r->rules->engine, r->why);

    if (rc == 0)
        rc = statement_shape_read(&r->shape, &r->tokens, r->why);
    if (rc == 0)
        rc = judge(r);
    if (rc == 0)
        rc = find_target(r);
    if (rc == 0)
        rc = guard(r);
    if (rc == 0)
        complete(r);
    return rc < 0 ? rc : write_text(r);
}

int statement_read(struct statement **out, struct arena *arena, const char *sql,
                   const struct statement_rules *rules, struct buf *why)
{
    struct reading r = { .rules = rules, .arena = arena, .why = why, .text = BUF_INIT };
    int rc;

    *out = NULL;
    r.statement = arena_calloc(arena, sizeof *r.statement);
    if (!r.statement)
        return DW_ENOMEM;
    rc = read_all(&r, sql);
    buf_finish(&r.text);
    if (rc < 0)
        return rc;
    r.statement->kind = r.shape.kind;
    r.statement->writes = r.shape.writes;
    r.statement->is_upsert = r.shape.is_upsert;
    r.statement->is_returning = r.shape.is_returning;
    *out = r.statement;
    return 0;
}
