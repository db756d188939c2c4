/* program.h - another program, found and run to its end. [any thread] */
#ifndef UTIL_PROGRAM_H
#define UTIL_PROGRAM_H

#include <limits.h>

#include "util/buf.h"

/* Looks in PATH, then in folders of the pattern `beside` (glob(7); NULL: none), of which the one with the highest last
 * number in its name counts. 0, or -1: there is none. */
int program_find(const char *name, const char *beside, char out[PATH_MAX]) DW_MUST_CHECK;

/* PREFIX of the running PREFIX/bin/dowel: in the build folder as where it is installed; "/usr" when the kernel does not
 * say. */
void program_prefix(char out[PATH_MAX]);

/* Without a shell: argv[0] is the file. It reads nothing, and what it prints is thrown away, but for standard error, whose
 * last lines stand in why when it fails. 0: it ended with 0; else -1 with a sentence. */
int program_run(const char *const argv[], char *const environment[], struct buf *why) DW_MUST_CHECK;

#endif
