/* csv.h - lines of CSV (RFC 4180) as a spreadsheet opens them. [call] */
#ifndef TIMESYNC_CSV_H
#define TIMESYNC_CSV_H

#include <dowel/dowel.h>

struct csv {
    dw_call *c;
    dw_text *text;
    bool in_line;
};

/* Begins with the byte order mark, by which spreadsheets know UTF-8. */
void csv_begin(struct csv *csv, dw_call *c);

/* One field. What a spreadsheet would run as a formula (=, +, -, @, a tab or a return first, and no number) gets a ' before it. NULL is
 * an empty one. */
void csv_text(struct csv *csv, const char *text);
void csv_int(struct csv *csv, int64_t n);
void csv_real(struct csv *csv, double x);  /* two digits */
void csv_time(struct csv *csv, dw_time t); /* 0: empty */
void csv_line(struct csv *csv);

/* A 200 with all of it, to be saved as that file. */
int csv_reply(struct csv *csv, dw_request *req, const char *file);

#endif
