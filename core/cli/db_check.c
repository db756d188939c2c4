/* db_check.c - `dowel db check`: is the database sound, and does it fit what is installed? */
#include <stdio.h>
#include <string.h>

#include "cli/db.h"
#include "util/compiler.h"

enum { ROWS_TOLD_MAX = 20 };

struct examination {
    const struct db_view *view;
    struct db_session *session;
    json_t *findings; /* [{"level": "ok", "about": "integrity", "text": "..."}] */
    bool is_bad;
};

static void report(struct examination *e, bool is_good, const char *about, const char *format, ...)
    DW_PRINTF(4, 5);

static void report(struct examination *e, bool is_good, const char *about, const char *format, ...)
{
    struct buf text = BUF_INIT;
    va_list args;

    va_start(args, format);
    buf_add_format_list(&text, format, args);
    va_end(args);
    json_array_append_new(e->findings, json_pack("{s:s, s:s, s:s}", "level", is_good ? "ok" : "bad", "about",
                                                 about, "text", buf_text(&text)));
    e->is_bad |= !is_good;
    buf_finish(&text);
}

/* ---- the database itself ---- */

/* What the statement finds is wrong; the sentence around it is `before` and `after`. */
static const struct question {
    enum db_engine engine;
    bool of_migrations; /* there is nothing to ask before the first of them */
    const char *about, *sql, *before, *after, *good;
} questions[] = {
    { DB_SQLITE, false, "integrity",
      "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'", "",
      "; restore a backup", "the file is whole" },
    { DB_SQLITE, false, "references", "SELECT DISTINCT \"table\" FROM pragma_foreign_key_check",
      "rows of the table ", " refer to rows that are not there",
      "all references lead to rows that are there" },
    { DB_SQLITE, true, "tables",
      "SELECT name FROM dowel_tenant_tables t\n"
      " WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema s WHERE s.type = 'table' AND s.name = t.name)",
      "the table ", " is gone, which a migration made; restore a backup", "all tables of tenants are there" },
    { DB_POSTGRES, false, "indexes",
      "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid\n"
      " WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace",
      "the index ", " is not valid; make it again: REINDEX INDEX", "all indexes are valid" },
    { DB_POSTGRES, true, "walls",
      "SELECT t.name FROM dowel_tenant_tables t LEFT JOIN pg_class c ON c.oid = to_regclass(t.name)\n"
      " WHERE c.oid IS NULL OR NOT c.relrowsecurity OR NOT c.relforcerowsecurity",
      "the table ", " is gone, or has no wall between tenants any more; restore a backup",
      "all tables of tenants have their wall" },
};

static void ask(struct examination *e, const struct question *q)
{
    struct db_rows *rows;
    const char *found;
    int n = 0, rc = db_query(e->session, &rows, DB_BY_CORE, DW_LIST(q->sql));

    while (rc >= 0 && (rc = db_rows_next(rows)) > 0 && (rc = db_rows_read(rows, DW_TO(&found))) >= 0) {
        if (n++ < ROWS_TOLD_MAX)
            report(e, false, q->about, "%s%s%s", q->before, found, q->after);
    }
    if (rc < 0)
        report(e, false, q->about, "cannot be looked at: %s", db_error_of(e->session)->text);
    else if (n > ROWS_TOLD_MAX)
        report(e, false, q->about, "and %d more", n - ROWS_TOLD_MAX);
    else if (n == 0)
        report(e, true, q->about, "%s", q->good);
    db_rows_close(rows);
}

static void check_database(struct examination *e)
{
    const struct db_who who = { .owner = "core", .is_unguarded = true };

    if (!e->view->db) {
        report(e, true, "database", "is not there yet: the server makes it when it starts");
        return;
    }
    if (db_session_create(&e->session, e->view->db, &who) != 0) {
        report(e, false, "database", "cannot be looked at: out of memory");
        return;
    }
    for (size_t i = 0; i < DW_COUNT_OF(questions); i++) {
        const struct question *q = &questions[i];
        if (q->engine == db_engine(e->view->db) && (!q->of_migrations || e->view->history.n > 0))
            ask(e, q);
    }
    db_session_destroy(e->session);
}

/* ---- what is installed ---- */

static void check_owner(struct examination *e, const struct db_owner *o)
{
    if (!o->is_here)
        report(e, true, o->name, "%s", o->wrong ? o->wrong : "is not loaded; its tables stay as they are");
    else if (o->wrong)
        report(e, false, o->name, "%s", o->wrong);
    else if (o->plan.pending > 0)
        report(e, false, o->name, "migrations pending: %zu; dowel db up, or start the server",
               o->plan.pending);
    else
        report(e, true, o->name, "migrations applied: %zu, none is pending", o->plan.applied);
}

/* ---- telling ---- */

static int print(const struct examination *e)
{
    struct buf text = BUF_INIT;
    const json_t *one;
    size_t i;

    json_array_foreach(e->findings, i, one)
    {
        buf_add_format(&text, "%-4s %-11s %s\n", json_string_value(json_object_get(one, "level")),
                       json_string_value(json_object_get(one, "about")),
                       json_string_value(json_object_get(one, "text")));
    }
    return cli_print(&text);
}

int db_check(const struct cli *c)
{
    struct db_view view;
    struct examination e = { .view = &view, .findings = json_array() };
    int result = db_view_open(&view, c, DB_VIEW_LOOK);

    if (result == CLI_OK) {
        check_database(&e);
        for (size_t i = 0; i < view.owners_n && view.db; i++)
            check_owner(&e, &view.owners[i]);
        result = c->json ? plugin_print_json(json_pack("{s:b, s:O}", "ok", !e.is_bad, "findings", e.findings))
                         : print(&e);
        result = e.is_bad ? CLI_FAILED : result;
    }
    json_decref(e.findings);
    db_view_close(&view);
    return result;
}
