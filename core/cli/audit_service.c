#include "cli/audit_service.h"

#include "audit/sealer.h"

int audit_service_create(struct plugin_process *process, const struct core_config *core)
{
    return audit_create(&process->audit, process->keyring, core->transaction_timeout.us);
}

int audit_service_register(struct audit_service *a, const struct plugin_process *process,
                           const struct core_config *core, struct buf *why)
{
    const struct sealer_options options = {
        .db = process->db,
        .audit = process->audit,
        .keep_us = core->audit_keep.us,
    };

    if (sealer_create(&a->sealer, &options) == 0)
        return sealer_register(a->sealer, process->jobs, why);
    buf_add_text(why, "out of memory");
    return -1;
}

int audit_service_start(struct audit_service *a)
{
    return sealer_start(a->sealer);
}

void audit_service_stop(struct audit_service *a)
{
    sealer_stop(a->sealer);
}

void audit_service_finish(struct audit_service *a, struct plugin_process *process)
{
    sealer_destroy(a->sealer);
    a->sealer = NULL;
    audit_destroy(process->audit);
    process->audit = NULL;
}
