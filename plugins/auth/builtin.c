#include "builtin.h"

#include <string.h>

#include "common.h"
#include "permissions.h"

struct known {
    const char *name, *summary;
};

static const struct known always[] = {
    { AUTH_ADMIN, "May do everything in this tenant" },
    { "member", "Works here" },
    { "viewer", "Reads" },
};

enum { ALWAYS = sizeof(always) / sizeof(*always) };

/* ---- one ---- */

/* Several servers may start at once. */
static int insert(dw_call *c, const char *tenant, const struct known *role)
{
    int rc = dw_db_exec(
        c,
        "INSERT INTO auth_roles (id, tenant, name, summary, is_builtin, is_automatic, created_at, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, $5, :now, :now) ON CONFLICT (tenant, name) DO NOTHING",
        dw_id(c), tenant, role->name, role->summary, DW_TRUE);

    return rc < 0 ? rc : 0;
}

/* ---- those that permissions are meant for ---- */

static bool is_known(const char *name)
{
    for (size_t i = 0; i < ALWAYS; i++) {
        if (strcmp(always[i].name, name) == 0)
            return true;
    }
    return strcmp(name, "operator") == 0; /* of no tenant */
}

/* Calls it for each word of each list that names none of ours; again for one that several permissions name. */
static int each_meant(dw_call *c, int (*visit)(dw_call *c, const struct known *role, void *ud), void *ud)
{
    const dw_permission *p;

    for (size_t i = 0; (p = auth_permission(c, i)) != NULL; i++) {
        for (const char *word = p->roles; *word; word += strspn(word, " ")) {
            size_t n = strcspn(word, " ");
            struct known role = { n > 0 ? dw_copy(c, (dw_str){ word, n }) : "",
                                  dw_format(c, "As the plugin %s means it", p->plugin) };
            if (n > 0 && !is_known(role.name))
                DW_TRY(visit(c, &role, ud));
            word += n;
        }
    }
    return 0;
}

static int insert_meant(dw_call *c, const struct known *role, void *ud)
{
    return insert(c, ud, role);
}

int builtin_roles(dw_call *c, const char *tenant)
{
    for (size_t i = 0; i < ALWAYS; i++)
        DW_TRY(insert(c, tenant, &always[i]));
    return each_meant(c, insert_meant, (void *)(uintptr_t)tenant);
}

/* ---- everywhere ---- */

/* Tenants are made one by one and not asked for often: most starts find nothing to do, by one look for each role. */
static int add_where_missing(dw_call *c, const struct known *role, void *ud)
{
    const char *tenant;
    int rc;

    (void)ud;
    while ((rc = dw_db_find(c, DW_TO(&tenant),
                            "SELECT t.id FROM auth_tenants t WHERE NOT EXISTS"
                            " (SELECT 1 FROM auth_roles r WHERE r.tenant = t.id AND r.name = $1) LIMIT 1",
                            role->name)) > 0)
        DW_TRY(insert(c, tenant, role));
    return rc;
}

int builtin_roles_everywhere(dw_call *c)
{
    return each_meant(c, add_where_missing, NULL);
}
