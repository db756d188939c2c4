/* Random statements of several tenants, on SQLite and on PostgreSQL side by side: the same rows, the same numbers, the same
 * error codes, and afterwards the same tables.
 *
 * DOWEL_RANDOM_STATEMENTS says how many (a few thousand otherwise), DOWEL_RANDOM_SEED which ones. Not asked for is what the
 * engines are known to see differently and docs tell authors to leave out: LIKE, division of whole numbers, the place of
 * null in an order, a text where a number belongs. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "db_session.h"

enum { SQLITE, POSTGRES, ENGINES };
enum { AS_A, AS_B, AS_NOBODY, AS_SYSTEM, WHO };

static struct db_fixture fixtures[ENGINES];
static uint64_t state;

/* ---- dice ---- */

static unsigned roll(unsigned sides)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 11) % sides);
}

#define PICK(...) \
    pick((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
static const char *pick(const char *const *of, size_t n)
{
    return of[roll((unsigned)n)];
}

/* ---- statements ---- */

/* What is written, and the values that go with it. */
struct written {
    struct buf sql;
    dw_value values[16];
    unsigned values_n;
    int who;
};

/* Half of the numbers stand in the text, the others come as values. */
static void add_number(struct written *w, int64_t n)
{
    if (roll(2) || w->values_n == DW_COUNT_OF(w->values)) {
        buf_add_int(&w->sql, n);
        return;
    }
    w->values[w->values_n++] = DW(n);
    buf_add_format(&w->sql, "$%u", w->values_n);
}

static void add_text(struct written *w)
{
    const char *text = PICK("one", "two", "three", "x", "", "it''s");

    if (roll(2) || w->values_n == DW_COUNT_OF(w->values)) {
        buf_add_format(&w->sql, "'%s'", text);
        return;
    }
    w->values[w->values_n++] = DW(text);
    buf_add_format(&w->sql, "$%u", w->values_n);
}

/* Mostly the own one: else nearly all is refused. */
static void add_tenant(struct written *w)
{
    switch (roll(8)) {
    case 0: buf_add_text(&w->sql, "'" TENANT_A "'"); break;
    case 1: buf_add_text(&w->sql, "'" TENANT_B "'"); break;
    default: buf_add_text(&w->sql, ":tenant");
    }
}

static void add_id(struct written *w)
{
    add_number(w, 1 + roll(6));
}

static void add_condition(struct written *w, const char *t, unsigned depth)
{
    switch (roll(depth > 0 ? 14 : 9)) {
    case 0:
        buf_add_format(&w->sql, "%s.id = ", t);
        add_id(w);
        break;
    case 1:
        buf_add_format(&w->sql, "%s.id %s ", t, PICK("<", ">", "<>", ">="));
        add_id(w);
        break;
    case 2:
        buf_add_format(&w->sql, "%s.id IN (", t);
        add_id(w);
        buf_add_text(&w->sql, ", ");
        add_id(w);
        buf_add_text(&w->sql, ")");
        break;
    case 3:
        buf_add_format(&w->sql, "%s.tenant_id = ", t);
        add_tenant(w);
        break;
    case 4: buf_add_format(&w->sql, "%s.n IS %sNULL", t, PICK("", "NOT ")); break;
    case 5:
        buf_add_format(&w->sql, "coalesce(%s.n, ", t);
        add_number(w, 3);
        buf_add_format(&w->sql, ") %s ", PICK("<", "=", ">"));
        add_number(w, roll(9));
        break;
    case 6:
        buf_add_format(&w->sql, "%s.id BETWEEN ", t);
        add_id(w);
        buf_add_text(&w->sql, " AND ");
        add_id(w);
        break;
    case 7: buf_add_text(&w->sql, PICK("1 = 1", "1 = 0", "NOT (1 = 0)")); break;
    case 8: buf_add_format(&w->sql, "%s.n = %s.id", t, t); break;
    case 9:
    case 10:
        buf_add_text(&w->sql, "(");
        add_condition(w, t, depth - 1);
        buf_add_text(&w->sql, PICK(" AND ", " OR "));
        add_condition(w, t, depth - 1);
        buf_add_text(&w->sql, ")");
        break;
    case 11:
        buf_add_text(&w->sql, "NOT (");
        add_condition(w, t, depth - 1);
        buf_add_text(&w->sql, ")");
        break;
    case 12:
        buf_add_format(&w->sql, "EXISTS (SELECT 1 FROM %s AS e WHERE e.id = %s.id AND ",
                       PICK("cases", "lines", "marks"), t);
        add_condition(w, "e", depth - 1);
        buf_add_text(&w->sql, ")");
        break;
    default:
        buf_add_format(&w->sql, "%s.id IN (SELECT i.id FROM %s AS i WHERE ", t,
                       PICK("cases", "lines", "marks"));
        add_condition(w, "i", depth - 1);
        buf_add_text(&w->sql, ")");
    }
}

static void add_where(struct written *w, const char *t)
{
    if (roll(5) == 0)
        return;
    buf_add_text(&w->sql, " WHERE ");
    add_condition(w, t, 2);
}

static void write_select(struct written *w)
{
    const char *table = PICK("cases", "lines", "marks");

    switch (roll(7)) {
    case 0:
        buf_add_format(&w->sql, "SELECT t.* FROM %s AS t", table);
        add_where(w, "t");
        break;
    case 1:
        buf_add_format(&w->sql,
                       "SELECT count(*) AS c, sum(t.n) AS s, min(t.id) AS low, max(t.n) AS high FROM %s t",
                       table);
        add_where(w, "t");
        break;
    case 2:
        buf_add_format(&w->sql, "SELECT t.id, u.id AS other, u.n FROM %s t %s JOIN %s u ON u.id = t.id AND ",
                       table, PICK("", "LEFT"), PICK("cases", "lines", "marks"));
        add_condition(w, "u", 1);
        add_where(w, "t");
        break;
    case 3:
        buf_add_format(&w->sql, "SELECT t.n, count(*) AS c FROM %s AS t", table);
        add_where(w, "t");
        buf_add_text(&w->sql, " GROUP BY t.n HAVING count(*) >= ");
        add_number(w, 1 + roll(2));
        break;
    case 4:
        buf_add_format(&w->sql, "WITH x AS (SELECT id, n, tenant_id FROM %s AS t", table);
        add_where(w, "t");
        buf_add_format(&w->sql, ") SELECT x.id, x.n, (SELECT count(*) FROM %s) AS c FROM x WHERE ",
                       PICK("cases", "lines", "shared"));
        add_condition(w, "x", 1);
        break;
    case 5:
        buf_add_format(&w->sql, "SELECT id, n FROM %s AS t WHERE ", table);
        add_condition(w, "t", 1);
        buf_add_format(&w->sql, " %s SELECT id, n FROM %s AS u WHERE ",
                       PICK("UNION", "UNION ALL", "EXCEPT", "INTERSECT"), PICK("cases", "lines"));
        add_condition(w, "u", 1);
        break;
    default:
        buf_add_format(&w->sql, "SELECT t.id, t.n FROM %s AS t", table);
        add_where(w, "t");
        buf_add_text(&w->sql, " ORDER BY t.id, t.tenant_id LIMIT ");
        add_number(w, roll(4));
    }
}

static void add_returning(struct written *w)
{
    if (roll(3) == 0)
        buf_add_text(&w->sql, " RETURNING id, n");
}

/* One row: PostgreSQL refuses to meet a row twice in one UPSERT, which SQLite does. */
static void add_conflict(struct written *w, const char *keys)
{
    switch (roll(4)) {
    case 0: buf_add_text(&w->sql, " ON CONFLICT DO NOTHING"); break;
    case 1:
        buf_add_format(&w->sql, " ON CONFLICT (%s) DO UPDATE SET n = ", keys);
        if (roll(2))
            buf_add_text(&w->sql, "excluded.n");
        else
            add_number(w, roll(9));
        break;
    case 2: buf_add_format(&w->sql, " ON CONFLICT (%s) DO NOTHING", keys); break;
    default: break;
    }
}

static void write_insert(struct written *w)
{
    switch (roll(5)) {
    case 0:
    case 1:
        buf_add_text(&w->sql, "INSERT INTO cases (tenant_id, id, title, n, code) VALUES (");
        add_tenant(w);
        buf_add_text(&w->sql, ", ");
        add_id(w);
        buf_add_text(&w->sql, ", ");
        add_text(w);
        buf_add_text(&w->sql, ", ");
        add_number(w, (int64_t)roll(10) - 1); /* -1 breaks a rule */
        buf_add_text(&w->sql, ", ");
        add_text(w);
        buf_add_text(&w->sql, ")");
        add_conflict(w, "tenant_id, id");
        break;
    case 2:
        buf_add_text(&w->sql, "INSERT INTO lines (tenant_id, id, case_id, n) VALUES (");
        add_tenant(w);
        buf_add_text(&w->sql, ", ");
        add_id(w);
        buf_add_text(&w->sql, ", ");
        add_id(w);
        buf_add_text(&w->sql, ", ");
        if (roll(4) == 0)
            buf_add_text(&w->sql, "NULL");
        else
            add_number(w, roll(9));
        buf_add_text(&w->sql, ")");
        add_conflict(w, "tenant_id, id");
        break;
    case 3:
        buf_add_text(&w->sql, "INSERT INTO marks (id, tenant_id, n) VALUES (");
        add_number(w, 1 + roll(8));
        buf_add_text(&w->sql, ", ");
        add_tenant(w);
        buf_add_text(&w->sql, ", ");
        add_number(w, roll(9));
        buf_add_text(&w->sql, ")");
        add_conflict(w, "id");
        break;
    default:
        buf_add_text(&w->sql, "INSERT INTO lines (tenant_id, id, case_id, n) SELECT tenant_id, id + ");
        add_number(w, roll(7));
        buf_add_text(&w->sql, ", id, n FROM cases AS t WHERE ");
        add_condition(w, "t", 1);
        if (roll(2))
            buf_add_text(&w->sql, " ON CONFLICT DO NOTHING");
    }
    add_returning(w);
}

static void write_update(struct written *w)
{
    const char *table = PICK("cases", "lines", "marks");

    buf_add_format(&w->sql, "UPDATE %s", table);
    switch (roll(6)) {
    case 0:
        buf_add_text(&w->sql, " SET tenant_id = ");
        add_tenant(w);
        break;
    case 1:
        buf_add_text(&w->sql, " SET n = coalesce(n, 0) + ");
        add_number(w, roll(3));
        break;
    case 2:
        buf_add_format(&w->sql, " SET n = (SELECT count(*) FROM %s)", PICK("cases", "lines", "marks"));
        break;
    case 3:
        /* One row at most, whoever's: which of several meets a key first is the engine's. */
        buf_add_text(&w->sql, " SET id = ");
        add_id(w);
        buf_add_text(&w->sql, " WHERE tenant_id = ");
        add_tenant(w);
        buf_add_text(&w->sql, " AND id = ");
        add_id(w);
        add_returning(w);
        return;
    default: buf_add_text(&w->sql, " SET n = "); add_number(w, (int64_t)roll(12) - 1);
    }
    add_where(w, table);
    add_returning(w);
}

static void write_delete(struct written *w)
{
    const char *table = PICK("cases", "lines", "marks");

    buf_add_format(&w->sql, "DELETE FROM %s WHERE ", table);
    add_condition(w, table, 1);
    if (roll(2)) { /* or the tables would soon be empty */
        buf_add_format(&w->sql, " AND %s.id = ", table);
        add_id(w);
    }
    add_returning(w);
}

/* What would cross the wall, if it were let. */
static void write_trick(struct written *w)
{
    buf_add_text(&w->sql,
                 PICK("SELECT * FROM main.cases", "SELECT * FROM public.cases",
                      "INSERT OR REPLACE INTO marks VALUES (1, "
                      ":tenant, 1)",
                      "SELECT rowid FROM cases", "DELETE FROM main.lines",
                      "SELECT * FROM dowel_tenant_tables", "UPDATE public.marks SET n = 0", "ATTACH 'x' AS y",
                      "DROP TABLE cases",
                      "REPLACE INTO marks VALUES "
                      "(1, :tenant, 1)",
                      "SELECT c.n FROM \"main\".cases AS c", "TRUNCATE cases", "SELECT nothing FROM cases"));
}

static void write_statement(struct written *w)
{
    static void (*const kinds[])(
        struct written *) = { write_select, write_select, write_select, write_insert,
                              write_insert, write_update, write_update, write_delete };

    w->sql.n = 0;
    w->values_n = 0;
    if (roll(40) == 0)
        write_trick(w);
    else
        kinds[roll(DW_COUNT_OF(kinds))](w);
}

/* ---- running it twice ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All rows, in an order of their own. 0 or an error. */
static int add_rows(struct buf *out, struct db_session *s, dw_list list)
{
    enum { ROWS_MAX = 2000 };
    struct buf row = BUF_INIT;
    char *rows[ROWS_MAX];
    struct db_rows *open;
    size_t n = 0;

    int rc = db_query(s, &open, DB_BY_PLUGIN, list);
    while (rc >= 0 && n < ROWS_MAX && (rc = db_rows_next(open)) > 0) {
        row.n = 0;
        if (db_rows_write_json(open, &row) != 0)
            buf_add_text(&row, "(not JSON)");
        rows[n++] = strdup(buf_text(&row));
    }
    db_rows_close(open);
    if (n > 1)
        qsort(rows, n, sizeof(rows[0]), compare);
    for (size_t i = 0; i < n; i++) {
        if (rc >= 0)
            buf_add_format(out, "%s\n", rows[i]);
        free(rows[i]);
    }
    buf_finish(&row);
    return rc;
}

/* What both engines have to agree in: the rows or how many were changed, and the code. */
static char *outcome(struct db_session *s, const struct written *w)
{
    dw_value list[1 + DW_COUNT_OF(w->values)];
    struct buf sql = BUF_INIT, all = BUF_INIT;
    int64_t rc;

    buf_add_str(&sql, buf_str(&w->sql));
    list[0] = DW(buf_text(&sql));
    memcpy(list + 1, w->values, w->values_n * sizeof(list[0]));
    if (str_starts_with(buf_str(&sql), STR_OF("SELECT")) || str_starts_with(buf_str(&sql), STR_OF("WITH")) ||
        strstr(buf_text(&sql), " RETURNING "))
        rc = add_rows(&all, s, (dw_list){ list, 1 + w->values_n });
    else if ((rc = db_exec(s, DB_BY_PLUGIN, (dw_list){ list, 1 + w->values_n })) >= 0)
        buf_add_format(&all, "changed %" PRId64 "\n", rc);
    buf_add_format(&all, "code %d", rc < 0 ? (int)rc : 0);
    char *text = strdup(buf_text(&all));
    buf_finish(&sql);
    buf_finish(&all);
    return text;
}

static void complain(const struct written *w, uint64_t seed, unsigned at, char *const said[ENGINES],
                     struct db_session *const s[ENGINES])
{
    struct buf sql = BUF_INIT;

    buf_add_str(&sql, buf_str(&w->sql));
    print_error("seed %" PRIu64 ", statement %u, session %d: %s\n", seed, at, w->who, buf_text(&sql));
    for (unsigned i = 0; i < w->values_n; i++) {
        if (w->values[i].type == DW_TEXT)
            print_error("    $%u = \"%s\"\n", i + 1, (const char *)w->values[i].as.p);
        else
            print_error("    $%u = %" PRId64 "\n", i + 1, w->values[i].as.i);
    }
    print_error("SQLite:\n%s (%s)\nPostgreSQL:\n%s (%s)\n", said[SQLITE], db_error_of(s[SQLITE])->text,
                said[POSTGRES], db_error_of(s[POSTGRES])->text);
    buf_finish(&sql);
}

/* True: they agree; *failed: that it did not work. */
static bool run_on_both(struct db_session *const s[ENGINES], const struct written *w, uint64_t seed,
                        unsigned at, bool *failed)
{
    char *said[ENGINES];

    for (int e = 0; e < ENGINES; e++)
        said[e] = outcome(s[e], w);
    bool same = strcmp(said[SQLITE], said[POSTGRES]) == 0;
    *failed = strstr(said[SQLITE], "code 0") == NULL;
    if (!same)
        complain(w, seed, at, said, s);
    for (int e = 0; e < ENGINES; e++)
        free(said[e]);
    return same;
}

static struct db_session *session_of(int engine, int who)
{
    switch (who) {
    case AS_A: return db_session_tenant(&fixtures[engine], TENANT_A);
    case AS_B: return db_session_tenant(&fixtures[engine], TENANT_B);
    case AS_NOBODY: return db_session_tenant(&fixtures[engine], NULL);
    default: return db_session_system(&fixtures[engine]);
    }
}

static bool tables_are_same(uint64_t seed, unsigned at)
{
    static const char *const selects[] = { "SELECT * FROM cases", "SELECT * FROM lines",
                                           "SELECT * FROM marks", "SELECT * FROM shared" };
    struct db_session *s[ENGINES] = { session_of(SQLITE, AS_SYSTEM), session_of(POSTGRES, AS_SYSTEM) };
    bool same = true, failed;

    for (size_t i = 0; same && i < DW_COUNT_OF(selects); i++) {
        struct written w = { .who = AS_SYSTEM };
        buf_add_text(&w.sql, selects[i]);
        same = run_on_both(s, &w, seed, at, &failed) && !failed;
        buf_finish(&w.sql);
    }
    for (int e = 0; e < ENGINES; e++)
        db_session_destroy(s[e]);
    return same;
}

/* The same step on both; its code has to be the same. */
static bool step_on_both(struct db_session *const s[ENGINES], int (*step)(struct db_session *))
{
    int rc = step(s[SQLITE]), other = step(s[POSTGRES]);

    if (rc != other)
        print_error("a step gave %d (%s) on SQLite, %d (%s) on PostgreSQL\n", rc,
                    db_error_of(s[SQLITE])->text, other, db_error_of(s[POSTGRES])->text);
    return rc == other;
}

/* Some statements of one session, in a transaction or each for itself. Returns how many, 0: they differ. */
static unsigned run_some(uint64_t seed, unsigned at)
{
    struct written w = { .who = roll(10) ? (int)roll(2) : (int)(2 + roll(2)) };
    struct db_session *s[ENGINES] = { session_of(SQLITE, w.who), session_of(POSTGRES, w.who) };
    bool in_transaction = roll(3) == 0, same = true, failed;
    unsigned n = 0, wanted = 1 + roll(5);

    if (in_transaction)
        same = step_on_both(s, db_begin);
    for (; same && n < wanted; n++) {
        write_statement(&w);
        same = run_on_both(s, &w, seed, at + n, &failed);
    }
    if (same && in_transaction)
        same = step_on_both(s, roll(3) ? db_commit : db_rollback);
    for (int e = 0; e < ENGINES; e++)
        db_session_destroy(s[e]);
    buf_finish(&w.sql);
    return same ? n : 0;
}

/* ---- the test ---- */

static const char tables[] =
    "CREATE TABLE cases (tenant_id UUID NOT NULL, id BIGINT NOT NULL, title TEXT, n INTEGER CHECK (n >= 0), "
    "code TEXT,"
    " PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, code));"
    "CREATE TABLE lines (tenant_id UUID NOT NULL, id BIGINT NOT NULL, case_id BIGINT NOT NULL, n INTEGER,"
    " PRIMARY KEY (tenant_id, id),"
    " FOREIGN KEY (tenant_id, case_id) REFERENCES cases (tenant_id, id) ON DELETE CASCADE);"
    "CREATE TABLE marks (id BIGINT PRIMARY KEY, tenant_id UUID NOT NULL, n INTEGER NOT NULL);"
    "CREATE TABLE shared (id BIGINT PRIMARY KEY, n INTEGER);"
    "INSERT INTO shared (id, n) VALUES (1, 1), (2, NULL);";

static int setup(void **unused)
{
    (void)unused;
    for (int e = 0; e < ENGINES; e++) {
        db_fixture_on(e == SQLITE ? DB_SQLITE : DB_POSTGRES);
        struct db_fixture *f = &fixtures[e];
        if (db_fixture_open(f) != 0 || db_fixture_script(f, tables) != 0 ||
            db_fixture_wall(f, "cases") != 0 || db_fixture_wall(f, "lines") != 0 ||
            db_fixture_wall(f, "marks") != 0)
            return -1;
    }
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    for (int e = 0; e < ENGINES; e++)
        db_fixture_close(&fixtures[e]);
    return 0;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable); /* NOLINT(concurrency-mt-unsafe): one thread */

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void engines_agree(void **unused)
{
    uint64_t seed = number_from("DOWEL_RANDOM_SEED", 20261127);
    unsigned wanted = (unsigned)number_from("DOWEL_RANDOM_STATEMENTS", 4000), n = 0, some;

    (void)unused;
    state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    while (n < wanted) {
        some = run_some(seed, n);
        assert_int_not_equal(some, 0);
        n += some;
        if (n % 50 < some)
            assert_true(tables_are_same(seed, n));
    }
    assert_true(tables_are_same(seed, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(engines_agree, setup, teardown),
    };

    if (!db_fixture_on(DB_POSTGRES))
        return 0;
    return cmocka_run_group_tests_name("db_random", tests, NULL, NULL);
}
