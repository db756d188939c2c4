/* beneath.h - opens files below a folder, and nothing else, whatever the name says and whatever changes meanwhile. */
#ifndef HTTP_BENEATH_H
#define HTTP_BENEATH_H

#include <sys/stat.h>

#include "util/str.h"

/* The folder is opened once: renaming it later, or a link that led to it, changes nothing. */
struct beneath {
    int root;  /* O_PATH */
    bool walk; /* the kernel has no openat2 (before 5.6, or a sandbox): then no link at all is followed */
};

/* 0, or -1 with errno. */
int beneath_init(struct beneath *b, const char *dir);
void beneath_finish(struct beneath *b);

/* Opens `path`, relative, for reading: a regular file or a folder, of which *st tells. Links are followed as long as
 * they stay inside and are relative; the kernel resolves the whole name at once, so there is no gap between a check
 * and its use. The file descriptor, or -1 with errno:
 * ENOENT also for what leads outside and for what is neither file nor folder. [any thread] */
int beneath_open(const struct beneath *b, const char *path, struct stat *st);

#endif
