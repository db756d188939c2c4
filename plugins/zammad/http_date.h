/* http_date.h - what a server's Date field says: "Fri, 27 Nov 2026 18:22:03 GMT". */
#ifndef ZAMMAD_HTTP_DATE_H
#define ZAMMAD_HTTP_DATE_H

#include <stdint.h>

/* Seconds since 1970, or -1 for what is no such date. */
int64_t http_date_seconds(const char *text);

#endif
