/* tenant.h - changing a tenant, and who belongs to it. In the open transaction. */
#ifndef AUTH_TENANT_H
#define AUTH_TENANT_H

#include "account.h"

struct tenant_changes {
    const char *name, *slug; /* NULL: as it is */
    const bool *active;
};

/* version 0: whichever it has, else DW_EPRECONDITION for another. DW_ECONFLICT for a slug that is taken. */
int tenant_change(dw_call *c, const char *id, int64_t version, const struct tenant_changes *changes);

/* Not out of his home, and not the last administrator: DW_ECONFLICT. DW_ENOTFOUND for who is no member. */
int tenant_remove_member(dw_call *c, const char *tenant, const struct account *a);

#endif
