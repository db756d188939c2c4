/* backup.c - `dowel backup`: the database and the configuration, set aside and brought back. */
#include "cli/backup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/files.h"
#include "backup/shelf.h"
#include "secure/keyring.h"
#include "util/compiler.h"

/* ---- places ---- */

static int say(struct buf *why, int result)
{
    if (result != 0)
        fprintf(stderr, "%s\n", why->n > 0 ? buf_text(why) : "out of memory");
    buf_finish(why);
    return result;
}

int backup_shelf(const struct cli *c, char out[PATH_MAX])
{
    struct buf why = BUF_INIT;

    return say(&why, files_path(out, PATH_MAX, c->data_dir, "backups", &why) ? 0 : -1);
}

static int take_first(const char *name, void *ud)
{
    memcpy(ud, name, SHELF_NAME_SIZE);
    return 1;
}

static int find_newest(const char *shelf, char name[SHELF_NAME_SIZE], struct buf *why)
{
    int found = shelf_each(shelf, take_first, name, why);

    if (found == 0)
        buf_add_format(why, "%s: there is no backup yet; make one: dowel backup create", shelf);
    return found > 0 ? 0 : -1;
}

int backup_find(const struct cli *c, char out[PATH_MAX])
{
    char shelf[PATH_MAX], name[SHELF_NAME_SIZE];
    struct buf why = BUF_INIT;

    if (backup_shelf(c, shelf) != 0)
        return -1;
    if (c->argc > 1 && !shelf_is_name(c->argv[1])) {
        snprintf(out, PATH_MAX, "%s", c->argv[1]);
        return 0;
    }
    if (c->argc > 1)
        memcpy(name, c->argv[1], sizeof(name));
    else if (find_newest(shelf, name, &why) != 0)
        return say(&why, -1);
    return say(&why, files_path(out, PATH_MAX, shelf, name, &why) ? 0 : -1);
}

bool backup_may_write(const char *data_dir)
{
    struct stat st;

    if (stat(data_dir, &st) != 0) {
        fprintf(stderr, "%s: the data directory cannot be looked at: %s\n", data_dir, strerror(errno));
        return false;
    }
    if (st.st_uid == geteuid())
        return true;
    fprintf(stderr,
            "%s: the data directory belongs to another user (%u), who could not use what you make there: run "
            "this as "
            "that user\n",
            data_dir, (unsigned)st.st_uid);
    return false;
}

/* ---- keys ---- */

json_t *backup_keys(const struct core_config *core, const char *data_dir, struct buf *why)
{
    char path[PATH_MAX];
    struct keyring *keyring = NULL;

    if (!files_path(path, sizeof(path), data_dir, "secret.key", why))
        return NULL;
    if (!*core->secret_key.hidden && access(path, F_OK) != 0 && errno == ENOENT)
        return json_array();
    if (keyring_open(&keyring, str_from(core->secret_key.hidden), data_dir, why) != 0)
        return NULL;
    json_t *ids = json_array();
    for (size_t i = 0; i < keyring_count(keyring); i++)
        json_array_append_new(ids, json_string(keyring_id(keyring, i)));
    keyring_destroy(keyring);
    return ids;
}

void backup_add_size(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = { "kB", "MB", "GB", "TB" };
    double size = (double)bytes / 1000;
    size_t i = 0;

    for (; size >= 1000 && i + 1 < DW_COUNT_OF(units); i++)
        size /= 1000;
    buf_add_format(out, "%.1f %s", size, units[i]);
}

/* ---- the verb ---- */

static const struct action {
    const char *name;
    int most;            /* arguments behind the name */
    const char *options; /* that it takes */
    int (*run)(const struct cli *c);
} actions[] = {
    { "create", 1, "", backup_create },   { "list", 0, "", backup_list },
    { "verify", 1, "", backup_verify },   { "restore", 1, "yes", backup_restore },
    { "prune", 0, "keep", backup_prune },
};

static int carry_out(const struct cli *c, const struct action *a)
{
    if (c->argc - 1 > a->most)
        return cli_usage(c, "%s: one argument too many", c->argv[a->most + 1]);
    for (size_t i = 0; i < c->given_n; i++) {
        if (strcmp(a->options, c->given[2 * i]) != 0)
            return cli_usage(c, "--%s: backup %s does not take it", c->given[2 * i], a->name);
    }
    return a->run(c);
}

static int run(const struct cli *c)
{
    if (c->argc == 0)
        return cli_usage(c, "say what to do: create, list, verify, restore or prune");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        if (strcmp(c->argv[0], actions[i].name) == 0)
            return carry_out(c, &actions[i]);
    }
    return cli_usage(c, "%s: backup cannot do that", c->argv[0]);
}

static const struct cli_option options[] = {
    { "keep", "N", "prune: so many of the newest stay", false },
    { "yes", NULL, "restore: does not ask", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_backup = {
    .name = "backup",
    .arguments = "create [FOLDER] | list | verify [BACKUP] | restore [BACKUP] [--yes] | prune --keep N",
    .summary = "Sets the database and the configuration aside, and brings the database back",
    .help = "A backup is a folder: the database at one instant, a copy of the configuration, and "
            "manifest.json, which\n"
            "tells what is in it, with the SHA-256 of each file. Backups lie in DATA/backups, named by the "
            "time (UTC) at\n"
            "which they were begun; BACKUP is such a name, or any folder with a backup, or else the newest.\n"
            "\n"
            "create [FOLDER]   makes one, while the server runs or without it; FOLDER must not be there yet\n"
            "list              those in DATA/backups\n"
            "verify [BACKUP]   reads all of it: the files are as they were written, and the database in it "
            "is sound\n"
            "restore [BACKUP]  verifies it, and puts its database in the place of the present one, once the "
            "server is\n"
            "                  stopped. SQLite's present file is kept beside it under another name; on "
            "PostgreSQL all\n"
            "                  happens in one transaction, or nothing. The configuration stays as it is\n"
            "prune --keep N    takes all but the newest N in DATA/backups away\n"
            "\n"
            "The key that secrets in the database are sealed with (DATA/secret.key, secret_key) is in no "
            "backup, only its\n"
            "id: keep it elsewhere. The copy of the configuration has the passwords that stand in its files. "
            "Backups of\n"
            "PostgreSQL need pg_dump, pg_restore and psql (postgresql-client).\n",
    .options = options,
    .run = run,
};
