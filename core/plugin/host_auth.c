/* host_auth.c - the table of who asks and what they may. */
#include <string.h>

#include "api/document.h"
#include "plugin/access.h"
#include "plugin/call_db.h"
#include "plugin/host.h"

enum { FORGOTTEN_ID_MAX = 200 };

/* ---- who ---- */

static const dw_principal anonymous = {
    .struct_size = sizeof(dw_principal),
    .kind = DW_ANONYMOUS,
    .id = "",
    .name = "",
    .email = "",
    .locale = "",
    .zone = "",
    .credential = "",
};

/* A job knows no more than for whom it runs. */
static const dw_principal *principal_without_identity(dw_call *c)
{
    dw_principal *p;

    if (c->is_asked)
        return &anonymous;
    p = call_alloc(c, sizeof(*p));
    *p = anonymous;
    p->kind = c->principal ? DW_USER : DW_MACHINE;
    p->id = c->principal ? c->principal : "";
    return p;
}

static const dw_principal *principal(dw_call *c)
{
    if (!call_is_mine(c)) {
        call_stray(c, "dw_principal_of");
        return &anonymous;
    }
    return c->identity ? &c->identity->principal : principal_without_identity(c);
}

/* ---- what they may ---- */

static struct access *access_of(const dw_call *c)
{
    return c->instance->process->access;
}

static int may(dw_call *c, const char *permission)
{
    struct access *a;

    DW_TRY(call_check(c, "dw_require"));
    a = access_of(c);
    if (!permission || (a && !access_find_permission(a, permission)))
        return call_misuse(c, "dw_require(\"%s\"): no api.yaml declares that permission; x-permissions does",
                           permission ? permission : "NULL");
    if (!c->is_asked)
        return 0;
    if (!c->identity)
        return call_refuse(c, DW_EAUTH, "", "this needs the permission %s: sign in", permission);
    if (identity_may(c->identity, permission))
        return 0;
    return call_refuse(c, DW_EDENIED, permission, "this needs the permission %s", permission);
}

static const dw_permission *permission(dw_call *c, size_t i)
{
    if (!call_is_mine(c)) {
        call_stray(c, "dw_permission_at");
        return NULL;
    }
    return access_of(c) ? access_permission(access_of(c), i) : NULL;
}

/* ---- forgetting ---- */

/* At once, and when it was committed: what is found out in between may still be the old. */
static int forget(dw_call *c, const char *id)
{
    struct access *a;
    struct db_session *s;

    DW_TRY(call_check(c, "dw_auth_forget"));
    a = access_of(c);
    if (!id || strnlen(id, FORGOTTEN_ID_MAX + 1) > FORGOTTEN_ID_MAX)
        return call_misuse(c, "dw_auth_forget takes an id of at most %d bytes, or \"\"", FORGOTTEN_ID_MAX);
    if (!a)
        return 0;
    if (!access_is_authenticator(a, c->instance))
        return call_fail(c, DW_EDENIED, "only the plugin that tells who asks says what is forgotten");
    DW_TRY(call_session(c, "dw_auth_forget", &s));
    access_forget(a, id);
    return call_session_result(c, "dw_auth_forget", db_notify(s, ACCESS_CHANNEL, id));
}

const dw_auth_api host_auth_api = {
    .struct_size = sizeof(dw_auth_api),
    .principal = principal,
    .may = may,
    .audit = host_audit,
    .permission = permission,
    .forget = forget,
};
