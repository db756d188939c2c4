/* http_routes.h - what http_peer.h's server does, by path: each route is one way to be slow, broken or hostile. */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "http_peer.h"
#include "util/compiler.h"

static atomic_int busy_left; /* how often /busy refuses before it relents */
static const char *busy_fields = "";
static char location[256];

static inline void redirect_to(const char *url)
{
    snprintf(location, sizeof(location), "%s", url);
}

static char *bomb;
static size_t bomb_n;

static inline bool hello(struct peer_conn *c, const struct peer_request *r)
{
    return peer_answer(c, 200, "Content-Type: text/plain\r\nX-Odd:\r\nX-Two: 1\r\nX-Two: 2\r\n",
                       strcmp(r->method, "HEAD") == 0 ? "" : "hello");
}

static inline bool echo(struct peer_conn *c, const struct peer_request *r)
{
    char head[128];

    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
             strlen(r->head) + r->body_n);
    return peer_text(c, head) && peer_text(c, r->head) && peer_write(c, r->body, r->body_n);
}

static inline bool slow_head(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\n");
    peer_linger(c);
    return false;
}

static inline bool drip(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (peer_text(c, "x"))
        usleep(5000);
    return false;
}

static inline bool silent_body(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome");
    peer_linger(c);
    return false;
}

static inline bool drop(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    return false;
}

static inline bool half_head(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-");
    return false;
}

static inline bool garbage(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "\x01\x02\x03 this is no HTTP\r\n\r\n");
    return false;
}

static inline bool hang_up(struct peer_conn *c, const struct peer_request *r)
{
    (void)c;
    (void)r;
    return false;
}

static inline bool huge_length(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
    peer_linger(c);
    return false;
}

static inline bool endless(struct peer_conn *c, const struct peer_request *r)
{
    static const char chunk[] = "400\r\n";
    char kib[1024 + 3];

    (void)r;
    memset(kib, 'x', 1024);
    snprintf(kib + 1024, 3, "\r\n");
    peer_text(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer_text(c, chunk) && peer_write(c, kib, 1026))
        continue;
    return false;
}

static inline bool big_head(struct peer_conn *c, const struct peer_request *r)
{
    char much[1000];

    (void)r;
    memset(much, 'x', sizeof(much));
    peer_text(c, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 90; i++) {
        if (!peer_text(c, "X-Much: ") || !peer_write(c, much, sizeof(much)) || !peer_text(c, "\r\n"))
            break;
    }
    peer_text(c, "\r\n");
    return false;
}

static inline bool chunked(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    return peer_text(c, "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nX-Trailer: evil\r\n\r\n");
}

static inline bool gzip_bomb(struct peer_conn *c, const struct peer_request *r)
{
    char head[128];

    (void)r;
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
             bomb_n);
    return peer_text(c, head) && peer_write(c, bomb, bomb_n);
}

static inline bool redirect(struct peer_conn *c, const struct peer_request *r)
{
    char fields[512];

    snprintf(fields, sizeof(fields), "Location: %s\r\n", location);
    return peer_answer(c, (int)strtol(r->path + strlen("/redirect/"), NULL, 10), fields, "moved");
}

static inline bool busy(struct peer_conn *c, const struct peer_request *r)
{
    if (atomic_fetch_sub(&busy_left, 1) > 0)
        return peer_answer(c, (int)strtol(r->path + strlen("/busy/"), NULL, 10), busy_fields, "later");
    return peer_answer(c, 200, "", "done");
}

static inline bool not_found(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    return peer_answer(c, 404, "Content-Type: application/json\r\n", "{\"error\":\"no such\"}");
}

/* Answers the first request on a connection and dies of the second without a word. */
static inline bool once(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    return atomic_load(&c->peer->accepts) == 1 && atomic_load(&c->peer->requests) == 1
               ? peer_answer(c, 200, "", "first")
           : atomic_load(&c->peer->accepts) > 1 ? peer_answer(c, 200, "", "again")
                                                : false;
}

static inline bool events(struct peer_conn *c, const struct peer_request *r)
{
    static const char *const parts[] = { ": hi\n\nev", "ent: add\nda", "ta: {\"n\":1}\n",
                                         "\nid: 7\ndata: a\ndata: b\n\n", "data: [DONE]\r\n\r\ndata: cut" };
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (size_t i = 0; i < DW_COUNT_OF(parts); i++) {
        peer_text(c, parts[i]);
        usleep(2000);
    }
    return false;
}

static inline bool lines(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    return peer_answer(c, 200, "", "{\"a\":1}\r\n{\"b\":2}\nlast");
}

/* 8 MiB, each byte telling its place. */
enum { FLOOD = 8 * 1024 * 1024 };
static inline bool flood(struct peer_conn *c, const struct peer_request *r)
{
    static char block[65536];

    (void)r;
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (char)(i * 7 % 251);
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    for (int i = 0; i < FLOOD / (int)sizeof(block); i++) {
        if (!peer_write(c, block, sizeof(block)))
            return false;
    }
    return true;
}

static inline bool quiet_stream(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    peer_linger(c);
    return false;
}

static _Atomic int napping, napping_most; /* at a time */
static _Atomic bool nobody_wakes;         /* for seconds, unless the test says so before */

static inline bool nap(struct peer_conn *c, const struct peer_request *r)
{
    int now = atomic_fetch_add(&napping, 1) + 1, most = atomic_load(&napping_most);

    (void)r;
    while (now > most && !atomic_compare_exchange_weak(&napping_most, &most, now))
        continue;
    usleep(30000);
    for (int i = 0; i < 5000 && atomic_load(&nobody_wakes); i++)
        usleep(1000);
    atomic_fetch_sub(&napping, 1);
    return peer_answer(c, 200, "", "rested");
}

static const struct {
    const char *prefix;
    peer_route *route;
} routes[] = {
    { "/hello", hello },
    { "/echo", echo },
    { "/slow-head", slow_head },
    { "/drip", drip },
    { "/silent", silent_body },
    { "/drop", drop },
    { "/half-head", half_head },
    { "/garbage", garbage },
    { "/hang-up", hang_up },
    { "/huge", huge_length },
    { "/endless", endless },
    { "/big-head", big_head },
    { "/chunked", chunked },
    { "/bomb", gzip_bomb },
    { "/redirect/", redirect },
    { "/busy/", busy },
    { "/missing", not_found },
    { "/once", once },
    { "/events", events },
    { "/lines", lines },
    { "/flood", flood },
    { "/quiet", quiet_stream },
    { "/nap", nap },
};

static inline bool route(struct peer_conn *c, const struct peer_request *r)
{
    const char *path = r->path;

    if (strncmp(path, "http://", 7) == 0) { /* as a proxy sees it */
        path = strchr(path + 7, '/');
        if (!path)
            return false;
    }
    for (size_t i = 0; i < DW_COUNT_OF(routes); i++) {
        struct peer_request mine = *r;
        mine.path = path;
        if (strncmp(path, routes[i].prefix, strlen(routes[i].prefix)) == 0)
            return routes[i].route(c, &mine);
    }
    return peer_answer(c, 404, "", "no route");
}

#endif
