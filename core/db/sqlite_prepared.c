#include <stdlib.h>

#include "db/sqlite.h"

enum { PREPARED_MAX = 96 }; /* a connection's; about 4 kB each */

static struct sqlite_prepared **bucket_of(struct sqlite_connection *c, uint64_t id)
{
    return &c->buckets[id % SQLITE_PREPARED_BUCKETS];
}

static void destroy(struct sqlite_prepared *p)
{
    sqlite3_finalize(p->handle);
    arena_finish(&p->memory);
    free(p);
}

static void forget(struct sqlite_connection *c, struct sqlite_prepared *p)
{
    struct sqlite_prepared **at = bucket_of(c, p->id);

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    list_remove(&p->age);
    c->prepared_n--;
    destroy(p);
}

void sqlite_prepared_forget_all(struct sqlite_connection *c)
{
    while (!list_empty(&c->ages))
        forget(c, LIST_OWNER(c->ages.next, struct sqlite_prepared, age));
}

static struct sqlite_prepared *find(struct sqlite_connection *c, uint64_t id)
{
    for (struct sqlite_prepared *p = *bucket_of(c, id); p; p = p->next) {
        if (p->id == id)
            return p;
    }
    return NULL;
}

/* The oldest that is not open; all may be, then there are some more for a while. */
static void make_room(struct sqlite_connection *c)
{
    struct list *next = c->ages.next;

    while (c->prepared_n >= PREPARED_MAX && next != &c->ages) {
        struct sqlite_prepared *p = LIST_OWNER(next, struct sqlite_prepared, age);
        next = next->next;
        if (!p->is_open)
            forget(c, p);
    }
}

/* ---- columns ---- */

static enum db_type declared_type(sqlite3_stmt *st, int column)
{
    const char *declared = sqlite3_column_decltype(st, column);

    return declared ? db_type_of(str_from(declared)) : DB_NULL;
}

static int read_columns(struct sqlite_prepared *p)
{
    int n = sqlite3_column_count(p->handle);

    arena_reset(&p->memory);
    p->reprepared = sqlite3_stmt_status(p->handle, SQLITE_STMTSTATUS_REPREPARE, 0);
    p->columns_n = 0;
    p->columns = n > 0 ? arena_calloc(&p->memory, (size_t)n * sizeof(*p->columns)) : NULL;
    if (n > 0 && !p->columns)
        return -1;
    for (int i = 0; i < n; i++) {
        const char *label = sqlite3_column_name(p->handle, i);
        if (!label || db_column_fill(&p->columns[i], &p->memory, label, declared_type(p->handle, i)) != 0)
            return -1;
    }
    p->columns_n = (size_t)n;
    return 0;
}

int sqlite_prepared_columns(struct sqlite_connection *c, struct sqlite_prepared *p)
{
    if (p->reprepared == sqlite3_stmt_status(p->handle, SQLITE_STMTSTATUS_REPREPARE, 0))
        return 0;
    return read_columns(p) == 0 ? 0 : session_fail(c->session, DW_ENOMEM, "", "memory is out");
}

/* ---- preparing ---- */

static int prepare_new(struct sqlite_connection *c, const struct statement *st, struct sqlite_prepared **out)
{
    struct sqlite_prepared *p = calloc(1, sizeof(*p));
    const char *rest = "";

    *out = p;
    if (!p)
        return session_fail(c->session, DW_ENOMEM, "", "memory is out");
    list_init(&p->age);
    arena_init(&p->memory, NULL, 0, 0);
    int rc = sqlite3_prepare_v3(c->handle, st->text, -1, SQLITE_PREPARE_PERSISTENT, &p->handle, &rest);
    if (rc != SQLITE_OK)
        rc = sqlite_fail(c->session, c, rc);
    else if (!p->handle)
        rc = session_fail(c->session, DW_EMISUSE, "", "the SQL has no statement in it");
    else if (rest[strspn(rest, " \t\r\n;")])
        rc = session_fail(c->session, DW_EMISUSE, "", "the SQL has more than one statement: one at a time");
    else if (read_columns(p) != 0)
        rc = session_fail(c->session, DW_ENOMEM, "", "memory is out");
    if (rc == 0)
        return 0;
    destroy(p);
    *out = NULL;
    return rc < 0 ? rc : DW_EINTERNAL;
}

int sqlite_prepare(struct sqlite_connection *c, const struct statement *st, struct sqlite_prepared **out)
{
    struct sqlite_prepared *p = find(c, st->id);
    bool is_known = p != NULL;

    if (p && !p->is_open) {
        list_remove(&p->age);
        list_append(&c->ages, &p->age);
    } else {
        make_room(c);
        DW_TRY(prepare_new(c, st, &p));
        if (!is_known) {
            p->id = st->id;
            p->next = *bucket_of(c, p->id);
            *bucket_of(c, p->id) = p;
            list_append(&c->ages, &p->age);
            c->prepared_n++;
        }
    }
    p->is_open = true;
    *out = p;
    return 0;
}

void sqlite_prepared_close(struct sqlite_connection *c, struct sqlite_prepared *p)
{
    (void)c;
    sqlite3_reset(p->handle);
    sqlite3_clear_bindings(p->handle); /* they may be large, and nobody's to read any more */
    p->is_open = false;
    if (p->id == 0)
        destroy(p);
}
