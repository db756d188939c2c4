/* Accounts that people make themselves, where the admin wants it so. */
#include <string.h>

#include "create.h"

struct asked {
    const char *email, *name;
    dw_str password;
};

static int check_open(dw_call *c)
{
    if (strcmp(auth_conf(c)->registration, "open") == 0)
        return 0;
    return dw_fail(c, DW_EDENIED, "nobody makes an account here by himself; ask an administrator for one");
}

/* The one that was there first: where there are several, their administrators make accounts. */
static int tenant_to_join(dw_call *c, const char **tenant)
{
    int rc = dw_db_find(c, DW_TO(tenant),
                        "SELECT id FROM auth_tenants WHERE active ORDER BY created_at, id LIMIT 1");

    return rc == 0 ? dw_fail(c, DW_ECONFLICT, "there is no tenant that a new account could join") : rc;
}

static int join(dw_call *c, struct create_user user, const char **id, const char **tenant)
{
    DW_TRY(tenant_to_join(c, tenant));
    user.home_tenant = *tenant;
    DW_TRY(create_user(c, &user, id));
    return create_member_role(c, *tenant, *id, "member");
}

static int make(dw_call *c, const struct create_user *user, const char **id, const char **tenant)
{
    int first = 0;

    DW_TRY(first = create_claim_first(c));
    return first ? create_first(c, *user, NULL, id, tenant) : join(c, *user, id, tenant);
}

/* What a contract would have said, had the route one: /auth/register from the root has none. */
static int read_asked(dw_call *c, dw_request *req, struct asked *out)
{
    const char *password = "";

    *out = (struct asked){ .name = "" };
    DW_TRY(dw_json_read(c, dw_request_json(req), "email!", &out->email, "password!", &password, "name",
                        &out->name));
    if (strlen(out->name) > 800)
        return dw_fail_at(c, "/name", "is longer than 200 characters");
    out->password = (dw_str){ password, strlen(password) };
    const struct account about = { .email = out->email, .name = out->name };
    return account_judge_password(c, &about, out->password, "/password");
}

int auth_register(dw_call *c, dw_request *req)
{
    const char *hash, *id, *tenant;
    struct asked asked;

    DW_TRY(check_open(c));
    DW_TRY(read_asked(c, req, &asked));
    DW_TRY(account_hash_password(c, asked.password, &hash));
    const struct create_user user = { .email = asked.email, .name = asked.name, .hash = hash };
    DW_TRY(dw_tx_begin(c));
    DW_TRY(make(c, &user, &id, &tenant));
    DW_TRY(dw_reply(req, 201, "user_id", id, "tenant_id", tenant, "email", asked.email));
    return dw_tx_commit(c);
}
