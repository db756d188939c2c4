/* yaml.h - YAML 1.2 with the JSON schema, read strictly into a small tree.
 *
 * What one reader takes for a text and another for something else is refused instead of guessed at: True, ~, yes,
 * 0x1F, 007, a key without a value. So are anchors, aliases, tags, directives, keys that stand twice, keys that are no
 * texts, and a second document. */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include "util/arena.h"

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_INT, YAML_REAL, YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line;   /* from 1 */
    struct str text; /* of a scalar, as it stands in the source without quotes; terminated */
    struct str key;  /* in a map; terminated */
    unsigned key_line;
    bool refused;            /* complained about already: not to be looked at */
    size_t n;                /* entries of a list or map */
    struct yaml_node *first; /* of them */
    struct yaml_node *next;  /* in the list or map that this one is in */
};

enum { YAML_DEPTH_MAX = 32, YAML_NODES_MAX = 100000 };

/* One thing that is wrong. item is the key it belongs to, or NULL; hint may be NULL. Values are never told: they may
 * be secret. */
typedef void (*yaml_complain)(unsigned line, const char *item, const char *text, const char *hint, void *ud);

/* *out is NULL when the text holds nothing but comments; it lives in the arena, and the text need not. 0, or -1 after
 * complaining at least once; *out is then what could be understood, so that the rest of what is wrong can be told too,
 * or NULL when the syntax was wrong. [any thread] */
int yaml_parse(struct arena *arena, struct str text, struct yaml_node **out, yaml_complain complain,
               void *ud);

/* The entry of a map, or NULL. */
const struct yaml_node *yaml_find(const struct yaml_node *map, struct str key);

/* "a number", "a list" */
const char *yaml_kind_name(enum yaml_kind kind);

/* The kind of a scalar that stands without quotes. */
enum yaml_kind yaml_plain_kind(struct str text);

/* Why a text without quotes is ambiguous, with *hint saying what to write; NULL when it is not. */
const char *yaml_plain_trap(struct str text, const char **hint);

#endif
