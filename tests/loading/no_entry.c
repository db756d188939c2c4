/* no_entry.c - a shared object, but no plugin. */
#include <dowel/dowel.h>

const void *no_entry(void);
const void *no_entry(void)
{
    return dw_assets_;
}
