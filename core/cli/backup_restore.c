/* backup_restore.c - `dowel backup restore`: a backup's database in the place of the present one. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup/files.h"
#include "backup/replace.h"
#include "cli/backup.h"
#include "cli/database.h"
#include "cli/note.h"
#include "cli/plugin.h"
#include "db/migrations_core.h"
#include "db/postgres_dump.h"
#include "log/log.h"
#include "plugin/migrations.h"
#include "supervise/lock.h"

struct restoring {
    const struct cli *c;
    struct plugin_view plugins;
    struct database_place place;
    struct arena arena;
    char folder[PATH_MAX];
    json_t *manifest;
    struct migrate_history history; /* of the backup */
    json_t *missing;                /* ids of keys that this server does not have */
    char kept[PATH_MAX];            /* what SQLite's file is called now; "" */
    int lock;
    struct buf why;
};

/* ---- does it fit? ---- */

static int check_engine(struct restoring *r)
{
    enum db_engine of_backup = manifest_engine(r->manifest), here = r->place.path ? DB_SQLITE : DB_POSTGRES;

    if (of_backup == here)
        return 0;
    buf_add_format(
        &r->why,
        "%s: is a backup of %s, and database_url names %s: a backup goes back to the engine it came from",
        r->folder, of_backup == DB_SQLITE ? "SQLite" : "PostgreSQL",
        here == DB_SQLITE ? "SQLite" : "PostgreSQL");
    return -1;
}

static int check_pooler(struct restoring *r)
{
    if (r->place.path || !r->place.options.through_pooler)
        return 0;
    buf_add_text(&r->why,
                 "psql does not work through a pooler in transaction mode: name the database itself for this "
                 "command, with DATABASE_URL and DOWEL_CORE__DATABASE_POOLER=false in its environment");
    return -1;
}

static int check_owner(struct restoring *r, const struct migrations *here)
{
    struct migrate_plan plan;

    if (migrate_plan_make(&plan, &r->arena, here, &r->history) != 0) {
        buf_add_text(&r->why, "memory is out");
        return -1;
    }
    if (!plan.wrong)
        return 0;
    buf_add_format(&r->why, "%s: does not fit what is installed here: %s", r->folder, plan.wrong);
    return -1;
}

static int check_plugin(struct restoring *r, const struct plan_plugin *p)
{
    struct migrations here = { .owner = p->name };

    if (!p->file || !p->file->found)
        return 0; /* its tables stay as they are, until it is installed */
    if (plugin_migrations_found(&here, &r->arena, p->file->found, &r->why) != 0)
        return -1;
    return check_owner(r, &here);
}

/* What is newer than the programs would be refused by the next start of the server, when the present database is gone. */
static int check_migrations(struct restoring *r)
{
    struct migrations core;

    if (manifest_history_read(&r->history, &r->arena, r->manifest) != 0) {
        buf_add_format(&r->why, "%s/" BACKUP_MANIFEST ": its list of migrations cannot be read", r->folder);
        return -1;
    }
    if (migrations_of_core(&core, &r->arena, &r->why) != 0 || check_owner(r, &core) != 0)
        return -1;
    for (size_t i = 0; i < r->plugins.plan.n; i++) {
        if (check_plugin(r, &r->plugins.plan.plugins[i]) != 0)
            return -1;
    }
    return 0;
}

static bool has(const json_t *list, const char *text)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        if (json_string_value(one) && strcmp(json_string_value(one), text) == 0)
            return true;
    }
    return false;
}

static int find_missing_keys(struct restoring *r)
{
    json_t *here = backup_keys(core_config(r->plugins.settings.core), r->c->data_dir, &r->why);
    const json_t *one;
    size_t i;

    if (!here)
        return -1;
    r->missing = json_array();
    json_array_foreach(json_object_get(r->manifest, "keys"), i, one)
    {
        const char *id = json_string_value(one);
        if (id && !has(here, id))
            json_array_append_new(r->missing, json_string(id));
    }
    json_decref(here);
    return 0;
}

/* Servers on other machines hold no lock of ours. */
static int check_nobody_is_there(struct restoring *r)
{
    int n = 0;

    if (r->place.path)
        return 0;
    if (postgres_dump_others(r->place.options.url, &n, &r->why) != 0)
        return -1;
    if (n > 0)
        buf_add_format(
            &r->why,
            "the database is in use: %d other connections of this role; stop all servers that work with it",
            n);
    return n > 0 ? -1 : 0;
}

static int check(struct restoring *r)
{
    const struct backup_scratch scratch = backup_scratch(r->c, &r->place);
    const char *how;

    if (manifest_read(&r->manifest, r->folder, &r->why) != 0 || check_engine(r) != 0 ||
        check_pooler(r) != 0 || check_nobody_is_there(r) != 0 || check_migrations(r) != 0 ||
        find_missing_keys(r) != 0)
        return -1;
    return backup_check(r->folder, r->manifest, &scratch, &how, &r->why);
}

/* ---- asking ---- */

static void warn_of_keys(const struct restoring *r)
{
    const json_t *one;
    size_t i;

    json_array_foreach(r->missing, i, one)
    {
        fprintf(
            stderr,
            "the key %s is not here: secrets in the database that were sealed with it cannot be opened until "
            "it is put into %s/secret.key or secret_key\n",
            json_string_value(one), r->c->data_dir);
    }
}

static int confirm(const struct restoring *r)
{
    struct buf where = BUF_INIT;
    char answer[16] = "";

    if (cli_option_value(r->c, "yes", 0))
        return CLI_OK;
    if (!isatty(STDIN_FILENO))
        return cli_usage(r->c, "backup restore: replaces the database, so say --yes");
    database_describe(&where, &r->place);
    fprintf(stderr, "%s becomes what it was at %s. Type yes to go on: ", buf_text(&where),
            manifest_text(r->manifest, "created_at"));
    buf_finish(&where);
    if (fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0)
        return CLI_OK;
    fputs("nothing was changed\n", stderr);
    return CLI_FAILED;
}

/* ---- doing it ---- */

static const char *noted_hash(const json_t *manifest, const char *name)
{
    const json_t *file;
    size_t i;

    json_array_foreach(json_object_get(manifest, "files"), i, file)
    {
        if (strcmp(manifest_text(file, "path"), name) == 0)
            return manifest_text(file, "sha256");
    }
    return "";
}

static int put_back(struct restoring *r)
{
    const char *name = manifest_database(manifest_engine(r->manifest));
    char path[PATH_MAX];

    if (!files_path(path, sizeof(path), r->folder, name, &r->why))
        return -1;
    if (r->place.path)
        return replace_sqlite(path, noted_hash(r->manifest, name), r->place.path, r->kept, &r->why);
    return postgres_dump_restore(r->place.options.url, path, r->c->data_dir, &r->why);
}

static int tell(const struct restoring *r)
{
    struct buf text = BUF_INIT, where = BUF_INIT;
    int result;

    database_describe(&where, &r->place);
    if (r->c->json) {
        result = plugin_print_json(json_pack("{s:s, s:s, s:s?, s:O}", "backup", r->folder, "database",
                                             buf_text(&where), "kept", *r->kept ? r->kept : NULL,
                                             "missing_keys", r->missing));
    } else {
        buf_add_format(&text, "%s is as it was at %s\n", buf_text(&where),
                       manifest_text(r->manifest, "created_at"));
        if (*r->kept)
            buf_add_format(&text, "What was there before is called %s; remove it when all is well.\n",
                           r->kept);
        buf_add_format(&text, "The configuration is unchanged; its copy is %s/" BACKUP_CONFIG ".\n",
                       r->folder);
        result = cli_print(&text);
    }
    buf_finish(&where);
    return result;
}

/* In the database that was put back. */
static void note(const struct restoring *r)
{
    const char *made_at = manifest_text(r->manifest, "created_at"), *folder = r->folder;

    cli_note_alone(core_config(r->plugins.settings.core), r->c->data_dir,
                   &(struct cli_note){ .action = "core.backup.restored",
                                       .values = DW_LIST("backup", folder, "made_at", made_at) });
}

static int restore(struct restoring *r)
{
    int result = CLI_FAILED;

    if (check(r) == 0) {
        warn_of_keys(r);
        result = confirm(r);
        if (result == CLI_OK && put_back(r) != 0)
            result = CLI_FAILED;
        else if (result == CLI_OK)
            note(r);
    }
    if (r->why.n > 0)
        fprintf(stderr, "%s\n", buf_text(&r->why));
    return result == CLI_OK ? tell(r) : result;
}

static int lock(struct restoring *r)
{
    if (!backup_may_write(r->c->data_dir))
        return CLI_FAILED;
    if (data_lock(r->c->data_dir, &r->lock, &r->why) == 0)
        return CLI_OK;
    fprintf(stderr, "%s\n", buf_text(&r->why));
    return CLI_FAILED;
}

int backup_restore(const struct cli *c)
{
    struct restoring r = { .c = c, .lock = -1, .why = BUF_INIT };

    if (backup_find(c, r.folder) != 0)
        return CLI_FAILED;
    arena_init(&r.arena, NULL, 0, 0);
    log_set_level(LOG_WARN);
    int result = plugin_view_open(&r.plugins, c);
    if (result == CLI_OK && !r.plugins.settings.core)
        result = CLI_FAILED;
    if (result == CLI_OK)
        result = lock(&r);
    if (result == CLI_OK) {
        database_find(&r.place, core_config(r.plugins.settings.core), c->data_dir);
        result = restore(&r);
    }
    if (r.lock >= 0)
        close(r.lock);
    json_decref(r.manifest);
    json_decref(r.missing);
    buf_finish(&r.why);
    plugin_view_close(&r.plugins);
    arena_finish(&r.arena);
    return result;
}
