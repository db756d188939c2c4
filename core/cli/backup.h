/* backup.h - what the actions of `dowel backup` share. */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include <limits.h>

#include "backup/manifest.h"
#include "cli/cli.h"
#include "cli/database.h"
#include "config/core_config.h"

/* Each in a file of its own: backup_create.c, backup_list.c (list, prune), backup_verify.c, backup_restore.c. */
int backup_create(const struct cli *c);
int backup_list(const struct cli *c);
int backup_prune(const struct cli *c);
int backup_verify(const struct cli *c);
int backup_restore(const struct cli *c);

/* DATA/backups. 0, or -1 after saying why. */
int backup_shelf(const struct cli *c, char out[PATH_MAX]);

/* What c->argv[1] names: a backup on the shelf, or a folder; without it the newest of the shelf. 0, or -1 after saying
 * why. */
int backup_find(const struct cli *c, char out[PATH_MAX]);

/* Where a dump may be tried out: a PostgreSQL, NULL for none, and a folder for the time. */
struct backup_scratch {
    const char *url, *folder;
};

struct backup_scratch backup_scratch(const struct cli *c, const struct database_place *place);

/* Reads all of a backup: its files as the manifest has them, and the database in it. *how says what was done with that. 0,
 * or -1 with a sentence in why. */
int backup_check(const char *folder, const json_t *manifest, const struct backup_scratch *scratch,
                 const char **how, struct buf *why);

/* The ids of the server's keys; none where there is no key yet, which is not made. NULL with why. */
json_t *backup_keys(const struct core_config *core, const char *data_dir, struct buf *why);

/* Does the folder belong to this user? What another one made there the server could not use. Says so if not. */
bool backup_may_write(const char *data_dir);

/* "1.2 MB". */
void backup_add_size(struct buf *out, uint64_t bytes);

#endif
