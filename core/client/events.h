/* events.h - lines and server-sent events out of a stream of pieces.
 *
 * The splitters are pure: fed with any cut of the bytes they give the same lines. A reader puts one on a stream.
 * [one thread at a time] */
#ifndef CLIENT_EVENTS_H
#define CLIENT_EVENTS_H

#include "client/client.h"

enum { LINES_MAX = 1024 * 1024 };

struct lines {
    struct buf rest;  /* the start of a line whose end has not come */
    struct str piece; /* borrowed: what is still to be cut */
    bool any_end;     /* CR alone ends a line too (event streams), not only LF and CRLF */
    bool after_cr;    /* a LF that comes next belongs to the CR before it */
    bool taken;       /* rest was given out and is to be emptied */
    size_t max;
};

void lines_init(struct lines *l, bool any_end, size_t max);
void lines_finish(struct lines *l);

/* The piece must stay until lines_next has returned 0. */
void lines_feed(struct lines *l, struct str piece);

/* 1: *line, without its end, borrowed until the next call. 0: feed more. -1: a line is longer than max, or memory. */
int lines_next(struct lines *l, struct str *line);

/* What stands after the last line end. 1 or 0. */
int lines_last(struct lines *l, struct str *line);

/* One event, as the HTML standard reads it. */
struct client_event {
    struct str name;  /* "" when it has none; terminated, as is data */
    struct str data;  /* lines joined by LF */
    struct str id;    /* the last one seen, for Last-Event-ID */
    int64_t retry_ms; /* the last one seen; -1: none */
};

struct events {
    struct buf name, data, id;
    int64_t retry_ms;
    bool started, has_data, given;
    size_t max;
};

void events_init(struct events *e, size_t max);
void events_finish(struct events *e);

/* 1: the line (empty) ended *event, borrowed until the next call. 0: go on. -1: larger than max, or memory. */
int events_line(struct events *e, struct str line, struct client_event *event);

/* ---- on a stream ---- */

struct client_reader {
    struct client_stream *stream; /* borrowed */
    struct lines lines;
    struct events events;
};

void client_reader_init(struct client_reader *r, struct client_stream *stream, bool is_events);
void client_reader_finish(struct client_reader *r);

/* As client_stream_read: 1 one more, 0 the end, else -enum client_error; -CLIENT_TOO_LARGE for one above LINES_MAX. An
 * event that its stream's end cut short is dropped, as the standard wants it; the last line needs no line end. */
int client_reader_line(struct client_reader *r, struct str *line, int64_t wait_us);
int client_reader_event(struct client_reader *r, struct client_event *event, int64_t wait_us);

#endif
