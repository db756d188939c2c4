/* json.h - JSON of strangers, read strictly into jansson's values.
 *
 * RFC 8259, and refused besides: a name that stands twice in one object (two readers would see two objects), NUL in a
 * text or name (what follows it would be lost in C), text that is not UTF-8, a byte order mark, more depth than anybody
 * writes by hand, and numbers that do not fit: whole ones into 64 bits, others into a double. */
#ifndef UTIL_JSON_H
#define UTIL_JSON_H

#include <jansson.h>

#include "util/compiler.h"
#include "util/str.h"

enum {
    JSON_STRICT_DEPTH_MAX = 64,       /* lists and objects inside each other */
    JSON_STRICT_BYTES_MAX = 64 << 20, /* where the caller has no limit of its own */
};

/* What was wrong with a text. */
struct json_fault {
    const char *text;      /* "a name stands twice in an object"; constant, quotes nothing of the text */
    unsigned line, column; /* where, both from 1, in characters; 0: of no one place */
    bool is_ours;          /* memory was out: nothing is known about the text */
};

/* Any value may stand at the top. bytes_max 0: JSON_STRICT_BYTES_MAX. 0 with a new reference in *out, or -1 with *out
 * NULL and `fault` filled. [any thread, after json_start] */
DW_MUST_CHECK int json_strict_parse(struct str text, size_t bytes_max, json_t **out,
                                    struct json_fault *fault);

/* What a JSON pointer that begins with '/' leads to (RFC 6901): borrowed, NULL when there is nothing. json may be NULL.
 * [any thread] */
const json_t *json_pointer(const json_t *json, struct str pointer);

/* Gives jansson's tables a random seed, without which a stranger could choose names that all meet in one place. Once,
 * at the start of the process, before the first value is made. [main thread, before any other] */
void json_start(void);

#endif
