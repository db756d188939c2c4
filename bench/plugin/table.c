/* table.c - a plugin's view of the host: what its code compiles to, in an object of its own, with the SDK alone. */
#include <dowel/call.h>

#include "steps.h"

const dw_host *dw_host_;

uintptr_t table_self(dw_call *c, unsigned n)
{
    uintptr_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += (uintptr_t)dw_self(c);
    return sum;
}

uintptr_t table_cancelled(dw_call *c, unsigned n)
{
    uintptr_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += (uintptr_t)dw_cancelled(c);
    return sum;
}

uintptr_t table_alloc(dw_call *c, unsigned n)
{
    uintptr_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += (uintptr_t)dw_alloc(c, 32);
    return sum;
}
