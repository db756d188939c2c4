/* trace.h - names for requests: W3C trace context (level 1), and ids of our own.
 *
 * The ids here only have to differ. They come from a fast generator whose next values can be computed from a few
 * earlier ones: NEVER use them for tokens, keys, nonces, or anything that must not be guessed. */
#ifndef HTTP_TRACE_H
#define HTTP_TRACE_H

#include "util/str.h"

enum {
    TRACE_ID = 32, /* hex digits of a trace id, and of a request id that we make */
    TRACE_SPAN = 16,
    TRACE_PARENT = 55,
    TRACE_SAMPLED = 1
};

/* Not terminated. */
struct trace {
    char id[TRACE_ID];
    char span[TRACE_SPAN]; /* of a parsed header: the caller's */
    uint8_t flags;         /* TRACE_SAMPLED or 0; what else a header says is not ours to pass on */
};

/* Reads a traceparent: "00-" id "-" span "-" flags, lower-case hex, ids not all zero. A later version is read as far as
 * it looks like this one; version ff is refused. 0, or -1: start a trace of our own. A header that came twice is to be
 * treated as broken too. [any thread] */
int trace_parse(struct str header, struct trace *out);

/* The header that goes out. [any thread] */
void trace_format(const struct trace *t, char out[TRACE_PARENT]);

/* Random ids in lower-case hex, never all zero. Each thread has its own generator, seeded from the system and again
 * after a fork. [any thread] */
void trace_make_id(char out[TRACE_ID]);
void trace_make_span(char out[TRACE_SPAN]);

/* Whether a request id that a trusted proxy sent can be passed on: 1 to 128 letters, digits and "-_.:/+=@", so that it
 * can stand unescaped in a header, a log line and a URL's path. [any thread] */
bool trace_request_id_is_usable(struct str id);

/* 64 bits of the generator above: jitter, sampling, the choice among equals. [any thread] */
uint64_t trace_random(void);

#endif
