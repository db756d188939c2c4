/* inside.h - what the parts of the schema module share. */
#ifndef SCHEMA_INSIDE_H
#define SCHEMA_INSIDE_H

#include <dowel/value.h>

#include "schema/schema.h"

/* ---- pattern.c: ECMA 262 as PCRE2 knows it ---- */

struct pattern;

/* NULL with why: what is wrong and where. */
struct pattern *pattern_create(struct str text, struct buf *why);
void pattern_destroy(struct pattern *p);
bool pattern_matches(const struct pattern *p, struct str text); /* anywhere in it; valid UTF-8 */

/* ---- format.c ---- */

typedef bool (*format_check)(struct str text);

/* NULL: nobody knows it, and it says nothing. */
format_check format_find(struct str name);

/* ---- value.c: values as JSON Schema sees them ---- */

enum {
    TYPE_NULL = 1 << 0,
    TYPE_BOOLEAN = 1 << 1,
    TYPE_OBJECT = 1 << 2,
    TYPE_ARRAY = 1 << 3,
    TYPE_NUMBER = 1 << 4,
    TYPE_STRING = 1 << 5,
    TYPE_INTEGER = 1 << 6 /* a whole number is one, and a number */
};

unsigned value_types(const json_t *value); /* all that it is */
bool value_equal(const json_t *a, const json_t *b);
int value_compare_numbers(const json_t *a, const json_t *b); /* < 0, 0, > 0 */
bool value_is_multiple(const json_t *value, const json_t *of);
size_t value_characters(const json_t *string);

/* 1: all are different, 0: two are equal, -1: memory is out. */
int value_all_different(const json_t *array);

/* ---- uri.c: RFC 3986, 5.2 ---- */

/* What `reference` means where `base` is known, without its fragment; a terminated copy, or NULL. */
char *uri_resolve(struct arena *arena, struct str base, struct str reference);
struct str uri_fragment(struct str reference); /* behind the #, or "" */

/* ---- compiled ---- */

struct resource {
    struct resource *next;
    const char *uri;
    const json_t *root;
    struct anchor *anchors;
};

struct anchor {
    struct anchor *next;
    const char *name;
    const json_t *at;
    bool is_dynamic;
    const struct schema *schema; /* of a dynamic one, once compiled */
};

struct member {
    struct str name;
    const struct schema *schema;
};

struct matched_member {
    const struct pattern *pattern;
    const struct schema *schema;
};

struct wanted {
    struct str name; /* terminated */
    const struct str *names;
    size_t n; /* of dependentRequired */
};

struct schema_list {
    const struct schema *const *v;
    size_t n;
};

struct schema {
    const struct resource *resource;
    const json_t *source;
    bool is_never; /* false */
    bool is_read_only, is_write_only;
    unsigned types; /* 0: any */
    const json_t *enumeration, *constant, *multiple_of, *maximum, *minimum, *exclusive_maximum,
        *exclusive_minimum, *fallback;
    size_t max_length, min_length, max_items, min_items, max_properties, min_properties;
    size_t max_contains, min_contains;
    const struct pattern *pattern;
    const char *pattern_text, *format_name;
    format_check format;
    bool unique;
    bool has_string_rules, has_number_rules, has_array_rules, has_object_rules; /* any of theirs */
    struct schema_list prefix, all_of, any_of, one_of;
    const struct schema *items, *contains, *additional, *names, *negated, *condition, *then, *otherwise,
        *unevaluated_items, *unevaluated_members, *reference;
    const struct member *members; /* sorted: shorter names first */
    size_t members_n;
    const struct matched_member *matched;
    size_t matched_n;
    const struct member *dependent;
    size_t dependent_n;
    const struct str *required;
    size_t required_n;
    const struct wanted *wanted;
    size_t wanted_n;
    const char *
        dynamic; /* $dynamicRef: the anchor's name, where `reference` has it as a dynamic one; NULL: as a $ref */
    const struct resource *dynamic_home;
};

struct entry {
    const json_t *at;
    struct resource *resource;
    struct schema *schema; /* NULL: not compiled yet */
};

struct schemas {
    struct arena arena;
    struct schemas_options options;
    struct resource *resources;
    struct entry *entries; /* a table open to both sides, by address */
    size_t entries_n, entries_cap;
    struct document {
        struct document *next;
        json_t *root;
    } * documents;
    struct owned_pattern {
        struct owned_pattern *next;
        struct pattern *pattern;
    } * patterns;
    struct schema *always, *never;
};

/* ---- index.c: where schemas stand ---- */

struct entry *schemas_entry(struct schemas *all, const json_t *at);

/* The schema and all inside it belong to a resource, which its $id may begin. 0, or -1 with why. */
int schemas_index(struct schemas *all, const json_t *at, struct resource *resource, struct buf *why);

/* What a reference leads to, indexed: or NULL with why. *anchor is the dynamic anchor that it went by, or NULL. */
const json_t *schemas_find(struct schemas *all, const struct resource *base, struct str reference,
                           struct resource **home, const struct anchor **anchor, struct buf *why);
struct resource *schemas_resource(struct schemas *all, const char *uri);

const struct member *member_find(const struct member *members, size_t n, struct str name);

#endif
