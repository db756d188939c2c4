/* csv.h - a reply that spreadsheets open: UTF-8 with its mark, as they take it for something else otherwise, CRLF, quotes where they
 * are needed, and texts that would be formulas made harmless. [call] */
#ifndef TIMESYNC_CSV_H
#define TIMESYNC_CSV_H

#include <dowel/dowel.h>

struct csv {
    dw_call *c;
    dw_text *text;
    bool in_line, in_german;
};

/* separator: "comma", or "semicolon" as spreadsheets in German and many other languages want it, with commas in decimals; NULL: comma. */
void csv_begin(struct csv *csv, dw_call *c, const char *separator);

/* A field each. NULL and an instant of 0 are empty ones. */
void csv_text(struct csv *csv, const char *text);
void csv_decimal(struct csv *csv,
                 const char *text); /* "7.5", where it is one: else spreadsheets in German read a date */
void csv_int(struct csv *csv, int64_t n);
void csv_minutes(struct csv *csv, int64_t seconds); /* in minutes, with two digits */
void csv_time(struct csv *csv, dw_time t);          /* in UTC, to the second, as spreadsheets read it */
void csv_line(struct csv *csv);                     /* the line's end */

/* A line of these; NULL at the end. */
void csv_heading(struct csv *csv, const char *const *names);

/* file is what the client's program calls it. */
int csv_reply(struct csv *csv, dw_request *req, const char *file);

#endif
