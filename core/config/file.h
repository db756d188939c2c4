/* file.h - reading small files that an admin wrote. [any thread] */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <stddef.h>

#include "util/buf.h"

enum config_file_kind {
    CONFIG_FILE_TEXT,   /* UTF-8 text; whoever may write to it must be trusted */
    CONFIG_FILE_SECRET, /* the content of a *_FILE variable that names a secret: nor may everyone read it */
};

struct config_file_fault {
    unsigned line;    /* 0: the whole file */
    bool missing;     /* there is no such file */
    char text[200];   /* "is a directory" */
    const char *hint; /* what to do; NULL when that is clear */
};

enum { CONFIG_FILE_MAX = 1 << 20 };

/* Appends the content of the regular file at `path` (links are followed, which is how Kubernetes mounts settings)
 * without a byte order mark: UTF-8, no control characters but tab and line ends, at most CONFIG_FILE_MAX bytes.
 * 0 or -1 with *fault. *everyone_reads may be NULL. */
int config_file_read(struct buf *out, const char *path, enum config_file_kind kind, bool *everyone_reads,
                     struct config_file_fault *fault);

/* The same rules for text that is in memory already. */
int config_file_check_text(struct str text, struct config_file_fault *fault);

#endif
