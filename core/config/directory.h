/* directory.h - the NAME.yaml files of a configuration directory. */
#ifndef CONFIG_DIRECTORY_H
#define CONFIG_DIRECTORY_H

#include "config/problems.h"

struct directory_file {
    const char *name; /* "core" */
    const char *path; /* "conf.d/core.yaml" */
};

struct directory {
    struct directory_file *files; /* by name */
    size_t n;
};

/* What can be read is in *out, in the arena; what is wrong is added to problems. With `required` a directory that is
 * not there is an error. */
void directory_read(struct arena *arena, const char *path, bool required, struct directory *out,
                    struct config_problems *problems);

/* a-z, 0-9, '-' and '_', beginning with a letter, at most 64: what plugins are called. */
bool directory_is_name(struct str name);

#endif
