/* writer.h - the head of a reply as bytes. */
#ifndef HTTP_WRITER_H
#define HTTP_WRITER_H

#include "http/exchange_struct.h"

enum { WRITER_HEAD_MAX = 20 * 1024 };

/* Writes status line and fields of the staged reply (or opened stream) to out[WRITER_HEAD_MAX]; the number of bytes.
 * With close, says so. `date` is the Date field's value. */
size_t writer_head(const struct http_exchange *x, bool close, const char *date, char *out);

#endif
