/* pair - a plugin that is built with the headers of today and with those of tomorrow. With the latter it would use what
 * is new where the server has it (DOWEL_NEED_MINOR 1), or does not do without it. */
#include <dowel/dowel.h>

#ifdef DW_FROM_NEXT
#define HAS_NEW (DW_HAS(call, from_next))
#else
#define HAS_NEW (DW_FALSE)
#endif

static int tell(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "built_for", DW_ABI_MINOR, "server", dw_host_->abi_minor, "has_new",
                    (bool)HAS_NEW);
}

/* Two of each, so that a wrong stride finds the second one where it is not. */
static int tell_again(dw_call *c, dw_request *req)
{
    return tell(c, req);
}

static const dw_operation operations[] = {
    { .id = "tell", .handler = tell },
    { .id = "tellAgain", .handler = tell_again },
    { 0 },
};

DOWEL_PLUGIN(.name = "pair", .version = "1.0.0", .summary = "Old and new", .license = "MIT",
             .operations = operations);
