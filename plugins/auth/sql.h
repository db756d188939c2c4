/* sql.h - where the two engines have no common words. */
#ifndef AUTH_SQL_H
#define AUTH_SQL_H

#include <dowel/dowel.h>

/* One statement for each of them; $1 is the tenant, m its auth_members. */
struct sql {
    const char *sqlite, *postgres;
};

static inline const char *sql_of(dw_call *c, const struct sql *sql)
{
    return dw_db_dialect(c) == DW_SQLITE ? sql->sqlite : sql->postgres;
}

#define SQL_ROLES                                                     \
    " FROM auth_member_roles x JOIN auth_roles r ON r.id = x.role_id" \
    " WHERE x.tenant = m.tenant AND x.user_id = m.user_id"

/* The names of a member's roles, as an array. */
#define SQL_ROLES_SQLITE                                                     \
    "(SELECT json_group_array(n.name) FROM (SELECT r.name AS name" SQL_ROLES \
    " ORDER BY r.name) n) AS \"roles::json\""
#define SQL_ROLES_POSTGRES \
    "(SELECT coalesce(jsonb_agg(r.name ORDER BY r.name), CAST('[]' AS JSONB))" SQL_ROLES ") AS roles"

#endif
