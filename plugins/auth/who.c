#include "who.h"

#include "account.h"

static int put(dw_call *c, json_t *object, const char *name, json_t *value)
{
    if (!object || !value || json_object_set(object, name, value) != 0)
        return dw_fail(c, DW_ENOMEM, "there is no memory for the answer");
    return 0;
}

static int read_tenant(dw_call *c, const char *tenant, json_t **out)
{
    const char *slug, *name;

    DW_TRY(dw_db_get(c, DW_TO(&slug, &name), "SELECT slug, name FROM auth_tenants WHERE id = $1", tenant));
    *out = dw_json(c, "id", tenant, "slug", slug, "name", name);
    return 0;
}

int who_brief(dw_call *c, const char *user, const char *tenant, json_t **out)
{
    struct account a;
    json_t *its;

    DW_TRY(account_by_id(c, user, &a));
    DW_TRY(read_tenant(c, tenant, &its));
    json_t *person =
        dw_json(c, "id", a.id, "email", a.email, "name", a.name, "locale", a.locale, "zone", a.zone);
    *out = dw_json(c, "user", person, "tenant", its);
    return *out ? 0 : dw_fail(c, DW_ENOMEM, "there is no memory for the answer");
}

/* What the credential may, which can be less than its user. */
static int read_permissions(dw_call *c, json_t **out)
{
    const dw_permission *p;

    *out = dw_json_own(c, json_array());
    for (size_t i = 0; *out && (p = auth_permission(c, i)); i++) {
        if (dw_require(c, p->name) == 0 && json_array_append_new(*out, json_string(p->name)) != 0)
            *out = NULL;
    }
    return *out ? 0 : dw_fail(c, DW_ENOMEM, "there is no memory for the answer");
}

static int read_tenants(dw_call *c, const char *user, json_t **out)
{
    const char *id, *slug, *name;
    dw_rows *rows;
    int rc;

    *out = dw_json_own(c, json_array());
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT t.id, t.slug, t.name FROM auth_tenants t"
                       "  JOIN auth_members m ON m.tenant = t.id AND m.active"
                       " WHERE m.user_id = $1 AND t.active ORDER BY t.name, t.id LIMIT 1000",
                       user));
    while ((rc = dw_rows_next(rows, &id, &slug, &name)) > 0) {
        if (!*out || json_array_append(*out, dw_json(c, "id", id, "slug", slug, "name", name)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for the answer");
    }
    return rc;
}

int who_whole(dw_call *c, const char *user, const char *tenant, json_t **out)
{
    json_t *permissions, *tenants;

    DW_TRY(who_brief(c, user, tenant, out));
    DW_TRY(read_permissions(c, &permissions));
    DW_TRY(read_tenants(c, user, &tenants));
    DW_TRY(put(c, *out, "permissions", permissions));
    return put(c, *out, "tenants", tenants);
}
