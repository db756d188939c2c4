#include "permissions.h"

#include <string.h>

/* ---- sets ---- */

struct permissions permissions_none(dw_call *c)
{
    struct permissions set = { NULL, 0 };

    while (auth_permission(c, set.n))
        set.n++;
    set.has = dw_alloc(c, set.n + 1);
    return set;
}

/* "*", "notes.*", or the name itself. */
static bool means(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);

    if (n > 0 && pattern[n - 1] == '*')
        return (n == 1 || pattern[n - 2] == '.') && strncmp(pattern, name, n - 1) == 0;
    return strcmp(pattern, name) == 0;
}

/* Meant for operators and nobody else: no role of a tenant has it, and "*" there does not mean it. */
static bool is_operators(const dw_permission *p)
{
    return strcmp(p->roles, "operator") == 0;
}

size_t permissions_add(dw_call *c, struct permissions *set, const char *pattern)
{
    size_t found = 0;

    for (size_t i = 0; i < set->n; i++) {
        const dw_permission *p = auth_permission(c, i);
        if (!means(pattern, p->name) || is_operators(p))
            continue;
        set->has[i] = true;
        found++;
    }
    return found;
}

/* Is the word one of those in the list, which has blanks between them? */
static bool is_listed(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += n) {
        if ((at == list || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' '))
            return true;
    }
    return false;
}

void permissions_add_meant(dw_call *c, struct permissions *set, const char *role)
{
    if (strcmp(role, AUTH_ADMIN) == 0)
        permissions_add(c, set, "*");
    for (size_t i = 0; i < set->n; i++) {
        const dw_permission *p = auth_permission(c, i);
        if (is_listed(p->roles, role) && !is_operators(p))
            set->has[i] = true;
    }
}

void permissions_add_operate(dw_call *c, struct permissions *set)
{
    for (size_t i = 0; i < set->n; i++)
        set->has[i] = set->has[i] || is_operators(auth_permission(c, i));
}

const char *permissions_missing(dw_call *c, const struct permissions *inner, const struct permissions *outer)
{
    for (size_t i = 0; i < inner->n; i++) {
        if (inner->has[i] && !outer->has[i])
            return auth_permission(c, i)->name;
    }
    return NULL;
}

bool permissions_has(dw_call *c, const struct permissions *set, const char *name)
{
    for (size_t i = 0; i < set->n; i++) {
        if (set->has[i] && strcmp(auth_permission(c, i)->name, name) == 0)
            return true;
    }
    return false;
}

struct account_permissions permissions_names(dw_call *c, const struct permissions *set)
{
    const char **names = dw_alloc(c, (set->n + 1) * sizeof(*names));
    struct account_permissions out = { names, 0 };

    for (size_t i = 0; i < set->n; i++) {
        if (set->has[i])
            names[out.n++] = auth_permission(c, i)->name;
    }
    return out;
}

/* ---- of roles and members ---- */

static void add_role(dw_call *c, struct permissions *set, bool is_automatic, const char *name,
                     const char *permission)
{
    if (is_automatic)
        permissions_add_meant(c, set, name);
    else if (permission)
        permissions_add(c, set, permission);
}

int permissions_of_role(dw_call *c, const char *role_id, struct permissions *out)
{
    const char *name, *permission;
    bool is_automatic;
    dw_rows *rows;
    int rc;

    *out = permissions_none(c);
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT r.name, r.is_automatic, p.permission FROM auth_roles r"
                       " LEFT JOIN auth_role_permissions p ON p.role_id = r.id"
                       " WHERE r.id = $1",
                       role_id));
    while ((rc = dw_rows_next(rows, &name, &is_automatic, &permission)) > 0)
        add_role(c, out, is_automatic, name, permission);
    return rc;
}

int permissions_of_roles(dw_call *c, const char *user, const char *tenant, struct permissions *out)
{
    const char *name, *permission;
    bool is_automatic, is_operator = false;
    dw_rows *rows;
    int rc;

    *out = permissions_none(c);
    DW_TRY(dw_db_find(c, DW_TO(&is_operator), "SELECT is_operator FROM auth_users WHERE id = $1", user));
    if (is_operator)
        permissions_add_operate(c, out);
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT r.name, r.is_automatic, p.permission FROM auth_member_roles m"
                       " JOIN auth_roles r ON r.id = m.role_id AND r.tenant = m.tenant"
                       " LEFT JOIN auth_role_permissions p ON p.role_id = r.id"
                       " WHERE m.tenant = $1 AND m.user_id = $2",
                       tenant, user));
    while ((rc = dw_rows_next(rows, &name, &is_automatic, &permission)) > 0)
        add_role(c, out, is_automatic, name, permission);
    return rc;
}

int permissions_of_member(dw_call *c, const char *user, const char *tenant, struct permissions *out)
{
    int rc = account_is_member(c, user, tenant);

    if (rc > 0)
        return permissions_of_roles(c, user, tenant, out);
    *out = permissions_none(c);
    return rc;
}
