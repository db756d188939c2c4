#include "db/statement_judge.h"

struct court {
    const struct tokens *tokens;
    struct arena *arena;
    struct buf *why;
};

/* A word and the sentence that refuses it. */
struct refusal {
    const char *word, *sentence;
};

#define IN_MIGRATION   "tables are made and changed in migrations: put it into migrations/NNNN_name.sql"
#define BY_TRANSACTION "transactions are dw_tx_begin(c), dw_tx_commit(c) and dw_tx_rollback(c)"
#define BY_SERVER      "settings, maintenance and what other sessions see belong to the server; leave it out"
#define ONE_TABLE      "a plugin reaches its own tables only; leave it out"
#define NO_ROW_NUMBER \
    "rows have no number of the engine's here; read and order by a column of your own, like id"
#define NO_STATE \
    "this is about the connection, which other calls use as well; use RETURNING or a row of your own"
#define NO_SQL_IN_TEXT "this runs SQL that stands in a text; write the statement itself"

static int refuse(const struct court *c, size_t i, const char *sentence)
{
    return token_refuse(c->why, c->tokens->sql, tokens_at(c->tokens, i), "%s", sentence);
}

static const char *sentence_for(struct str name, const struct refusal *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_equal_nocase(name, str_from(list[i].word)))
            return list[i].sentence;
    }
    return NULL;
}

/* ---- statements ---- */

static const struct refusal statements[] = {
    { "BEGIN", BY_TRANSACTION },
    { "START", BY_TRANSACTION },
    { "COMMIT", BY_TRANSACTION },
    { "END", BY_TRANSACTION },
    { "ROLLBACK", BY_TRANSACTION },
    { "ABORT", BY_TRANSACTION },
    { "SAVEPOINT", BY_TRANSACTION },
    { "RELEASE", BY_TRANSACTION },
    { "CREATE", IN_MIGRATION },
    { "ALTER", IN_MIGRATION },
    { "DROP", IN_MIGRATION },
    { "TRUNCATE", "write DELETE FROM, which the tenant guard holds for" },
    { "REPLACE", "write INSERT .. ON CONFLICT (key) DO UPDATE SET .., which both engines know" },
    { "MERGE", "write INSERT .. ON CONFLICT (key) DO UPDATE SET .., which both engines know" },
    { "TABLE", "write SELECT .. FROM" },
    { "EXPLAIN", "ask for plans with the engine's own shell (sqlite3, psql)" },
    { "ATTACH", BY_SERVER },
    { "DETACH", BY_SERVER },
    { "PRAGMA", BY_SERVER },
    { "VACUUM", BY_SERVER },
    { "ANALYZE", BY_SERVER },
    { "REINDEX", BY_SERVER },
    { "SET", BY_SERVER },
    { "RESET", BY_SERVER },
    { "SHOW", BY_SERVER },
    { "LOCK", "write SELECT .. or UPDATE inside a transaction; there is one writer of a row at a time" },
    { "COPY", "write INSERT, many rows in one transaction" },
    { "GRANT", BY_SERVER },
    { "REVOKE", BY_SERVER },
    { "DO", "write the steps as statements of their own in a transaction" },
    { "CALL", "write the steps as statements of their own in a transaction" },
    { "PREPARE", "statements are prepared and remembered by the server; leave it out" },
    { "EXECUTE", "statements are prepared and remembered by the server; leave it out" },
    { "DEALLOCATE", "statements are prepared and remembered by the server; leave it out" },
    { "DECLARE", "rows are read one by one with dw_rows_next(); leave the cursor out" },
    { "FETCH", "rows are read one by one with dw_rows_next(); leave the cursor out" },
    { "LISTEN", "use events: dw_event_emit() and a subscription" },
    { "UNLISTEN", "use events: dw_event_emit() and a subscription" },
    { "NOTIFY", "use events: dw_event_emit() and a subscription" },
};

static int judge_statement(const struct court *c, const struct statement_shape *shape)
{
    const struct token *first = tokens_at(c->tokens, 0);
    const char *sentence = sentence_for(first->text, statements, DW_COUNT_OF(statements));

    if (first->kind == TOKEN_WORD && sentence)
        return refuse(c, 0, sentence);
    if (shape->kind == STATEMENT_OTHER)
        return refuse(c, 0, "a statement begins with SELECT, INSERT, UPDATE, DELETE or WITH");
    return 0;
}

/* ---- names ---- */

/* Whatever the name is used for: to tell a table from a column would be a guess about the engine's grammar. */
const char *sql_name_refused(struct str name)
{
    static const struct refusal beginnings[] = {
        { "dowel_", "names that begin with dowel_ are the server's; use its functions (jobs, events), or "
                    "another name" },
        { "sqlite_", "names that begin with sqlite_ are SQLite's own; use another name" },
        { "pg_", "names that begin with pg_ are PostgreSQL's own; use another name" },
        { "pragma_", "names that begin with pragma_ are SQLite's own; use another name" },
        { "information_schema",
          "the catalog is the server's; a plugin knows its tables from its migrations" },
        { "dbstat", ONE_TABLE },
    };

    for (size_t i = 0; i < DW_COUNT_OF(beginnings); i++) {
        const size_t n = strlen(beginnings[i].word);
        if (name.n >= n && str_equal_nocase(str_make(name.p, n), str_from(beginnings[i].word)))
            return beginnings[i].sentence;
    }
    return NULL;
}

const char *sql_column_refused(struct str name)
{
    static const struct refusal columns[] = {
        { "rowid", NO_ROW_NUMBER }, { "_rowid_", NO_ROW_NUMBER }, { "oid", NO_ROW_NUMBER },
        { "ctid", NO_ROW_NUMBER },  { "xmin", NO_ROW_NUMBER },    { "xmax", NO_ROW_NUMBER },
        { "cmin", NO_ROW_NUMBER },  { "cmax", NO_ROW_NUMBER },    { "tableoid", NO_ROW_NUMBER },
    };

    return sentence_for(name, columns, DW_COUNT_OF(columns));
}

static const struct refusal functions[] = {
    { "set_config", BY_SERVER },
    { "current_setting", "the tenant is :tenant, who acts is :me" },
    { "load_extension", BY_SERVER },
    { "fts3_tokenizer", BY_SERVER },
    { "readfile", BY_SERVER },
    { "writefile", BY_SERVER },
    { "edit", BY_SERVER },
    { "txid_current", BY_SERVER },
    { "inet_server_addr", BY_SERVER },
    { "inet_server_port", BY_SERVER },
    { "inet_client_addr", BY_SERVER },
    { "inet_client_port", BY_SERVER },
    { "last_insert_rowid", NO_STATE },
    { "changes", NO_STATE },
    { "total_changes", NO_STATE },
    { "lastval", NO_STATE },
    { "currval", NO_STATE },
    { "setval", "counters of all tenants are one; keep a counter in a row of your own" },
    { "nextval", "counters of all tenants are one; keep a counter in a row of your own, or take dw_id(c)" },
    { "query_to_xml", NO_SQL_IN_TEXT },
    { "query_to_xmlschema", NO_SQL_IN_TEXT },
    { "query_to_xml_and_xmlschema", NO_SQL_IN_TEXT },
    { "cursor_to_xml", NO_SQL_IN_TEXT },
    { "cursor_to_xmlschema", NO_SQL_IN_TEXT },
    { "table_to_xml", NO_SQL_IN_TEXT },
    { "table_to_xmlschema", NO_SQL_IN_TEXT },
    { "table_to_xml_and_xmlschema", NO_SQL_IN_TEXT },
    { "schema_to_xml", NO_SQL_IN_TEXT },
    { "schema_to_xmlschema", NO_SQL_IN_TEXT },
    { "schema_to_xml_and_xmlschema", NO_SQL_IN_TEXT },
    { "database_to_xml", NO_SQL_IN_TEXT },
    { "database_to_xmlschema", NO_SQL_IN_TEXT },
    { "database_to_xml_and_xmlschema", NO_SQL_IN_TEXT },
    { "ts_stat", NO_SQL_IN_TEXT },
    { "ts_rewrite", NO_SQL_IN_TEXT },
    { "crosstab", NO_SQL_IN_TEXT },
    { "connectby", NO_SQL_IN_TEXT },
    { "xpath_table", NO_SQL_IN_TEXT },
};

static const char *function_refused(struct str name)
{
    static const struct refusal families[] = {
        { "dw_", "functions that begin with dw_ are the server's; leave it out" },
        { "lo_", "large objects have no tenant; keep bytes in a BLOB column" },
        { "dblink", BY_SERVER },
    };

    for (size_t i = 0; i < DW_COUNT_OF(families); i++) {
        if (str_starts_with(name, str_from(families[i].word)))
            return families[i].sentence;
    }
    return sentence_for(name, functions, DW_COUNT_OF(functions));
}

static int judge_name(const struct court *c, size_t i)
{
    const char *name = token_name(c->arena, c->tokens, tokens_at(c->tokens, i)), *sentence;

    if (!name)
        return DW_ENOMEM;
    sentence = sql_name_refused(str_from(name));
    if (!sentence)
        sentence = sql_column_refused(str_from(name));
    if (!sentence && tokens_is_symbol(c->tokens, i + 1, '('))
        sentence = function_refused(str_from(name));
    return sentence ? refuse(c, i, sentence) : 0;
}

/* a.b and what it must not be; `i` is the dot. A number's dot is part of the number. */
static int judge_dot(const struct court *c, size_t i)
{
    static const char *const schemas[] = { "main", "temp", "public" };
    const struct token *before = tokens_at(c->tokens, i - 1), *after = tokens_at(c->tokens, i + 1);
    const char *name;

    if (before->kind == TOKEN_STRING || after->kind == TOKEN_STRING)
        return refuse(c, i, "a name stands in \"..\", text in '..'");
    if (!token_is_name(before))
        return 0; /* (row).column */
    if (tokens_is_symbol(c->tokens, i + 2, '.'))
        return refuse(c, i - 1, "a column's name has two parts, table.column, or one; leave the schema out");
    if (token_is_name(after) && tokens_is_symbol(c->tokens, i + 2, '('))
        return refuse(c, i - 1, "a function has no schema here; leave it out");
    name = token_name(c->arena, c->tokens, before);
    if (!name)
        return DW_ENOMEM;
    for (size_t k = 0; k < DW_COUNT_OF(schemas); k++) {
        if (strcmp(name, schemas[k]) == 0)
            return token_refuse(
                c->why, c->tokens->sql, before,
                "%s names a schema, and a plugin's tables have none: write %.*s alone (if it is an "
                "alias, call it otherwise)",
                name, STR_ARG(after->text));
    }
    return 0;
}

/* ---- words ---- */

static int judge_word(const struct court *c, size_t i)
{
    if ((tokens_is(c->tokens, i, "INSERT") || tokens_is(c->tokens, i, "UPDATE")) &&
        tokens_is(c->tokens, i + 1, "OR"))
        return refuse(c, i + 2,
                      "OR REPLACE, OR IGNORE and their like pass over rows of others; write INSERT .. ON "
                      "CONFLICT (key) "
                      "DO UPDATE SET .. or DO NOTHING");
    if (tokens_is(c->tokens, i, "INTO") && !tokens_is(c->tokens, i - 1, "INSERT"))
        return refuse(c, i, "SELECT INTO makes a table; " IN_MIGRATION);
    if (tokens_is(c->tokens, i, "TABLE") && !tokens_is_symbol(c->tokens, i - 1, '.'))
        return refuse(c, i, "write SELECT .. FROM");
    return 0;
}

static int judge_token(const struct court *c, size_t i)
{
    const struct token *t = tokens_at(c->tokens, i);
    int rc = 0;

    if (token_is_name(t))
        rc = judge_name(c, i);
    if (rc == 0 && t->kind == TOKEN_WORD)
        rc = judge_word(c, i);
    if (rc == 0 && token_is_symbol(t, '.'))
        rc = judge_dot(c, i);
    return rc;
}

/* ---- all of it ---- */

int statement_judge(const struct tokens *tokens, const struct statement_shape *shape, struct arena *arena,
                    struct buf *why)
{
    const struct court c = { tokens, arena, why };
    int rc = judge_statement(&c, shape);

    for (size_t i = 0; i < tokens->n && rc == 0; i++)
        rc = judge_token(&c, i);
    return rc < 0 ? rc : statement_judge_places(tokens, arena, why);
}
