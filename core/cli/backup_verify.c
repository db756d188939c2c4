/* backup_verify.c - `dowel backup verify`: is what was set aside whole? */
#include <stdio.h>
#include <string.h>

#include "backup/files.h"
#include "cli/backup.h"
#include "cli/plugin.h"
#include "db/backup.h"
#include "db/postgres_dump.h"

/* The manifest's list as db_backup_migrations() writes it. */
static void write_migrations(struct buf *out, const json_t *manifest)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(manifest, "migrations"), i, one)
    {
        buf_add_format(out, "%s %lld %s\n", manifest_text(one, "owner"),
                       (long long)json_integer_value(json_object_get(one, "number")),
                       manifest_text(one, "checksum"));
    }
}

/* Engines sort names differently, so the order does not count. */
static bool has_same_lines(struct buf *noted, struct buf *found)
{
    struct str rest = buf_str(noted), line;
    char wanted[256];

    if (buf_failed(noted) || buf_failed(found) || noted->n != found->n)
        return false;
    while (rest.n > 0 && str_split(&rest, '\n', &line)) {
        snprintf(wanted, sizeof(wanted), "%.*s\n", STR_ARG(line));
        if (!strstr(buf_text(found), wanted))
            return false;
    }
    return true;
}

static int compare_migrations(const char *path, const json_t *manifest, struct buf *found, struct buf *why)
{
    struct buf noted = BUF_INIT;

    write_migrations(&noted, manifest);
    bool is_same = has_same_lines(&noted, found);
    if (!is_same)
        buf_add_format(why, "%s: its migrations are not those that " BACKUP_MANIFEST " names", path);
    buf_finish(&noted);
    return is_same ? 0 : -1;
}

static int check_sqlite(const char *path, const json_t *manifest, const char **how, struct buf *why)
{
    struct buf found = BUF_INIT;

    *how = "the database was opened and read: structure, indexes, references and migrations are in order";
    int result = db_backup_verify(path, why);
    if (result == 0)
        result = db_backup_migrations(path, &found, why);
    if (result == 0)
        result = compare_migrations(path, manifest, &found, why);
    buf_finish(&found);
    return result;
}

/* Where the server's own database is no PostgreSQL there is none to try it in. */
static int check_postgres(const char *path, const json_t *manifest, const struct backup_scratch *scratch,
                          const char **how, struct buf *why)
{
    struct buf found = BUF_INIT;

    int tried = scratch->url ? postgres_dump_try(scratch->url, path, scratch->folder, &found, why) : 0;
    if (tried > 0) {
        *how = "the dump was restored into a database of its own, which was dropped again";
        tried = compare_migrations(path, manifest, &found, why);
    } else if (tried == 0) {
        *how = "the dump was read to its end, and not restored: that needs a role that may make a database "
               "(ALTER ROLE "
               "... CREATEDB)";
        tried = postgres_dump_verify(path, why);
    }
    buf_finish(&found);
    return tried;
}

int backup_check(const char *folder, const json_t *manifest, const struct backup_scratch *scratch,
                 const char **how, struct buf *why)
{
    enum db_engine engine = manifest_engine(manifest);
    char path[PATH_MAX];

    if (manifest_check(manifest, folder, why) != 0 ||
        !files_path(path, sizeof(path), folder, manifest_database(engine), why))
        return -1;
    return engine == DB_SQLITE ? check_sqlite(path, manifest, how, why)
                               : check_postgres(path, manifest, scratch, how, why);
}

struct backup_scratch backup_scratch(const struct cli *c, const struct database_place *place)
{
    bool is_there = !place->path && !place->options.through_pooler;

    return (struct backup_scratch){ .url = is_there ? place->options.url : NULL, .folder = c->data_dir };
}

static int tell(const struct cli *c, const char *folder, const json_t *manifest, const char *how,
                struct buf *why)
{
    size_t files = json_array_size(json_object_get(manifest, "files"));
    struct buf text = BUF_INIT;

    if (c->json)
        return plugin_print_json(json_pack("{s:s, s:b, s:i, s:s?, s:s?}", "backup", folder, "ok", why->n == 0,
                                           "files", (int)files, "database", why->n == 0 ? how : NULL, "wrong",
                                           why->n > 0 ? buf_text(why) : NULL));
    if (why->n > 0)
        return CLI_OK;
    buf_add_format(&text, "%s: %zu files are as they were written; %s\n", folder, files, how);
    return cli_print(&text);
}

static int verify(const struct cli *c, const struct config *config)
{
    char folder[PATH_MAX];
    const char *how = NULL;
    struct database_place place;
    struct buf why = BUF_INIT;
    json_t *manifest = NULL;

    if (backup_find(c, folder) != 0)
        return CLI_FAILED;
    database_find(&place, core_config(config), c->data_dir);
    const struct backup_scratch scratch = backup_scratch(c, &place);
    int result = manifest_read(&manifest, folder, &why) == 0 &&
                         backup_check(folder, manifest, &scratch, &how, &why) == 0
                     ? CLI_OK
                     : CLI_FAILED;
    if (result != CLI_OK)
        fprintf(stderr, "%s\n", why.n > 0 ? buf_text(&why) : "out of memory");
    int told = tell(c, folder, manifest, how, &why);
    json_decref(manifest);
    buf_finish(&why);
    return result == CLI_OK ? told : result;
}

int backup_verify(const struct cli *c)
{
    struct config *config;
    int result = cli_config_load(c, NULL, 0, &config, NULL);

    if (result == CLI_OK) {
        result = verify(c, config);
        config_drop(config);
    }
    return result;
}
