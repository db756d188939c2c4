/* missing_symbol.c - calls a function that nobody has, and was linked so that nobody noticed. */
#include <dowel/dowel.h>

void function_that_nobody_has(void);

static int init(dw_call *c)
{
    (void)c;
    function_that_nobody_has();
    return 0;
}

DOWEL_PLUGIN(.name = "missing_symbol", .version = "1.0.0", .init = init);
