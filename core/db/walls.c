/* Which tables have a wall: read from dowel_tenant_tables, kept as a set that never changes. */
#include <stdlib.h>
#include <string.h>

#include "db/driver.h"

struct db_walls *db_walls_hold(struct db *db)
{
    pthread_mutex_lock(&db->lock);
    struct db_walls *w = db->walls;
    if (w)
        atomic_fetch_add_explicit(&w->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&db->lock);
    return w;
}

uint64_t db_walls_version(struct db *db)
{
    return atomic_load_explicit(&db->walls_version, memory_order_acquire);
}

void db_walls_drop(struct db_walls *w)
{
    if (!w || atomic_fetch_sub_explicit(&w->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < w->n; i++)
        free((char *)(uintptr_t)w->tables[i]);
    free(w);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of tables are found without regard to case, as both engines find them. */
static int compare_name(struct str name, const char *table)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i], t = (unsigned char)table[i];
        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c - 'A' + 'a');
        if (c != t)
            return c < t ? -1 : 1;
    }
    return table[name.n] ? -1 : 0;
}

bool db_walls_has(const struct db_walls *w, struct str table)
{
    size_t low = 0, high = w ? w->n : 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_name(table, w->tables[middle]);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* ---- learning ---- */

static int add(struct db_walls **walls, const char *name)
{
    size_t n = *walls ? (*walls)->n : 0;
    struct db_walls *larger = realloc(*walls, sizeof(*larger) + (n + 1) * sizeof(larger->tables[0]));

    if (!larger)
        return DW_ENOMEM;
    *walls = larger;
    char *copy = strdup(name);
    if (!copy)
        return DW_ENOMEM;
    for (char *p = copy; *p; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    }
    larger->tables[larger->n++] = copy;
    return 0;
}

static int read_names(struct db_session *s, struct db_walls **walls)
{
    const char *name,
        *there = s->db->driver->engine == DB_SQLITE
                     ? "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'dowel_tenant_tables'"
                     : "SELECT 1 WHERE to_regclass('dowel_tenant_tables') IS NOT NULL";
    struct db_rows *rows;
    int one;

    int rc = db_find(s, DW_TO(&one), DB_BY_CORE, DW_LIST(there));
    if (rc <= 0)
        return rc;
    rc = db_query(s, &rows, DB_BY_CORE, DW_LIST("SELECT name FROM dowel_tenant_tables"));
    while (rc >= 0 && (rc = db_rows_next(rows)) > 0) {
        if ((rc = db_rows_read(rows, DW_TO(&name))) == 0)
            rc = add(walls, name);
    }
    return rc;
}

static void put_in_place(struct db *db, struct db_walls *walls)
{
    if (walls->n > 0)
        qsort(walls->tables, walls->n, sizeof(walls->tables[0]), compare);
    pthread_mutex_lock(&db->lock);
    struct db_walls *old = db->walls;
    walls->version = old ? old->version + 1 : 1;
    db->walls = walls;
    atomic_store_explicit(&db->walls_version, walls->version, memory_order_release);
    pthread_mutex_unlock(&db->lock);
    db_walls_drop(old);
}

int db_learn_walls(struct db *db, struct buf *why)
{
    const struct db_who who = { .owner = "core", .is_system = true, .is_unguarded = true };
    struct db_walls *walls = calloc(1, sizeof(*walls));
    struct db_session *s = NULL;

    if (walls)
        atomic_init(&walls->references, 1);
    if (!walls || db_session_create(&s, db, &who) != 0) {
        buf_add_text(why, "cannot read which tables belong to tenants: memory is out");
        db_walls_drop(walls);
        return -1;
    }
    int rc = read_names(s, &walls);
    if (rc < 0) {
        const char *text = db_error_of(s)->text;
        buf_add_format(why, "cannot read which tables belong to tenants: %s", *text ? text : "memory is out");
        db_walls_drop(walls);
    } else {
        put_in_place(db, walls);
    }
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}
