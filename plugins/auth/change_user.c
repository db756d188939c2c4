#include "change_user.h"

#include <string.h>

#include "email.h"
#include "guard.h"
#include "session.h"

int change_user_end(dw_call *c, const struct account *a)
{
    DW_TRY(guard_not_self(c, a->id));
    DW_TRY(guard_lock(c, a->home_tenant));
    DW_TRY(guard_last_admin(c, a->home_tenant, a->id));
    DW_TRY(guard_last_operator(c, a));
    return sessions_end_all(c, a->id, NULL);
}

static int keys_of(dw_call *c, const struct user_changes *changes, const char **email_key,
                   const char **name_key)
{
    char folded[FOLDED_SIZE];

    if (changes->email && !(*email_key = account_email_key(c, changes->email)))
        return dw_fail_at(c, "/email", "is no e-mail address; write one like ann@example.org");
    if (changes->name && fold_text(changes->name, folded) != 0)
        return dw_fail_at(c, "/name", "is too long");
    if (changes->name)
        *name_key = dw_copy(c, (dw_str){ folded, strlen(folded) });
    return 0;
}

static int update(dw_call *c, const char *id, int64_t version, const struct user_changes *changes)
{
    const char *email_key = NULL, *name_key = NULL;
    int rc;

    DW_TRY(keys_of(c, changes, &email_key, &name_key));
    rc = dw_db_exec(
        c,
        "UPDATE auth_users SET email = coalesce($3, email), email_key = coalesce($4, email_key),"
        "  name = coalesce($5, name), name_key = coalesce($6, name_key), locale = coalesce($7, locale),"
        "  zone = coalesce($8, zone), active = $9, version = version + 1, changed_at = :now"
        " WHERE id = $1 AND ($2 = 0 OR version = $2)",
        id, version, changes->email, email_key, changes->name, name_key, changes->locale, changes->zone,
        changes->active);
    if (rc == DW_ECONFLICT)
        return dw_fail(c, rc, "this address is registered already", "email", changes->email);
    if (rc == 0)
        return dw_fail(c, DW_EPRECONDITION, "the user was changed meanwhile; read it again");
    return rc;
}

int change_user(dw_call *c, const struct account *a, int64_t version, const struct user_changes *changes)
{
    if (a->active && !changes->active)
        DW_TRY(change_user_end(c, a));
    DW_TRY(update(c, a->id, version, changes));
    DW_TRY(audit(c, "auth.user.changed", a->id, "active",
                 dw_json(c, "old", a->active, "new", changes->active), "@person", a->id, "@email",
                 dw_json(c, "old", a->email, "new", changes->email ? changes->email : a->email), "@name",
                 dw_json(c, "old", a->name, "new", changes->name ? changes->name : a->name)));
    return auth_forget(c, a->id);
}

int change_user_operator(dw_call *c, const struct account *a, bool is_operator)
{
    if (!is_operator)
        DW_TRY(guard_last_operator(c, a));
    DW_TRY(dw_db_change(c,
                        "UPDATE auth_users SET is_operator = $2, version = version + 1, changed_at = :now"
                        " WHERE id = $1",
                        a->id, is_operator));
    DW_TRY(audit(c, "auth.user.changed", a->id, "is_operator", is_operator));
    return auth_forget(c, a->id);
}
