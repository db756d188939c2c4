/* badge - recognises what another system has given out: "badge:ADDRESS", good for reading roles; "badge:" and nothing is refused,
 * "badge:stuck" cannot be told. For tests/e2e/auth.test.mjs. */
#include <dowel/dowel.h>

#include <string.h>

#include "../../public/auth.h"

static int recognise(dw_call *c, void *question)
{
    static const char prefix[] = "badge:";
    auth_authenticate *q = question;
    size_t n = sizeof(prefix) - 1;

    if (q->token.n < n || memcmp(q->token.p, prefix, n) != 0)
        return 0;
    q->email = dw_copy(c, (dw_str){ q->token.p + n, q->token.n - n });
    q->scopes = "roles.read";
    if (!*q->email)
        return dw_fail(c, DW_EAUTH, "the badge has no name on it");
    if (strcmp(q->email, "stuck") == 0)
        return dw_fail(c, DW_EUNAVAILABLE, "the reader of badges does not answer");
    return 1;
}

static const dw_hook hooks[] = { { AUTH_AUTHENTICATE, recognise, .priority = 50 }, { 0 } };

DOWEL_PLUGIN(.name = "badge", .version = "1.0.0", .summary = "Badges of another system", .license = "MIT",
             .hooks = hooks);
