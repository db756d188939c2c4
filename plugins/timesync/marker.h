/* marker.h - the first line of a timesheet's text, by which it is found again: ZAM:T<ticket>|TA:<entry>|C:<8 hex>. [any] */
#ifndef TIMESYNC_MARKER_H
#define TIMESYNC_MARKER_H

#include <stddef.h>

enum { MARKER_ID = 120, MARKER_SIZE = 3 * 2 * MARKER_ID + 32 };

struct marker {
    char ticket[MARKER_ID + 1], entry[MARKER_ID + 1];
    char mark[9]; /* "": the old form, which says nothing about the connection */
};

/* 0, or -1: an id is empty or longer than MARKER_ID. What would end the line or the id early is written as %0A, %7C, %25. */
int marker_write(const char *ticket, const char *entry, const char *mark, char out[MARKER_SIZE]);

/* Of a text's first line, exactly: 1 and *out, or 0. */
int marker_read(const char *text, struct marker *out);

/* The entry that the tags "zid:<id>" and "ticket:#<n>" of another tool name: 1 and its ids, or 0. `ticket` is the number there,
 * "" where no tag has it. */
int marker_read_tags(const char *const *tags, size_t n, struct marker *out);

/* How long the first line of a text is. */
size_t marker_line(const char *text);

#endif
