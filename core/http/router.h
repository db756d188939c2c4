/* router.h - which handler answers a method and a path.
 *
 * Routes are added before the server starts; afterwards the tree is only read, by all threads, without a lock.
 * Templates: "/users/{id}/keys", one parameter a segment; "/files/{rest...}" takes the remainder, at the end only. A
 * literal segment wins over a parameter, a parameter over a remainder. A parameter is never empty, a remainder may be:
 * "/files/{rest...}" answers "/files/", not "/files".
 *
 * The path alone chooses the template, then the method a route of it: a method that the best template does not know is
 * a 405, never the page of the next best one. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/message.h"
#include "http/ratelimit.h"

struct http_exchange;
struct router;
struct metric;

enum http_where { HTTP_ON_LOOP, HTTP_ON_WORKER };
enum http_body_mode {
    HTTP_BODY_MEMORY, /* in one piece, in memory */
    HTTP_BODY_SPOOL,  /* in memory up to spool_above, then in an unlinked file */
    HTTP_BODY_STREAM  /* the handler reads it while it arrives; workers only */
};

enum { HTTP_PARAMS_MAX = 8, ROUTER_VERSIONS_MAX = 16 };

/* What a route is; copied when it is added, the texts are borrowed for ever. */
struct http_route {
    enum http_method method; /* HTTP_UNKNOWN: any method that no other route of this template takes */
    const char *path;
    void (*handler)(struct http_exchange *x);
    void *ud;
    enum http_where where;
    enum http_body_mode body;
    uint64_t body_max;     /* 0: the server's; 413 above */
    uint64_t spool_above;  /* 0: 256 KiB */
    int64_t timeout_us;    /* until the reply; 0: the server's; 504 then */
    bool quiet;            /* not in the access log (probes) */
    bool no_rate_limit;    /* the server's own does not count here */
    struct rate_rule rate; /* for each address, beside the server's; limit 0: none */
    const char *owner;     /* the plugin, in metrics and the access log; NULL: the server */

    /* Filled by the router. */
    struct metric *duration;
    struct metric *status[6]; /* by class, of its owner; NULL: the server's */
};

int router_create(struct router **out);
void router_destroy(struct router *r);

/* NULL, or what is wrong with a template; without a look at other routes. [any thread] */
const char *router_template_wrong(const char *path);

/* 0, or -1 with a sentence in why[160]: a bad template, or a clash with a route that is there: the same method and
 * template, or the same template with other names of its parameters. [before start] */
enum { ROUTER_WHY_SIZE = 160 };
int router_add(struct router *r, const struct http_route *route, char why[ROUTER_WHY_SIZE]);

/* Would all of these fit, beside those that are there and each other? 0, or -1 as router_add; *other is then the route that
 * is in the way, NULL if the fault is in one of these alone. Adds nothing. [before start] */
int router_check(const struct router *r, const struct http_route *routes, size_t n,
                 const struct http_route **other, char why[ROUTER_WHY_SIZE]);

/* The numbers N of all /api/vN that routes begin with, the newest first; how many. [any thread] */
size_t router_versions(const struct router *r, const unsigned **out);

struct router_match {
    const struct http_route *route; /* NULL: see allowed */
    unsigned allowed;               /* a bit for each http_method that the path knows; 0: no such path */
    unsigned params;
    struct {
        const char *name;
        struct str value; /* a piece of the path that was given */
    } param[HTTP_PARAMS_MAX];
};

/* `path` is decoded and normalised. HEAD is answered by GET's route unless it has one of its own. [any thread] */
void router_find(const struct router *r, enum http_method method, struct str path, struct router_match *out);

/* Visits every route, in the order of their templates. */
void router_each(const struct router *r, void (*visit)(const struct http_route *route, void *ud), void *ud);

#endif
