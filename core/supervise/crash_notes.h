/* crash_notes.h - data/crashes: a text for each server process that ended badly, for people.
 *
 * While a generation lives it has generation-N.pending there, open and empty, for its last words (crash.h). When it has
 * ended badly the supervisor adds what it knows, and gives the file its lasting name, such as
 * 2026-11-21T08-05-13Z-generation-3.txt. The newest CRASH_NOTES_KEPT are kept. [the supervisor's one thread, but
 * crash_notes_open] */
#ifndef SUPERVISE_CRASH_NOTES_H
#define SUPERVISE_CRASH_NOTES_H

#include <limits.h>

#include "util/buf.h"

enum { CRASH_NOTES_KEPT = 20 };

/* Makes the folder, and gives lasting names to what processes of an earlier supervisor left. Problems are logged: a
 * server without notes still serves. */
void crash_notes_begin(const char *data_dir);

/* The generation's end: the descriptor (close-on-exec, the caller's) of a new file, or -1 with errno. */
int crash_notes_open(const char *data_dir, uint64_t generation);

/* The generation has said something. */
bool crash_notes_is_written(const char *data_dir, uint64_t generation);

/* Adds text to what the generation said and gives it its lasting name, which goes to path. 0, or -1 after logging. */
int crash_notes_complete(const char *data_dir, uint64_t generation, struct str text, char path[PATH_MAX]);

/* A note about one that lives on. */
int crash_notes_add(const char *data_dir, uint64_t generation, struct str text, char path[PATH_MAX]);

/* It has ended well: nothing is to be kept. */
void crash_notes_discard(const char *data_dir, uint64_t generation);

/* How often the kernel has ended a process of our control group (or, where that is not told, of the machine) for want of
 * memory; -1: not known. [any thread] */
int64_t crash_notes_oom_kills(void);

/* The number behind `key` at the beginning of a line of the file; -1: none. [any thread] */
int64_t crash_notes_read_count(const char *path, const char *key);

#endif
