#include "create.h"

#include <string.h>

#include "builtin.h"
#include "email.h"

/* ---- the first user ---- */

int create_claim_first(dw_call *c)
{
    int64_t claims = 0;

    DW_TRY(dw_db_get(c, DW_TO(&claims),
                     "INSERT INTO auth_setup (id, claims, done_at) VALUES (1, 0, :now)"
                     " ON CONFLICT (id) DO UPDATE SET claims = auth_setup.claims + 1"
                     " RETURNING claims"));
    return claims == 0;
}

/* ---- tenants ---- */

enum { SLUG_MAX = 64, SLUG_TRIES = 1000 };

/* "Acme & Söhne" is "acme-s-hne": an address, not a name. */
static const char *slug_of(dw_call *c, const char *name)
{
    char slug[SLUG_MAX - 4] = ""; /* a number fits behind it */
    char folded[FOLDED_SIZE];
    size_t n = 0;

    if (fold_text(name, folded) != 0)
        *folded = '\0';
    for (const char *p = folded; *p && n < sizeof(slug); p++) {
        bool is_kept = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        if (is_kept)
            slug[n++] = *p;
        else if (n > 0 && slug[n - 1] != '-')
            slug[n++] = '-';
    }
    while (n > 0 && slug[n - 1] == '-')
        n--;
    return n > 0 ? dw_copy(c, (dw_str){ slug, n }) : "tenant";
}

static int slug_is_taken(dw_call *c, const char *slug)
{
    int64_t one;

    return dw_db_find(c, DW_TO(&one), "SELECT 1 FROM auth_tenants WHERE slug = $1", slug);
}

static int free_slug(dw_call *c, const char *name, const char **out)
{
    const char *slug = slug_of(c, name);
    int rc = slug_is_taken(c, *out = slug);

    for (int i = 2; rc > 0 && i < SLUG_TRIES; i++)
        rc = slug_is_taken(c, *out = dw_format(c, "%s-%d", slug, i));
    return rc;
}

static int given_slug(dw_call *c, const char *slug)
{
    int rc = slug_is_taken(c, slug);

    return rc > 0 ? dw_fail(c, DW_ECONFLICT, "another tenant is called so", "slug", slug) : rc;
}

int create_tenant(dw_call *c, const char *name, const char *slug, const char **id)
{
    if (slug)
        DW_TRY(given_slug(c, slug));
    else
        DW_TRY(free_slug(c, name, &slug));
    *id = dw_id(c);
    DW_TRY(dw_db_exec(c,
                      "INSERT INTO auth_tenants (id, slug, name, active, created_at, changed_at)"
                      " VALUES ($1, $2, $3, $4, :now, :now)",
                      *id, slug, name, DW_TRUE));
    DW_TRY(builtin_roles(c, *id));
    return audit(c, "auth.tenant.created", *id, "slug", slug, "name", name);
}

/* ---- users ---- */

static int is_registered(dw_call *c, const char *key)
{
    int64_t one;

    return dw_db_find(c, DW_TO(&one), "SELECT 1 FROM auth_users WHERE email_key = $1", key);
}

static int insert_user(dw_call *c, const struct create_user *u, const char *key, const char *id)
{
    const char *name = u->name ? u->name : "";
    char name_key[FOLDED_SIZE];

    if (fold_text(name, name_key) != 0)
        return dw_fail_at(c, "/name", "is too long");
    return dw_db_exec(
        c,
        "INSERT INTO auth_users (id, email, email_key, name, name_key, locale, zone, password,"
        "                        password_changed_at, home_tenant, is_operator, active, created_at,"
        "                        changed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, :now, $9, $10, $11, :now, :now)",
        id, u->email, key, name, name_key, u->locale ? u->locale : "", u->zone ? u->zone : "", u->hash,
        u->home_tenant, u->is_operator, DW_TRUE);
}

static int limit_password(dw_call *c, const char *id)
{
    const dw_time until = { dw_now(c).us + auth_conf(c)->temporary_password_ttl.us };

    return dw_db_exec(c, "UPDATE auth_users SET password_until = $2 WHERE id = $1", id, until);
}

int create_user(dw_call *c, const struct create_user *user, const char **id)
{
    const char *key = account_email_key(c, user->email);
    int rc;

    if (!key)
        return dw_fail_at(c, "/email", "is no e-mail address; write one like ann@example.org");
    rc = is_registered(c, key);
    if (rc == 0) {
        *id = dw_id(c);
        rc = insert_user(c, user, key, *id);
    } else if (rc > 0) {
        rc = DW_ECONFLICT;
    }
    if (rc == DW_ECONFLICT)
        return dw_fail(c, rc, "this address is registered already", "email", user->email);
    DW_TRY(rc);
    if (user->is_temporary)
        DW_TRY(limit_password(c, *id));
    DW_TRY(audit(c, "auth.user.created", *id, "@person", *id, "@email", user->email, "@name", user->name));
    return create_member(c, user->home_tenant, *id);
}

/* ---- memberships ---- */

int create_member(dw_call *c, const char *tenant, const char *user)
{
    int rc = dw_db_exec(c,
                        "INSERT INTO auth_members (tenant, user_id, active, created_at, changed_at)"
                        " VALUES ($1, $2, $3, :now, :now)",
                        tenant, user, DW_TRUE);

    if (rc == DW_ECONFLICT)
        return dw_fail(c, rc, "this user is a member already");
    DW_TRY(rc);
    return audit(c, "auth.member.added", user, "tenant", tenant);
}

int create_member_role(dw_call *c, const char *tenant, const char *user, const char *role)
{
    const char *id;

    DW_TRY(
        dw_db_get(c, DW_TO(&id), "SELECT id FROM auth_roles WHERE tenant = $1 AND name = $2", tenant, role));
    DW_TRY(dw_db_exec(c,
                      "INSERT INTO auth_member_roles (tenant, user_id, role_id) VALUES ($1, $2, $3)"
                      " ON CONFLICT (tenant, user_id, role_id) DO NOTHING",
                      tenant, user, id));
    return audit(c, "auth.role.given", user, "role", role);
}

/* ---- all of it ---- */

int create_first(dw_call *c, struct create_user user, const char *tenant_name, const char **id,
                 const char **tenant)
{
    DW_TRY(create_tenant(c, tenant_name && *tenant_name ? tenant_name : "Main", NULL, tenant));
    user.home_tenant = *tenant;
    user.is_operator = true;
    DW_TRY(create_user(c, &user, id));
    DW_TRY(create_member_role(c, *tenant, *id, AUTH_ADMIN));
    return dw_db_exec(c, "DELETE FROM auth_setup_tokens");
}
