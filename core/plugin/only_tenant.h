/* only_tenant.h - for whom a verb of the command line is that nobody gave a tenant: where there is one only, it is meant. */
#ifndef PLUGIN_ONLY_TENANT_H
#define PLUGIN_ONLY_TENANT_H

#include "plugin/access.h"
#include "secure/uuid.h"

/* 0 and the tenant's id; or -1 with a sentence in why that says what to write instead. [any thread but a loop] */
int only_tenant(struct access *a, char out[UUID_TEXT_SIZE], struct buf *why);

#endif
