/* Statements: described once, prepared on each connection, run in one write.
 *
 * The types of parameters are the server's to say, as only it knows the columns: a 1 for a BOOLEAN, a text for a UUID. It
 * is asked with no types at all first. Where it cannot tell (coalesce($1), $1 IS NULL), it is told what the values are,
 * texts last: a text may stand for anything. */
#include <stdio.h>
#include <stdlib.h>

#include "db/postgres.h"
#include "log/log.h"

/* ---- what is prepared on a connection ---- */

static struct pg_prepared **bucket_of(struct pg_connection *c, uint64_t statement)
{
    return &c->buckets[statement % PG_PREPARED_BUCKETS];
}

static struct pg_prepared *find_prepared(struct pg_connection *c, uint64_t statement, uint64_t kinds)
{
    for (struct pg_prepared *p = *bucket_of(c, statement); p; p = p->next) {
        if (p->shape->statement == statement && (p->shape->kinds == 0 || p->shape->kinds == kinds)) {
            list_remove(&p->age);
            list_append(&c->ages, &p->age);
            return p;
        }
    }
    return NULL;
}

static void forget(struct pg_connection *c, struct pg_prepared *p)
{
    struct pg_prepared **at = bucket_of(c, p->shape->statement);

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    list_remove(&p->age);
    pg_shape_drop(p->shape);
    free(p);
    c->prepared_n--;
}

void pg_forget_prepared(struct pg_connection *c)
{
    while (!list_empty(&c->ages))
        forget(c, LIST_OWNER(c->ages.next, struct pg_prepared, age));
}

static void remember(struct pg_connection *c, struct pg_shape *shape, unsigned name)
{
    struct pg_prepared *p = calloc(1, sizeof(*p));
    struct pg_prepared **bucket = bucket_of(c, shape->statement);

    if (!p)
        return; /* prepared again next time, under another name */
    p->name = name;
    p->shape = pg_shape_hold(shape);
    p->next = *bucket;
    *bucket = p;
    list_append(&c->ages, &p->age);
    c->prepared_n++;
}

/* Makes room for one more. The server forgets it in the same write. */
static void evict(struct pg_exchange *x)
{
    struct pg_connection *c = x->c;
    char sql[32];

    if (c->prepared_n < PG_PREPARED_MAX)
        return;
    struct pg_prepared *oldest = LIST_OWNER(c->ages.next, struct pg_prepared, age);
    snprintf(sql, sizeof(sql), "DEALLOCATE s%u", oldest->name);
    pg_add_sql(x, PG_STEP_OTHER, sql);
    forget(c, oldest);
}

/* ---- one attempt at running a statement ---- */

struct run {
    struct pg_connection *c;
    struct db_session *s;
    struct db_rows *rows;
    const struct statement *st;
    const dw_value *values;
    uint64_t kinds;
    struct pg_shape *shape; /* held */
    bool is_old;            /* the shape was known before: the tables may have changed since */
    bool is_prepared;
    bool commits; /* COMMIT goes with it */
    unsigned name;
};

/* Behind a pooler the next transaction may be another server's connection: nothing is left there under a name. */
static void name_of(const struct run *r, char out[16])
{
    if (r->c->pg->db->options.through_pooler)
        out[0] = 0;
    else
        snprintf(out, 16, "s%u", r->name);
}

/* ---- asking the server what a statement's parameters are ---- */

enum attempt { TYPES_OF_NONE, TYPES_BUT_OF_TEXTS, TYPES_OF_ALL, TYPES_ATTEMPTS };

static Oid type_of_value(const dw_value *v, enum attempt attempt)
{
    if (attempt == TYPES_OF_NONE)
        return InvalidOid;
    switch (v->type) {
    case DW_BOOL: return PG_BOOL;
    case DW_INT:
    case DW_SPAN: return PG_INT8;
    case DW_REAL: return PG_FLOAT8;
    case DW_BYTES: return PG_BYTEA;
    case DW_TIME: return PG_TIMESTAMPTZ;
    case DW_JSON: return PG_JSONB;
    default: return attempt == TYPES_OF_ALL ? PG_TEXT : InvalidOid;
    }
}

/* Indeterminate, ambiguous, deduced to be two things at once, or no such operator. */
static bool may_be_types(const char *state)
{
    static const char *const states[] = { "42P18", "42725", "42P08", "42883", "42804" };

    for (size_t i = 0; i < DW_COUNT_OF(states); i++) {
        if (strcmp(state, states[i]) == 0)
            return true;
    }
    return false;
}

static int took_shape(struct run *r, struct pg_exchange *x, enum attempt attempt, unsigned describe)
{
    struct pg_shapes *all = &r->c->pg->shapes;

    r->shape = pg_shapes_add(all, r->st->id, attempt == TYPES_OF_NONE ? 0 : r->kinds, x->results[describe]);
    if (!r->shape)
        return session_fail(r->s, DW_ENOMEM, "", "memory is out");
    if (!r->c->pg->db->options.through_pooler) {
        remember(r->c, r->shape, r->name);
        r->is_prepared = true;
    }
    return 0;
}

/* In an open transaction behind a savepoint: a statement that cannot be read this way may be readable another. */
static void add_describing(struct run *r, struct pg_exchange *x, enum attempt attempt, Oid *types,
                           bool is_again)
{
    char name[16];

    for (size_t i = 0; i < r->st->parameters_n; i++)
        types[i] = type_of_value(&r->values[i], attempt);
    r->name = r->c->next_name++;
    name_of(r, name);
    if (is_again && r->c->transaction == PG_TX_OPEN)
        pg_add_sql(x, PG_STEP_OTHER, "ROLLBACK TO SAVEPOINT dowel_describe");
    pg_add_start(x);
    if (!is_again && r->c->transaction != PG_TX_NONE)
        pg_add_sql(x, PG_STEP_OTHER, "SAVEPOINT dowel_describe");
    evict(x);
    pg_add_parse(x, name, r->st->text, types, r->st->parameters_n);
    pg_add_describe(x, name);
    if (r->c->transaction != PG_TX_NONE)
        pg_add_sql(x, PG_STEP_OTHER, "RELEASE SAVEPOINT dowel_describe");
}

static unsigned step_of(const struct pg_exchange *x, enum pg_step step)
{
    unsigned i = 0;

    while (i < x->steps_n && x->steps[i] != step)
        i++;
    return i;
}

/* 0: r->shape; 1: another attempt may do better, and *error (unless an earlier one is kept there) says why this did not. */
static int describe_once(struct run *r, enum attempt attempt, PGresult **error)
{
    Oid at_hand[32], *types = at_hand;
    struct pg_exchange x;
    int rc;

    if (r->st->parameters_n > DW_COUNT_OF(at_hand))
        types = calloc(r->st->parameters_n, sizeof(*types));
    if (!types)
        return session_fail(r->s, DW_ENOMEM, "", "memory is out");
    pg_exchange_init(&x, r->c, r->s);
    add_describing(r, &x, attempt, types, attempt != TYPES_OF_NONE);
    enum pg_outcome outcome = pg_exchange_run(&x);
    if (outcome == PG_DONE) {
        rc = took_shape(r, &x, attempt, step_of(&x, PG_STEP_DESCRIBE));
    } else if (outcome == PG_REFUSED && may_be_types(pg_state(pg_error(&x))) && r->st->parameters_n > 0) {
        if (!*error) {
            *error = x.results[x.failed];
            x.results[x.failed] = NULL;
        }
        rc = 1;
    } else {
        rc = pg_fail(&x, outcome, r->st);
    }
    pg_exchange_finish(&x);
    if (types != at_hand)
        free(types);
    return rc;
}

static int describe(struct run *r)
{
    PGresult *error = NULL;
    int rc = 1;

    for (enum attempt a = TYPES_OF_NONE; rc == 1 && a < TYPES_ATTEMPTS; a++)
        rc = describe_once(r, a, &error);
    if (rc == 1)
        rc = pg_fail_with(r->s, error,
                          r->st); /* what was said without any types is about the statement itself */
    PQclear(error);
    return rc;
}

static int find_shape(struct run *r)
{
    struct pg_prepared *p = NULL;

    if (!r->c->pg->db->options.through_pooler)
        p = find_prepared(r->c, r->st->id, r->kinds);
    if (p) {
        r->shape = pg_shape_hold(p->shape);
        r->name = p->name;
        r->is_prepared = r->is_old = true;
        return 0;
    }
    r->shape = pg_shapes_find(&r->c->pg->shapes, r->st->id, r->kinds);
    r->is_old = r->shape != NULL;
    if (!r->shape)
        return describe(r);
    r->name = r->c->next_name++;
    return 0;
}

/* ---- running ---- */

static void add_execute(struct pg_exchange *x, const char *name, const struct pg_bound *bound)
{
    int sent = PQsendQueryPrepared(x->c->conn, name, (int)bound->n, bound->values, bound->lengths,
                                   bound->formats, 0);

    if (sent && x->steps_n < PG_STEPS_MAX)
        x->steps[x->steps_n++] = PG_STEP_EXECUTE;
    else
        x->is_unsent = true;
}

static int took_rows(struct run *r, struct pg_exchange *x, unsigned execute)
{
    struct db_rows *rows = r->rows;
    PGresult *result = x->results[execute];
    struct pg_cursor *cursor = calloc(1, sizeof(*cursor));

    if (!cursor)
        return session_fail(r->s, DW_ENOMEM, "", "memory is out");
    cursor->result = result;
    x->results[execute] = NULL;
    cursor->shape = pg_shape_hold(r->shape);
    cursor->row = -1;
    arena_init(&cursor->bytes, NULL, 0, 0);
    rows->cursor = cursor;
    cursor->columns = pg_shape_columns(r->shape, result, &rows->memory);
    if (!cursor->columns)
        return session_fail(r->s, DW_ENOMEM, "", "memory is out");
    rows->columns = cursor->columns->columns;
    rows->columns_n = cursor->columns->n;
    if (r->st->writes)
        rows->changed = strtoll(PQcmdTuples(result), NULL, 10);
    return 0;
}

/* What was said of the statement may be out of date: tables have changed, or the connection is another than it was. */
static bool is_outdated(const struct run *r, const struct pg_exchange *x)
{
    const char *state = pg_state(pg_error(x));

    if (strcmp(state, "26000") == 0 || strcmp(state, "42P05") == 0)
        return true;
    if (!r->is_old)
        return false;
    return strcmp(state, "0A000") == 0 || (strncmp(state, "42", 2) == 0 && strcmp(state, "42501") != 0);
}

static int forget_outdated(struct run *r, const struct pg_exchange *x)
{
    const char *state = pg_state(pg_error(x));

    if (strcmp(state, "26000") == 0 || strcmp(state, "42P05") == 0) {
        log_warn("PostgreSQL's connection has changed under our hands: does a pooler in transaction mode "
                 "stand between? "
                 "Then set database_pooler",
                 LOG_TEXT("database", buf_text(&r->c->pg->shown)));
        r->c->is_broken = true;
    }
    pg_shapes_forget(&r->c->pg->shapes, r->shape);
    struct pg_prepared *p = find_prepared(r->c, r->st->id, r->kinds);
    if (p)
        forget(r->c, p);
    return session_fail_repeatable(r->s, state,
                                   "the statement has to be prepared again, as the tables have changed");
}

/* ---- what became of a COMMIT in the same write ---- */

static bool has_committed(const struct pg_exchange *x)
{
    unsigned commit = step_of(x, PG_STEP_COMMIT);
    const PGresult *result = commit < x->steps_n ? x->results[commit] : NULL;

    return result && PQresultStatus(result) == PGRES_COMMAND_OK;
}

/* It was sent, and the server has not said that it, or what stands before it, failed. What libpq says by itself has no
 * SQLSTATE; an end of the connection in the middle of COMMIT may have come before or after the fact. */
static bool is_in_doubt(const struct pg_exchange *x)
{
    const char *state = pg_state(pg_error(x));

    if (!*state)
        return true;
    return (unsigned)x->failed == step_of(x, PG_STEP_COMMIT) && pg_state_ends_connection(state);
}

/* Whether there is a transaction that somebody has to end. */
static void note_end(struct pg_connection *c)
{
    if (!c->is_broken && PQtransactionStatus(c->conn) == PQTRANS_IDLE)
        c->transaction = PG_TX_NONE;
}

static int took_committed(struct run *r, struct pg_exchange *x)
{
    if (took_rows(r, x, step_of(x, PG_STEP_EXECUTE)) == 0)
        return 0;
    return session_fail(r->s, DW_EUNKNOWN, "", "it is done, and memory is out for what it returns");
}

/* Stopped at the last moment it may have been done all the same. */
static int took_end(struct run *r, struct pg_exchange *x, enum pg_outcome outcome)
{
    note_end(r->c);
    if (has_committed(x))
        return took_committed(r, x);
    if ((outcome == PG_LOST || outcome == PG_STOPPED) && is_in_doubt(x))
        return pg_fail_in_doubt(r->s);
    if (outcome == PG_REFUSED && is_outdated(r, x))
        return forget_outdated(r, x);
    return pg_fail(x, outcome, r->st);
}

static int took_answers(struct run *r, struct pg_exchange *x, enum pg_outcome outcome)
{
    if (outcome == PG_DONE)
        return took_rows(r, x, step_of(x, PG_STEP_EXECUTE));
    if (outcome == PG_REFUSED && is_outdated(r, x))
        return forget_outdated(r, x);
    return pg_fail(x, outcome, r->st);
}

static int execute(struct run *r)
{
    bool through_pooler = r->c->pg->db->options.through_pooler;
    struct pg_bound bound;
    struct pg_exchange x;
    struct arena arena;
    char room[1024], name[16];

    arena_init(&arena, room, sizeof(room), 0);
    int rc = pg_bind(r->s, r->st, r->shape, r->values, &bound, &arena);
    if (rc == 0) {
        pg_exchange_init(&x, r->c, r->s);
        pg_add_start(&x);
        name_of(r, name);
        if (!r->is_prepared) {
            evict(&x);
            pg_add_parse(&x, name, r->st->text, r->shape->types, r->shape->types_n);
        }
        add_execute(&x, name, &bound);
        if (r->commits)
            pg_add_commit(&x);
        enum pg_outcome outcome = pg_exchange_run(&x);
        unsigned parse = step_of(&x, PG_STEP_PARSE);
        if (!through_pooler && parse < x.steps_n && x.results[parse] &&
            PQresultStatus(x.results[parse]) == PGRES_COMMAND_OK)
            remember(r->c, r->shape, r->name);
        rc = r->commits ? took_end(r, &x, outcome) : took_answers(r, &x, outcome);
        pg_exchange_finish(&x);
    }
    arena_finish(&arena);
    return rc;
}

static int run(struct run *r)
{
    r->st = r->rows->statement;
    r->kinds = pg_kinds_of(r->values, r->st->parameters_n);
    int rc = find_shape(r);
    if (rc == 0)
        rc = execute(r);
    pg_shape_drop(r->shape);
    return rc;
}

int pg_run(struct pg_connection *c, struct db_session *s, struct db_rows *rows, const dw_value *values)
{
    return run(&(struct run){ .c = c, .s = s, .rows = rows, .values = values });
}

int pg_run_and_commit(struct pg_connection *c, struct db_session *s, struct db_rows *rows,
                      const dw_value *values)
{
    return run(&(struct run){ .c = c, .s = s, .rows = rows, .values = values, .commits = true });
}
