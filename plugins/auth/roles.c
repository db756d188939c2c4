/* Roles of a tenant, and the permissions that there are. */
#include <string.h>

#include "guard.h"
#include "role.h"
#include "sql.h"

/* ---- permissions ---- */

/* "viewer member" as an array. */
static void write_words(dw_out *o, const char *words)
{
    while (*words) {
        size_t n = strcspn(words, " ");
        if (n > 0)
            dw_out_add(o, ((dw_str){ words, n }));
        words += n + strspn(words + n, " ");
    }
}

int auth_list_permissions(dw_call *c, dw_request *req)
{
    dw_out *o = dw_reply_open(req, 200);
    const dw_permission *p;

    dw_out_array(o, "items");
    for (size_t i = 0; (p = auth_permission(c, i)) != NULL; i++) {
        dw_out_object(o, NULL);
        dw_out_set(o, "name", p->name);
        dw_out_set(o, "summary", p->summary);
        dw_out_set(o, "plugin", p->plugin);
        dw_out_array(o, "roles");
        write_words(o, p->roles);
        dw_out_end(o);
        dw_out_end(o);
    }
    return dw_reply_close(req);
}

/* ---- reading ---- */

#define ROLE                                                                                                 \
    "SELECT r.id, r.name, r.summary, r.is_builtin, r.is_automatic AS automatic, r.created_at, r.changed_at," \
    " r.version, "
#define GIVEN " FROM auth_role_permissions p WHERE p.role_id = r.id"
#define GIVEN_SQLITE                                                                                      \
    "(SELECT json_group_array(q.permission) FROM (SELECT p.permission" GIVEN " ORDER BY p.permission) q)" \
    " AS \"permissions::json\""
#define GIVEN_POSTGRES                                                                           \
    "(SELECT coalesce(jsonb_agg(p.permission ORDER BY p.permission), CAST('[]' AS JSONB))" GIVEN \
    ") AS permissions"
#define ROLES " FROM auth_roles r WHERE r.tenant = $1"
#define ONE   ROLES " AND r.id = $2"

static const struct sql list = { ROLE GIVEN_SQLITE ROLES, ROLE GIVEN_POSTGRES ROLES };
static const struct sql one = { ROLE GIVEN_SQLITE ONE, ROLE GIVEN_POSTGRES ONE };

static int reply_role(dw_call *c, dw_request *req, int status, const char *id)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows, sql_of(c, &one), dw_tenant(c), id));
    return dw_reply_row(req, status, rows);
}

int auth_list_roles(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, sql_of(c, &list), dw_tenant(c));
}

int auth_get_role(dw_call *c, dw_request *req)
{
    struct role role;
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(role_by_id(c, dw_tenant(c), id, &role));
    return reply_role(c, req, 200, id);
}

/* ---- making and deleting ---- */

int auth_create_role(dw_call *c, dw_request *req)
{
    const char *id, *name, *summary = "";
    json_t *permissions = NULL;

    DW_TRY(dw_request_read(req, "name", &name, "summary", &summary, "permissions", &permissions));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(guard_lock(c, dw_tenant(c)));
    DW_TRY(role_create(c, dw_tenant(c), name, summary, permissions, &id));
    DW_TRY(reply_role(c, req, 201, id));
    DW_TRY(dw_reply_header(req, "Location", dw_format(c, "/api/v1/roles/%s", id)));
    return dw_tx_commit(c);
}

int auth_delete_role(dw_call *c, dw_request *req)
{
    struct role role;
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(guard_lock(c, dw_tenant(c)));
    DW_TRY(role_by_id(c, dw_tenant(c), id, &role));
    DW_TRY(role_delete(c, dw_tenant(c), &role));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}

/* ---- changing one ---- */

struct changes {
    const char *name, *summary; /* NULL: as it is */
    json_t *permissions;
    bool automatic;
};

/* What is built in has a meaning elsewhere: admin is who cannot be locked out. */
static int check_builtin(dw_call *c, const struct role *role, const struct changes *changes)
{
    if (role->is_builtin && changes->name && strcmp(changes->name, role->name) != 0)
        return dw_fail(c, DW_ECONFLICT, "built-in roles keep their names");
    if (role->is_builtin && strcmp(role->name, AUTH_ADMIN) == 0 && changes->permissions)
        return dw_fail(c, DW_ECONFLICT, "the role admin has all permissions; make another role for less");
    if (changes->automatic && !role->is_builtin)
        return dw_fail_at(c, "/automatic", "is for built-in roles");
    if (changes->automatic && changes->permissions)
        return dw_fail_at(c, "/automatic", "is what a role has without permissions; leave one of them out");
    return 0;
}

/* Nobody edits what gives more than he has, to give it a better name, or less. */
static int check_change(dw_call *c, const struct role *role, const struct changes *changes)
{
    DW_TRY(check_builtin(c, role, changes));
    DW_TRY(guard_role(c, role->id, role->name));
    return changes->permissions ? role_check_permissions(c, changes->permissions) : 0;
}

/* Permissions that are given end what was automatic. */
static bool will_be_automatic(const struct role *role, const struct changes *changes)
{
    return !changes->permissions && (changes->automatic || role->is_automatic);
}

static int update(dw_call *c, const struct role *role, int64_t version, const struct changes *changes)
{
    const bool is_automatic = will_be_automatic(role, changes);
    int rc = dw_db_exec(c,
                        "UPDATE auth_roles SET name = coalesce($3, name), summary = coalesce($4, summary),"
                        "  is_automatic = $5, version = version + 1, changed_at = :now"
                        " WHERE id = $1 AND version = $2",
                        role->id, version, changes->name, changes->summary, is_automatic);

    if (rc == DW_ECONFLICT)
        return dw_fail(c, rc, "there is a role of this name", "name", changes->name);
    if (rc == 0)
        return dw_fail(c, DW_EPRECONDITION, "the role was changed meanwhile; read it again");
    DW_TRY(rc);
    if (changes->permissions || is_automatic)
        DW_TRY(role_store_permissions(c, role->id, changes->permissions));
    /* What it gives automatically may be more than before. */
    return changes->automatic ? guard_role(c, role->id, role->name) : 0;
}

int auth_change_role(dw_call *c, dw_request *req)
{
    struct changes changes = { 0 };
    struct role role;
    const char *id;
    int64_t version;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version, "name", &changes.name, "summary",
                           &changes.summary, "permissions", &changes.permissions, "automatic",
                           &changes.automatic));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(guard_lock(c, dw_tenant(c)));
    DW_TRY(role_by_id(c, dw_tenant(c), id, &role));
    DW_TRY(check_change(c, &role, &changes));
    DW_TRY(update(c, &role, version, &changes));
    DW_TRY(audit(c, "auth.role.changed", id, "name", changes.name ? changes.name : role.name, "permissions",
                 changes.permissions));
    DW_TRY(auth_forget(c, dw_tenant(c))); /* of all who have it: they may be many */
    DW_TRY(reply_role(c, req, 200, id));
    return dw_tx_commit(c);
}
