/* files.h - the files of a backup: copied, hashed, and on the disk before anybody relies on them. All return 0, or -1 with a
 * sentence added to why. [any thread] */
#ifndef BACKUP_FILES_H
#define BACKUP_FILES_H

#include "secure/digest.h"
#include "util/buf.h"

/* A new file with the rights 0600, on the disk when this returns. hash, the SHA-256 of what was copied, may be NULL. */
int files_copy(const char *from, const char *to, char hash[DIGEST_HEX_SIZE], struct buf *why) DW_MUST_CHECK;

/* The plain files of a folder, and none of its folders, into a new one. A folder that is not there has none, and none is
 * made. */
int files_copy_folder(const char *from, const char *to, struct buf *why) DW_MUST_CHECK;

int files_hash(const char *path, uint64_t *size, char hash[DIGEST_HEX_SIZE], struct buf *why) DW_MUST_CHECK;

/* What stands in a folder, or was renamed in it, is there after a power cut. */
int files_sync(const char *folder, struct buf *why) DW_MUST_CHECK;

/* With all that is in it. */
int files_remove(const char *folder, struct buf *why) DW_MUST_CHECK;

/* FOLDER/NAME: false, with a sentence, where that is too long. */
bool files_path(char *out, size_t size, const char *folder, const char *name, struct buf *why);

#endif
