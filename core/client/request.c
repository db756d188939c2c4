/* request.c - reads a request once, on the thread of its caller: what libcurl would take literally and a peer would
 * read otherwise (line breaks, framing fields, credentials in the URL) is refused here. */
#include <stdlib.h>
#include <string.h>

#include "client/retry.h"
#include "client/transfer.h"
#include "log/log.h"
#include "secure/base64.h"
#include "secure/digest.h"
#include "util/clock.h"

enum {
    SECONDS = CLOCK_SECOND,
    MAX_BYTES = 16 * 1024 * 1024,
    BUFFER_BYTES = 256 * 1024,
    EXTRA_FIELDS = 5 /* content-type, authorization, secret, traceparent, accept-encoding... */
};

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

/* The offset of the first byte that must not stand in a field's value, or n. */
static size_t find_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return i;
    }
    return s.n;
}

/* Fields that say where the message ends, which connection it is for, or whom it is for: ours to write. */
static bool is_framing(struct str name)
{
    static const struct str names[] = {
        STR("Host"),
        STR("Content-Length"),
        STR("Transfer-Encoding"),
        STR("Connection"),
        STR("Keep-Alive"),
        STR("Expect"),
        STR("Upgrade"),
        STR("TE"),
        STR("Proxy-Connection"),
        STR("Trailer"),
        STR("Proxy-Authorization"),
    };
    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        if (str_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

/* The value is never quoted in the sentence: it may be a key with a stray newline from a file. */
static void add_field(struct transfer *t, struct str name, struct str value, bool secret)
{
    if (!is_token(name)) {
        transfer_fail(t, CLIENT_INVALID,
                      "a header's name holds a byte that no name may hold; use letters, digits and -");
        return;
    }
    if (is_framing(name)) {
        transfer_fail(t, CLIENT_INVALID, "header %.*s is written by the client itself; leave it out",
                      STR_ARG(name));
        return;
    }
    value = str_trim(value);
    size_t bad = find_control(value);
    if (bad < value.n) {
        transfer_fail(t, CLIENT_INVALID,
                      "header %.*s holds the control character 0x%02x; take line breaks out of its value",
                      STR_ARG(name), (unsigned char)value.p[bad]);
        return;
    }
    struct transfer_field *f = &t->fields[t->fields_n];
    /* libcurl reads "Name:" as "leave that field out" and "Name;" as one with an empty value. */
    f->line = value.n ? arena_format(&t->arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(value))
                      : arena_format(&t->arena, "%.*s;", STR_ARG(name));
    f->secret = secret || log_name_is_secret(name);
    if (!f->line)
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
    else
        t->fields_n++;
}

static void add_bearer(struct transfer *t, struct str bearer)
{
    struct buf value = BUF_INIT;

    buf_add_text(&value, "Bearer ");
    buf_add_str(&value, bearer);
    if (buf_failed(&value))
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
    else
        add_field(t, STR_OF("Authorization"), buf_str(&value), true);
    if (value.p)
        explicit_bzero(value.p, value.n);
    buf_finish(&value);
}

static void add_basic(struct transfer *t, struct str user, struct str password)
{
    struct buf plain = BUF_INIT, value = BUF_INIT;

    if (str_find(user, ':') < user.n) {
        transfer_fail(t, CLIENT_INVALID,
                      "the user name holds a colon, which Basic authentication cannot carry");
        return;
    }
    buf_add_str(&plain, user);
    buf_add_char(&plain, ':');
    buf_add_str(&plain, password);
    buf_add_text(&value, "Basic ");
    base64_add(&value, buf_str(&plain), BASE64_PADDED);
    if (buf_failed(&plain) || buf_failed(&value))
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
    else
        add_field(t, STR_OF("Authorization"), buf_str(&value), true);
    if (value.p)
        explicit_bzero(value.p, value.n);
    if (plain.p)
        explicit_bzero(plain.p, plain.n);
    buf_finish(&plain);
    buf_finish(&value);
}

static void copy_fields(struct transfer *t, const struct client_request *r)
{
    t->fields = arena_calloc(&t->arena, (r->headers_n + EXTRA_FIELDS) * sizeof(*t->fields));
    if (!t->fields) {
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
        return;
    }
    for (size_t i = 0; i < r->headers_n; i++)
        add_field(t, str_from(r->headers[i].name), r->headers[i].value, r->headers[i].secret);
    if (r->content_type && r->body.p)
        add_field(t, STR_OF("Content-Type"), str_from(r->content_type), false);
    if (r->bearer.n)
        add_bearer(t, r->bearer);
    if (r->user)
        add_basic(t, str_from(r->user), r->password);
    if (r->secret_header)
        add_field(t, str_from(r->secret_header), r->secret, true);
    if (r->traceparent)
        add_field(t, STR_OF("traceparent"), str_from(r->traceparent), false);
}

static const char *copy_text(struct transfer *t, const char *text)
{
    const char *copy = text ? arena_copy(&t->arena, str_from(text)) : NULL;

    if (text && !copy)
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
    return copy;
}

static void copy_body(struct transfer *t, struct str body, bool copy)
{
    t->body = body;
    if (!body.p || !copy)
        return;
    t->body.p = arena_copy(&t->arena, body);
    if (!t->body.p)
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
}

static void copy_allow(struct transfer *t, const struct client_request *r)
{
    if (r->allow_n == 0)
        return;
    t->allow = arena_alloc(&t->arena, r->allow_n * sizeof(*t->allow));
    if (!t->allow) {
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
        return;
    }
    memcpy(t->allow, r->allow, r->allow_n * sizeof(*t->allow));
    t->allow_n = r->allow_n;
}

static struct str copy_pem(struct transfer *t, struct str pem)
{
    char *copy = pem.n ? arena_copy(&t->arena, pem) : NULL;

    if (pem.n && !copy)
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
    return str_make(copy, copy ? pem.n : 0);
}

/* libcurl compares the certificates of two requests before one takes the other's connection, but not their keys; and whoever
 * knows a certificate may not know its key. What stands between the parts of a PEM text is not read: there the key has a
 * mark, which is compared as a part of the certificate. */
static struct str mark_key(struct transfer *t, struct str cert, struct str key)
{
    char mark[DIGEST_HEX_SIZE];
    const char *text;

    if (digest_hex(DIGEST_SHA256, key, mark) != 0 ||
        !(text = arena_format(&t->arena, "%.*s\nkey %s\n", STR_ARG(cert), mark))) {
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
        return str_make(NULL, 0);
    }
    return str_from(text);
}

static void copy_certificates(struct transfer *t, const struct client_request *r)
{
    const char *ca_file = r->ca_file ? r->ca_file : t->client->options.ca_file;

    t->ca_pem = copy_pem(t, r->ca_pem);
    t->ca_file = copy_text(t, t->ca_pem.n ? NULL : ca_file);
    if (r->cert_pem.n == 0) {
        t->cert_file = copy_text(t, r->cert_file);
        t->key_file = copy_text(t, r->key_file);
        return;
    }
    t->key_pem = copy_pem(t, r->key_pem.n ? r->key_pem : r->cert_pem);
    t->cert_pem = r->key_pem.n ? mark_key(t, r->cert_pem, r->key_pem) : t->key_pem;
}

static void read_method(struct transfer *t, const struct client_request *r)
{
    struct str method = str_from(r->method ? r->method : r->body.p ? "POST" : "GET");

    t->method = "?";
    if (!is_token(method) || method.n > 32 || str_equal(method, STR_OF("CONNECT"))) {
        transfer_fail(t, CLIENT_INVALID,
                      "the method is not one that can be sent; use GET, POST, PUT, PATCH, DELETE...");
        return;
    }
    t->method = copy_text(t, r->method ? r->method : method.p);
    if (!t->method)
        t->method = "?";
    if (str_equal(method, STR_OF("HEAD")) && r->body.n)
        transfer_fail(t, CLIENT_INVALID, "a HEAD request carries no body");
    t->idempotent = r->idempotent || retry_is_idempotent(method);
}

static void read_urls(struct transfer *t, const struct client_request *r)
{
    const char *why, *proxy = r->proxy ? r->proxy : t->client->options.proxy;

    if (url_parse(&t->url, r->url ? r->url : "", NULL, &why) != 0)
        transfer_fail(t, CLIENT_INVALID, "the URL cannot be asked: %s", why);
    t->proxy_is_ours = !r->proxy;
    if (proxy && *proxy && proxy_url_parse(&t->proxy, proxy, &why) != 0)
        transfer_fail(t, CLIENT_INVALID, "the proxy's URL cannot be used: %s", why);
}

static void read_limits(struct transfer *t, const struct client_request *r)
{
    int64_t timeout = r->timeout_us ? r->timeout_us : t->is_stream ? 0 : 30 * (int64_t)SECONDS;

    t->started_us = clock_monotonic_us();
    t->deadline_us = timeout ? t->started_us + timeout : 0;
    if (r->deadline_us && (!t->deadline_us || r->deadline_us < t->deadline_us))
        t->deadline_us = r->deadline_us;
    t->timeout_us = timeout;
    t->latest_us = r->deadline_us;
    t->patience_until_us = t->started_us + (r->patience_us ? r->patience_us : 300 * (int64_t)SECONDS);
    if (r->deadline_us && r->deadline_us < t->patience_until_us)
        t->patience_until_us = r->deadline_us;
    t->connect_timeout_us = r->connect_timeout_us ? r->connect_timeout_us : 10 * (int64_t)SECONDS;
    t->idle_timeout_us = r->idle_timeout_us ? r->idle_timeout_us : t->is_stream ? 30 * (int64_t)SECONDS : 0;
    t->max_bytes = r->max_bytes ? r->max_bytes : t->is_stream ? SIZE_MAX : MAX_BYTES;
    t->buffer_bytes = r->buffer_bytes ? r->buffer_bytes : BUFFER_BYTES;
    t->attempts_max = t->idempotent ? (r->attempts ? r->attempts : 3) : 1;
    t->redirects_max = r->redirects;
    t->any_status = r->any_status;
}

static int init_shared(struct transfer *t)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int error = pthread_mutex_init(&t->lock, NULL);
    error = error ? error : pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    return error ? -1 : 0;
}

struct transfer *transfer_create(struct client *c, const struct client_request *r, bool is_stream, bool copy)
{
    struct transfer *t = calloc(1, sizeof(*t));
    struct client_answer *answer = answer_create(), *tail = is_stream ? answer_create() : NULL;

    if (!t || !answer || (is_stream && !tail) || init_shared(t) != 0) {
        client_answer_destroy(answer);
        client_answer_destroy(tail);
        free(t);
        return NULL;
    }
    t->answer = answer;
    t->tail = tail;
    t->is_stream = is_stream;
    t->client = c;
    client_hold(c);
    atomic_init(&t->refs, 1);
    list_init(&t->node);
    list_init(&t->queued);
    list_init(&t->inbox);
    list_init(&t->by_token);
    list_init(&t->by_gate);
    arena_init(&t->arena, NULL, 0, 0);
    read_method(t, r);
    read_urls(t, r);
    copy_fields(t, r);
    copy_body(t, r->body, copy);
    copy_allow(t, r);
    read_limits(t, r);
    copy_certificates(t, r);
    t->allow_any_inner = r->allow_any_inner;
    t->token = r->token;
    t->gate = r->gate;
    if (t->gate && t->gate->owner && t->gate->owner->hold)
        t->gate->owner->hold(t->gate);
    return t;
}

static void wipe_secrets(struct transfer *t)
{
    if (t->key_pem.n)
        explicit_bzero((char *)(uintptr_t)t->key_pem.p, t->key_pem.n);
    for (size_t i = 0; t->fields && i < t->fields_n; i++)
        explicit_bzero(t->fields[i].line, strlen(t->fields[i].line));
}

void transfer_hold(struct transfer *t)
{
    atomic_fetch_add(&t->refs, 1);
}

void transfer_drop(struct transfer *t)
{
    if (atomic_fetch_sub(&t->refs, 1) != 1)
        return;
    if (t->gate && t->gate->owner && t->gate->owner->drop)
        t->gate->owner->drop(t->gate);
    wipe_secrets(t);
    url_finish(&t->url);
    proxy_url_finish(&t->proxy);
    client_answer_destroy(t->answer);
    client_answer_destroy(t->head);
    client_answer_destroy(t->tail);
    buf_finish(&t->filled);
    arena_finish(&t->arena);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->changed);
    client_drop(t->client);
    free(t);
}
