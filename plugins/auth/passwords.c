/* What an account's password may be, whether it is the right one, and setting it. */
#include <string.h>
#include <strings.h>

#include "account.h"
#include "common.h"
#include "session.h"

/* ---- the pool ---- */

static bool is_cancelled(void *ud)
{
    return dw_cancelled(ud) != 0;
}

static struct password_wait wait_of(dw_call *c)
{
    return (struct password_wait){
        .timeout_ms = (dw_deadline(c).us - dw_now(c).us) / 1000,
        .cancelled = is_cancelled,
        .ud = c,
    };
}

/* What is no answer about the password itself. */
static int result_error(dw_call *c, enum password_result result)
{
    switch (result) {
    case PASSWORD_OK: return 0;
    case PASSWORD_WRONG:
    case PASSWORD_LENGTH: return dw_fail(c, DW_EAUTH, "the address or the password is wrong");
    case PASSWORD_BUSY:
        return dw_fail(c, DW_EUNAVAILABLE, "too many sign in just now; try again in a few seconds");
    case PASSWORD_LATE:
    case PASSWORD_CANCELLED: return dw_fail(c, DW_ECANCELLED, password_result_text(result));
    case PASSWORD_STOPPED: return dw_fail(c, DW_EUNAVAILABLE, "the server is stopping");
    default: return dw_fail(c, DW_ENOMEM, password_result_text(result));
    }
}

int account_hash_password(dw_call *c, dw_str password, const char **hash)
{
    const struct password_cost cost = auth_cost(auth_conf(c));
    const struct password_wait wait = wait_of(c);
    char text[PASSWORD_HASH_SIZE];

    DW_TRY(result_error(c, password_pool_hash(auth_of(c)->pool, &wait, &cost, password.p, password.n, text)));
    *hash = dw_copy(c, (dw_str){ text, strlen(text) });
    return 0;
}

/* ---- is it the right one? ---- */

/* Whoever changed it meanwhile keeps what he set. */
static int upgrade(dw_call *c, const struct account *a, dw_str password)
{
    const char *hash;

    DW_TRY(account_hash_password(c, password, &hash));
    return dw_db_exec(c, "UPDATE auth_users SET password = $3 WHERE id = $1 AND password = $2", a->id,
                      a->password, hash);
}

static enum password_result verify(dw_call *c, const struct account *a, dw_str password)
{
    const struct password_cost cost = auth_cost(auth_conf(c));
    const struct password_wait wait = wait_of(c);
    struct password_pool *pool = auth_of(c)->pool;

    if (!a || !a->password)
        return password_pool_verify_nobody(pool, &wait, &cost, password.p, password.n);
    return password_pool_verify(pool, &wait, a->password, password.p, password.n);
}

/* A temporary one whose time is over is as wrong as any other. */
static bool is_over(dw_call *c, const struct account *a)
{
    return a->password_until.us != 0 && a->password_until.us <= dw_now(c).us;
}

int account_check_password(dw_call *c, const struct account *a, dw_str password)
{
    const struct password_cost cost = auth_cost(auth_conf(c));
    enum password_result result = verify(c, a, password);

    if (result == PASSWORD_UNREADABLE || result == PASSWORD_TOO_COSTLY) {
        dw_error(c, "a stored password cannot be checked; give the user another one", "user", a ? a->id : "",
                 "why", password_result_text(result));
        result = PASSWORD_WRONG;
    }
    if (result == PASSWORD_OK && a && is_over(c, a))
        result = PASSWORD_WRONG;
    DW_TRY(result_error(c, result));
    if (a && password_needs_upgrade(a->password, password.n, &cost) && upgrade(c, a, password) < 0)
        dw_warn(c, "a password was right, but could not be hashed again", "user", a->id, "why",
                dw_error_of(c)->text); /* next time, then */
    return 0;
}

int account_may_sign_in(dw_call *c, const struct account *a)
{
    if (!a->active)
        return dw_fail(c, DW_EDENIED, "this account is deactivated; an administrator can change that");
    if (a->password_until.us != 0)
        return dw_fail(
            c, DW_EDENIED,
            "this password is temporary: change it with POST /api/v1/auth/password, then sign in with the "
            "new one");
    return 0;
}

/* ---- would it do? ---- */

static int64_t characters(dw_str s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static bool is_same(dw_str password, const char *text, size_t n)
{
    return n > 0 && password.n == n && strncasecmp(password.p, text, n) == 0;
}

static bool is_about(dw_str password, const struct account *a)
{
    const char *email = a && a->email ? a->email : "", *name = a && a->name ? a->name : "";

    return is_same(password, email, strlen(email)) || is_same(password, email, strcspn(email, "@")) ||
           is_same(password, name, strlen(name));
}

int account_judge_password(dw_call *c, const struct account *a, dw_str password, const char *pointer)
{
    const int64_t least = auth_conf(c)->password_least;

    if (characters(password) < least)
        return dw_fail_at(c, pointer, "is too short", "at_least", least);
    if (password.n > PASSWORD_MAX)
        return dw_fail_at(c, pointer, "is longer than 1024 bytes");
    if (common_password(password.p, password.n))
        return dw_fail_at(c, pointer, "is one of the passwords that are tried first; take several words");
    if (is_about(password, a))
        return dw_fail_at(c, pointer, "is the address or the name; take several words");
    return 0;
}

/* ---- setting it ---- */

int account_store_password(dw_call *c, const char *user, const char *hash, enum account_password kind,
                           const char *except)
{
    const dw_time until = { dw_now(c).us + auth_conf(c)->temporary_password_ttl.us };

    if (kind == ACCOUNT_OWN_PASSWORD)
        DW_TRY(dw_db_change(
            c,
            "UPDATE auth_users SET password = $2, password_changed_at = :now, password_until = NULL"
            " WHERE id = $1",
            user, hash));
    else
        DW_TRY(dw_db_change(
            c,
            "UPDATE auth_users SET password = $2, password_changed_at = :now, password_until = $3"
            " WHERE id = $1",
            user, hash, until));
    DW_TRY(sessions_end_all(c, user, except));
    return auth_forget(c, user);
}
