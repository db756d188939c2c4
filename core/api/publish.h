/* publish.h - the contracts of the server and all its plugins as one OpenAPI 3.1 document, for clients and for people.
 *
 * Paths get their base, operations a tag of whose they are, parameters that the server adds (limit, cursor, If-Match..) and
 * the problems they may answer with; components are called after their owner: "notes.Note". [any thread] */
#ifndef API_PUBLISH_H
#define API_PUBLISH_H

#include "api/document.h"

struct api_source {
    const char *owner;   /* "core", or a plugin's name */
    const char *summary; /* a line about it, "" for none */
    const struct api_document *document;
};

/* A new document in *out. 0, or -1 when memory is out. */
int api_publish(json_t **out, const struct api_source *sources, size_t n);

#endif
