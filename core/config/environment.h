/* environment.h - variables: those of the process, and those of a .env file. */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "config/problems.h"

struct variable {
    struct str name, value;    /* value is terminated */
    struct config_place place; /* "environment LOG_LEVEL"; ".env":3 */
    bool used;                 /* somebody knew what to do with it */
};

struct variables {
    struct variable *list;
    size_t n;
};

/* entries as in environ(7), ends with NULL; borrowed. 0 or -1: out of memory. */
int variables_from_process(struct arena *arena, char *const *entries, struct variables *out);

/* Reads NAME=VALUE lines: comments, `export `, 'literal', "with \n \t \" \\ \$", nothing is expanded. A file that is
 * not there has no variables. Problems are added; what could be understood is in *out. */
void variables_from_file(struct arena *arena, const char *path, struct variables *out,
                         struct config_problems *problems);

/* NULL when there is none of that name. */
struct variable *variables_find(const struct variables *v, struct str name);

#endif
