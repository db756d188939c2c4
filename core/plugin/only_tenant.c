#include "plugin/only_tenant.h"

#include <stdio.h>

struct tenants {
    char *first;
    int n;
};

static int take(void *ud, const char *tenant)
{
    struct tenants *t = ud;

    if (t->n++ == 0)
        snprintf(t->first, UUID_TEXT_SIZE, "%s", tenant);
    return 0;
}

int only_tenant(struct access *a, char out[UUID_TEXT_SIZE], struct buf *why)
{
    struct tenants t = { out, 0 };
    int rc = access_each_tenant(a, take, &t);

    if (rc >= 0 && t.n == 1)
        return 0;
    if (rc >= 0 && t.n > 1)
        buf_add_format(why, "there are %d tenants: say --tenant ID, for which of them", t.n);
    else if (rc >= 0)
        buf_add_text(why, "there is no tenant yet: it comes with the first account");
    else
        buf_add_text(why, "which tenants there are is not known here: say --tenant ID");
    return -1;
}
