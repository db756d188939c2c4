/* static_plan.h - what a request for a static file gets: all decisions, apart from the exchange that carries them out,
 * so that they can be tested on a folder without a server. */
#ifndef HTTP_STATIC_PLAN_H
#define HTTP_STATIC_PLAN_H

#include "http/beneath.h"
#include "http/compress.h"
#include "http/conditional.h"
#include "http/static.h"

struct static_request {
    struct str path; /* below the prefix, without a slash at its beginning; decoded and normalised */
    struct accept_encoding accepted;
    struct condition_fields conditions;
    struct str range, if_range; /* p NULL: not there */
};

struct static_plan {
    int status; /* 200, 206, 304, 308: redirect to the path with a slash, 403, 404, 412, 416, 500, 503 */
    int fd;     /* for 200 and 206, else -1; the caller's */
    off_t offset, size;
    off_t whole_size;         /* for the Content-Range of 206 and 416 */
    const char *content_type; /* of the file that was asked for */
    const char *cache_control;
    enum http_coding coding;
    bool vary;
    char etag[56], last_modified[30]; /* terminated; "" when there is no file */
};

void static_plan_make(const struct beneath *root, const struct static_options *options,
                      const struct static_request *request, struct static_plan *out);

/* Whether a bundler put a hash into the name. */
bool static_name_is_hashed(struct str name);

#endif
