/* backup_create.c - `dowel backup create`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/files.h"
#include "backup/shelf.h"
#include "cli/backup.h"
#include "cli/db.h"
#include "db/backup.h"
#include "db/identity.h"
#include "db/postgres_dump.h"
#include "util/clock.h"

struct making {
    const struct cli *c;
    struct db_view view;
    struct shelf_place place;
    json_t *about;
    struct buf why;
};

/* ---- where ---- */

/* Two in one second: the later gets the next second's name. */
static int choose_name(char out[PATH_MAX], const char *shelf, int64_t now_us, struct buf *why)
{
    char name[SHELF_NAME_SIZE];

    do {
        shelf_name(now_us, name);
        if (!files_path(out, PATH_MAX, shelf, name, why))
            return -1;
        now_us += CLOCK_SECOND;
    } while (access(out, F_OK) == 0);
    return 0;
}

static int begin(struct making *m, int64_t now_us)
{
    char shelf[PATH_MAX], final[PATH_MAX];

    if (m->c->argc > 1)
        return shelf_begin(&m->place, m->c->argv[1], &m->why);
    if (!backup_may_write(m->c->data_dir) || backup_shelf(m->c, shelf) != 0)
        return -1;
    if (mkdir(shelf, 0700) != 0 && errno != EEXIST) {
        buf_add_format(&m->why, "%s: cannot be made: %s", shelf, strerror(errno));
        return -1;
    }
    shelf_tidy(shelf);
    if (choose_name(final, shelf, now_us, &m->why) != 0)
        return -1;
    return shelf_begin(&m->place, final, &m->why);
}

/* ---- what ---- */

static int describe(struct making *m, int64_t now_us)
{
    const struct core_config *core = core_config(m->view.plugins.settings.core);
    char at[CLOCK_RFC3339_SIZE], id[UUID_TEXT_SIZE];
    struct buf where = BUF_INIT;

    if (m->view.owners[0].plan.applied == 0) {
        buf_add_text(&m->why, "the database is empty: there is nothing to back up");
        return -1;
    }
    if (db_identify(m->view.db, id, &m->why) != 0)
        return -1;
    json_t *keys = backup_keys(core, m->c->data_dir, &m->why);
    if (!keys)
        return -1;
    clock_format_rfc3339(now_us, at);
    database_describe(&where, &m->view.place);
    m->about = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "format", MANIFEST_FORMAT, "created_at",
                         at, "dowel", DOWEL_VERSION, "engine", m->view.place.path ? "sqlite" : "postgres",
                         "source", buf_text(&where), "database_id", id, "keys", keys, "migrations",
                         manifest_history(&m->view.history));
    buf_finish(&where);
    if (!m->about)
        buf_add_text(&m->why, "memory is out");
    return m->about ? 0 : -1;
}

static int copy_database(struct making *m)
{
    const struct database_place *place = &m->view.place;
    char path[PATH_MAX];

    if (!files_path(path, sizeof(path), m->place.unfinished, manifest_database(db_engine(m->view.db)),
                    &m->why))
        return -1;
    if (place->path)
        return db_backup_make(m->view.db, path, NULL, &m->why);
    if (!place->options.through_pooler)
        return postgres_dump(place->options.url, path, &m->why);
    buf_add_text(&m->why,
                 "pg_dump does not work through a pooler in transaction mode: name the database itself for "
                 "this command, with DATABASE_URL and DOWEL_CORE__DATABASE_POOLER=false in its environment");
    return -1;
}

static int copy_config(struct making *m)
{
    char path[PATH_MAX];

    if (!files_path(path, sizeof(path), m->place.unfinished, BACKUP_CONFIG, &m->why))
        return -1;
    return files_copy_folder(m->c->config_dir, path, &m->why);
}

static bool is_same(const struct migrate_history *a, const struct migrate_history *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct migrate_record *x = &a->v[i], *y = &b->v[i];
        if (strcmp(x->owner, y->owner) != 0 || x->number != y->number ||
            strcmp(x->checksum, y->checksum) != 0)
            return false;
    }
    return true;
}

/* The manifest's history was read before the copy was made. */
static int check_history(struct making *m)
{
    const struct migrate_history before = m->view.history;

    if (db_view_refresh(&m->view) != 0)
        return -1;
    if (is_same(&before, &m->view.history))
        return 0;
    buf_add_text(&m->why, "migrations were applied while the backup was made: make it again");
    return -1;
}

static int make(struct making *m)
{
    int64_t now_us = clock_wall_us();
    int result = describe(m, now_us);

    if (result != 0)
        return result;
    result = begin(m, now_us);
    if (result != 0)
        return result;
    result = copy_database(m);
    if (result == 0)
        result = copy_config(m);
    if (result == 0)
        result = check_history(m);
    if (result == 0)
        result = manifest_write(m->place.unfinished, m->about, &m->why);
    if (result == 0)
        result = shelf_end(&m->place, &m->why);
    if (result != 0)
        shelf_abandon(&m->place);
    return result;
}

/* ---- telling ---- */

static int tell(const struct making *m)
{
    struct buf text = BUF_INIT;

    if (m->c->json)
        return plugin_print_json(json_pack("{s:s, s:I, s:O}", "backup", m->place.final, "size",
                                           (json_int_t)manifest_size(m->about), "manifest", m->about));
    buf_add_format(&text, "%s: ", m->place.final);
    backup_add_size(&text, manifest_size(m->about));
    buf_add_format(&text, ", %s\n", manifest_text(m->about, "source"));
    if (json_array_size(json_object_get(m->about, "keys")) > 0)
        buf_add_text(&text, "The key of stored secrets is not in it: keep that elsewhere.\n");
    return cli_print(&text);
}

int backup_create(const struct cli *c)
{
    struct making m = { .c = c, .why = BUF_INIT };
    int result = db_view_open(&m.view, c, DB_VIEW_LOOK);

    if (result == CLI_OK && !m.view.db) {
        fprintf(stderr, "%s: there is no database yet, so nothing to back up\n", m.view.place.path);
        result = CLI_FAILED;
    }
    if (result == CLI_OK && make(&m) != 0) {
        if (m.why.n > 0)
            fprintf(stderr, "%s\n", buf_text(&m.why));
        result = CLI_FAILED;
    }
    if (result == CLI_OK)
        result = tell(&m);
    buf_finish(&m.why);
    json_decref(m.about);
    db_view_close(&m.view);
    return result;
}
