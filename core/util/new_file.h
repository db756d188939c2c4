/* new_file.h - a file that appears under its name whole and for good, or not at all. [any thread] */
#ifndef UTIL_NEW_FILE_H
#define UTIL_NEW_FILE_H

#include <sys/types.h>

#include "util/compiler.h"
#include "util/str.h"

/* Writes a file that does not exist yet, with the rights `mode` less the umask. It is on the disk under another name
 * before it gets its own, and its folder is, too, when this returns: a crash in between leaves at most PATH.*.new. One
 * that exists is never touched: then *made is false. 0, or -1 with errno; *made says also then whether it is there. */
int new_file_write(const char *path, mode_t mode, struct str text, bool *made) DW_MUST_CHECK;

/* The same in the place of whatever has that name: who reads it finds the old text or the new one, whole. 0, or -1 with
 * errno. */
int new_file_replace(const char *path, mode_t mode, struct str text) DW_MUST_CHECK;

#endif
