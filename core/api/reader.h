/* reader.h - the inside of reading a contract: what its parts share. Used by core/api/ only.
 *
 * Every part complains and goes on, so that all that is wrong is told at once; whether anything was, api_reader.wrong
 * says at the end. A node that yaml.h refused has been complained about and counts as absent. */
#ifndef API_READER_H
#define API_READER_H

#include "api/document.h"

struct api_reader {
    struct arena *arena; /* the document's */
    struct config_problems *problems;
    const char *source;
    const char *item;                  /* how complaints call the operation that is being read; NULL: none */
    const struct yaml_node *operation; /* it */
    const struct yaml_node *root;
    const char *base; /* "/api/v1" */
    bool wrong;
};

/* Fields as they are collected; the arena owns v. */
struct api_fields {
    struct api_field *v;
    size_t n, cap;
};

/* An item of paths. */
struct api_path {
    const char *key;      /* "/notes/{id}" */
    const char *template; /* with the base */
    const char *also;     /* below the root, where it is that too; or NULL */
    const struct yaml_node *node;
    struct api_fields parameters; /* for all of its operations */
};

/* ---- reader.c ---- */

/* The same sentence about the same line is told once, whoever refers to it. hint may be NULL. */
void api_complain(struct api_reader *r, unsigned line, const char *hint, const char *format, ...)
    DW_PRINTF(4, 5);
void api_complain_memory(struct api_reader *r);

/* "did you mean title?", in the document's arena, or NULL for NULL. */
const char *api_did_you_mean(struct api_reader *r, const char *name);

/* The entry of a map; NULL when it is absent or was refused, or `map` is no map. */
const struct yaml_node *api_get(const struct yaml_node *map, const char *key);

/* The same, of one kind: others are complained about. */
const struct yaml_node *api_get_kind(struct api_reader *r, const struct yaml_node *map, const char *key,
                                     enum yaml_kind kind);
const char *api_get_text(struct api_reader *r, const struct yaml_node *map, const char *key);
bool api_get_bool(struct api_reader *r, const struct yaml_node *map, const char *key, bool fallback);

/* Complains about each key that is not in the list (which NULL ends), but for those that begin with "x-": of these only
 * what looks like one of ours. */
void api_check_keys(struct api_reader *r, const struct yaml_node *map, const char *const *known);

/* ---- reference.c ---- */

/* The node, or what its $ref leads to in the end; NULL when it leads nowhere. */
const struct yaml_node *api_reference_follow(const struct yaml_node *root, const struct yaml_node *node);

/* Complains about every $ref of the document that cannot be followed. */
void api_reference_check(struct api_reader *r);

/* ---- schema.c ---- */

struct api_shape {
    enum api_type type;
    bool nullable;
};

/* What JSON types the schema allows, as far as that is said in one place. NULL: any. */
struct api_shape api_shape_of(struct api_reader *r, const struct yaml_node *schema);

/* Calls visit for the schema and for all that it is made of: what its $ref leads to, and each of its allOf. */
typedef void (*api_visit_schema)(struct api_reader *r, const struct yaml_node *schema, void *ud);
void api_each_schema(struct api_reader *r, const struct yaml_node *schema, api_visit_schema visit, void *ud);

/* ---- fields.c ---- */

/* Complains when the name is known already. */
void api_fields_add(struct api_reader *r, struct api_fields *fields, const struct api_field *field);

/* ---- parameters.c ---- */

/* The list of a path item or an operation. */
void api_parameters_read(struct api_reader *r, const struct yaml_node *owner, struct api_fields *out);

/* All parameters of one operation into `out`, those of the path first: its own, and the path item's that it does not
 * override. */
void api_parameters_merge(struct api_reader *r, const struct api_path *path,
                          const struct yaml_node *operation, struct api_fields *out);

/* ---- body.c ---- */

void api_body_read(struct api_reader *r, const struct yaml_node *operation, struct api_operation *op,
                   struct api_fields *fields);

/* ---- extension.c ---- */

/* Everything that begins with x- in an operation. */
void api_extensions_read(struct api_reader *r, const struct yaml_node *operation, struct api_operation *op,
                         struct api_fields *fields);

/* Whether `key` is one of ours; else *nearest is the one that was probably meant, or NULL. */
bool api_extension_known(const char *key, const char **nearest);

/* ---- permissions.c ---- */

/* "notes.read": a plugin's name, a dot and one word. */
bool api_is_permission(struct str text);

/* After the operations. */
void api_permissions_read(struct api_reader *r, struct api_document *d);

/* ---- operation.c ---- */

void api_operation_read(struct api_reader *r, const struct api_path *path, const struct yaml_node *node,
                        enum http_method method, struct api_operation *op);

#endif
