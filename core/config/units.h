/* units.h - durations and sizes as people write them. [any thread] */
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include "util/buf.h"

/* "250ms", "10s", "1h30m", "7d": whole numbers with d, h, m, s, ms, us, each at most once, largest first; "0".
 * NULL with *us set, or why not. */
const char *units_parse_span(struct str text, int64_t *us);

/* "1000", "64KiB", "1 MiB"; kB, MB... are powers of 1000. NULL with *bytes set, or why not. */
const char *units_parse_size(struct str text, int64_t *bytes);

/* What the above would read: "1h30m", "0s"; "1 MiB", "1000". */
void units_format_span(struct buf *out, int64_t us);
void units_format_size(struct buf *out, int64_t bytes);

#endif
