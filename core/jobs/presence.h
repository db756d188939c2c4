/* presence.h - which servers of a data folder live: each has a file there, locked as long as its process lives.
 *
 * The system gives a lock back at once, however its process ends. So who finds another's file unlocked knows that its server
 * is dead, and need not wait for what it leased. One that drains, or whose supervisor was killed, still has its lock. No
 * proof is a file that was copied along with its folder, as its server may live beside the original, nor one of before the
 * machine's last start, which may be a copy of its whole disk: hence the file names itself. [one thread at a time] */
#ifndef JOBS_PRESENCE_H
#define JOBS_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/compiler.h"

#define PRESENCE_INIT          \
    {                          \
        .folder = -1, .fd = -1 \
    }

enum { PRESENCE_SERVER_SIZE = 100, PRESENCE_FILE_SIZE = 32 };

struct presence {
    int folder, fd; /* -1: not begun */
    char file[PRESENCE_FILE_SIZE];
};

struct presence_dead {
    char server[PRESENCE_SERVER_SIZE];
    char file[PRESENCE_FILE_SIZE];
};

/* This process is there, under the server's name, which nobody else ever has: DATA/servers/FILE, where file is a part of the
 * name that is as unique. 0, or -1 with errno: nobody will know that it has ended. */
int presence_begin(struct presence *p, const char *data_dir, const char *server,
                   const char *file) DW_MUST_CHECK;

/* Up to max servers that are dead. What proves nothing and belongs to nobody is removed. How many, or -1 with errno. */
int presence_find_dead(const struct presence *p, struct presence_dead *out, size_t max);

/* Nothing of it is left to be found. */
void presence_forget(const struct presence *p, const struct presence_dead *dead);

/* Without leaving anything, or as if the process had died: what it had is for others to find. Safe after PRESENCE_INIT. */
void presence_end(struct presence *p, bool leaves_nothing);

#endif
