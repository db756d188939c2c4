/* values.h - what crosses the border as dw_value: into JSON, into log fields, and from JSON or text into targets.
 *
 * Whatever a plugin hands over may be wrong in its kind; each function says so and changes nothing. [any thread] */
#ifndef PLUGIN_VALUES_H
#define PLUGIN_VALUES_H

#include <dowel/value.h>

#include "log/log.h"
#include "util/arena.h"
#include "util/buf.h"

/* Is it something on its way in (and not a target, a secret, or a void * that points somewhere)? */
bool value_is_input(const dw_value *v);
bool value_is_target(const dw_value *v);

/* The bytes of a text, whether it has a length or ends with NUL; p NULL for null. */
struct str value_text(const dw_value *v);

/* Pairs: an even number, every name a text that is not NULL. NULL, or why not. */
const char *pairs_wrong(dw_list pairs);

/* The value as JSON text: times in RFC 3339, spans as seconds, bytes as base64. 0, or -1: not an input, or not UTF-8. */
int value_write_json(struct buf *out, const dw_value *v);

/* {"name":value,...}: of pairs that are not wrong. 0 or -1. */
int pairs_write_json(struct buf *out, dw_list pairs);

/* A new reference, or NULL: not an input, or memory. */
json_t *value_to_json(const dw_value *v);
json_t *pairs_to_json(dw_list pairs);
json_t *values_to_json(dw_list values);

/* Stores a JSON value in a target: 0, or -1 when the type does not fit (*expected is then what would: "a whole
 * number"). null and NULL leave the target untouched. Texts are borrowed from json. */
int value_store_json(const dw_value *target, const json_t *json, const char **expected);

/* The same from a text (path, query, form): "5" into an int64_t. The text must be terminated and stay. */
int value_store_text(const dw_value *target, struct str text, const char **expected);

/* As fields of a log line; at most `max`, with LOG_END behind them. Numbers of json and time are formatted in `room`. */
size_t pairs_to_fields(dw_list pairs, struct log_field *out, size_t max, struct arena *room);

#endif
