/* typed.h - from texts to values and back, as a table says. */
#ifndef CONFIG_TYPED_H
#define CONFIG_TYPED_H

#include "config/item.h"
#include "config/problems.h"
#include "config/yaml.h"

/* Where a value goes and where complaints about it go. All borrowed. */
struct typed {
    const struct config_table *table;
    const struct config_item *item;
    void *values;        /* the table's struct */
    struct arena *arena; /* texts and lists live here */
    struct config_problems *problems;
};

/* A value of a YAML file: what is a text there is no number here. True when the value was set; else a problem was
 * added and the old value stays. */
bool typed_set_node(const struct typed *t, const struct yaml_node *node, const char *source);

/* The item's fallback, and before it "" where the value is a text: those are never NULL. 1: it was set; 0: it has none; -1: it
 * is wrong, and a problem was added. */
int typed_set_fallback(const struct typed *t);
#define TYPED_FALLBACK "default" /* the source that is named */

/* A value that had no type where it came from (environment, command line). A list is separated by commas, or written
 * as in JSON: ["a", "b"]. */
bool typed_set_text(const struct typed *t, struct str text, struct config_place place);

/* The entries of a list, one by one: a repeated option of the command line. */
bool typed_set_texts(const struct typed *t, const char *const *texts, size_t n, struct config_place place);

/* The value as typed_set_text would read it; entries of a list are separated by `separator`. */
void typed_format(struct buf *out, const struct config_item *item, const void *values, const char *separator);

/* The value as JSON; numbers are numbers, spans and sizes are texts as in typed_format. */
void typed_format_json(struct buf *out, const struct config_item *item, const void *values);

/* "a whole number", "a list of texts" */
const char *typed_name(enum config_type type);

/* "between 1 and 65535", in the item's own unit; nothing when there is no limit. */
void typed_format_range(struct buf *out, const struct config_item *item);

#endif
