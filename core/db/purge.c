#include "db/purge.h"

#include "db/driver.h"
#include "db/migrate.h"
#include "db/search.h"
#include "db/statement_judge.h"

/* One row of two texts. */
struct pair {
    struct pair *next;
    const char *a, *b;
};

static int read_pairs(struct pair **out, struct arena *arena, struct db_session *s, const char *sql)
{
    struct pair **last = out, row;
    struct db_rows *rows;
    int rc;

    *out = NULL;
    DW_TRY(db_query(s, &rows, DB_BY_CORE, DW_LIST(sql)));
    while ((rc = db_rows_next(rows)) > 0 && (rc = db_rows_read(rows, DW_TO(&row.a, &row.b))) == 0) {
        struct pair *one = arena_alloc(arena, sizeof(*one));
        const char *a = arena_copy(arena, str_from(row.a)), *b = arena_copy(arena, str_from(row.b));
        if (!one || !a || !b) {
            rc = DW_ENOMEM;
            break;
        }
        *one = (struct pair){ NULL, a, b };
        *last = one;
        last = &one->next;
    }
    db_rows_close(rows);
    return rc;
}

/* ---- whose a table is ---- */

/* notes and notes_words are of notes: see lint.h. */
static bool is_called_after(const char *table, const char *owner)
{
    const size_t n = strlen(owner);

    return strncmp(table, owner, n) == 0 && (table[n] == 0 || table[n] == '_');
}

/* No table of the server's, whatever the owner is called. The wall says whose it is. Without one, of the owners notes and notes_more the latter has notes_more_words. */
static bool is_owned(const struct pair *table, const char *owner, const struct pair *owners)
{
    if (sql_name_refused(str_from(table->a)))
        return false;
    if (*table->b)
        return strcmp(table->b, owner) == 0;
    if (!is_called_after(table->a, owner))
        return false;
    for (; owners; owners = owners->next) {
        if (strlen(owners->a) > strlen(owner) && is_called_after(table->a, owners->a))
            return false;
    }
    return true;
}

/* ---- finding ---- */

static const char *const all_tables[] = {
    [DB_SQLITE] = "SELECT l.name, coalesce(t.owner, '')\n"
                  "  FROM pragma_table_list l LEFT JOIN dowel_tenant_tables t ON t.name = l.name\n"
                  " WHERE l.schema = 'main' AND l.type IN ('table', 'virtual')\n"
                  " ORDER BY l.name",
    [DB_POSTGRES] = "SELECT CAST(c.relname AS TEXT), coalesce(t.owner, '')\n"
                    "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n"
                    "  LEFT JOIN dowel_tenant_tables t ON t.name = c.relname\n"
                    " WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')\n"
                    " ORDER BY 1",
};

static const char all_owners[] = "SELECT owner, '' FROM dowel_migrations\n"
                                 " UNION SELECT owner, '' FROM dowel_tenant_tables";

static const char *const all_foreign_keys[] = {
    [DB_SQLITE] = "SELECT DISTINCT l.name, lower(k.\"table\")\n"
                  "  FROM pragma_table_list l JOIN pragma_foreign_key_list(l.name) k\n"
                  " WHERE l.schema = 'main' AND l.type = 'table'",
    [DB_POSTGRES] = "SELECT DISTINCT CAST(a.relname AS TEXT), CAST(b.relname AS TEXT)\n"
                    "  FROM pg_constraint k\n"
                    "  JOIN pg_class a ON a.oid = k.conrelid\n"
                    "  JOIN pg_class b ON b.oid = k.confrelid\n"
                    " WHERE k.contype = 'f'",
};

static const char *const history_is_there[] = {
    [DB_SQLITE] = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'dowel_tenant_tables'",
    [DB_POSTGRES] = "SELECT 1 WHERE to_regclass('dowel_tenant_tables') IS NOT NULL",
};

/* A name may be any that somebody has given by hand. */
static void add_quoted(struct buf *out, const char *name)
{
    buf_add_char(out, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_add_char(out, '"');
        buf_add_char(out, *name);
    }
    buf_add_char(out, '"');
}

static int count_rows(struct db_session *s, struct purge_table *table)
{
    struct buf sql = BUF_INIT;

    buf_add_text(&sql, "SELECT count(*) FROM ");
    add_quoted(&sql, table->name);
    int rc =
        buf_failed(&sql) ? DW_ENOMEM : db_find(s, DW_TO(&table->rows), DB_BY_CORE, DW_LIST(buf_text(&sql)));
    buf_finish(&sql);
    return rc < 0 ? rc : 0;
}

static bool has(const struct purge_tables *tables, const char *name)
{
    for (size_t i = 0; i < tables->n; i++) {
        if (strcmp(tables->v[i].name, name) == 0)
            return true;
    }
    return false;
}

static int find_pointing(struct purge_tables *out, struct arena *arena, struct db_session *s,
                         enum db_engine engine)
{
    struct pair *key;

    DW_TRY(read_pairs(&key, arena, s, all_foreign_keys[engine]));
    for (; key && !out->pointing; key = key->next) {
        if (has(out, key->b) && !has(out, key->a)) {
            out->pointing = key->a;
            out->pointed = key->b;
        }
    }
    return 0;
}

int purge_find(struct purge_tables *out, struct arena *arena, struct db_session *s, const char *owner)
{
    const enum db_engine engine = db_engine(s->db);
    struct pair *tables, *owners;
    size_t n = 0;
    int one;

    *out = (struct purge_tables){ .owner = owner };
    int rc = db_find(s, DW_TO(&one), DB_BY_CORE, DW_LIST(history_is_there[engine]));
    if (rc <= 0)
        return rc;
    out->has_history = true;
    DW_TRY(read_pairs(&tables, arena, s, all_tables[engine]));
    DW_TRY(read_pairs(&owners, arena, s, all_owners));
    for (const struct pair *t = tables; t; t = t->next)
        n += is_owned(t, owner, owners);
    out->v = arena_calloc(arena, (n + 1) * sizeof(*out->v));
    if (!out->v)
        return DW_ENOMEM;
    for (const struct pair *t = tables; t; t = t->next) {
        if (!is_owned(t, owner, owners))
            continue;
        out->v[out->n].name = t->a;
        DW_TRY(count_rows(s, &out->v[out->n++]));
    }
    return find_pointing(out, arena, s, engine);
}

/* ---- taking away ---- */

/* The server's index of their words goes first. They may refer to each other in a circle: SQLite looks at that when all are
 * gone, PostgreSQL when it takes them all in one statement. */
static void write_drop(struct buf *out, const struct purge_tables *tables, enum db_engine engine)
{
    for (size_t i = 0; i < tables->n; i++) {
        if (search_is_name(str_from(tables->v[i].name)))
            search_write_down(out, engine, tables->v[i].name);
    }
    if (engine == DB_SQLITE)
        buf_add_text(out, "PRAGMA defer_foreign_keys = ON;\n");
    for (size_t i = 0; i < tables->n; i++) {
        buf_add_text(out, engine == DB_SQLITE || i == 0 ? "DROP TABLE " : ", ");
        add_quoted(out, tables->v[i].name);
        buf_add_text(out, engine == DB_SQLITE ? ";\n" : "");
    }
}

static int drop(struct db_session *s, const struct purge_tables *tables)
{
    struct buf sql = BUF_INIT;

    if (tables->n == 0)
        return 0;
    write_drop(&sql, tables, db_engine(s->db));
    int rc = buf_failed(&sql) ? DW_ENOMEM : db_run_script(s, buf_str(&sql));
    buf_finish(&sql);
    return rc < 0 ? rc : 0;
}

int purge_drop(struct db_session *s, const struct purge_tables *tables)
{
    static const char *const history[] = { "DELETE FROM dowel_tenant_tables WHERE owner = $1",
                                           "DELETE FROM dowel_migrations WHERE owner = $1" };

    DW_TRY(drop(s, tables));
    for (size_t i = 0; i < DW_COUNT_OF(history); i++) {
        int64_t n = db_exec(s, DB_BY_CORE, DW_LIST(history[i], tables->owner));
        if (n < 0)
            return (int)n;
    }
    return db_notify(s, MIGRATE_WALLS_CHANNEL, tables->owner);
}
