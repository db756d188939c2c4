#include "db/lint.h"

#include "db/lint_steps.h"
#include "db/statement_judge.h"

enum { LONGEST_NAME = 63 }; /* PostgreSQL cuts off the rest */

/* ---- findings ---- */

static bool make_room(struct linting *l)
{
    const size_t room = l->out->room ? 2 * l->out->room : 8;
    struct lint_finding *findings;

    if (l->out->n < l->out->room)
        return true;
    findings = arena_alloc(l->arena, room * sizeof *findings);
    if (!findings) {
        l->no_memory = true;
        return false;
    }
    if (l->out->n)
        memcpy(findings, l->out->findings, l->out->n * sizeof *findings);
    l->out->findings = findings;
    l->out->room = room;
    return true;
}

static void add(struct linting *l, size_t offset, const char *hint, const char *format, va_list args)
{
    struct buf text = BUF_INIT;
    struct lint_finding finding = { .line = token_place(l->tokens.sql, offset).line, .hint = hint };

    buf_add_format_list(&text, format, args);
    finding.text = buf_failed(&text) ? NULL : arena_copy(l->arena, buf_str(&text));
    buf_finish(&text);
    if (!finding.text)
        l->no_memory = true;
    else if (make_room(l))
        l->out->findings[l->out->n++] = finding;
}

void lint_add_at(struct linting *l, size_t offset, const char *hint, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(l, offset, hint, format, args);
    va_end(args);
}

void lint_add(struct linting *l, size_t token, const char *hint, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(l, tokens_at(&l->tokens, token)->offset, hint, format, args);
    va_end(args);
}

static void sort_findings(struct lint *out)
{
    for (size_t i = 1; i < out->n; i++) {
        struct lint_finding finding = out->findings[i];
        size_t k = i;
        for (; k > 0 && out->findings[k - 1].line > finding.line; k--)
            out->findings[k] = out->findings[k - 1];
        out->findings[k] = finding;
    }
}

/* ---- tokens and tables ---- */

const char *lint_name(struct linting *l, size_t i)
{
    const char *name = token_name(l->arena, &l->tokens, tokens_at(&l->tokens, i));

    l->no_memory = l->no_memory || !name;
    return name ? name : "";
}

struct lint_table *lint_find_table(const struct linting *l, const char *name)
{
    for (size_t i = 0; i < l->tables_n; i++) {
        if (strcmp(l->tables[i].name, name) == 0)
            return &l->tables[i];
    }
    return NULL;
}

bool lint_is_tenant_table(const struct linting *l, const char *name)
{
    const struct lint_table *made = lint_find_table(l, name);

    if (made)
        return made->is_tenant;
    return l->rules->has_wall && l->rules->has_wall(str_from(name), l->rules->ud);
}

/* Arrays as long as the migration has statements: nothing has to grow. */
static bool learn_tables(struct linting *l)
{
    struct ddl_statement s;
    size_t n = 1;

    for (size_t at = 0; ddl_next(&l->tokens, &at, &s);)
        n++;
    l->tables = arena_alloc(l->arena, n * sizeof *l->tables);
    l->out->tenant_tables = arena_alloc(l->arena, n * sizeof *l->out->tenant_tables);
    l->out->dropped_tables = arena_alloc(l->arena, n * sizeof *l->out->dropped_tables);
    if (!l->tables || !l->out->tenant_tables || !l->out->dropped_tables)
        return false;
    for (size_t at = 0; ddl_next(&l->tokens, &at, &s);) {
        if (s.kind == DDL_CREATE_TABLE && s.name)
            l->tables[l->tables_n++] = (struct lint_table){ .name = lint_name(l, s.name) };
        else if (s.kind == DDL_DROP_TABLE && s.name)
            l->out->dropped_tables[l->out->dropped_tables_n++] = lint_name(l, s.name);
    }
    return true;
}

/* ---- comments that mean something ---- */

static void read_tenant_table(struct linting *l, struct str name, size_t offset)
{
    const char *text = arena_copy(l->arena, name);
    struct lint_table *table;

    if (!text) {
        l->no_memory = true;
        return;
    }
    table = lint_find_table(l, text);
    if (!table)
        lint_add_at(l, offset, "name one table that this migration makes, as it is written in CREATE TABLE",
                    "there is no CREATE TABLE %s in this migration", text);
    else if (!table->is_tenant)
        l->out->tenant_tables[l->out->tenant_tables_n++] = table->name;
    if (table)
        table->is_tenant = true;
}

static void read_comment(struct linting *l, const struct token *t)
{
    static const struct str tenant_table = STR("tenant-table:"), offline = STR("migrate:offline");
    struct str text = t->text;

    if (!str_starts_with(text, STR_OF("--")))
        return;
    if (str_ends_with(text, STR_OF("\r")))
        text.n--;
    text = str_trim(str_make(text.p + 2, text.n - 2));
    if (str_starts_with(text, tenant_table))
        read_tenant_table(l, str_trim(str_make(text.p + tenant_table.n, text.n - tenant_table.n)), t->offset);
    else if (str_equal(text, offline))
        l->out->is_offline = true;
}

static void read_comments(struct linting *l)
{
    struct token_reader r;
    struct token t;

    token_reader_init(&r, l->tokens.sql, l->tokens.engine);
    for (t = token_next(&r); t.kind != TOKEN_END; t = token_next(&r)) {
        if (t.kind == TOKEN_COMMENT)
            read_comment(l, &t);
    }
}

/* ---- what a migration is made of ---- */

static void check_kind(struct linting *l, const struct ddl_statement *s)
{
    static const char *const transactions[] = { "BEGIN", "START",     "COMMIT",  "END",
                                                "ABORT", "SAVEPOINT", "RELEASE", "ROLLBACK" };
    static const char *const data[] = { "INSERT", "UPDATE", "DELETE", "SELECT", "WITH" };
    const struct ddl_item all = { s->first, s->end };

    for (size_t i = 0; i < DW_COUNT_OF(transactions); i++) {
        if (tokens_is(&l->tokens, s->first, transactions[i])) {
            lint_add(l, s->first, "leave it out: each migration is one transaction",
                     "%s inside a migration would leave half of it behind", transactions[i]);
            return;
        }
    }
    if (l->is_core)
        return;
    if (s->kind == DDL_CREATE_TABLE && !tokens_is(&l->tokens, s->first + 1, "TABLE"))
        lint_add(l, s->first, "write CREATE TABLE", "a table of one connection is gone with it");
    else if (s->kind == DDL_CREATE_TABLE && s->name && !s->body)
        lint_add(l, s->first, "write the columns, then INSERT INTO .. SELECT",
                 "a table is made without its columns");
    if (s->kind != DDL_OTHER)
        return;
    for (size_t i = 0; i < DW_COUNT_OF(data); i++) {
        if (tokens_is(&l->tokens, s->first, data[i]))
            return;
    }
    if (!ddl_begins(&l->tokens, all, "CREATE VIRTUAL TABLE"))
        lint_add(
            l, s->first, "views, triggers and functions see all tenants; put what they do into the plugin",
            "a migration makes, changes and drops tables and indexes, and changes rows; this is neither");
}

/* ---- tables that come from others, and leave their wall there ---- */

/* SELECT .. INTO makes a table, as INSERT INTO does not. */
static void check_select_into(struct linting *l, const struct ddl_statement *s)
{
    if (!tokens_is(&l->tokens, s->first, "SELECT") && !tokens_is(&l->tokens, s->first, "WITH"))
        return;
    for (size_t i = s->first + 1; i < s->end; i++) {
        if (tokens_is(&l->tokens, i, "INTO") && !tokens_is(&l->tokens, i - 1, "INSERT") &&
            !tokens_is(&l->tokens, i - 2, "OR"))
            lint_add(l, i, "write CREATE TABLE with its columns, then INSERT INTO .. SELECT",
                     "SELECT .. INTO makes a table without its columns");
    }
}

static void check_sources(struct linting *l, const struct ddl_statement *s)
{
    const size_t end = s->body ? tokens_at(&l->tokens, s->body)->partner : 0;
    struct ddl_item item;

    if (s->kind != DDL_CREATE_TABLE || !s->body)
        return;
    for (size_t at = s->body + 1; ddl_item_next(&l->tokens, &at, end, &item);) {
        if (tokens_is(&l->tokens, item.first, "LIKE"))
            lint_add(l, item.first, "write the columns", "the table has the columns of another table");
    }
    if (tokens_is(&l->tokens, end + 1, "INHERITS"))
        lint_add(l, end + 1, "write the columns; to read both tables write UNION ALL",
                 "with INHERITS, rows of another table are read past its wall");
}

/* Words that no statement of a migration may have. */
static void check_words(struct linting *l, const struct ddl_statement *s)
{
    const bool is_table = s->kind == DDL_CREATE_TABLE || s->kind == DDL_ALTER_TABLE;

    for (size_t i = s->first; i < s->end; i++) {
        if ((tokens_is(&l->tokens, i, "DEFERRABLE") && !tokens_is(&l->tokens, i - 1, "NOT")) ||
            (tokens_is(&l->tokens, i, "DEFERRED") && tokens_is(&l->tokens, i - 1, "INITIALLY") &&
             !tokens_is(&l->tokens, i - 2, "DEFERRABLE")))
            lint_add(l, i, "leave it out, and insert the row that is pointed to first",
                     "a deferred constraint fails the commit, and with it the transactions that share it");
        else if (tokens_is(&l->tokens, i, "CONCURRENTLY"))
            lint_add(l, i, "leave it out: a migration is one transaction",
                     "an index cannot be made CONCURRENTLY inside a transaction");
        else if (is_table && tokens_is(&l->tokens, i, "ON") && tokens_is(&l->tokens, i + 1, "CONFLICT"))
            lint_add(l, i, "write ON CONFLICT in the INSERT",
                     "ON CONFLICT in a table replaces rows behind everybody's back");
        else if (is_table && l->rules->engine == DB_SQLITE && tokens_is(&l->tokens, i, "CURRENT_TIMESTAMP"))
            lint_add(l, i, "leave the DEFAULT out, and give :now in the INSERT",
                     "SQLite's CURRENT_TIMESTAMP is not a TIMESTAMPTZ: it has neither fractions nor a zone");
    }
}

/* ---- names ---- */

static bool is_own(const struct linting *l, const char *name)
{
    const struct str owner = l->is_core ? STR_OF("dowel") : l->rules->owner, full = str_from(name);

    if (!str_starts_with(full, owner))
        return false;
    return full.n == owner.n ? !l->is_core : full.p[owner.n] == '_';
}

static bool is_plain(const char *name)
{
    if (!*name || strlen(name) > LONGEST_NAME)
        return false;
    for (; *name; name++) {
        if (!(*name >= 'a' && *name <= 'z') && !(*name >= '0' && *name <= '9') && *name != '_')
            return false;
    }
    return true;
}

static void check_own(struct linting *l, size_t i, const char *what)
{
    const char *name = lint_name(l, i);

    if (tokens_is_symbol(&l->tokens, i - 1, '.'))
        lint_add(l, i, "write the name alone", "the %s %s is given with a schema", what, name);
    if (!is_plain(name))
        lint_add(l, i, "write small letters, digits and _, at most 63",
                 "the %s %s cannot be called so on both engines", what, name);
    else if (!is_own(l, name) && l->is_core)
        lint_add(l, i, "call it dowel_..", "the %s %s is not the server's", what, name);
    else if (!is_own(l, name))
        lint_add(l, i, "begin the names of tables and indexes with the plugin's name and _",
                 "the %s %s does not belong to %.*s", what, name, STR_ARG(l->rules->owner));
}

static void check_column_name(struct linting *l, size_t i)
{
    if (token_is_name(tokens_at(&l->tokens, i)) && sql_column_refused(str_from(lint_name(l, i))))
        lint_add(l, i, "give the column another name", "an engine has a column %s of its own",
                 lint_name(l, i));
}

static void check_column_names(struct linting *l, const struct ddl_statement *s)
{
    const size_t end = s->body ? tokens_at(&l->tokens, s->body)->partner : 0;
    struct ddl_item item;
    struct ddl_column column;

    if (s->kind == DDL_CREATE_TABLE) {
        for (size_t at = s->body + 1; s->body && ddl_item_next(&l->tokens, &at, end, &item);) {
            if (!ddl_is_constraint(&l->tokens, item))
                check_column_name(l, item.first);
        }
    } else if (s->kind == DDL_ALTER_TABLE) {
        for (size_t at = s->body; s->body && ddl_item_next(&l->tokens, &at, s->end, &item);) {
            if (ddl_adds_column(&l->tokens, item, &column))
                check_column_name(l, column.name);
        }
    }
}

static void check_names(struct linting *l, const struct ddl_statement *s)
{
    const bool is_index = s->kind == DDL_CREATE_INDEX || s->kind == DDL_DROP_INDEX;
    const char *sentence;

    if (s->kind != DDL_OTHER && !s->name)
        lint_add(l, s->first, "write the name behind CREATE, ALTER or DROP ..",
                 "this has no name that can be read");
    else if (s->kind != DDL_OTHER)
        check_own(l, s->name, is_index ? "index" : "table");
    if (s->kind == DDL_CREATE_INDEX && s->table)
        check_own(l, s->table, "table");
    check_column_names(l, s);
    for (size_t i = s->first; i < s->end && !l->is_core; i++) {
        if (!token_is_name(tokens_at(&l->tokens, i)) || i == s->name || i == s->table)
            continue;
        sentence = sql_name_refused(str_from(lint_name(l, i)));
        if (sentence)
            lint_add(l, i, sentence, "%s is not a plugin's to name", lint_name(l, i));
    }
}

/* ---- all of it ---- */

static void lint_statement(struct linting *l, const struct ddl_statement *s)
{
    check_kind(l, s);
    check_select_into(l, s);
    check_sources(l, s);
    check_words(l, s);
    check_names(l, s);
    if (!s->table)
        return;
    if (s->kind == DDL_CREATE_TABLE)
        lint_tenant_table(l, s);
    else if (s->kind == DDL_ALTER_TABLE)
        lint_tenant_alter(l, s);
    else if (s->kind == DDL_CREATE_INDEX)
        lint_tenant_index(l, s);
    lint_running(l, s);
}

static int lint_unreadable(struct linting *l, struct buf *why)
{
    lint_add_at(l, l->tokens.wrong_at, "correct it; the engine would read it otherwise, or not at all", "%s",
                buf_text(why));
    return l->no_memory ? DW_ENOMEM : 0;
}

int lint_migration(struct lint *out, struct arena *arena, const struct lint_rules *rules, struct str up)
{
    struct linting l = { .out = out, .arena = arena, .rules = rules };
    struct buf why = BUF_INIT;
    struct ddl_statement s;
    int rc;

    *out = (struct lint){ .is_offline = rules->is_offline };
    l.is_core = str_equal(rules->owner, STR_OF("core"));
    rc = tokens_read(&l.tokens, arena, up, rules->engine, &why);
    if (rc == DW_EMISUSE)
        rc = lint_unreadable(&l, &why);
    buf_finish(&why);
    if (rc < 0 || out->n)
        return rc;
    if (!learn_tables(&l))
        return DW_ENOMEM;
    read_comments(&l);
    for (size_t at = 0; ddl_next(&l.tokens, &at, &s);)
        lint_statement(&l, &s);
    sort_findings(out);
    return l.no_memory ? DW_ENOMEM : 0;
}
