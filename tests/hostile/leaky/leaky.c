/* leaky - takes memory and does not give it back, or more of it than a call may have. */
#include <dowel/dowel.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 16, BLOCK = 1 << 20, PAST_THE_LIMIT = 200, MANY = 100000 };

/* What was taken and never given back. A list keeps it in reach, so that LeakSanitizer, which would end the process for
 * it, calls it memory in use; that nobody will ever free it is the same. */
static _Atomic(void *) taken;

static int take_and_forget(dw_call *c, dw_request *req)
{
    (void)c;
    for (int i = 0; i < BLOCKS; i++) {
        void **block = malloc(BLOCK);
        if (!block)
            return DW_ENOMEM;
        memset(block, 1, BLOCK);
        *block = atomic_exchange(&taken, block);
    }
    return dw_reply(req, 200, "forgotten", (int)BLOCKS * BLOCK);
}

static int pass_limit(dw_call *c, dw_request *req)
{
    for (int i = 0; i < PAST_THE_LIMIT; i++)
        memset(dw_alloc(c, BLOCK), 1,
               BLOCK); /* never NULL: what cannot be given ends the call, not the process */
    return dw_reply(req, 200, "taken", (int)PAST_THE_LIMIT);
}

static atomic_int undone;

static void undo(void *ud)
{
    (void)ud;
    atomic_fetch_add(&undone, 1);
}

static int defer_many(dw_call *c, dw_request *req)
{
    for (int i = 0; i < MANY; i++)
        DW_TRY(dw_defer(c, undo, NULL));
    return dw_reply(req, 200, "deferred", (int)MANY);
}

static int count_undone(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "undone", atomic_load(&undone));
}

static const dw_operation operations[] = {
    { "takeAndForget", take_and_forget },
    { "passLimit", pass_limit },
    { "deferMany", defer_many },
    { "countUndone", count_undone },
    { 0 },
};

DOWEL_PLUGIN(.name = "leaky", .version = "1.0.0", .summary = "Takes memory", .license = "MIT",
             .operations = operations);
