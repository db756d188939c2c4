/* overflow.h - a function that needs more stack than there is. */
#ifndef TESTS_OVERFLOW_H
#define TESTS_OVERFLOW_H

#include <stddef.h>

/* Not a loop for the compiler: each call needs its own place. */
static inline int overflow_descend(volatile char *above, int depth)
{
    volatile char place[4096];

    place[0] = above ? above[0] : 1;
    return depth < 0 ? place[0] : overflow_descend(place, depth + 1) + place[0];
}

static inline void overflow_stack(void)
{
    int (*volatile call)(volatile char *, int) = overflow_descend;
    call(NULL, 0);
}

#endif
