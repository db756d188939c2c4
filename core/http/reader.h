/* reader.h - the strict HTTP/1.1 request reader: a state machine over bytes. It knows no socket, allocates nothing,
 * and reads every byte once, however the bytes are cut into pieces.
 *
 * RFC 9112 where it says MUST, and the stricter side wherever two readers could understand the same bytes in two ways:
 * such a request is HTTP_READER_BAD, and nothing that follows it is read. See docs/http.md for the list.
 *
 *   http_reader_begin(&r);
 *   do { grow buf; e = http_reader_head(&r, buf, n); } while (e == HTTP_READER_MORE);
 *   ... r.head is complete, r.at is where the content begins ...
 *   while (e == HTTP_READER_MORE || e == HTTP_READER_CONTENT) e = http_reader_content(&r, p, n, &used, &content); */
#ifndef HTTP_READER_H
#define HTTP_READER_H

#include "http/message.h"

enum http_reader_event {
    HTTP_READER_MORE,    /* everything given was read; give more */
    HTTP_READER_HEAD,    /* the head is complete */
    HTTP_READER_CONTENT, /* a piece of content */
    HTTP_READER_END,     /* the message is complete; what follows belongs to the next */
    HTTP_READER_BAD      /* r.status and r.reason say why; close the connection */
};

struct http_reader {
    struct http_head head;
    uint32_t at; /* the next byte of the head to look at */
    uint8_t state;
    uint8_t saw;            /* bits: fields that must not be there twice */
    uint16_t mark;          /* where the token that is being read began */
    uint32_t limit_at;      /* the offset at which the current line becomes too long */
    uint32_t fields_at;     /* where the first field began */
    uint64_t left;          /* content or chunk: bytes still to come */
    uint32_t trailer_bytes; /* trailers and chunk extensions, together */
    int status;             /* of HTTP_READER_BAD: 400, 414, 417, 431, 501, 505 */
    const char *reason;     /* a sentence for the client; constant */
};

void http_reader_begin(struct http_reader *r);

/* buf holds the message from its first byte, n bytes of it so far: the same bytes as the last time, and more; it may
 * have moved. MORE, HEAD or BAD. */
enum http_reader_event http_reader_head(struct http_reader *r, const char *buf, size_t n);

/* After HEAD: the next piece of content out of p[0..n). `used` bytes were read; `content` is a part of p. Does not
 * need to see the same bytes again. */
enum http_reader_event http_reader_content(struct http_reader *r, const char *p, size_t n, size_t *used,
                                           struct str *content);

/* Bytes of content that are certain to come next: lets them be received straight to where they belong. 0 when chunked
 * framing must be read first. */
uint64_t http_reader_certain(const struct http_reader *r);

/* That many bytes of content were received by somebody else. n <= http_reader_certain(). */
void http_reader_skip(struct http_reader *r, uint64_t n);

#endif
