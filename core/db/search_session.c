/* db_search(): the plugin's SELECT, judged as its own, behind what the core finds for it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "db/driver.h"
#include "db/search.h"
#include "db/statements.h"

/* Before anything stands in front of it. */
static int judge_select(struct db_session *s, const dw_value *sql)
{
    struct remembered *remembered = NULL;
    int rc = session_find_statement(s, &remembered, DB_BY_PLUGIN, sql);

    if (!sql || !remembered)
        return rc;
    const struct statement *st = remembered_statement(remembered);
    bool is_select = st->kind == STATEMENT_SELECT && !st->writes;
    size_t values_n = st->values_n;
    remembered_drop(remembered);
    const char *text = sql->as.p;
    text += strspn(text, " \t\r\n");
    if (!is_select || strncasecmp(text, "SELECT", 6) != 0)
        return session_fail(
            s, DW_EMISUSE, "",
            "a search runs a statement that begins with SELECT; what it found is the table found: SELECT "
            "c.id FROM found f JOIN cases c ON c.id = f.id ORDER BY f.place");
    return values_n < INT32_MAX ? (int)values_n : DW_EMISUSE;
}

static int check(struct db_session *s, const char *table, struct str typed)
{
    if (!table || !search_is_name(str_from(table)))
        return session_fail(s, DW_EMISUSE, "", "a search is in a tenant table with a line -- search-table");
    if (s->who.is_system)
        return session_fail(s, DW_EMISUSE, "", "a search is one tenant's: use dw_call_as_tenant() for each");
    if (!str_is_utf8(typed))
        return session_fail(s, DW_EINVALID, "", "what is searched for is not UTF-8");
    return 0;
}

/* What the engine says of it names tables that a plugin never heard of. */
static int explain(struct db_session *s, int rc, const char *table)
{
    const char *text = db_error_of(s)->text;

    if (rc != DW_EMISUSE || (!strstr(text, "dowel_search_") && !strstr(text, "dowel_words_")))
        return rc;
    return session_fail(s, rc, "",
                        "%s has no index of words: write -- search-table: %s (column, ..) into a migration",
                        table, table);
}

/* The question is a value more, behind the plugin's own. */
static int run(struct db_session *s, struct db_rows **out, const char *sql, dw_list given,
               const struct buf *question)
{
    dw_value *values = calloc(given.n + 1, sizeof(*values));

    if (!values)
        return session_fail(s, DW_ENOMEM, "", "memory is out");
    memcpy(values, given.v, given.n * sizeof(*values));
    values[0] = DW(sql);
    values[given.n] = DW(((dw_str){ question->p, question->n }));
    int rc = db_query(s, out, DB_BY_CORE, (dw_list){ values, given.n + 1 });
    free(values);
    return rc;
}

int db_search(struct db_session *s, struct db_rows **out, const char *table, struct str typed,
              dw_list select_and_values)
{
    struct buf question = BUF_INIT, sql = BUF_INIT;

    *out = NULL;
    DW_TRY(check(s, table, typed));
    int values_n = judge_select(s, select_and_values.n > 0 ? select_and_values.v : NULL);
    if (values_n < 0)
        return values_n;
    if ((size_t)values_n != select_and_values.n - 1)
        return session_fail(s, DW_EMISUSE, "", "the SELECT has %d values, and %zu are given", values_n,
                            select_and_values.n - 1);
    enum db_engine engine = s->db->driver->engine;
    search_write_question(&question, engine, typed);
    search_write_statement(&sql, engine, table, select_and_values.v[0].as.p, (size_t)values_n + 1);
    int rc = buf_failed(&question) || buf_failed(&sql)
                 ? session_fail(s, DW_ENOMEM, "", "memory is out")
                 : run(s, out, buf_text(&sql), select_and_values, &question);
    buf_finish(&question);
    buf_finish(&sql);
    return explain(s, rc, table);
}
