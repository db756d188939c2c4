#include "util/heap.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "util/clock.h"

#if HEAP_IS_GLIBC

#include <malloc.h>

/* What takes less is not worth a walk through all arenas, which takes some milliseconds; nor is that more often. */
#define LONG_US  (CLOCK_SECOND)
#define PAUSE_US (5 * CLOCK_SECOND)

void heap_rest(int64_t worked_us)
{
    static _Atomic int64_t next_us;
    int64_t now_us = clock_monotonic_us(), due_us = atomic_load(&next_us);

    if (worked_us < LONG_US || now_us < due_us)
        return;
    if (atomic_compare_exchange_strong(&next_us, &due_us, now_us + PAUSE_US))
        malloc_trim(0);
}

#else

void heap_rest(int64_t worked_us)
{
    (void)worked_us;
}

#endif
