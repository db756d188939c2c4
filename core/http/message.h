/* message.h - the parts of an HTTP/1.1 request as they stand in the bytes that came: nothing is copied.
 *
 * Spans are offsets, because the buffer may move while a head is still growing; once the head is complete the buffer
 * stays where it is until the request is over, and http_head_text() turns a span into text. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "util/str.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_TRACE,
    HTTP_CONNECT,
    HTTP_UNKNOWN, /* a valid token that we have no word for */
    HTTP_METHODS = HTTP_UNKNOWN
};

/* "GET"; "?" for HTTP_UNKNOWN. */
const char *http_method_name(enum http_method method);
enum http_method http_method_from(struct str token);

/* The reason phrase of RFC 9110, or "Unknown". */
const char *http_status_text(int status);

enum {
    HTTP_LINE_MAX = 8192,      /* request line: 414 above */
    HTTP_FIELD_MAX = 8192,     /* one header field: 431 above */
    HTTP_FIELDS_MAX = 100,     /* 431 above */
    HTTP_FIELDS_BYTES = 32768, /* all of them: 431 above */
    HTTP_HEAD_MAX = HTTP_LINE_MAX + HTTP_FIELDS_BYTES + 8
};

struct http_span {
    uint16_t at, n;
};

struct http_field {
    struct http_span name, value;
};

/* What the reader found. Content-Length and Transfer-Encoding are already judged: either `chunked`, or `length`. */
struct http_head {
    const char *base; /* set when the head is complete */
    enum http_method method;
    uint8_t minor; /* HTTP/1.minor: 0 or 1 */
    bool chunked;
    bool has_length;
    bool close; /* the client wants, or its version implies, one request only */
    bool expect_continue;
    uint16_t fields;
    uint64_t length; /* bytes of content; 0 when chunked */
    struct http_span method_name, target;
    struct http_span path, query; /* of target, still percent-encoded; query without '?' */
    struct http_span host;        /* of an absolute target, else of the Host field; may be empty */
    struct http_field field[HTTP_FIELDS_MAX];
};

static inline struct str http_head_text(const struct http_head *head, struct http_span span)
{
    return str_make(head->base + span.at, span.n);
}

/* The first field of that name, compared without case; p is NULL when there is none. */
struct str http_head_find(const struct http_head *head, struct str name);

/* The next one after *at, for fields that may be repeated: start with *at = 0 and go on until p is NULL. */
struct str http_head_next(const struct http_head *head, struct str name, uint16_t *at);

#endif
