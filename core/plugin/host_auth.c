/* host_auth.c - the table of who asks and what they may. */
#include "plugin/call.h"
#include "plugin/host.h"

static const dw_principal *principal(dw_call *c)
{
    static const dw_principal nobody = { .struct_size = sizeof(dw_principal),
                                         .kind = DW_ANONYMOUS,
                                         .id = "",
                                         .name = "",
                                         .email = "",
                                         .locale = "",
                                         .zone = "",
                                         .credential = "" };

    if (!call_is_mine(c)) {
        call_stray(c, "dw_principal_of");
        return &nobody;
    }
    dw_principal *p = call_alloc(c, sizeof(*p));
    *p = nobody;
    p->kind = c->principal ? DW_USER : DW_MACHINE;
    p->id = c->principal ? c->principal : "";
    return p;
}

const dw_auth_api host_auth_api = {
    .struct_size = sizeof(dw_auth_api),
    .principal = principal,
};
