/* database.c - the plugin's private database: SQLite in a folder of its own, which goes with the harness, or what the test
 * names. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"
#include "db/migrate.h"
#include "db/migrations_core.h"
#include "inside.h"
#include "plugin/migrations.h"
#include "util/clock.h"

#define FILE_NAME "harness.db"

/* ---- opening ---- */

/* In memory where that is to be had: what syncs to a disk there takes longer than all else in a test. */
static int make_folder(dw_harness *h)
{
    char fast[] = "/dev/shm/dowel-harness-XXXXXX", usual[] = "/tmp/dowel-harness-XXXXXX";
    const char *folder = mkdtemp(fast);

    if (!folder)
        folder = mkdtemp(usual);
    if (!folder) {
        buf_add_format(&h->why, "cannot make %s: %s", usual, strerror(errno));
        return -1;
    }
    h->database_folder = arena_copy(&h->arena, str_from(folder));
    if (h->database_folder)
        return 0;
    rmdir(folder);
    buf_add_text(&h->why, "out of memory");
    return -1;
}

int harness_open_database(dw_harness *h)
{
    char url[PATH_MAX];
    struct migrations core;

    if (!h->database_url) {
        if (!h->database_folder && make_folder(h) != 0)
            return -1;
        snprintf(url, sizeof(url), "sqlite:%s/" FILE_NAME, h->database_folder);
        h->database_url = url;
    }
    h->database_name = arena_copy(&h->arena, str_from(h->database_url));
    int rc = db_open(&h->process.db, &(struct db_options){ .url = h->database_url }, &h->why);
    h->database_url = NULL;
    if (rc != 0 || migrations_of_core(&core, &h->arena, &h->why) != 0)
        return -1;
    return migrate_up(&(struct migrate_options){ .db = h->process.db }, &core, &h->why) < 0 ? -1 : 0;
}

/* ---- what the plugin brings ---- */

int harness_migrate(dw_harness *h, const struct plugin_descriptor *d)
{
    struct migrations own;

    if (plugin_migrations_read(&own, &h->arena, d, &h->why) != 0)
        return -1;
    if (own.n == 0)
        return 0;
    return migrate_up(&(struct migrate_options){ .db = h->process.db }, &own, &h->why) < 0 ? -1 : 0;
}

/* ---- closing ---- */

/* Who has the files open keeps them. */
void harness_remove_database(dw_harness *h)
{
    static const char *const files[] = { FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm" };
    char path[PATH_MAX];

    if (!h->database_folder)
        return;
    for (size_t i = 0; i < DW_COUNT_OF(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", h->database_folder, files[i]);
        unlink(path);
    }
    rmdir(h->database_folder);
    h->database_folder = NULL;
}

void harness_close_database(dw_harness *h)
{
    db_close(h->process.db);
    h->process.db = NULL;
    harness_remove_database(h);
}

/* ---- for whom ---- */

static const char *kept(dw_harness *h, const char *text)
{
    return text ? arena_copy(&h->arena, str_from(text)) : NULL;
}

void dw_harness_set_tenant(dw_harness *h, const char *tenant)
{
    h->process.tenant = kept(h, tenant);
}

void dw_harness_set_principal(dw_harness *h, const char *principal)
{
    h->process.principal = kept(h, principal);
}

void dw_harness_set_permissions(dw_harness *h, const char *permissions)
{
    struct str rest = str_from(permissions), name;
    size_t n = 0;
    const char **names = arena_calloc(&h->arena, (rest.n + 2) * sizeof(*names));

    h->process.permissions = NULL;
    if (!permissions || !names)
        return;
    while (str_split(&rest, ' ', &name)) {
        if (name.n > 0)
            names[n++] = arena_copy(&h->arena, name);
    }
    h->process.permissions = names;
}

int dw_harness_set_address(dw_harness *h, const char *address)
{
    h->peer = (struct address){ 0 };
    return address ? address_parse(str_from(address), &h->peer) : 0;
}

/* ---- the test's own SQL ---- */

static struct db_session *open_session(dw_harness *h)
{
    const struct db_who who = {
        .owner = "test",
        .tenant = h->process.tenant,
        .principal = h->process.principal,
        .is_system = true,
        .is_unguarded = true,
        .now_us = h->process.wall_us ? h->process.wall_us(h) : clock_wall_us(),
        .memory = &h->arena,
    };
    struct db_session *s = NULL;

    h->why.n = 0;
    if (!h->process.db || db_session_create(&s, h->process.db, &who) != 0)
        buf_add_text(&h->why, "there is no database, or no memory");
    return s;
}

static int end_session(dw_harness *h, struct db_session *s, int64_t rc)
{
    if (rc < 0)
        buf_add_text(&h->why, db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : rc < INT_MAX ? (int)rc : INT_MAX;
}

int dw_harness_sql_(dw_harness *h, dw_list sql_and_values)
{
    struct db_session *s = open_session(h);

    return s ? end_session(h, s, db_exec(s, DB_BY_CORE, sql_and_values)) : -1;
}

int dw_harness_find_(dw_harness *h, dw_list targets, dw_list sql_and_values)
{
    struct db_session *s = open_session(h);

    return s ? end_session(h, s, db_find(s, targets, DB_BY_CORE, sql_and_values)) : -1;
}
