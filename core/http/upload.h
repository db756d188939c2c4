/* upload.h - the parts of a multipart/form-data body, kept: small ones in the request's arena, large files in files
 * without a name.
 *
 *   u = upload_begin(http_arena(x), content_type, NULL);
 *   if (!u || upload_feed(u, http_request_body(x)) != 0 || upload_end(u) != 0) -> u ? u->status, u->reason : 500
 *   ... u->first, upload_find(u, "photo") ...
 *   upload_finish(u); */
#ifndef HTTP_UPLOAD_H
#define HTTP_UPLOAD_H

#include <sys/types.h>

#include "util/arena.h"

struct upload_part {
    struct upload_part *next;
    struct str name;
    struct str filename;     /* as the client calls it, see multipart_safe_name; p NULL: a plain field */
    struct str content_type; /* as the client says; p NULL: none */
    struct str value;        /* the content, when it is in memory */
    int fd;     /* the content, when it is not: to be read from offset 0; else -1. The upload's */
    off_t size; /* of the content, wherever it is */
};

struct upload_options {
    const char *spool_dir; /* NULL: "/tmp" */
    size_t spool_above;    /* bytes of one file in memory, 0: 256 KiB */
    size_t memory_max;     /* bytes of all parts in memory, above it every file is spooled; 0: 1 MiB */
    size_t field_max;      /* bytes of a plain field: 413 above; 0: 256 KiB */
};

struct upload {
    struct upload_part *first; /* in the order they came */
    size_t parts;
    int status;         /* of a failure: 400, 413, 415; 500: no memory; 507: the file could not be written */
    const char *reason; /* of a failure: a sentence for the client; constant */
};

/* Everything is in the arena, which must live until upload_finish. NULL only when memory is out; a wrong content type
 * shows at the first feed. */
struct upload *upload_begin(struct arena *a, struct str content_type, const struct upload_options *options);

/* The next bytes of the body. 0, or -1 with status and reason. */
int upload_feed(struct upload *u, struct str bytes);

/* All bytes of a body that was spooled itself. 0, or -1 with status and reason. */
int upload_feed_file(struct upload *u, int fd, off_t size);

/* The body is complete: 0, or -1 with status and reason. */
int upload_end(struct upload *u);

/* Closes the files. NULL is safe. */
void upload_finish(struct upload *u);

/* The first part of that name, or NULL. */
const struct upload_part *upload_find(const struct upload *u, const char *name);

#endif
