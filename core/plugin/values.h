/* values.h - what crosses the border as dw_value: into JSON, into log fields, and from JSON or text into targets.
 *
 * Whatever a plugin hands over may be wrong in its kind; each function says so and changes nothing. [any thread] */
#ifndef PLUGIN_VALUES_H
#define PLUGIN_VALUES_H

#include <dowel/value.h>

#include "log/log.h"
#include "util/arena.h"
#include "util/buf.h"

/* Is it a place for a result? */
bool value_is_target(const dw_value *v);

/* The bytes of a text, whether it has a length or ends with NUL; p NULL for null. */
struct str value_text(const dw_value *v);

/* Why it cannot be written as JSON: "a target where a value is wanted", "a text that is not UTF-8"; NULL when it can.
 * Does not look into json. */
const char *value_wrong(const dw_value *v);

/* Pairs: an even number, every name a text that is not NULL. NULL, or why not. */
const char *pairs_wrong(dw_list pairs);

/* The first of the values, or of the values of pairs, that is wrong: NULL when none is. */
const char *values_wrong(dw_list values);
const char *pairs_values_wrong(dw_list pairs);

/* ---- out ---- */

enum { VALUE_DEPTH_MAX = 64 }; /* lists and objects inside each other, as util/json.h reads them */

/* Numbers are exact: all 64 bits of whole ones, and of others the shortest text that reads back as the same double. NaN
 * and the infinities, for which JSON has no word, are null. */
void real_write_json(struct buf *out, double real);

/* The value as JSON text: times in RFC 3339, spans as seconds, bytes as base64. 0, or -1: value_wrong(), or json that is
 * too deep; then `out` has half of it. Memory shows in `out` alone. */
int value_write_json(struct buf *out, const dw_value *v);

/* {"name":value,...}: of pairs that are not wrong. 0 or -1. */
int pairs_write_json(struct buf *out, dw_list pairs);

/* A new reference, or NULL: value_wrong(), a number above INT64_MAX (which jansson cannot hold), or memory. */
json_t *value_to_json(const dw_value *v);
json_t *pairs_to_json(dw_list pairs);
json_t *values_to_json(dw_list values);

/* The value as people read it: texts without quotes, all else as JSON. What cannot be written is named in brackets. */
void value_write_plain(struct buf *out, const dw_value *v);

/* As fields of a log line; at most `max`, with LOG_END behind them. Numbers of json and time are formatted in `room`, as
 * are names that would not do in a log; those that the host itself uses (plugin, request...) get a "_" behind them. */
size_t pairs_to_fields(dw_list pairs, struct log_field *out, size_t max, struct arena *room);

/* ---- in ---- */

/* Stores a JSON value in a target: 0, or -1 when the type does not fit (*expected is then what would: "a whole
 * number"). null and NULL leave the target untouched. Texts are borrowed from json; bytes are those of the text, base64 is
 * not undone. */
int value_store_json(const dw_value *target, const json_t *json, const char **expected);

/* The same from a text (path, query, form): "5" into an int64_t. The text must be terminated and stay. */
int value_store_text(const dw_value *target, struct str text, const char **expected);

#endif
