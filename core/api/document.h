/* document.h - a plugin's contract: its api.yaml, OpenAPI 3.1, read and checked.
 *
 * What is read, and what our extensions (x-permission...) mean, is told to authors in docs/contract.md. Schemas are kept
 * as they stand in the source, and compiled (schema/schema.h). */
#ifndef API_DOCUMENT_H
#define API_DOCUMENT_H

#include "config/problems.h"
#include "config/yaml.h"
#include "http/router.h"
#include "schema/schema.h"

enum api_in { API_IN_PATH, API_IN_QUERY, API_IN_HEADER, API_IN_COOKIE, API_IN_BODY };

/* API_ANY: no type is said, several are, or one that only a later look at the schema tells (oneOf...). */
enum api_type { API_ANY, API_STRING, API_INTEGER, API_NUMBER, API_BOOLEAN, API_ARRAY, API_OBJECT };

/* The ways in which content comes; a set, as an operation may take several. */
enum api_body {
    API_BODY_NONE = 0,
    API_BODY_JSON = 1 << 0,      /* application/json, and what ends in +json */
    API_BODY_FORM = 1 << 1,      /* application/x-www-form-urlencoded */
    API_BODY_MULTIPART = 1 << 2, /* multipart/form-data */
    API_BODY_BYTES = 1 << 3,     /* anything else, in one piece, for the handler to read */
    API_BODY_STREAM = 1 << 4     /* x-body: stream: anything, while it arrives; alone */
};

/* One thing that a request brings, by the name under which a handler asks for it: a parameter, or a top member of the
 * content. No two of an operation have the same name. */
struct api_field {
    const char *name;
    const char *sent_as; /* as it stands in the request: "If-Match" of if_match; else the name */
    enum api_in in;
    enum api_type type;
    enum api_type items;            /* of an array in the query: of each */
    bool required;                  /* in all that have it */
    bool nullable;                  /* JSON null may stand for it */
    bool separated;                 /* an array in the query, "a=1,2" (explode: false), not "a=1&a=2" */
    bool is_etag;                   /* If-Match: read without its quotes */
    unsigned bodies;                /* API_IN_BODY: the set of enum api_body that have this member */
    unsigned required_bodies;       /* and those of them that must */
    const struct yaml_node *schema; /* as it stands, may be a $ref; NULL: none was given */
    const struct schema *rules;     /* it, compiled */
    unsigned line;
};

/* One media type that the content may have. */
struct api_media {
    struct str type; /* "application/json", a range such as that of all images; terminated, no parameters */
    enum api_body body;
    const struct yaml_node *schema; /* as it stands, may be a $ref; NULL: none was given */
    const struct schema *rules;     /* it, compiled */
    bool open; /* additionalProperties: true: a form may have fields that nobody declared */
};

struct api_operation {
    const char *id; /* operationId */
    enum http_method method;
    const char *path;       /* the router's template, with the base: "/api/v1/notes/{id}" */
    const char *also;       /* another one, of older clients: "/notes/{id}"; or NULL */
    const char *permission; /* x-permission, "notes.read" or API_SIGNED_IN; NULL if and only if is_public */
    bool is_public;         /* x-public: true: nobody is asked who they are */
    bool no_tenant;         /* x-tenant: none */
    bool idempotent;        /* takes an Idempotency-Key: a post, unless x-idempotent says otherwise */
    bool idempotency_required; /* x-idempotent: required: wants one */
    const char *rate_limit;    /* x-rate-limit as it stands, "10/1m"; NULL: none of its own */
    uint32_t rate_requests;    /* of it, per rate_window_us; 0: none of its own */
    int64_t rate_window_us;
    int64_t timeout_us; /* x-timeout; 0: the server's */

    unsigned bodies; /* a set of enum api_body */
    bool body_required;
    uint64_t body_max; /* x-body-max, bytes; 0: the server's */
    const struct api_media *media;
    size_t media_n;

    const struct api_field *fields; /* of the path first, in its order; the content's last */
    size_t fields_n;

    const struct yaml_node *node; /* the whole operation, for what is not read here */
    unsigned line;
};

#define API_SIGNED_IN "signed_in" /* as x-permission: anybody who is */

/* A permission that the contract declares, by x-permissions or by asking for it. */
struct api_permission {
    const char *name;    /* "notes.read" */
    const char *summary; /* or "" */
    const char *roles;   /* which roles it is meant for, "viewer member"; or "" */
    unsigned line;
};

/* Immutable. */
struct api_document {
    struct arena arena;
    const char *source;                     /* "notes/api.yaml" */
    const char *title, *version;            /* of info */
    const char *base;                       /* "/api/v1" */
    const struct api_operation *operations; /* in the order of the file */
    size_t operations_n;
    const struct api_permission *permissions;
    size_t permissions_n;
    const struct yaml_node *root;
    struct api_json *json; /* the same as JSON; see api_document_json() */
    struct schemas *schemas;
};

/* Reads and checks all of it. 0, or -1 with *out NULL after adding every error to `problems`, as "SOURCE:LINE:
 * OPERATION: what, hint". Neither text need outlive the call. Takes about 10 ms for
 * 160 kB: keep what was read. [any thread; problems on this one] */
int api_document_create(struct str text, const char *source, struct config_problems *problems,
                        struct api_document **out);
void api_document_destroy(struct api_document *d);

/* NULL when there is none. [any thread] */
const struct api_operation *api_document_find(const struct api_document *d, const char *id);

/* All of it as JSON, borrowed. [any thread] */
const json_t *api_document_json(const struct api_document *d);

/* The node itself, or what its $ref leads to; never NULL in a document that was created, but for
 * what stands in examples, defaults and the like. [any thread] */
const struct yaml_node *api_document_resolve(const struct api_document *d, const struct yaml_node *node);

/* The field of that name, or NULL; then *nearest (may be NULL) is the name that was probably meant, or NULL.
 * [any thread] */
const struct api_field *api_operation_field(const struct api_operation *op, const char *name,
                                            const char **nearest);

/* How its route has to receive the content: a form with files is spooled. [any thread] */
enum http_body_mode api_operation_body_mode(const struct api_operation *op);

/* "a text", "a whole number"; "the query", "the content". */
const char *api_type_words(enum api_type type);
const char *api_in_words(enum api_in in);

#endif
