/* reader_play.h - plays bytes to the request reader as a connection does, and writes down what it says, so that the
 * same bytes cut in other ways can be compared. Used by the reader's suites and by its fuzz target. */
#ifndef SUPPORT_READER_PLAY_H
#define SUPPORT_READER_PLAY_H

#include <stdio.h>
#include <stdlib.h>

#include "http/reader.h"
#include "util/buf.h"

/* Holds in every build, also where assert() is compiled out. */
#define PLAY_CHECK(true_)                                                             \
    do {                                                                              \
        if (!(true_)) {                                                               \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #true_); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

struct play {
    struct http_reader reader;
    struct buf trace;
    size_t base, at; /* where the message began; the next byte of its content */
    bool in_content;
    bool bad;          /* the reader has refused */
    bool closed;       /* the last message ended the connection */
    bool direct;       /* content goes past the reader as far as it is certain, as recv into a buffer would */
    unsigned messages; /* complete ones */
    uint64_t content;  /* bytes of the current message */
    uint64_t contents; /* bytes of the complete ones */
};

static inline void play_begin(struct play *p, bool direct)
{
    *p = (struct play){ .trace = BUF_INIT, .direct = direct };
    http_reader_begin(&p->reader);
}

static inline void play_finish(struct play *p)
{
    buf_finish(&p->trace);
}

/* Inside the head, and without anything that could begin another line of it. */
static inline void play_span(struct play *p, const char *name, struct http_span span)
{
    PLAY_CHECK((uint32_t)span.at + span.n <= p->reader.at);
    for (uint32_t i = span.at; i < (uint32_t)span.at + span.n; i++) {
        unsigned char c = (unsigned char)p->reader.head.base[i];
        PLAY_CHECK((c >= 0x20 || c == '\t') && c != 0x7f);
    }
    buf_add_format(&p->trace, "%s=", name);
    buf_add_json(&p->trace, http_head_text(&p->reader.head, span));
    buf_add_char(&p->trace, '\n');
}

static inline void play_head(struct play *p, const char *bytes)
{
    const struct http_head *h = &p->reader.head;

    PLAY_CHECK(h->base == bytes + p->base);
    PLAY_CHECK(!(h->chunked && h->has_length));
    PLAY_CHECK(p->reader.at <= HTTP_HEAD_MAX && h->fields <= HTTP_FIELDS_MAX);
    PLAY_CHECK(http_reader_certain(&p->reader) == h->length);
    buf_add_format(&p->trace, "HEAD at %zu+%u HTTP/1.%d %s%s%s%s length %llu\n", p->base, p->reader.at,
                   h->minor, http_method_name(h->method), h->chunked ? " chunked" : "",
                   h->close ? " close" : "", h->expect_continue ? " expect" : "",
                   (unsigned long long)h->length);
    play_span(p, "method", h->method_name);
    play_span(p, "target", h->target);
    play_span(p, "path", h->path);
    play_span(p, "query", h->query);
    play_span(p, "host", h->host);
    for (unsigned i = 0; i < h->fields; i++) {
        play_span(p, "name", h->field[i].name);
        play_span(p, "value", h->field[i].value);
    }
    p->at = p->base + p->reader.at;
    p->in_content = true;
    p->content = 0;
}

static inline void play_refusal(struct play *p)
{
    PLAY_CHECK(p->reader.status >= 400 && p->reader.reason);
    buf_add_format(&p->trace, "\nBAD %d %s\n", p->reader.status, p->reader.reason);
    p->bad = true;
}

static inline void play_message_end(struct play *p)
{
    const struct http_head *h = &p->reader.head;

    PLAY_CHECK(h->chunked || p->content == h->length);
    buf_add_format(&p->trace, "\nEND at %zu\n", p->at);
    p->messages++;
    p->contents += p->content;
    p->closed = h->close;
    p->in_content = false;
    p->base = p->at;
    http_reader_begin(&p->reader);
}

static inline void play_piece(struct play *p, const char *piece, size_t n)
{
    buf_add(&p->trace, piece, n);
    p->content += n;
}

/* False when more bytes are needed. */
static inline bool play_content(struct play *p, const char *bytes, size_t n)
{
    size_t room = n - p->at, used;
    uint64_t certain = http_reader_certain(&p->reader);
    struct str content;

    if (p->direct && certain > 0 && room > 0) {
        size_t piece = room < certain ? room : (size_t)certain;
        play_piece(p, bytes + p->at, piece);
        http_reader_skip(&p->reader, piece);
        p->at += piece;
        return true;
    }
    enum http_reader_event e = http_reader_content(&p->reader, bytes + p->at, room, &used, &content);
    PLAY_CHECK(used <= room);
    PLAY_CHECK(e == HTTP_READER_CONTENT ? content.n > 0 : content.n == 0);
    if (e == HTTP_READER_CONTENT) {
        PLAY_CHECK(content.p >= bytes + p->at && content.p + content.n <= bytes + p->at + used);
        play_piece(p, content.p, content.n);
    }
    p->at += used;
    if (e == HTTP_READER_BAD)
        play_refusal(p);
    if (e == HTTP_READER_END)
        play_message_end(p);
    PLAY_CHECK(e != HTTP_READER_MORE || p->at == n);
    PLAY_CHECK(e != HTTP_READER_HEAD);
    return e != HTTP_READER_MORE;
}

static inline bool play_more_head(struct play *p, const char *bytes, size_t n)
{
    switch (http_reader_head(&p->reader, bytes + p->base, n - p->base)) {
    case HTTP_READER_MORE: return false;
    case HTTP_READER_HEAD: play_head(p, bytes); return true;
    case HTTP_READER_BAD: play_refusal(p); return true;
    default: PLAY_CHECK(false); return false;
    }
}

/* The stream's first n bytes are there now. False when the connection is over: refused, or the last message read. */
static inline bool play_feed(struct play *p, const char *bytes, size_t n)
{
    while (!p->bad && !p->closed) {
        if (!p->in_content && p->base == n)
            return true;
        bool going = p->in_content ? play_content(p, bytes, n) : play_more_head(p, bytes, n);
        if (!going)
            return true;
    }
    return false;
}

/* What is written down when nothing more comes. */
static inline void play_end(struct play *p)
{
    if (!p->bad && p->in_content)
        buf_add_text(&p->trace, "\nMORE content\n");
    else if (!p->bad && p->reader.at > 0)
        buf_add_text(&p->trace, "MORE head\n");
    PLAY_CHECK(!buf_failed(&p->trace));
}

/* The stream with `first` bytes, then with `step` more each time. Each look is given memory of its own and of exactly
 * that size, as a growing buffer may move: a sanitizer sees every read past it. */
static inline void play_cut(struct play *p, const char *bytes, size_t n, size_t first, size_t step,
                            bool direct)
{
    size_t there = first;

    play_begin(p, direct);
    for (;;) {
        char *copy = malloc(there ? there : 1);
        PLAY_CHECK(copy);
        if (there)
            memcpy(copy, bytes, there);
        bool more = play_feed(p, copy, there);
        free(copy);
        if (!more || there == n)
            break;
        there = n - there > step ? there + step : n;
    }
    play_end(p);
}

#endif
