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

    json_array_foreach(json_object_get(manifest, "migrations"), i, one) buf_add_format(
        out, "%s %lld %s\n", manifest_text(one, "owner"),
        (long long)json_integer_value(json_object_get(one, "number")), manifest_text(one, "checksum"));
}

static int check_migrations(const char *path, const json_t *manifest, struct buf *why)
{
    struct buf noted = BUF_INIT, found = BUF_INIT;

    int result = db_backup_migrations(path, &found, why);
    write_migrations(&noted, manifest);
    if (result == 0 &&
        (buf_failed(&noted) || buf_failed(&found) || !str_equal(buf_str(&noted), buf_str(&found)))) {
        buf_add_format(why, "%s: its migrations are not those that " BACKUP_MANIFEST " names", path);
        result = -1;
    }
    buf_finish(&noted);
    buf_finish(&found);
    return result;
}

static int check_sqlite(const char *path, const json_t *manifest, const char **how, struct buf *why)
{
    *how = "the database was opened and read: structure, indexes, references and migrations are in order";
    if (db_backup_verify(path, why) != 0)
        return -1;
    return check_migrations(path, manifest, why);
}

int backup_check(const char *folder, const json_t *manifest, const char **how, struct buf *why)
{
    enum db_engine engine = manifest_engine(manifest);
    char path[PATH_MAX];

    if (manifest_check(manifest, folder, why) != 0 ||
        !files_path(path, sizeof(path), folder, manifest_database(engine), why))
        return -1;
    if (engine == DB_SQLITE)
        return check_sqlite(path, manifest, how, why);
    *how = "the dump was read to its end by pg_restore; it was not restored into a database";
    return postgres_dump_verify(path, why);
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

int backup_verify(const struct cli *c)
{
    char folder[PATH_MAX];
    const char *how = NULL;
    struct buf why = BUF_INIT;
    json_t *manifest = NULL;

    if (backup_find(c, folder) != 0)
        return CLI_FAILED;
    int result =
        manifest_read(&manifest, folder, &why) == 0 && backup_check(folder, manifest, &how, &why) == 0
            ? CLI_OK
            : CLI_FAILED;
    if (result != CLI_OK)
        fprintf(stderr, "%s\n", why.n > 0 ? buf_text(&why) : "out of memory");
    int told = tell(c, folder, manifest, how, &why);
    json_decref(manifest);
    buf_finish(&why);
    return result == CLI_OK ? told : result;
}
