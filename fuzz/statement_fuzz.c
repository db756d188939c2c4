/* statement_fuzz.c - SQL as a plugin may write it, and migrations.
 *
 * What is accepted for a guarded session of SQLite is run on two databases: one that holds another tenant's rows as well,
 * and one that does not. The authorizer must see nothing but reads through views and a write to the one target; the
 * answers must be the same; and the other tenant's rows must stay. */
#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/dialect.h"
#include "db/lint.h"
#include "db/statement.h"
#include "db/wall.h"
#include "util/compiler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const char schema[] =
    "CREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT NOT NULL, title TEXT, n INTEGER, PRIMARY KEY "
    "(tenant_id, id),"
    "    UNIQUE (tenant_id, title));"
    "CREATE TABLE tags (tenant_id UUID NOT NULL, id TEXT NOT NULL, note TEXT, PRIMARY KEY (tenant_id, id));"
    "CREATE TABLE words (id TEXT PRIMARY KEY, title TEXT);"
    "CREATE TABLE dowel_secrets (name TEXT PRIMARY KEY);"
    "INSERT INTO notes VALUES ('a', '1', 'milk', 1), ('a', '2', 'eggs', 2), ('a', '3', NULL, NULL);"
    "INSERT INTO tags VALUES ('a', '1', '1'), ('a', '2', '1');"
    "INSERT INTO words VALUES ('1', 'common'), ('2', 'milk');";

static const char others[] =
    "INSERT INTO notes VALUES ('b', '1', 'gold', 1), ('b', '2', 'milk', 20), ('b', '4', NULL, 40);"
    "INSERT INTO tags VALUES ('b', '1', '2'), ('b', '3', '4');"
    "INSERT INTO dowel_secrets VALUES ('s');";

struct place {
    sqlite3 *db;
    const struct statement *statement; /* that is being prepared or run */
    bool differs_by_itself;            /* it asks for chance or time */
    struct buf answer;
};

static struct place shared, alone;

/* ---- what may be seen ---- */

static bool has_wall(struct str table, const void *ud)
{
    (void)ud;
    return str_equal(table, STR_OF("notes")) || str_equal(table, STR_OF("tags"));
}

static bool is_target(const struct place *place, const char *table)
{
    return place->statement->target && sqlite3_stricmp(place->statement->target, table) == 0;
}

static void check_read(const struct place *place, const char *table, const char *database,
                       const char *through)
{
    assert(strncmp(table, "sqlite_", 7) != 0 && strncmp(table, "dowel_", 6) != 0);
    if (database && strcmp(database, "main") == 0 && has_wall(str_from(table), NULL))
        assert(through || is_target(place, table));
}

static void note_function(struct place *place, const char *name)
{
    static const char *const changing[] = { "random",    "randomblob",   "date",        "time",
                                            "datetime",  "julianday",    "strftime",    "current_timestamp",
                                            "unixepoch", "current_date", "current_time" };

    for (size_t i = 0; i < DW_COUNT_OF(changing); i++)
        place->differs_by_itself = place->differs_by_itself || sqlite3_stricmp(name, changing[i]) == 0;
}

static int watch(void *ud, int action, const char *a, const char *b, const char *database,
                 const char *through)
{
    struct place *place = ud;

    if (!place->statement)
        return SQLITE_OK;
    switch (action) {
    case SQLITE_READ: check_read(place, a, database, through); break;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE: assert(is_target(place, a)); break;
    case SQLITE_FUNCTION: note_function(place, b); break;
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE: break;
    default: abort(); /* no plugin has that */
    }
    return SQLITE_OK;
}

/* ---- the two databases ---- */

static void tell_tenant(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    (void)values;
    sqlite3_result_text(context, "a", -1, SQLITE_STATIC);
}

static void tell_upsert(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct place *place = sqlite3_user_data(context);

    (void)n;
    (void)values;
    sqlite3_result_int(context, place->statement && place->statement->is_upsert);
}

static int give_up(void *ud)
{
    (void)ud;
    return 1;
}

static void run(struct place *place, const char *sql)
{
    int rc = sqlite3_exec(place->db, sql, NULL, NULL, NULL);
    assert(rc == SQLITE_OK);
    (void)rc;
}

static void set_limits(sqlite3 *db)
{
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 100000);
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 100);
    sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 20);
    sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50);
    sqlite3_progress_handler(db, 20000, give_up, NULL);
}

static void open_place(struct place *place, const char *more)
{
    struct buf walls = BUF_INIT;

    sqlite3_open(":memory:", &place->db);
    sqlite3_create_function(place->db, "dw_tenant", 0, SQLITE_UTF8 | SQLITE_DETERMINISTIC, place, tell_tenant,
                            NULL, NULL);
    sqlite3_create_function(place->db, "dw_upsert", 0, SQLITE_UTF8, place, tell_upsert, NULL, NULL);
    run(place, "PRAGMA recursive_triggers = ON");
    run(place, schema);
    run(place, more);
    wall_write_sqlite(&walls, STR_OF("notes"));
    wall_write_sqlite(&walls, STR_OF("tags"));
    run(place, buf_text(&walls));
    buf_finish(&walls);
    set_limits(place->db);
    sqlite3_set_authorizer(place->db, watch, place);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    open_place(&shared, others);
    open_place(&alone, "");
    return 0;
}

/* ---- a statement on both ---- */

static void bind(const struct statement *read, sqlite3_stmt *statement)
{
    for (size_t i = 0; i < read->parameters_n; i++) {
        const struct statement_parameter *p = &read->parameters[i];
        if (p->source == STATEMENT_VALUE)
            sqlite3_bind_int64(statement, (int)i + 1, (int64_t)p->value + 1);
        else
            sqlite3_bind_text(statement, (int)i + 1, p->source == STATEMENT_TENANT ? "a" : "me", -1,
                              SQLITE_STATIC);
    }
}

/* Every row; false when it took too long to compare. */
static bool run_statement(struct place *place, const struct statement *read)
{
    sqlite3_stmt *statement = NULL;
    int rc;

    buf_finish(&place->answer);
    place->statement = read;
    place->differs_by_itself = false;
    rc = sqlite3_prepare_v2(place->db, read->text, -1, &statement, NULL);
    if (statement)
        bind(read, statement);
    while (statement && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            buf_add_format(&place->answer, "%d:%s|", sqlite3_column_type(statement, i),
                           (const char *)sqlite3_column_text(statement, i));
    }
    buf_add_format(&place->answer, "%d %s", rc, rc == SQLITE_DONE ? "" : sqlite3_errmsg(place->db));
    sqlite3_finalize(statement);
    place->statement = NULL;
    return rc != SQLITE_INTERRUPT && rc != SQLITE_NOMEM && !place->differs_by_itself;
}

static void check_others(void)
{
    static const char sql[] =
        "SELECT (SELECT count(*) FROM main.notes WHERE tenant_id = 'b' AND (id, coalesce(title, ''), n) IN"
        "    (VALUES ('1', 'gold', 1), ('2', 'milk', 20), ('4', '', 40))),"
        "  (SELECT count(*) FROM main.tags WHERE tenant_id = 'b' AND (id, note) IN"
        "    (VALUES ('1', '2'), ('3', '4'))),"
        "  (SELECT count(*) FROM main.notes WHERE tenant_id <> 'a') +"
        "  (SELECT count(*) FROM main.tags WHERE tenant_id <> 'a')";
    sqlite3_stmt *statement = NULL;

    sqlite3_prepare_v2(shared.db, sql, -1, &statement, NULL);
    if (sqlite3_step(statement) != SQLITE_ROW || sqlite3_column_int(statement, 0) != 3 ||
        sqlite3_column_int(statement, 1) != 2 || sqlite3_column_int(statement, 2) != 5)
        abort();
    sqlite3_finalize(statement);
}

static void check_guard(const struct statement *read)
{
    bool is_comparable;

    run(&shared, "BEGIN");
    run(&alone, "BEGIN");
    is_comparable = run_statement(&shared, read);
    is_comparable = run_statement(&alone, read) && is_comparable;
    if (is_comparable && strcmp(buf_text(&shared.answer), buf_text(&alone.answer)) != 0) {
        fprintf(stderr, "%s\nshared: %s\nalone:  %s\n", read->text, buf_text(&shared.answer),
                buf_text(&alone.answer));
        abort();
    }
    if (read->writes)
        check_others();
    run(&shared, "ROLLBACK");
    run(&alone, "ROLLBACK");
}

/* ---- all that reads SQL ---- */

static void read_statement(const char *sql, enum db_engine engine, enum db_author by)
{
    const struct statement_rules rules = {
        .engine = engine, .by = by, .is_guarded = true, .has_wall = has_wall
    };
    struct arena arena;
    struct buf why = BUF_INIT;
    struct statement *read;
    int rc;

    arena_init(&arena, NULL, 0, 0);
    rc = statement_read(&read, &arena, sql, &rules, &why);
    assert(rc == 0 || (rc == DW_EMISUSE && why.n > 0));
    if (rc == 0 && engine == DB_SQLITE && by == DB_BY_PLUGIN)
        check_guard(read);
    arena_finish(&arena);
    buf_finish(&why);
}

static void read_migration(struct str sql, enum db_engine engine)
{
    const struct lint_rules rules = { .engine = engine, .owner = STR("notes"), .has_wall = has_wall };
    struct arena arena;
    struct buf out = BUF_INIT, why = BUF_INIT;
    struct lint lint;
    int rc;

    arena_init(&arena, NULL, 0, 0);
    rc = lint_migration(&lint, &arena, &rules, sql);
    assert(rc == 0);
    rc = dialect_write(&out, &arena, sql, engine, &why);
    assert(rc == 0 || (rc == DW_EMISUSE && why.n > 0 && lint.n > 0));
    arena_finish(&arena);
    buf_finish(&out);
    buf_finish(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *sql = malloc(size + 1);

    if (!sql)
        return 0;
    memcpy(sql, data, size);
    sql[size] = '\0';
    read_statement(sql, DB_SQLITE, DB_BY_PLUGIN);
    read_statement(sql, DB_SQLITE, DB_BY_CORE);
    read_statement(sql, DB_POSTGRES, DB_BY_PLUGIN);
    read_migration(str_make(sql, size), DB_SQLITE);
    read_migration(str_make(sql, size), DB_POSTGRES);
    free(sql);
    return 0;
}
