/* login_prove.c - who one is, for which tenant, by which session. */
#include <string.h>

#include "auth.h"
#include "cookie.h"
#include "login.h"
#include "throttle.h"

#define DEVICE_TTL DW_HOURS(365 * 24)

static int remember_place(dw_call *c, dw_request *req, enum login_client client, const struct throttle *t,
                          const char *user)
{
    const char *device = NULL;

    DW_TRY(throttle_good(c, t, user, client == LOGIN_BROWSER ? &device : NULL));
    return device ? cookie_set(c, req, COOKIE_DEVICE, device, DEVICE_TTL) : 0;
}

int login_prove(dw_call *c, dw_request *req, enum login_client client, const char *email,
                const char *password, struct account *out)
{
    struct throttle t;

    DW_TRY(throttle_enter(c, req, email, cookie_of(c, req, COOKIE_DEVICE), &t));
    int rc = account_by_email(c, email, out);
    bool is_known = rc == 0;
    if (rc < 0 && rc != DW_ENOTFOUND)
        return rc;
    DW_TRY(account_check_password(c, is_known ? out : NULL, (dw_str){ password, strlen(password) }));
    DW_TRY(remember_place(c, req, client, &t, out->id)); /* it was right, whatever else is in the way */
    return account_may_sign_in(c, out);
}

int login_tenant(dw_call *c, const struct account *a, const char *wanted, const char **tenant)
{
    int rc;

    if (!wanted) {
        rc = account_first_tenant(c, a->id, tenant);
        return rc == DW_ENOTFOUND
                   ? dw_fail(c, DW_EDENIED, "you belong to no tenant; an administrator has to add you")
                   : rc;
    }
    rc = dw_db_find(c, DW_TO(tenant),
                    "SELECT t.id FROM auth_tenants t"
                    "  JOIN auth_members m ON m.tenant = t.id AND m.active"
                    " WHERE m.user_id = $1 AND t.active AND (t.slug = $2 OR CAST(t.id AS TEXT) = $2)",
                    a->id, wanted);
    return rc == 0
               ? dw_fail(c, DW_EDENIED, "you are no member of that tenant; GET /api/v1/auth/me lists yours")
           : rc < 0 ? rc
                    : 0;
}

int login_own_session(dw_call *c, struct session *out)
{
    const dw_principal *me = dw_principal_of(c);

    *out = (struct session){ 0 };
    if (me->kind == DW_KEY)
        return dw_fail(c, DW_EDENIED, "an API key cannot do this; sign in with a password or in a browser");
    if (!*me->credential)
        return 0;
    int rc = session_by_id(c, me->credential, out);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return dw_fail(c, DW_EDENIED,
                       "this is for those who have signed in here, with a password or in a browser");
    if (out->client_id)
        return dw_fail(c, DW_EDENIED,
                       "this session is a program's; sign in yourself, with a password or in a browser");
    return out->scopes ? dw_fail(c, DW_EDENIED, "this session is limited to some scopes; sign in without")
                       : 0;
}
