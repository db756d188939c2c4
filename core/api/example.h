/* example.h - a value as a schema describes it, for who reads a contract. */
#ifndef API_EXAMPLE_H
#define API_EXAMPLE_H

#include <jansson.h>
#include <stdbool.h>

/* What the schema says itself comes first (example, examples, default, const, enum), then what its type and format suggest;
 * `name` is what the value is called, for texts. What is readOnly is left out of requests, what is writeOnly out of replies.
 * References lead into `document`. A new value, which need not be valid where a pattern or a rule for several members
 * decides; NULL: there is none, or memory is out. */
json_t *example_make(const json_t *document, const json_t *schema, const char *name, bool for_request);

#endif
