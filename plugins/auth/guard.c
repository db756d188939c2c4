#include "guard.h"

#include <string.h>

int guard_lock(dw_call *c, const char *tenant)
{
    return dw_db_change(c, "UPDATE auth_tenants SET version = version WHERE id = $1", tenant);
}

/* ---- what the caller may ---- */

static struct permissions everything(dw_call *c)
{
    struct permissions all = permissions_none(c);

    permissions_add(c, &all, "*");
    permissions_add_operate(c, &all);
    return all;
}

int guard_own(dw_call *c, struct permissions *out)
{
    const dw_principal *me = dw_principal_of(c);

    if (me->kind == DW_MACHINE) {
        *out = everything(c);
        return 0;
    }
    DW_TRY(permissions_of_member(c, me->id, dw_tenant(c), out));
    for (size_t i = 0; i < out->n; i++) /* a key, or a program that he lets act for him, may do less */
        out->has[i] = out->has[i] && dw_require(c, auth_permission(c, i)->name) == 0;
    return 0;
}

static int is_operating(dw_call *c)
{
    struct permissions own;

    DW_TRY(guard_own(c, &own));
    return permissions_has(c, &own, AUTH_OPERATE);
}

/* ---- whom ---- */

int guard_member(dw_call *c, const char *user, struct account *out)
{
    int64_t one;
    int rc = dw_db_find(c, DW_TO(&one), "SELECT 1 FROM auth_members WHERE tenant = $1 AND user_id = $2",
                        dw_tenant(c), user);

    if (rc == 0)
        return dw_fail(c, DW_ENOTFOUND, "there is no such user");
    DW_TRY(rc);
    return account_by_id(c, user, out);
}

int guard_home(dw_call *c, const struct account *a)
{
    int rc;

    if (strcmp(a->home_tenant, dw_tenant(c)) == 0)
        return 0;
    DW_TRY(rc = is_operating(c));
    if (rc > 0)
        return 0;
    return dw_fail(
        c, DW_EDENIED,
        "this account is at home in another tenant, whose administrators change it; here it can be given "
        "other roles, or be removed from the members");
}

int guard_rank(dw_call *c, const struct account *a)
{
    struct permissions own, theirs;
    const char *missing;

    DW_TRY(guard_own(c, &own));
    DW_TRY(permissions_of_roles(c, a->id, dw_tenant(c), &theirs));
    missing = permissions_missing(c, &theirs, &own);
    if (missing)
        return dw_fail(c, DW_EDENIED, "this user may something that you may not, so you cannot change him",
                       "permission", missing);
    if (a->is_operator && !permissions_has(c, &own, AUTH_OPERATE))
        return dw_fail(c, DW_EDENIED, "only operators change an operator's account");
    return 0;
}

static int is_full_admin(dw_call *c)
{
    struct permissions own, all = permissions_none(c);

    DW_TRY(guard_own(c, &own));
    permissions_add(c, &all, "*");
    return !permissions_missing(c, &all, &own);
}

int guard_elsewhere(dw_call *c, const struct account *a)
{
    int64_t one;
    int rc =
        dw_db_find(c, DW_TO(&one), "SELECT 1 FROM auth_members WHERE user_id = $1 AND tenant <> $2 LIMIT 1",
                   a->id, dw_tenant(c));

    if (rc <= 0)
        return rc;
    DW_TRY(rc = is_full_admin(c));
    if (rc > 0)
        return 0;
    return dw_fail(
        c, DW_EDENIED,
        "this user belongs to other tenants as well; only somebody with the role admin changes him");
}

int guard_role(dw_call *c, const char *role_id, const char *role_name)
{
    struct permissions own, given;
    const char *missing;

    DW_TRY(guard_own(c, &own));
    DW_TRY(permissions_of_role(c, role_id, &given));
    missing = permissions_missing(c, &given, &own);
    if (missing)
        return dw_fail(c, DW_EDENIED, "this role gives what you may not do yourself", "role", role_name,
                       "permission", missing);
    return 0;
}

int guard_not_self(dw_call *c, const char *user)
{
    const dw_principal *me = dw_principal_of(c);

    if (me->kind != DW_MACHINE && strcmp(me->id, user) == 0)
        return dw_fail(c, DW_ECONFLICT, "this is your own account; let another administrator do that");
    return 0;
}

/* ---- the last one ---- */

#define ADMINS                                                                              \
    " FROM auth_member_roles x"                                                             \
    " JOIN auth_roles r ON r.id = x.role_id AND r.is_builtin AND r.name = '" AUTH_ADMIN "'" \
    " JOIN auth_members m ON m.tenant = x.tenant AND m.user_id = x.user_id AND m.active"    \
    " JOIN auth_users u ON u.id = x.user_id AND u.active"                                   \
    " WHERE x.tenant = $1"

int guard_last_admin(dw_call *c, const char *tenant, const char *user)
{
    int64_t others, itself;

    DW_TRY(dw_db_get(c, DW_TO(&itself), "SELECT count(*)" ADMINS " AND x.user_id = $2", tenant, user));
    DW_TRY(dw_db_get(c, DW_TO(&others), "SELECT count(*)" ADMINS " AND x.user_id <> $2", tenant, user));
    if (itself > 0 && others == 0)
        return dw_fail(c, DW_ECONFLICT,
                       "this is the tenant's last administrator; give somebody else the role admin first");
    return 0;
}

int guard_last_operator(dw_call *c, const struct account *a)
{
    int64_t others;

    if (!a->is_operator || !a->active)
        return 0;
    DW_TRY(dw_db_get(c, DW_TO(&others),
                     "SELECT count(*) FROM auth_users WHERE is_operator AND active AND id <> $1", a->id));
    if (others == 0)
        return dw_fail(c, DW_ECONFLICT,
                       "this is the server's last operator; `dowel user operator` makes another one");
    return 0;
}
