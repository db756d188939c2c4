/* The people of a tenant: their accounts. */
#include <string.h>

#include "change_user.h"
#include "create.h"
#include "email.h"
#include "guard.h"
#include "member_roles.h"
#include "sql.h"

/* ---- reading ---- */

#define USER                                                                \
    "u.id, u.email, u.name, u.locale, u.zone, u.active, u.is_operator,"     \
    " u.home_tenant = m.tenant AS \"is_home::boolean\","                    \
    " u.password_until IS NOT NULL AS \"has_temporary_password::boolean\"," \
    " u.created_at, u.changed_at, u.last_login_at, u.version, "
#define MEMBERS " FROM auth_members m JOIN auth_users u ON u.id = m.user_id WHERE m.tenant = $1"

#define ONE  MEMBERS " AND m.user_id = $2"
#define MADE ", CAST($3 AS TEXT) AS temporary_password"
#define LIST                                                                                             \
    MEMBERS                                                                                              \
    " AND (CAST($2 AS TEXT) IS NULL OR u.email_key LIKE $2 ESCAPE '!' OR u.name_key LIKE $2 ESCAPE '!')" \
    " AND (CAST($3 AS TEXT) IS NULL OR EXISTS (SELECT 1" SQL_ROLES " AND r.name = $3))"

static const struct sql one = { "SELECT " USER SQL_ROLES_SQLITE ONE, "SELECT " USER SQL_ROLES_POSTGRES ONE };
static const struct sql made = { "SELECT " USER SQL_ROLES_SQLITE MADE ONE,
                                 "SELECT " USER SQL_ROLES_POSTGRES MADE ONE };
static const struct sql list = { "SELECT " USER SQL_ROLES_SQLITE LIST,
                                 "SELECT " USER SQL_ROLES_POSTGRES LIST };

static int reply_user(dw_call *c, dw_request *req, int status, const char *id)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows, sql_of(c, &one), dw_tenant(c), id));
    return dw_reply_row(req, status, rows);
}

/* "%ann%", with what LIKE would read as something else marked by !. */
static int pattern_of(dw_call *c, const char *q, const char **out)
{
    dw_text *text = dw_text_new(c);
    char folded[FOLDED_SIZE];

    if (fold_text(q, folded) != 0)
        return dw_fail_at(c, "/query/q", "is too long");
    dw_text_add(text, "%");
    for (const char *p = folded; *p; p++) {
        const char character[] = { *p, '\0' };
        dw_text_add(text, strchr("%_!", *p) ? "!" : "");
        dw_text_add(text, character);
    }
    dw_text_add(text, "%");
    *out = dw_text_get(text).p;
    return 0;
}

int auth_list_users(dw_call *c, dw_request *req)
{
    const char *q = NULL, *role = NULL, *pattern = NULL;

    DW_TRY(dw_request_read(req, "q", &q, "role", &role));
    if (q)
        DW_TRY(pattern_of(c, q, &pattern));
    return dw_reply_list(c, req, sql_of(c, &list), dw_tenant(c), pattern, role);
}

int auth_get_user(dw_call *c, dw_request *req)
{
    const char *id;
    struct account a;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(guard_member(c, id, &a));
    return reply_user(c, req, 200, id);
}

/* ---- making one ---- */

struct asked {
    const char *email, *name, *locale, *zone;
    dw_str password; /* p NULL: none */
    json_t *roles;
};

/* Easy to read out: no two characters that look alike, in groups. 80 bits. */
static const char *make_password(dw_call *c)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    const char *random = dw_digest_hex(c, DW_SHA256, (dw_bytes){ dw_random_token(c, 32), 43 });
    char out[20];
    size_t n = 0;

    if (!random)
        return NULL;
    for (size_t i = 0; i < 16; i++) {
        const unsigned value =
            (unsigned)(strchr("0123456789abcdef", random[2 * i]) - "0123456789abcdef") * 2 +
            (unsigned)(random[2 * i + 1] & 1);
        if (i > 0 && i % 4 == 0)
            out[n++] = '-';
        out[n++] = letters[value];
    }
    return dw_copy(c, (dw_str){ out, n });
}

/* The one that was asked for, or one that is made, which then is told. Its hash takes a while: outside of transactions. */
static int temporary_password(dw_call *c, const struct account *about, dw_str asked, const char **told,
                              const char **hash)
{
    *told = NULL;
    if (asked.p)
        DW_TRY(account_judge_password(c, about, asked, "/password"));
    else if ((*told = make_password(c)) == NULL)
        return dw_fail(c, DW_ENOMEM, "no memory for a password");
    return account_hash_password(c, *told ? (dw_str){ *told, strlen(*told) } : asked, hash);
}

static int reply_made(dw_call *c, dw_request *req, const char *id, const char *told)
{
    dw_rows *rows;

    if (!told)
        return reply_user(c, req, 201, id);
    DW_TRY(dw_db_query(c, &rows, sql_of(c, &made), dw_tenant(c), id, told));
    return dw_reply_row(req, 201, rows);
}

static int make(dw_call *c, const struct asked *asked, const char *hash, const char **id)
{
    const struct create_user user = { .email = asked->email,
                                      .name = asked->name,
                                      .locale = asked->locale,
                                      .zone = asked->zone,
                                      .home_tenant = dw_tenant(c),
                                      .hash = hash,
                                      .is_temporary = true };

    DW_TRY(guard_lock(c, dw_tenant(c)));
    DW_TRY(create_user(c, &user, id));
    return asked->roles ? member_roles_set(c, dw_tenant(c), *id, asked->roles) : 0;
}

int auth_create_user(dw_call *c, dw_request *req)
{
    struct asked asked = { .name = "", .locale = "", .zone = "" };
    const char *told, *hash = NULL, *id = NULL;

    DW_TRY(dw_request_read(req, "email", &asked.email, "name", &asked.name, "locale", &asked.locale, "zone",
                           &asked.zone, "password", &asked.password, "roles", &asked.roles));
    const struct account about = { .email = asked.email, .name = asked.name };
    DW_TRY(temporary_password(c, &about, asked.password, &told, &hash));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(make(c, &asked, hash, &id));
    DW_TRY(reply_made(c, req, id, told));
    DW_TRY(dw_reply_header(req, "Location", dw_format(c, "/api/v1/users/%s", id)));
    return dw_tx_commit(c);
}

/* ---- changing one ---- */

static int may_change(dw_call *c, const struct account *a)
{
    DW_TRY(guard_home(c, a));
    DW_TRY(guard_rank(c, a));
    return guard_elsewhere(c, a);
}

int auth_change_user(dw_call *c, dw_request *req)
{
    struct user_changes changes = { 0 };
    struct account a;
    const char *id;
    int64_t version;

    DW_TRY(dw_tx_begin(c));
    DW_TRY(guard_lock(c, dw_tenant(c)));
    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version));
    DW_TRY(guard_member(c, id, &a));
    changes.active = a.active;
    DW_TRY(dw_request_read(req, "email", &changes.email, "name", &changes.name, "locale", &changes.locale,
                           "zone", &changes.zone, "active", &changes.active));
    DW_TRY(may_change(c, &a));
    DW_TRY(change_user(c, &a, version, &changes));
    DW_TRY(reply_user(c, req, 200, id));
    return dw_tx_commit(c);
}

int auth_delete_user(dw_call *c, dw_request *req)
{
    struct account a;
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(guard_lock(c, dw_tenant(c)));
    DW_TRY(guard_member(c, id, &a));
    DW_TRY(may_change(c, &a));
    DW_TRY(change_user_end(c, &a));
    DW_TRY(dw_db_change(c, "DELETE FROM auth_users WHERE id = $1", id));
    DW_TRY(audit(c, "auth.user.deleted", id, "@person", id, "@email", a.email));
    DW_TRY(auth_forget(c, id));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}

/* ---- another password ---- */

static int may_reset(dw_call *c, const char *id, struct account *a)
{
    DW_TRY(guard_member(c, id, a));
    DW_TRY(may_change(c, a));
    return guard_not_self(c, id); /* who changes his own says the old one first */
}

int auth_reset_password(dw_call *c, dw_request *req)
{
    const dw_time until = { dw_now(c).us + auth_conf(c)->temporary_password_ttl.us };
    const char *id, *told, *hash = NULL;
    dw_str password = { NULL, 0 };
    struct account a;

    DW_TRY(dw_request_read(req, "id", &id, "password", &password));
    DW_TRY(may_reset(c, id, &a)); /* before the hash, which costs something, and once more below */
    DW_TRY(temporary_password(c, &a, password, &told, &hash));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(guard_lock(c, dw_tenant(c)));
    DW_TRY(may_reset(c, id, &a));
    DW_TRY(account_store_password(c, id, hash, ACCOUNT_TEMPORARY_PASSWORD, NULL));
    DW_TRY(audit(c, "auth.password.reset", id, "@person", id, "@email", a.email));
    DW_TRY(told ? dw_reply(req, 200, "temporary_password", told, "until", until)
                : dw_reply(req, 200, "until", until));
    return dw_tx_commit(c);
}
