/* What the server said of statements: asked once in the process, not once on each connection. */
#include <stdlib.h>

#include "db/postgres.h"

void pg_shapes_init(struct pg_shapes *all)
{
    pthread_mutex_init(&all->lock, NULL);
    list_init(&all->ages);
}

/* ---- references ---- */

static void free_columns(struct pg_columns *columns)
{
    if (!columns)
        return;
    arena_finish(&columns->memory);
    free(columns);
}

struct pg_shape *pg_shape_hold(struct pg_shape *shape)
{
    atomic_fetch_add_explicit(&shape->references, 1, memory_order_relaxed);
    return shape;
}

void pg_shape_drop(struct pg_shape *shape)
{
    if (!shape || atomic_fetch_sub_explicit(&shape->references, 1, memory_order_acq_rel) != 1)
        return;
    free_columns(atomic_load(&shape->columns));
    free(shape);
}

/* ---- the table ---- */

uint64_t pg_kinds_of(const dw_value *values, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        h = (h ^ values[i].type) * UINT64_C(0x100000001b3);
    return h | 1;
}

static struct pg_shape **bucket_of(struct pg_shapes *all, uint64_t statement)
{
    return &all->buckets[statement % PG_SHAPE_BUCKETS];
}

/* Under the lock. */
static struct pg_shape *find(struct pg_shapes *all, uint64_t statement, uint64_t kinds)
{
    for (struct pg_shape *shape = *bucket_of(all, statement); shape; shape = shape->next) {
        if (shape->statement == statement && shape->kinds == kinds) {
            list_remove(&shape->age);
            list_append(&all->ages, &shape->age);
            return shape;
        }
    }
    return NULL;
}

struct pg_shape *pg_shapes_find(struct pg_shapes *all, uint64_t statement, uint64_t kinds)
{
    pthread_mutex_lock(&all->lock);
    struct pg_shape *shape = find(all, statement, 0);
    if (shape && shape->is_by_kinds)
        shape = find(all, statement, kinds);
    if (shape)
        pg_shape_hold(shape);
    pthread_mutex_unlock(&all->lock);
    return shape;
}

/* Under the lock; the caller drops it. */
static void take_out(struct pg_shapes *all, struct pg_shape *shape)
{
    struct pg_shape **at = bucket_of(all, shape->statement);

    while (*at != shape)
        at = &(*at)->next;
    *at = shape->next;
    list_remove(&shape->age);
    all->n--;
}

void pg_shapes_finish(struct pg_shapes *all)
{
    while (!list_empty(&all->ages)) {
        struct pg_shape *shape = LIST_OWNER(all->ages.next, struct pg_shape, age);
        take_out(all, shape);
        pg_shape_drop(shape);
    }
    pthread_mutex_destroy(&all->lock);
}

/* Under the lock. */
static void put(struct pg_shapes *all, struct pg_shape *shape, struct pg_shape **old,
                struct pg_shape **oldest)
{
    struct pg_shape **bucket = bucket_of(all, shape->statement);

    *oldest = NULL;
    *old = find(all, shape->statement, shape->kinds);
    if (*old)
        take_out(all, *old);
    else if (all->n == PG_SHAPES_MAX)
        take_out(all, *oldest = LIST_OWNER(all->ages.next, struct pg_shape, age));
    shape->next = *bucket;
    *bucket = pg_shape_hold(shape);
    list_append(&all->ages, &shape->age);
    all->n++;
}

static void remember(struct pg_shapes *all, struct pg_shape *shape)
{
    struct pg_shape *old, *oldest;

    pthread_mutex_lock(&all->lock);
    put(all, shape, &old, &oldest);
    pthread_mutex_unlock(&all->lock);
    pg_shape_drop(old);
    pg_shape_drop(oldest);
}

static struct pg_shape *create(uint64_t statement, uint64_t kinds, size_t types_n)
{
    struct pg_shape *shape = calloc(1, sizeof(*shape) + types_n * sizeof(shape->types[0]));

    if (!shape)
        return NULL;
    atomic_init(&shape->references, 1);
    list_init(&shape->age);
    shape->statement = statement;
    shape->kinds = kinds;
    shape->types_n = types_n;
    return shape;
}

struct pg_shape *pg_shapes_add(struct pg_shapes *all, uint64_t statement, uint64_t by_kinds,
                               const PGresult *described)
{
    size_t n = (size_t)PQnparams(described);
    struct pg_shape *shape = create(statement, by_kinds, n), *sign = NULL;

    if (!shape)
        return NULL;
    for (size_t i = 0; i < n; i++)
        shape->types[i] = PQparamtype(described, (int)i);
    if (by_kinds) {
        sign = create(statement, 0, 0);
        if (!sign) {
            pg_shape_drop(shape);
            return NULL;
        }
        sign->is_by_kinds = true;
        remember(all, sign);
        pg_shape_drop(sign);
    }
    remember(all, shape);
    return shape;
}

void pg_shapes_forget(struct pg_shapes *all, const struct pg_shape *shape)
{
    struct pg_shape *found;

    pthread_mutex_lock(&all->lock);
    found = find(all, shape->statement, shape->kinds);
    if (found == shape)
        take_out(all, found);
    else
        found = NULL;
    pthread_mutex_unlock(&all->lock);
    pg_shape_drop(found);
}

/* ---- columns ---- */

static bool are_same(const struct pg_columns *columns, const PGresult *result)
{
    if (columns->n != (size_t)PQnfields(result))
        return false;
    for (size_t i = 0; i < columns->n; i++) {
        const struct pg_column *c = &columns->server[i];
        if (c->type != PQftype(result, (int)i) || strcmp(c->label, PQfname(result, (int)i)) != 0)
            return false;
    }
    return true;
}

/* The decimal that an expression gives may be a sum of whole numbers, which SQLite says are whole: its cells know. */
static enum db_type declared_type(const struct pg_column *c)
{
    return c->is_expression && c->type == PG_NUMERIC ? DB_NULL : pg_type_of(c->type);
}

static int fill(struct pg_columns *columns, const PGresult *result, struct arena *arena)
{
    columns->n = (size_t)PQnfields(result);
    columns->server = arena_alloc(arena, (columns->n + 1) * sizeof(*columns->server));
    columns->columns = arena_alloc(arena, (columns->n + 1) * sizeof(*columns->columns));
    if (!columns->server || !columns->columns)
        return -1;
    for (size_t i = 0; i < columns->n; i++) {
        struct pg_column *c = &columns->server[i];
        *c = (struct pg_column){ PQftype(result, (int)i), PQftable(result, (int)i) == InvalidOid,
                                 arena_copy(arena, str_from(PQfname(result, (int)i))) };
        if (!c->label || db_column_fill(&columns->columns[i], arena, c->label, declared_type(c)) != 0)
            return -1;
    }
    return 0;
}

static struct pg_columns *make_lasting(const PGresult *result)
{
    struct pg_columns *columns = calloc(1, sizeof(*columns));

    if (!columns)
        return NULL;
    arena_init(&columns->memory, NULL, 0, 0);
    if (fill(columns, result, &columns->memory) != 0) {
        free_columns(columns);
        return NULL;
    }
    return columns;
}

const struct pg_columns *pg_shape_columns(struct pg_shape *shape, const PGresult *result,
                                          struct arena *otherwise)
{
    struct pg_columns *columns = atomic_load_explicit(&shape->columns, memory_order_acquire);

    if (columns && are_same(columns, result))
        return columns;
    if (columns) { /* a table has changed since: this result has its own, until the statement is read anew */
        columns = arena_calloc(otherwise, sizeof(*columns));
        return columns && fill(columns, result, otherwise) == 0 ? columns : NULL;
    }
    struct pg_columns *made = make_lasting(result), *other = NULL;
    if (made && !atomic_compare_exchange_strong(&shape->columns, &other, made)) {
        free_columns(made);
        return pg_shape_columns(shape, result, otherwise);
    }
    return made;
}
