/* spool.h - files without a name, for content that is too large for memory: gone with the last descriptor, whatever
 * happens to the process. [any thread; may wait for the disk] */
#ifndef HTTP_SPOOL_H
#define HTTP_SPOOL_H

#include "util/str.h"

/* Open for reading and writing, mode 0600. -1 with errno, after a line in the log. */
int spool_open(const char *dir);

/* Appends everything; -1 with errno, after a line in the log. */
int spool_write(int fd, struct str bytes);

#endif
