#include "backup/replace.h"

#include <errno.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup/files.h"
#include "backup/shelf.h"
#include "util/clock.h"

static int failed(struct buf *why, const char *path, const char *what)
{
    buf_add_format(why, "%s: %s: %s", path, what, strerror(errno));
    return -1;
}

static int name(char out[PATH_MAX], const char *path, const char *tail, struct buf *why)
{
    if (snprintf(out, PATH_MAX, "%s%s", path, tail) < PATH_MAX)
        return 0;
    buf_add_format(why, "%s%s: the path is too long", path, tail);
    return -1;
}

/* A journal beside another file than its own would be written into it. What the present one holds is brought into its
 * file, when that can be done; a damaged file keeps its journal, and both are renamed. */
static void settle(const char *place)
{
    sqlite3 *handle;

    if (sqlite3_open_v2(place, &handle, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
        sqlite3_exec(handle, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    sqlite3_close(handle); /* the last to close it takes the journal away */
}

static int move_journal(const char *place, const char *kept, const char *tail, struct buf *why)
{
    char from[PATH_MAX], to[PATH_MAX];

    if (name(from, place, tail, why) != 0 || name(to, kept, tail, why) != 0)
        return -1;
    if (rename(from, to) == 0 || errno == ENOENT)
        return 0;
    return failed(why, from, "cannot be renamed");
}

static const char *const tails[] = { "-wal", "-shm", "-journal" };
enum { TAILS = sizeof(tails) / sizeof(*tails) };

/* It has both names until the new one takes one of them: at no moment is there no database. */
static int keep(const char *place, const char *kept, struct buf *why)
{
    settle(place);
    if (link(place, kept) != 0)
        return failed(why, kept, "the present database cannot be kept under this name");
    for (size_t i = 0; i < TAILS; i++) {
        if (move_journal(place, kept, tails[i], why) != 0)
            return -1;
    }
    return 0;
}

static void take_back(const char *place, const char *kept)
{
    struct buf why = BUF_INIT;

    for (size_t i = 0; i < TAILS; i++) {
        if (move_journal(kept, place, tails[i], &why) != 0)
            fprintf(stderr, "%s\n", buf_text(&why));
    }
    unlink(kept);
    buf_finish(&why);
}

static int sync_above(const char *path, struct buf *why)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);
    return files_sync(dirname(copy), why);
}

static int put(const char *made, const char *place, char kept[PATH_MAX], struct buf *why)
{
    char stamp[SHELF_NAME_SIZE], tail[SHELF_NAME_SIZE + sizeof(".before-")];

    shelf_name(clock_wall_us(), stamp);
    snprintf(tail, sizeof(tail), ".before-%s", stamp);
    if (name(kept, place, tail, why) != 0)
        return -1;
    bool was_there = access(place, F_OK) == 0;
    if (!was_there)
        *kept = 0;
    int result = was_there ? keep(place, kept, why) : 0;
    if (result == 0 && rename(made, place) != 0)
        result = failed(why, place, "the restored database cannot get its name");
    if (result != 0 && was_there)
        take_back(place, kept);
    return result == 0 ? sync_above(place, why) : result;
}

int replace_sqlite(const char *from, const char *hash, const char *place, char kept[PATH_MAX],
                   struct buf *why)
{
    char made[PATH_MAX], copied[DIGEST_HEX_SIZE];

    *kept = 0;
    if (name(made, place, ".restoring", why) != 0)
        return -1;
    unlink(made); /* of a restore that was cut off */
    if (files_copy(from, made, copied, why) != 0)
        return -1;
    int result = strcmp(copied, hash) == 0 ? 0 : -1;
    if (result != 0)
        buf_add_format(why, "%s: has changed while it was read", from);
    else
        result = put(made, place, kept, why);
    if (result != 0)
        unlink(made);
    return result;
}
