/* load.h - the steps of config_load(); for the loader's own files only. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/environment.h"
#include "config/snapshot.h"
#include "config/typed.h"

struct load {
    struct config *config;
    struct config_problems *problems;
    const struct config_source *source;
};

/* How typed_set_* gets to a field. */
struct typed load_typed(const struct load *l, const struct entry *e, const struct field *field);

/* What is to be told of a plugin without a table; NULL: nothing. */
const char *load_unknown_plugin(const struct load *l, struct str name);

/* Remembers how setting a field went. */
void load_note(const struct field *field, bool set, struct config_place place);

/* Applies .env, then the process's variables, then complains about those that nobody knows. */
void load_variables(const struct load *l);

#endif
