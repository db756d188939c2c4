/* schema.h - JSON Schema 2020-12: compiled once when a contract is loaded, asked at every request.
 *
 *   schemas_create(&all);
 *   schemas_add(all, "", document, SCHEMA_IN_DOCUMENT, &why);
 *   schema = schemas_compile(all, "", "/components/schemas/Note", &why);
 *   if (schema_check(schema, value, &report) != 0)
 *       ... report.faults[0].place, schema_fault_write(&text, &report.faults[0], SCHEMA_ENGLISH) ...
 *
 * All of the standard's applicators and assertions, $ref, $id, anchors and dynamic references within what was added; nothing is
 * ever fetched. Numbers are compared exactly, also whole ones with others. A pattern that takes too long to decide counts
 * as not matched, and so does what leads back into itself. */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include <jansson.h>

#include "util/arena.h"
#include "util/buf.h"

struct schemas;
struct schema;

/* ---- reading them ---- */

enum schema_home {
    SCHEMA_ITSELF,     /* the document is a schema */
    SCHEMA_IN_DOCUMENT /* schemas stand somewhere in it, as in OpenAPI */
};

struct schemas_options {
    bool asserts_formats; /* else a format is only a remark, as the standard has it */
};

/* 0, or -1 when memory is out. */
int schemas_create(struct schemas **out, const struct schemas_options *options);
void schemas_destroy(struct schemas *all); /* NULL is safe; what was compiled goes too */

/* What references may lead to, by its URI (without #). Takes a reference to the document, which must not change any more.
 * 0, or -1 with a sentence in why. */
int schemas_add(struct schemas *all, const char *uri, json_t *document, enum schema_home home,
                struct buf *why);

/* The schema there: "" is all of it, else a JSON pointer; immutable. NULL with "/paths/x/schema: what is wrong, what to
 * write" in why: a reference that leads nowhere, a pattern that is none, a rule with the wrong kind of value. [one thread] */
const struct schema *schemas_compile(struct schemas *all, const char *uri, const char *pointer,
                                     struct buf *why);

/* The same for a part of a document that was added. */
const struct schema *schemas_compile_at(struct schemas *all, const char *uri, const json_t *at,
                                        struct buf *why);

/* Its `default`, borrowed, or NULL: its own, or that of what it refers to. */
const json_t *schema_default(const struct schema *schema);

/* ---- asking them ---- */

enum schema_rule {
    SCHEMA_NEVER, /* false: nothing is allowed here */
    SCHEMA_TYPE,
    SCHEMA_ENUM,
    SCHEMA_CONST,
    SCHEMA_MULTIPLE_OF,
    SCHEMA_MAXIMUM,
    SCHEMA_EXCLUSIVE_MAXIMUM,
    SCHEMA_MINIMUM,
    SCHEMA_EXCLUSIVE_MINIMUM,
    SCHEMA_MAX_LENGTH,
    SCHEMA_MIN_LENGTH,
    SCHEMA_PATTERN,
    SCHEMA_FORMAT,
    SCHEMA_MAX_ITEMS,
    SCHEMA_MIN_ITEMS,
    SCHEMA_UNIQUE_ITEMS,
    SCHEMA_CONTAINS,
    SCHEMA_MAX_CONTAINS,
    SCHEMA_MAX_PROPERTIES,
    SCHEMA_MIN_PROPERTIES,
    SCHEMA_REQUIRED,
    SCHEMA_DEPENDENT_REQUIRED,
    SCHEMA_UNKNOWN, /* additionalProperties or unevaluatedProperties: false; additional items likewise */
    SCHEMA_ANY_OF,
    SCHEMA_ONE_OF,
    SCHEMA_NOT,
    SCHEMA_TOO_DEEP,
    SCHEMA_READ_ONLY, /* it goes the wrong way: see enum schema_way */
    SCHEMA_WRITE_ONLY
};

/* Which way a value goes. What is readOnly may not stand in a request, and need not although it is required there; what is
 * writeOnly likewise in a reply. */
enum schema_way { SCHEMA_ANY_WAY, SCHEMA_IN_REQUEST, SCHEMA_IN_REPLY };

/* One thing that is wrong. Texts lie in the report's arena or the schema. */
struct schema_fault {
    const char
        *place; /* JSON pointer into the value; "" is all of it. For REQUIRED the member that is missing */
    enum schema_rule rule;
    const struct schema *schema; /* whose rule it is */
    const char *name; /* REQUIRED, UNKNOWN: the member; DEPENDENT_REQUIRED: the one that wants it; or NULL */
    size_t found;     /* lengths and counts: how many there are; ONE_OF: how many fit */
};

enum { SCHEMA_FAULTS_MAX = 32 };

struct schema_report {
    struct arena *arena; /* the caller's */
    struct schema_fault *faults;
    size_t n, max; /* max 0: SCHEMA_FAULTS_MAX; those after it are not recorded */
    bool is_out_of_memory;
    enum schema_way way; /* the caller's */
};

/* 0: it is valid; 1: not, and why is in the report, in the order of the schema; a report without an arena records nothing, and
 * the first fault ends the search. NULL may stand for the report. Calls nothing that blocks. [any thread] */
int schema_check(const struct schema *schema, const json_t *value, struct schema_report *report);

/* Gives absent members of objects the `default` of their properties, also inside those that are there: first default of a
 * property, $ref and allOf, which have the last word. 0, or -1 when memory is out. [any thread; changes the value] */
int schema_fill_defaults(const struct schema *schema, json_t *value);

/* ---- in words ---- */

enum schema_language { SCHEMA_ENGLISH, SCHEMA_GERMAN };

/* "must be at most 200 characters long; it has 231": for whoever sent the value, so that they know what to send instead. */
void schema_fault_write(struct buf *out, const struct schema_fault *fault, enum schema_language language);

#endif
