/* publish_struct.h - what the parts of api_publish() share. */
#ifndef API_PUBLISH_STRUCT_H
#define API_PUBLISH_STRUCT_H

#include "api/publish.h"

struct publication {
    json_t *paths, *components, *tags;
    const struct api_source *source; /* whose turn it is */
    bool is_out_of_memory;           /* nothing is published then; every step may go on */
};

/* Takes the value, which may be NULL: memory is out. */
void publish_set(struct publication *p, json_t *object, const char *name, json_t *value);
void publish_append(struct publication *p, json_t *list, json_t *value);

/* The member, made when it is not there; NULL when memory is out. */
json_t *publish_object(struct publication *p, json_t *parent, const char *name);
json_t *publish_list(struct publication *p, json_t *parent, const char *name);

/* Calls visit for each operation of these paths. */
typedef void (*publish_visit)(struct publication *p, json_t *path, const char *method, json_t *operation);
void publish_each_operation(struct publication *p, json_t *paths, publish_visit visit);

/* ---- publish_components.c ---- */

/* "#/components/schemas/Note" to "#/components/schemas/notes.Note", everywhere in the value. */
void publish_rename_references(struct publication *p, json_t *value);

/* The document's components, under their new names. */
void publish_add_components(struct publication *p, const json_t *document);

/* The `content` of an answer that is a problem of this status; NULL when memory is out. */
json_t *publish_problem_content(int status);

/* What every operation refers to: the problems, headers and ways to sign in. */
void publish_own_components(struct publication *p);

/* Takes away what nothing refers to in the end, and adds how tokens are got where that is an operation. */
void publish_finish_components(struct publication *p);

/* ---- publish_operation.c ---- */

/* limit, cursor, If-Match.., while references still lead where the author wrote them. */
void publish_add_parameters(struct publication *p, const json_t *path, json_t *operation,
                            const struct api_operation *op);

/* The rest of what the author left to us: problems, security, words. */
void publish_complete(struct publication *p, json_t *operation, const struct api_operation *op);

/* ---- publish_examples.c ---- */

/* Of the whole document: what comes with answers, what types imply, examples. The author's stay. */
void publish_examples(struct publication *p, json_t *document);

#endif
