#include "backup/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/files.h"
#include "util/clock.h"

enum { UNFINISHED_MAX_S = 24 * 60 * 60 };

void shelf_name(int64_t wall_us, char out[SHELF_NAME_SIZE])
{
    time_t seconds = (time_t)(wall_us / CLOCK_SECOND);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(out, SHELF_NAME_SIZE, "%Y%m%dT%H%M%SZ", &utc);
}

bool shelf_is_name(const char *text)
{
    if (strlen(text) != SHELF_NAME_SIZE - 1 || text[8] != 'T' || text[15] != 'Z')
        return false;
    return strspn(text, "0123456789") == 8 && strspn(text + 9, "0123456789") == 6;
}

/* ---- making one ---- */

static int sync_above(const char *path, struct buf *why)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);
    return files_sync(dirname(copy), why);
}

int shelf_begin(struct shelf_place *out, const char *final, struct buf *why)
{
    char above[PATH_MAX], name[PATH_MAX];

    size_t n = strlen(final);
    while (n > 1 && final[n - 1] == '/')
        n--;
    snprintf(out->final, sizeof(out->final), "%.*s", (int)n, final);
    snprintf(above, sizeof(above), "%s", out->final);
    snprintf(name, sizeof(name), "%s", out->final);
    int length = snprintf(out->unfinished, sizeof(out->unfinished), "%s/.%s.%ld.unfinished", dirname(above),
                          basename(name), (long)getpid());
    if (n >= sizeof(out->final) || length >= (int)sizeof(out->unfinished)) {
        buf_add_format(why, "%s: the path is too long", final);
        return -1;
    }
    if (access(out->final, F_OK) == 0)
        errno = EEXIST;
    else if (mkdir(out->unfinished, 0700) == 0)
        return 0;
    buf_add_format(why, "%s: the backup cannot be made there: %s", out->final, strerror(errno));
    return -1;
}

/* rename() puts a folder in the place of an empty one, and of no other. */
int shelf_end(const struct shelf_place *p, struct buf *why)
{
    if (files_sync(p->unfinished, why) != 0)
        return -1;
    if (rename(p->unfinished, p->final) == 0)
        return sync_above(p->final, why);
    buf_add_format(why, "%s: the backup cannot get its name: %s", p->final, strerror(errno));
    return -1;
}

void shelf_abandon(const struct shelf_place *p)
{
    struct buf why = BUF_INIT;

    if (access(p->unfinished, F_OK) == 0 && files_remove(p->unfinished, &why) != 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
}

/* ---- what is there ---- */

static int is_backup(const struct dirent *entry)
{
    return shelf_is_name(entry->d_name);
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

int shelf_each(const char *shelf, int (*on)(const char *name, void *ud), void *ud, struct buf *why)
{
    struct dirent **entries;
    int result = 0, n = scandir(shelf, &entries, is_backup, newest_first);

    if (n < 0 && errno == ENOENT)
        return 0;
    if (n < 0) {
        buf_add_format(why, "%s: the backups cannot be listed: %s", shelf, strerror(errno));
        return -1;
    }
    for (int i = 0; i < n; i++) {
        if (result == 0)
            result = on(entries[i]->d_name, ud);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static bool is_left_over(const char *path, const char *name)
{
    struct stat st;

    return name[0] == '.' && str_ends_with(str_from(name), STR_OF(".unfinished")) && lstat(path, &st) == 0 &&
           S_ISDIR(st.st_mode) && st.st_mtime + UNFINISHED_MAX_S < clock_wall_us() / CLOCK_SECOND;
}

void shelf_tidy(const char *shelf)
{
    DIR *dir = opendir(shelf);
    const struct dirent *entry;
    struct buf why = BUF_INIT;
    char path[PATH_MAX];

    while (dir && (entry = readdir(dir)) != NULL) {
        if (files_path(path, sizeof(path), shelf, entry->d_name, &why) && is_left_over(path, entry->d_name) &&
            files_remove(path, &why) != 0)
            fprintf(stderr, "%s\n", buf_text(&why));
    }
    if (dir)
        closedir(dir);
    buf_finish(&why);
}
