#include "account.h"

#include <string.h>

#include "email.h"
#include "permissions.h"

/* ---- who ---- */

#define ACCOUNT                                                                                       \
    "id, email, name, locale, zone, home_tenant, password, active, is_operator, password_changed_at," \
    " password_until"

static dw_list account_targets(struct account *a, dw_value room[11])
{
    const dw_value v[] = { DW(&a->id),
                           DW(&a->email),
                           DW(&a->name),
                           DW(&a->locale),
                           DW(&a->zone),
                           DW(&a->home_tenant),
                           DW(&a->password),
                           DW(&a->active),
                           DW(&a->is_operator),
                           DW(&a->password_changed_at),
                           DW(&a->password_until) };

    memcpy(room, v, sizeof(v));
    return (dw_list){ room, sizeof(v) / sizeof(*v) };
}

static int there_is(dw_call *c, int rc)
{
    return rc == 0 ? dw_fail(c, DW_ENOTFOUND, "there is no such user") : rc < 0 ? rc : 0;
}

const char *account_email_key(dw_call *c, const char *email)
{
    char key[EMAIL_KEY_SIZE];

    return email_key(email, key) == 0 ? dw_copy(c, (dw_str){ key, strlen(key) }) : NULL;
}

int account_by_email(dw_call *c, const char *email, struct account *out)
{
    const char *key = account_email_key(c, email);
    dw_value room[11];

    *out = (struct account){ 0 };
    if (!key)
        return there_is(c, 0);
    return there_is(c, dw_db_find(c, account_targets(out, room),
                                  "SELECT " ACCOUNT " FROM auth_users WHERE email_key = $1", key));
}

int account_by_id(dw_call *c, const char *id, struct account *out)
{
    dw_value room[11];

    *out = (struct account){ 0 };
    return there_is(
        c, dw_db_find(c, account_targets(out, room), "SELECT " ACCOUNT " FROM auth_users WHERE id = $1", id));
}

/* ---- where ---- */

int account_first_tenant(dw_call *c, const char *user, const char **tenant)
{
    int rc =
        dw_db_find(c, DW_TO(tenant),
                   "SELECT m.tenant FROM auth_members m"
                   " JOIN auth_tenants t ON t.id = m.tenant"
                   " JOIN auth_users u ON u.id = m.user_id"
                   " WHERE m.user_id = $1 AND m.active AND t.active AND u.active"
                   " ORDER BY CASE WHEN m.tenant = u.home_tenant THEN 0 ELSE 1 END, m.created_at, m.tenant"
                   " LIMIT 1",
                   user);

    if (rc == 0)
        return dw_fail(c, DW_ENOTFOUND,
                       "this account belongs to no tenant; an administrator has to add it to one");
    return rc < 0 ? rc : 0;
}

int account_is_member(dw_call *c, const char *user, const char *tenant)
{
    int64_t one;

    return dw_db_find(c, DW_TO(&one),
                      "SELECT 1 FROM auth_members m"
                      " JOIN auth_tenants t ON t.id = m.tenant"
                      " JOIN auth_users u ON u.id = m.user_id"
                      " WHERE m.user_id = $1 AND m.tenant = $2 AND m.active AND t.active AND u.active",
                      user, tenant);
}

/* ---- what they may ---- */

int account_permissions(dw_call *c, const char *user, const char *tenant, struct account_permissions *out)
{
    struct permissions set;

    DW_TRY(permissions_of_member(c, user, tenant, &set));
    *out = permissions_names(c, &set);
    return 0;
}

bool account_may(const struct account_permissions *p, const char *permission)
{
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->names[i], permission) == 0)
            return true;
    }
    return false;
}
