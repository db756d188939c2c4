/* direct.c - the same work as in table.c, without the table and without asking whose the call is. */
#include "plugin/call.h"
#include "steps.h"

uintptr_t direct_self(dw_call *c, unsigned n)
{
    uintptr_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += (uintptr_t)self_of(c);
    return sum;
}

uintptr_t direct_cancelled(dw_call *c, unsigned n)
{
    uintptr_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += call_is_cancelled(c);
    return sum;
}

uintptr_t direct_alloc(dw_call *c, unsigned n)
{
    uintptr_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += (uintptr_t)call_alloc(c, 32);
    return sum;
}
