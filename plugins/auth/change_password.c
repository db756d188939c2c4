/* Everybody's own password, a temporary one too. */
#include <string.h>

#include "account.h"
#include "cookie.h"
#include "throttle.h"

struct asked {
    const char *email;
    dw_str password, new_password;
};

static dw_str str_of(const char *text)
{
    return (dw_str){ text, strlen(text) };
}

static int read_asked(dw_request *req, struct asked *out)
{
    const char *email = NULL, *password, *new_password;

    DW_TRY(dw_request_read(req, "email", &email, "password", &password, "new_password", &new_password));
    *out =
        (struct asked){ .email = email, .password = str_of(password), .new_password = str_of(new_password) };
    return 0;
}

/* Who is signed in, or whose address it is. Nobody (out->id NULL) is no error here: it takes as long as somebody. */
static int find_account(dw_call *c, const struct asked *asked, struct account *out)
{
    const dw_principal *me = dw_principal_of(c);

    if (me->kind == DW_KEY)
        return dw_fail(c, DW_EDENIED,
                       "a key changes no password; sign in with the one that is to be changed");
    if (me->kind == DW_USER)
        return account_by_id(c, me->id, out);
    if (!asked->email)
        return dw_fail_at(c, "/email", "is missing; say whose password it is, or sign in");
    int rc = account_by_email(c, asked->email, out);
    return rc == DW_ENOTFOUND ? 0 : rc;
}

static int judge(dw_call *c, const struct account *a, const struct asked *asked)
{
    if (!a->active)
        return account_may_sign_in(c, a);
    if (asked->password.n == asked->new_password.n &&
        memcmp(asked->password.p, asked->new_password.p, asked->password.n) == 0)
        return dw_fail_at(c, "/new_password", "is the old one; take another");
    return account_judge_password(c, a, asked->new_password, "/new_password");
}

static int store(dw_call *c, const struct account *a, const char *hash)
{
    const dw_principal *me = dw_principal_of(c);

    DW_TRY(account_store_password(c, a->id, hash, ACCOUNT_OWN_PASSWORD,
                                  me->kind == DW_USER ? me->credential : NULL));
    return audit(c, "auth.password.changed", a->id, "@person", a->id, "@email", a->email);
}

int auth_change_password(dw_call *c, dw_request *req)
{
    struct account a = { 0 };
    struct throttle throttle;
    struct asked asked;
    const char *hash;

    DW_TRY(read_asked(req, &asked));
    DW_TRY(find_account(c, &asked, &a));
    DW_TRY(throttle_enter(c, req, a.id ? a.email : asked.email, cookie_of(c, req, COOKIE_DEVICE), &throttle));
    DW_TRY(account_check_password(c, a.id ? &a : NULL, asked.password));
    DW_TRY(throttle_good(c, &throttle, a.id, NULL)); /* whatever is wrong with the new one */
    DW_TRY(judge(c, &a, &asked));
    DW_TRY(account_hash_password(c, asked.new_password, &hash));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(store(c, &a, hash));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}
