/* call_struct.h - the inside of what hangs on a call, for call.c and call_memory.c. */
#ifndef PLUGIN_CALL_STRUCT_H
#define PLUGIN_CALL_STRUCT_H

#include "plugin/call.h"

struct call_undo {
    struct call_undo *older;
    void (*undo)(void *ud);
    void *ud;
};

/* Memory of its own rather than a mark in the call's: what lent its memory to the call (a request) may put things there
 * meanwhile that have to stay. Its arena's first chunk stands behind it. */
struct call_scope {
    struct call_scope *outer;
    struct arena *arena_before;
    size_t memory_before;
    struct call_undo *undo_before[CALL_UNDO_KINDS];
    struct arena arena;
};

/* As call_at_end, with memory of the caller's for it. */
void call_undo_push(dw_call *c, enum call_undo_kind kind, struct call_undo *u);

#endif
