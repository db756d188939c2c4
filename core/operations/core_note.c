/* core_note.c - what somebody changes over HTTP is written into the audit log under their name, as what an admin does at the
 * command line is (cli/note.h). */
#include <stdio.h>

#include "audit/audit.h"
#include "log/log.h"
#include "operations/core_operation.h"

/* "" for who is behind a Unix socket. */
static void find_address(const struct core_request *r, char out[ADDRESS_TEXT_SIZE])
{
    const struct address *client = http_request_client(r->x);

    *out = 0;
    if (client->size != 0)
        address_format(client, out);
}

static struct audit_actor find_actor(const struct core_request *r, const char *address)
{
    if (!r->who)
        return (struct audit_actor){ .kind = DW_ANONYMOUS, .address = address };
    const dw_principal *who = &r->who->principal;
    return (struct audit_actor){ who->kind, who->id, who->name, who->email, address };
}

int core_note(struct core_request *r, const char *action, const char *target, dw_list values)
{
    char address[ADDRESS_TEXT_SIZE], request[AUDIT_TEXT_MAX + 1];
    const char *wrong = NULL;

    if (!r->process->audit)
        return core_fail(r, DW_EUNAVAILABLE, "this process keeps no audit log, so nothing was changed");
    find_address(r, address);
    snprintf(request, sizeof(request), "%.*s", STR_ARG(http_request_id(r->x)));
    const struct audit_record record = {
        .actor = find_actor(r, address),
        .tenant = r->tenant,
        .request = request,
        .plugin = "core",
        .action = action,
        .target = target,
        .values = values,
        .at_us = r->now_us,
    };
    int rc = audit_record(r->process->audit, r->s, &record, &wrong);

    if (rc >= 0 || !wrong)
        return rc;
    log_error("a record of the audit log cannot be written, so nothing was changed",
              LOG_TEXT("action", action), LOG_TEXT("why", wrong));
    return rc == DW_ENOMEM ? rc : DW_EINTERNAL; /* nothing that the client did wrong */
}
