/* Random statements of two tenants, of nobody and of the system, on both engines at once: results, counts, refusals and
 * what is left in the tables are the same. Left out where there is no PostgreSQL. DOWEL_ALIKE: so many runs, "1 7": one,
 * with this seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db_session.h"
#include "util/compiler.h"

enum { STATEMENTS = 250, RUNS = 4, ROWS_MAX = 500 };

static const char tables[] =
    "CREATE TABLE cases (tenant_id UUID NOT NULL, id BIGINT NOT NULL, title TEXT, n BIGINT CHECK (n < 90), "
    "code TEXT NOT NULL, "
    "PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, code));"
    "CREATE TABLE lines (tenant_id UUID NOT NULL, id BIGINT NOT NULL, case_id BIGINT, text TEXT, "
    "PRIMARY KEY (tenant_id, id), "
    "FOREIGN KEY (tenant_id, case_id) REFERENCES cases (tenant_id, id) ON DELETE CASCADE);"
    "CREATE TABLE marks (id BIGINT PRIMARY KEY, tenant_id UUID NOT NULL, n BIGINT);"
    "CREATE TABLE shared (id BIGINT PRIMARY KEY, name TEXT);";

/* $1 and $2 are numbers from 0 to 9, $3 is a tenant, $4 a short text. Whatever does not use one has it all the same. */
static const char *const statements[] = {
    "INSERT INTO cases (tenant_id, id, title, n, code) VALUES (:tenant, $1, $4, $2, $4)",
    "INSERT INTO cases (tenant_id, id, title, n, code) VALUES ($3, $1, $4, $2, $4)",
    "INSERT INTO cases (tenant_id, id, title, n, code) VALUES ($3, $1, $4, $2 * 12, $4) RETURNING id, n",
    "INSERT INTO cases (tenant_id, id, n, code) SELECT tenant_id, id + 10 + $1, n, code || $4 FROM cases "
    "WHERE id < $2",
    "INSERT INTO cases (tenant_id, id, n, code) SELECT $3, id + 10 + $1, n, code || $4 FROM cases WHERE id < "
    "$2",
    "INSERT INTO cases (tenant_id, id, title, n, code) VALUES (:tenant, $1, $4, $2, $4) "
    "ON CONFLICT (tenant_id, id) DO UPDATE SET title = excluded.title, n = cases.n + 1 RETURNING id, title, "
    "n",
    "INSERT INTO cases (tenant_id, id, title, n, code) VALUES ($3, $1, $4, $2, $4) ON CONFLICT DO NOTHING",
    "INSERT INTO marks (id, tenant_id, n) VALUES ($1, :tenant, $2)",
    "INSERT INTO marks (id, tenant_id, n) VALUES ($1, $3, $2)",
    "INSERT INTO marks (id, tenant_id, n) VALUES ($1, :tenant, $2) ON CONFLICT (id) DO UPDATE SET n = "
    "excluded.n",
    "INSERT INTO marks (id, tenant_id, n) VALUES ($1, :tenant, $2) ON CONFLICT (id) DO NOTHING",
    "INSERT INTO lines (tenant_id, id, case_id, text) VALUES (:tenant, $1, $2, $4)",
    "INSERT INTO lines (tenant_id, id, case_id, text) VALUES ($3, $1, $2, $4) RETURNING text",
    "INSERT INTO shared (id, name) VALUES ($1, $4) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "UPDATE cases SET n = n + $1 WHERE id <= $2",
    "UPDATE cases SET n = n + $1, title = $4 WHERE id = $2 RETURNING id, n, title",
    "UPDATE cases SET tenant_id = $3 WHERE id = $1",
    "UPDATE cases SET code = $4 WHERE id = $1",
    "UPDATE cases SET n = (SELECT count(*) FROM marks) WHERE id IN (SELECT case_id FROM lines)",
    "UPDATE cases SET n = l.id FROM lines AS l WHERE l.case_id = cases.id AND l.id = $1",
    "UPDATE marks SET n = $2",
    "UPDATE marks SET n = $2, tenant_id = $3 WHERE id = $1",
    "UPDATE marks AS m SET n = m.n + 1 WHERE m.id >= $1 RETURNING id",
    "UPDATE lines SET case_id = $2 WHERE id = $1",
    "UPDATE shared SET name = (SELECT max(title) FROM cases) WHERE id = $1",
    "DELETE FROM cases WHERE id = $1",
    "DELETE FROM cases WHERE tenant_id = $3 AND id > $1",
    "DELETE FROM marks WHERE id = $1 RETURNING n",
    "DELETE FROM lines WHERE case_id IN (SELECT id FROM cases WHERE n > $1)",
    "DELETE FROM lines",
    "SELECT id, title, n, code FROM cases",
    "SELECT id, n FROM cases WHERE tenant_id = $3",
    "SELECT count(*) AS n, sum(n) AS total, min(code) AS least FROM cases WHERE n >= $1",
    "SELECT c.id, l.text FROM cases AS c JOIN lines AS l ON l.case_id = c.id",
    "SELECT c.id, count(l.id) AS n FROM cases c LEFT JOIN lines l ON l.case_id = c.id GROUP BY c.id",
    "SELECT m.id, m.n, c.title FROM marks m LEFT JOIN cases c ON c.id = m.id WHERE m.id < $1",
    "SELECT id FROM cases UNION ALL SELECT id FROM marks",
    "SELECT s.name FROM shared s WHERE EXISTS (SELECT 1 FROM cases c WHERE c.id = s.id)",
    "WITH mine AS (SELECT id, n FROM cases WHERE n > $1) SELECT id, (SELECT count(*) FROM mine) AS n FROM "
    "mine",
};

/* ---- both engines ---- */

enum { A, B, NOBODY, EVERYBODY, SESSIONS };

struct side {
    struct db_fixture fixture;
    struct db_session *sessions[SESSIONS];
};

static struct side sides[2];
static unsigned succeeded, refused; /* a generator that only ever fails would compare nothing */

static void open_side(struct side *side, enum db_engine engine)
{
    db_fixture_engine = engine;
    assert_int_equal(db_fixture_open(&side->fixture), 0);
    assert_int_equal(db_fixture_script(&side->fixture, tables), 0);
    assert_int_equal(db_fixture_wall(&side->fixture, "cases"), 0);
    assert_int_equal(db_fixture_wall(&side->fixture, "lines"), 0);
    assert_int_equal(db_fixture_wall(&side->fixture, "marks"), 0);
    side->sessions[A] = db_session_tenant(&side->fixture, TENANT_A);
    side->sessions[B] = db_session_tenant(&side->fixture, TENANT_B);
    side->sessions[NOBODY] = db_session_tenant(&side->fixture, NULL);
    side->sessions[EVERYBODY] = db_session_of(
        &side->fixture, &(struct db_who){ .owner = "tests", .is_system = true, .tenant = TENANT_A });
}

static void close_side(struct side *side)
{
    for (int i = 0; i < SESSIONS; i++)
        db_session_destroy(side->sessions[i]);
    db_fixture_close(&side->fixture);
}

/* ---- one statement ---- */

struct answer {
    int64_t rc;
    char *rows[ROWS_MAX];
    size_t n;
    char error[300];
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Nobody said in which order. */
static void ask(struct db_session *s, struct answer *answer, dw_list sql)
{
    struct db_rows *rows = NULL;

    *answer = (struct answer){ .n = 0 };
    answer->rc = db_query(s, &rows, DB_BY_PLUGIN, sql);
    while (answer->rc >= 0 && (answer->rc = db_rows_next(rows)) > 0) {
        struct buf json = BUF_INIT;
        assert_int_equal(db_rows_write_json(rows, &json), 0);
        assert_true(answer->n < ROWS_MAX);
        answer->rows[answer->n++] = strdup(buf_text(&json));
        buf_finish(&json);
    }
    db_rows_close(rows);
    if (answer->rc < 0)
        snprintf(answer->error, sizeof(answer->error), "%s", db_error_of(s)->text);
    qsort(answer->rows, answer->n, sizeof(answer->rows[0]), compare);
}

static void finish(struct answer *answer)
{
    for (size_t i = 0; i < answer->n; i++)
        free(answer->rows[i]);
}

static void assert_alike(const struct answer *one, const struct answer *other, unsigned seed,
                         const char *what)
{
    bool same = one->rc == other->rc && one->n == other->n;

    for (size_t i = 0; same && i < one->n; i++)
        same = strcmp(one->rows[i], other->rows[i]) == 0;
    if (same)
        return;
    print_error("seed %u: %s\nSQLite: %d %s\n", seed, what, (int)one->rc, one->error);
    for (size_t i = 0; i < one->n; i++)
        print_error("  %s\n", one->rows[i]);
    print_error("PostgreSQL: %d %s\n", (int)other->rc, other->error);
    for (size_t i = 0; i < other->n; i++)
        print_error("  %s\n", other->rows[i]);
    fail();
}

static void ask_both(int who, unsigned seed, dw_list sql)
{
    struct answer answers[2];

    for (int i = 0; i < 2; i++)
        ask(sides[i].sessions[who], &answers[i], sql);
    assert_alike(&answers[0], &answers[1], seed, sql.v[0].as.p);
    succeeded += answers[0].rc >= 0;
    refused += answers[0].rc < 0;
    finish(&answers[0]);
    finish(&answers[1]);
}

/* ---- random ---- */

static uint64_t state_of_random;

static unsigned draw(unsigned below)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return (unsigned)(state_of_random >> 33) % below;
}

static void ask_at_random(int who, unsigned seed)
{
    static const char *const texts[] = { "a", "b", "c", "d", "ä", "" };
    const char *sql = statements[draw(DW_COUNT_OF(statements))], *text = texts[draw(DW_COUNT_OF(texts))];
    const char *tenant = draw(2) ? TENANT_A : TENANT_B;
    int64_t one = draw(10), two = draw(10);
    dw_value values[5] = { DW(sql), DW(one), DW(two), DW(tenant), DW(text) };
    size_t n = 1;

    /* As many as it has. */
    for (char digit = '1'; digit <= '4'; digit++) {
        const char dollar[] = { '$', digit, 0 };
        if (strstr(sql, dollar))
            n = (size_t)(digit - '0') + 1;
    }
    ask_both(who, seed, (dw_list){ values, n });
}

static void compare_tables(unsigned seed)
{
    static const char *const all[] = { "SELECT tenant_id, id, title, n, code FROM cases",
                                       "SELECT tenant_id, id, case_id, text FROM lines",
                                       "SELECT tenant_id, id, n FROM marks", "SELECT id, name FROM shared" };

    for (size_t i = 0; i < DW_COUNT_OF(all); i++)
        ask_both(EVERYBODY, seed, DW_LIST(all[i]));
}

/* What one writes alone, or within a transaction that ends one way or the other. */
static void run_some(unsigned seed)
{
    int who = (int)draw(SESSIONS), steps = draw(3) ? 1 : 2 + (int)draw(4);
    bool is_kept = draw(3) > 0;

    for (int i = 0; steps > 1 && i < 2; i++)
        OK(sides[i].sessions[who], db_begin(sides[i].sessions[who]));
    for (int step = 0; step < steps; step++)
        ask_at_random(who, seed);
    for (int i = 0; steps > 1 && i < 2; i++) {
        struct db_session *s = sides[i].sessions[who];
        if (!is_kept || db_commit(s) != 0)
            OK(s, db_rollback(s));
    }
}

static void engines_answer_alike(void **state)
{
    unsigned runs = RUNS, first = 1;
    const char *wanted = getenv("DOWEL_ALIKE");

    (void)state;
    if (wanted)
        sscanf(wanted, "%u %u", &runs, &first);
    for (unsigned seed = first; seed < first + runs; seed++) {
        state_of_random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        open_side(&sides[0], DB_SQLITE);
        open_side(&sides[1], DB_POSTGRES);
        for (int i = 0; i < STATEMENTS; i++)
            run_some(seed);
        compare_tables(seed);
        close_side(&sides[0]);
        close_side(&sides[1]);
    }
    print_message("%u statements succeeded, %u were refused\n", succeeded, refused);
    assert_true(succeeded > runs * STATEMENTS / 3);
    assert_true(refused > runs * STATEMENTS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(engines_answer_alike) };

    return db_fixture_on(DB_POSTGRES) ? cmocka_run_group_tests_name("db_alike", tests, NULL, NULL) : 0;
}
