/* What keeps a tenant's connection inside its wall: the views and triggers of wall.h, and SQLite's authorizer, which
 * judges every name of every statement when it is prepared. */
#include <stdlib.h>
#include <strings.h>

#include "db/sqlite.h"
#include "db/wall.h"

/* ---- functions of the walls ---- */

static void tenant(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct sqlite_connection *c = sqlite3_user_data(context);
    const char *id = c->session ? c->session->who.tenant : NULL;

    (void)n;
    (void)values;
    if (id)
        sqlite3_result_text(context, id, -1, SQLITE_STATIC);
    else
        sqlite3_result_null(context);
}

static void upsert(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct sqlite_connection *c = sqlite3_user_data(context);

    (void)n;
    (void)values;
    sqlite3_result_int(context, c->statement && c->statement->is_upsert);
}

static int define(struct sqlite_connection *c, const char *name, int flags,
                  void (*function)(sqlite3_context *, int, sqlite3_value **))
{
    return sqlite3_create_function_v2(c->handle, name, 0, SQLITE_UTF8 | SQLITE_INNOCUOUS | flags, c, function,
                                      NULL, NULL, NULL);
}

/* ---- the authorizer ---- */

static bool same(const char *a, const char *b)
{
    return a && b && strcasecmp(a, b) == 0;
}

/* A foreign key's check and its actions read and write the other table, and say no accessor. */
static bool is_linked(const struct sqlite_connection *c, const char *a, const char *b)
{
    unsigned of_a = 0, of_b = 0;

    for (size_t i = 0; i < c->links_n; i++) {
        if (same(c->links[i].table, a))
            of_a = c->links[i].group;
        if (same(c->links[i].table, b))
            of_b = c->links[i].group;
    }
    return of_a && of_a == of_b;
}

static bool is_trigger_of_wall(const char *accessor)
{
    return strncmp(accessor, "dowel_", strlen("dowel_")) == 0;
}

/* Views show one tenant's rows; what else reads such a table shows all. */
static bool may_read(const struct sqlite_connection *c, const char *table, const char *database,
                     const char *accessor)
{
    if (!same(database, "main") || !db_walls_has(c->walls, str_from(table)))
        return true;
    if (same(accessor, table) || (accessor && is_trigger_of_wall(accessor)))
        return true;
    const char *target = c->statement ? c->statement->target : NULL;
    return same(target, table) || (!accessor && target && is_linked(c, target, table));
}

/* A virtual table, as json_each is one too, that is declared when it is first used looks like a change of sqlite_master. It
 * is none, and none can be made: SQLITE_DBCONFIG_DEFENSIVE. Those about the database (dbstat) have refused names. */
static bool may_write(int action, const char *table)
{
    return strncasecmp(table, "sqlite_", strlen("sqlite_")) != 0 ||
           (action == SQLITE_UPDATE && same(table, "sqlite_master"));
}

static bool is_allowed(const struct sqlite_connection *c, int action, const char *a, const char *database,
                       const char *accessor)
{
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE: return true;
    case SQLITE_READ: return c->kind != SQLITE_GUARDED || may_read(c, a, database, accessor);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE: return may_write(action, a);
    case SQLITE_PRAGMA: return same(a, "data_version"); /* full text asks for it by itself */
    default: return false;
    }
}

static int authorize(void *ud, int action, const char *a, const char *b, const char *database,
                     const char *accessor)
{
    const struct sqlite_connection *c = ud;

    (void)b;
    /* BEGIN and COMMIT are judged once more where SQLite prepares them again by itself: their walls were changed. */
    if (!c->session || c->is_controlled || c->session->who.is_unguarded ||
        is_allowed(c, action, a, database, accessor))
        return SQLITE_OK;
    return SQLITE_DENY;
}

/* ---- foreign keys ---- */

static struct sqlite_link *link_of(struct sqlite_connection *c, const char *table)
{
    for (size_t i = 0; i < c->links_n; i++) {
        if (same(c->links[i].table, table))
            return &c->links[i];
    }
    struct sqlite_link *larger = realloc(c->links, (c->links_n + 1) * sizeof(*larger));
    if (!larger)
        return NULL;
    c->links = larger;
    struct sqlite_link *made = &larger[c->links_n];
    *made = (struct sqlite_link){ strdup(table), (unsigned)c->links_n + 1 };
    if (!made->table)
        return NULL;
    c->links_n++;
    return made;
}

static int join(void *ud, int n, char **values, char **names)
{
    struct sqlite_connection *c = ud;

    (void)n;
    (void)names;
    struct sqlite_link *child = link_of(c, values[0]);
    unsigned from = child ? child->group : 0;
    struct sqlite_link *parent = link_of(c, values[1]); /* may have moved the child */
    if (!from || !parent)
        return 1;
    unsigned to = parent->group;
    for (size_t i = 0; i < c->links_n; i++) {
        if (c->links[i].group == from)
            c->links[i].group = to;
    }
    return 0;
}

static int read_links(struct sqlite_connection *c)
{
    return sqlite3_exec(
        c->handle,
        "SELECT t.name, k.\"table\" FROM main.sqlite_schema t, pragma_foreign_key_list(t.name) k "
        "WHERE t.type = 'table'",
        join, c, NULL);
}

void sqlite_guard_forget(struct sqlite_connection *c)
{
    for (size_t i = 0; i < c->links_n; i++)
        free(c->links[i].table);
    free(c->links);
    c->links = NULL;
    c->links_n = 0;
    db_walls_drop(c->walls);
    c->walls = NULL;
}

/* ---- putting up ---- */

static int exists(struct sqlite_connection *c, const char *table, bool *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(c->handle,
                                "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND lower(name) = ?1",
                                -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    *out = rc == SQLITE_ROW;
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_up(struct sqlite_connection *c)
{
    struct buf sql = BUF_INIT;
    bool is_there;
    int rc = SQLITE_OK;

    for (size_t i = 0; c->walls && i < c->walls->n && rc == SQLITE_OK; i++) {
        rc = exists(c, c->walls->tables[i], &is_there);
        if (rc == SQLITE_OK && is_there) /* a plugin's that was purged is not */
            wall_write_sqlite(&sql, str_from(c->walls->tables[i]));
    }
    buf_add_char(&sql, ' ');
    if (rc == SQLITE_OK)
        rc = buf_failed(&sql) ? SQLITE_NOMEM : sqlite3_exec(c->handle, buf_text(&sql), NULL, NULL, NULL);
    buf_finish(&sql);
    return rc;
}

int sqlite_guard_set_up(struct sqlite_connection *c)
{
    int rc = SQLITE_OK;

    if (c->kind == SQLITE_GUARDED) {
        c->walls = db_walls_hold(c->engine->db);
        /* Once a statement, so that SQLite may take it for a constant and use the index on tenant_id. */
        rc = define(c, "dw_tenant", SQLITE_DETERMINISTIC, tenant);
        if (rc == SQLITE_OK)
            rc = define(c, "dw_upsert", 0, upsert);
        if (rc == SQLITE_OK)
            rc = read_links(c); /* before a view takes the table's name */
        if (rc == SQLITE_OK)
            rc = put_up(c);
    }
    return rc == SQLITE_OK ? sqlite3_set_authorizer(c->handle, authorize, c) : rc;
}
