/* cors.h - which other origins' pages may call us, and what a browser is told about it (the Fetch standard).
 *
 * CORS protects nothing here: it relaxes what browsers forbid by themselves. A refusal is therefore silent: no field,
 * and the browser keeps the answer from the page. The origin "null" (sandboxed frames, files) is never allowed, since
 * anybody can have it. [any thread] */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "http/message.h"

struct cors_policy {
    /* "https://app.example", or "*": any origin, but never with credentials. None: no CORS. */
    const char *const *origins;
    size_t origins_n;
    bool credentials; /* cookies may come along, from origins that are listed by name */
};

struct cors_request {
    enum http_method method;
    struct str origin;            /* each with p NULL when the field is not there */
    struct str requested_method;  /* Access-Control-Request-Method */
    struct str requested_headers; /* Access-Control-Request-Headers */
    unsigned allowed;             /* of router_match: a bit for each method of the path */
};

enum { CORS_METHODS_SIZE = 64, CORS_MAX_AGE_S = 600 };

/* The fields of the answer; those with p NULL are not sent. */
struct cors_decision {
    bool is_preflight;  /* answer 204 with these fields, without asking the handler */
    bool credentials;   /* Access-Control-Allow-Credentials: true */
    struct str origin;  /* Access-Control-Allow-Origin */
    struct str expose;  /* Access-Control-Expose-Headers */
    struct str methods; /* Access-Control-Allow-Methods; in methods_text */
    struct str headers; /* Access-Control-Allow-Headers; borrowed from the request */
    struct str vary; /* to be added to Vary, also when nothing was allowed: a cache must not mix the two up */
    char methods_text[CORS_METHODS_SIZE];
};

/* *out must stay where it is while its fields are used. A preflight for a path that no route has is none: it gets its
 * 404. Access-Control-Max-Age is CORS_MAX_AGE_S for a preflight that is allowed. */
void cors_decide(const struct cors_policy *policy, const struct cors_request *request,
                 struct cors_decision *out);

#endif
