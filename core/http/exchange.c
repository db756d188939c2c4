#include "http/exchange_struct.h"

#include <stdlib.h>
#include <unistd.h>

#include "http/content.h"
#include "http/server_struct.h"

/* More than are in flight on one loop at a time are seldom needed; the rest goes back to the heap. */
enum { SPARES_MAX = 128, ARENA_LIMIT = 8 << 20 };

static void begin_message(struct http_exchange *x)
{
    x->route = NULL;
    x->match.route = NULL;
    x->match.params = 0;
    x->path = str_make(NULL, 0);
    x->client_tls = x->traced = x->id_made = false;
    x->client_known = true;
    atomic_store_explicit(&x->halves, 0, memory_order_relaxed);
    x->host = str_make(NULL, 0);
    x->detached = x->handed_over = x->over = x->timed_out = x->replaces_timed_out = false;
    x->language = HTTP_ENGLISH;
    atomic_store_explicit(&x->gone, false, memory_order_relaxed);
    x->next_handler = NULL;
    x->notice = NULL;
    x->notice_ud = NULL;
    atomic_store_explicit(&x->due_posted, false, memory_order_relaxed);
    atomic_store_explicit(&x->deadline_us, 0, memory_order_relaxed);
    x->began_us = 0;
    x->sent = 0;
    x->id_size = 0;
    x->parent_size = 0;
    x->content = (struct http_content){ .fd = -1 };
    x->reply = (struct http_reply){ .fd = -1 };
    http_reader_begin(&x->reader);
}

static void free_memory(struct http_exchange *x)
{
    pthread_mutex_destroy(&x->watch_lock);
    free(x);
}

struct http_exchange *exchange_create(struct http_loop *loop, const struct http_transport *transport,
                                      struct str rest)
{
    struct http_exchange *x = loop->spare;

    if (x) {
        loop->spare = (struct http_exchange *)(void *)x->task.next;
        loop->spare_n--;
    } else {
        x = malloc(sizeof(*x));
        if (!x)
            return NULL;
        pthread_mutex_init(&x->watch_lock, NULL);
    }
    x->loop = loop;
    x->server = loop->server;
    x->transport = transport;
    x->conn = NULL;
    x->in = x->first_in;
    x->in_size = EXCHANGE_IN_SIZE;
    x->start = 0;
    x->fill = 0;
    arena_init(&x->arena, x->first_arena, sizeof(x->first_arena), ARENA_LIMIT);
    begin_message(x);
    if (rest.n > x->in_size) {
        x->in = malloc(rest.n);
        if (!x->in) {
            free_memory(x);
            return NULL;
        }
        x->in_size = (uint32_t)rest.n;
    }
    if (rest.n) {
        memcpy(x->in, rest.p, rest.n);
        x->fill = (uint32_t)rest.n;
    }
    return x;
}

/* What belongs to one message. */
static void end_message(struct http_exchange *x)
{
    content_finish(x);
    reply_clear(&x->reply);
    buf_finish(&x->reply.fields);
    arena_reset(&x->arena);
}

void exchange_reset(struct http_exchange *x, uint32_t next)
{
    end_message(x);
    /* What follows is moved to the front only when it would not have room where it is. */
    if (next + EXCHANGE_IN_SIZE / 2 > x->in_size) {
        memmove(x->in, x->in + next, x->fill - next);
        x->fill -= next;
        next = 0;
    }
    x->start = next;
    begin_message(x);
}

void exchange_destroy(struct http_exchange *x)
{
    if (!x)
        return;
    end_message(x);
    if (x->in != x->first_in)
        free(x->in);
    struct http_loop *loop = x->loop;
    if (loop->spare_n >= SPARES_MAX) {
        free_memory(x);
        return;
    }
    x->task.next = (struct loop_task *)(void *)loop->spare;
    loop->spare = x;
    loop->spare_n++;
}

void exchange_free_spares(struct http_loop *loop)
{
    while (loop->spare) {
        struct http_exchange *next = (struct http_exchange *)(void *)loop->spare->task.next;
        free_memory(loop->spare);
        loop->spare = next;
    }
    loop->spare_n = 0;
}

int exchange_grow_input(struct http_exchange *x)
{
    /* Room that earlier messages left in front of this one comes first. */
    if (x->start > 0) {
        memmove(x->in, x->in + x->start, x->fill - x->start);
        x->fill -= x->start;
        x->start = 0;
        return 0;
    }
    uint32_t size = x->in_size * 2 < EXCHANGE_IN_MAX ? x->in_size * 2 : EXCHANGE_IN_MAX;
    if (size <= x->in_size)
        return -1;
    char *in = malloc(size);
    if (!in)
        return -1;
    memcpy(in, x->in, x->fill);
    if (x->in != x->first_in)
        free(x->in);
    x->in = in;
    x->in_size = size;
    return 0;
}

int exchange_make_room(struct http_exchange *x, uint32_t room)
{
    while (x->in_size - x->start - x->reader.at < room) {
        if (exchange_grow_input(x) != 0)
            return -1;
        x->reader.head.base = x->in + x->start;
    }
    return 0;
}

/* ---- what handlers ask ---- */

const struct http_head *http_request_head(const struct http_exchange *x)
{
    return &x->reader.head;
}

enum http_method http_request_method(const struct http_exchange *x)
{
    return x->reader.head.method;
}

struct str http_request_path(const struct http_exchange *x)
{
    return x->path;
}

struct str http_request_query(const struct http_exchange *x)
{
    return http_head_text(&x->reader.head, x->reader.head.query);
}

struct str http_request_header(const struct http_exchange *x, const char *name)
{
    return http_head_find(&x->reader.head, str_from(name));
}

struct str http_request_param(const struct http_exchange *x, const char *name)
{
    for (unsigned i = 0; i < x->match.params; i++) {
        if (strcmp(x->match.param[i].name, name) == 0)
            return x->match.param[i].value;
    }
    return str_make(NULL, 0);
}

struct str http_request_body(const struct http_exchange *x)
{
    return str_make(x->content.data, x->content.n);
}

int http_request_body_fd(const struct http_exchange *x, off_t *size)
{
    if (x->content.fd >= 0)
        *size = (off_t)x->content.received;
    return x->content.fd;
}

const char *http_spool_dir(const struct http_exchange *x)
{
    return x->server->options.spool_dir;
}

ssize_t http_request_read(struct http_exchange *x, void *p, size_t n)
{
    return content_pipe_read(x, p, n);
}

const struct address *http_request_client(const struct http_exchange *x)
{
    return &x->client;
}

bool http_request_is_tls(const struct http_exchange *x)
{
    return x->client_tls;
}

bool http_request_client_is_known(const struct http_exchange *x)
{
    static const struct str claims[] = { STR("Forwarded"), STR("X-Forwarded-For"), STR("X-Real-IP") };

    if (!x->client_known || x->server->options.trusted_proxies_n > 0)
        return x->client_known;
    /* No proxy is trusted, yet one says that it is there: the address is only the proxy's. */
    for (size_t i = 0; i < DW_COUNT_OF(claims); i++) {
        if (http_head_find(&x->reader.head, claims[i]).p)
            return false;
    }
    return true;
}

struct str http_request_host(const struct http_exchange *x)
{
    return x->host.p ? x->host : http_head_text(&x->reader.head, x->reader.head.host);
}

struct str http_request_id(const struct http_exchange *x)
{
    return str_make(x->id, x->id_size);
}

const struct trace *http_request_trace(struct http_exchange *x)
{
    if (!x->traced) {
        /* No caller brought a trace: the request's own id is one, so that logs and traces are found by one name. */
        if (x->id_made)
            memcpy(x->trace.id, x->id, TRACE_ID);
        else
            trace_make_id(x->trace.id);
        trace_make_span(x->trace.span);
        x->trace.flags = 0;
        x->traced = true;
    }
    return &x->trace;
}

int64_t http_request_deadline(const struct http_exchange *x)
{
    return atomic_load_explicit(&((struct http_exchange *)(uintptr_t)x)->deadline_us, memory_order_relaxed);
}

void http_set_deadline(struct http_exchange *x, int64_t deadline_us)
{
    atomic_store_explicit(&x->deadline_us, deadline_us, memory_order_relaxed);
    if (x->transport->deadline_moved)
        x->transport->deadline_moved(x);
}

bool http_request_gone(const struct http_exchange *x)
{
    return atomic_load_explicit(&((struct http_exchange *)(uintptr_t)x)->gone, memory_order_relaxed);
}

/* The lock is held while a notice runs: whoever ends a watch waits until what it told is over. */
void exchange_set_gone(struct http_exchange *x)
{
    pthread_mutex_lock(&x->watch_lock);
    atomic_store_explicit(&x->gone, true, memory_order_relaxed);
    if (x->notice)
        x->notice(x->notice_ud);
    x->notice = NULL;
    pthread_mutex_unlock(&x->watch_lock);
}

void http_watch_gone(struct http_exchange *x, void (*notice)(void *ud), void *ud)
{
    pthread_mutex_lock(&x->watch_lock);
    bool late = notice && http_request_gone(x);
    x->notice = late ? NULL : notice;
    x->notice_ud = ud;
    if (late)
        notice(ud);
    pthread_mutex_unlock(&x->watch_lock);
}

struct arena *http_arena(struct http_exchange *x)
{
    return &x->arena;
}

const struct http_route *http_request_route(const struct http_exchange *x)
{
    return x->route;
}

struct str http_request_last_event(const struct http_exchange *x)
{
    return http_request_header(x, "Last-Event-ID");
}

enum http_language http_request_language(const struct http_exchange *x)
{
    return x->language ? x->language : http_language_of(http_request_header(x, "Accept-Language"));
}

void *http_resumed_with(const struct http_exchange *x)
{
    return x->next_ud;
}

void http_detach(struct http_exchange *x)
{
    x->detached = true;
}
