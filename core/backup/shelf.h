/* shelf.h - the folder in which backups lie, each in a folder whose name is the time at which it was begun:
 * 20261127T093012Z. One that is being made is hidden, and gets its name when it is whole. [any thread] */
#ifndef BACKUP_SHELF_H
#define BACKUP_SHELF_H

#include <limits.h>

#include "util/buf.h"

enum { SHELF_NAME_SIZE = 16 + 1 };

void shelf_name(int64_t wall_us, char out[SHELF_NAME_SIZE]);

/* "20261127T093012Z"? */
bool shelf_is_name(const char *text);

/* A backup that is being made. */
struct shelf_place {
    char final[PATH_MAX], unfinished[PATH_MAX];
};

/* Makes the folder to write into, hidden beside what it will be called: a folder that is not there yet. 0, or -1 with
 * why. */
int shelf_begin(struct shelf_place *out, const char *final, struct buf *why) DW_MUST_CHECK;

/* It is whole: on the disk, and under its name. 0, or -1 with why; then abandon it. */
int shelf_end(const struct shelf_place *p, struct buf *why) DW_MUST_CHECK;
void shelf_abandon(const struct shelf_place *p);

/* Calls on(name, ud) for each, the newest first, until that returns other than 0, which is then the result. A shelf that is
 * not there is empty. -1 with why. */
int shelf_each(const char *shelf, int (*on)(const char *name, void *ud), void *ud, struct buf *why);

/* Takes away what was begun and never finished, for longer than a day. */
void shelf_tidy(const char *shelf);

#endif
