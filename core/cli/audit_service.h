/* audit_service.h - what the server does about its audit log: has it sealed, and its oldest part removed. [main thread] */
#ifndef CLI_AUDIT_SERVICE_H
#define CLI_AUDIT_SERVICE_H

#include "config/core_config.h"
#include "plugin/instance.h"

struct sealer;

struct audit_service {
    struct sealer *sealer;
};

/* The log itself, in process->audit; after its database and keyring. 0, or -1 when memory is out. */
int audit_service_create(struct plugin_process *process, const struct core_config *core);

/* The kind of job that seals. Before jobs_start(). 0, or -1 with a sentence in why. */
int audit_service_register(struct audit_service *a, const struct plugin_process *process,
                           const struct core_config *core, struct buf *why);

/* Looks for what is to be sealed: 0, or -1 with errno. */
int audit_service_start(struct audit_service *a);

/* Before jobs_stop(). */
void audit_service_stop(struct audit_service *a);

/* When no job and no plugin runs any more. */
void audit_service_finish(struct audit_service *a, struct plugin_process *process);

#endif
