/* out.h - a streaming JSON writer into a buffer: what is behind every dw_out. See dowel/out.h. */
#ifndef PLUGIN_OUT_H
#define PLUGIN_OUT_H

#include <dowel/out.h>

#include "util/buf.h"

enum { OUT_DEPTH_MAX = 64 }; /* one bit each, below */

struct dw_out {
    dw_call *call;     /* whose thread may write */
    struct buf *to;    /* borrowed */
    int error;         /* the first; then nothing is written any more */
    unsigned depth;    /* open objects and arrays; 0: before out_begin, or after the end */
    uint64_t is_array; /* bit 0: the outermost */
    uint64_t has_some; /* the next one needs a comma */
};

/* Begins an object in `to`, behind whatever is there. Both must stay until the end. */
void out_begin(dw_out *o, dw_call *call, struct buf *to);

/* Closes what is still open. 0, or the first error, which the call then has as well. No more is written after. */
int out_finish(dw_out *o);

/* For functions that must not return NULL: all that is written to it is a stray use. */
extern dw_out out_of_nobody;

#endif
