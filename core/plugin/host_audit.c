/* host_audit.c - a plugin writes down who did what. */
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"
#include "http/exchange.h"
#include "plugin/call_db.h"
#include "plugin/host.h"
#include "plugin/request.h"

static const char step[] = "dw_audit";

/* "" in what no request asked for, and behind a Unix socket. */
static void find_address(const dw_call *c, char out[ADDRESS_TEXT_SIZE])
{
    const struct request *serves = c->root->owner;
    const struct address *client = serves ? http_request_client(serves->x) : NULL;

    *out = 0;
    if (client && client->size != 0)
        address_format(client, out);
}

/* Who types a command is known by an account of the operating system. "" for what no person asks for. */
static struct audit_actor find_actor(dw_call *c, const char *address, char account[AUDIT_TEXT_MAX + 1])
{
    const dw_principal *who = host_auth_api.principal(c);

    if (who->kind == DW_MACHINE && c->root->what && strncmp(c->root->what, "command ", 8) == 0)
        return audit_machine(account);
    return (struct audit_actor){ who->kind, who->id, who->name, who->email, address };
}

static int fail_record(dw_call *c, int rc, const char *action, const char *wrong)
{
    if (!wrong)
        return call_session_result(c, step, rc);
    if (rc == DW_EMISUSE)
        return call_misuse(c, "%s(\"%s\"): %s", step, action ? action : "NULL", wrong);
    return call_fail_inner(c, rc, "%s(\"%s\"): %s", step, action ? action : "NULL", wrong);
}

int host_audit_of(dw_call *c, const char *plugin, const char *action, const char *target, dw_list pairs)
{
    char address[ADDRESS_TEXT_SIZE], request[AUDIT_TEXT_MAX + 1], account[AUDIT_TEXT_MAX + 1];
    struct db_session *s;
    const char *wrong;

    DW_TRY(call_session(c, step, &s));
    if (!c->instance->process->audit)
        return call_fail(c, DW_EUNAVAILABLE, "%s: this process keeps no audit log", step);
    find_address(c, address);
    snprintf(request, sizeof(request), "%.*s", STR_ARG(c->request_id));
    const struct audit_record record = {
        .actor = find_actor(c, address, account),
        .tenant = c->tenant,
        .request = request,
        .plugin = plugin,
        .action = action,
        .target = target,
        .values = pairs,
        .at_us = call_wall_us(c),
    };
    int rc = audit_record(c->instance->process->audit, s, &record, &wrong);
    return rc < 0 ? fail_record(c, rc, action, wrong) : 0;
}

int host_audit(dw_call *c, const char *action, const char *target, dw_list pairs)
{
    DW_TRY(call_check(c, step)); /* before its instance is looked at */
    return host_audit_of(c, c->instance->name, action, target, pairs);
}
