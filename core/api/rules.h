/* rules.h - the schemas of a contract, compiled: what a request's values have to be. Used by core/api/ only. */
#ifndef API_RULES_H
#define API_RULES_H

#include "api/reader.h"

/* Turns the document into JSON, and compiles the schema of each parameter and media type. Complains about each that is
 * none. */
void api_rules_read(struct api_reader *r, struct api_document *d);
void api_rules_finish(struct api_document *d);

#endif
