/* A file of migrations/, by what it holds: what is accepted must hold what migration.h promises, its scripts what script.h,
 * dialect.h and migration_lint.h do. */
#include <assert.h>

#include "db/dialect.h"
#include "db/migration_lint.h"
#include "db/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_lines(struct str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n + (text.n > 0 && text.p[text.n - 1] != '\n');
}

/* A statement that was cut out is one by itself. */
static void check_statement(struct str sql, enum db_engine engine)
{
    struct script_statement again;
    struct script script;
    struct buf why = BUF_INIT;

    script_init(&script, sql, engine);
    assert(script_next(&script, &again, &why) == 1);
    assert(str_equal(again.sql, sql) && again.line == 1);
    assert(script_next(&script, &again, &why) == 0);
    buf_finish(&why);
}

static void check_script(struct str text, enum db_engine engine)
{
    struct script_statement statement;
    struct script script;
    struct buf why = BUF_INIT;
    const char *end = text.p;
    unsigned line = 0;
    int more;

    script_init(&script, text, engine);
    while ((more = script_next(&script, &statement, &why)) > 0) {
        assert(statement.sql.p >= end && statement.sql.p + statement.sql.n <= text.p + text.n);
        assert(statement.sql.n > 0 && statement.line >= line && statement.line <= count_lines(text));
        check_statement(statement.sql, engine);
        end = statement.sql.p + statement.sql.n;
        line = statement.line;
    }
    assert((more < 0) == (why.n > 0));
    buf_finish(&why);
}

static void check_dialect(struct arena *arena, struct str text, enum db_engine engine)
{
    struct buf out = BUF_INIT, why = BUF_INIT;

    if (dialect_write(&out, arena, text, engine, &why) == 0)
        assert(count_lines(buf_str(&out)) == count_lines(text));
    else
        assert(why.n > 0);
    buf_finish(&out);
    buf_finish(&why);
}

static void check(struct arena *arena, const struct migrations *m, struct str text)
{
    struct buf why = BUF_INIT;

    for (enum db_engine engine = DB_SQLITE; engine <= DB_POSTGRES; engine++) {
        for (enum migration_way way = MIGRATION_UP; way < MIGRATION_WAYS; way++) {
            struct str script = migration_script(&m->v[0], engine, way);
            assert(count_lines(script) == count_lines(text));
            check_script(script, engine);
            check_dialect(arena, script, engine);
        }
    }
    assert((migrations_lint(m, &why) != 0) == (why.n > 0));
    buf_finish(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct migration_file file = { "0001_a.sql", str_make((const char *)data, size) };
    struct migrations m;
    struct arena arena;
    struct buf why = BUF_INIT;

    arena_init(&arena, NULL, 0, 0);
    if (migrations_read(&m, &arena, "fuzz", &file, 1, &why) == 0)
        check(&arena, &m, file.text);
    else
        assert(why.n > 0);
    buf_finish(&why);
    arena_finish(&arena);
    return 0;
}
