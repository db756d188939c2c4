/* The first start: a one-time link, and what it makes. */
#include "setup.h"

#include <string.h>

#include "create.h"

static const char *hash_of(dw_call *c, const char *token)
{
    return dw_digest_hex(c, DW_SHA256, (dw_bytes){ token, strlen(token) });
}

/* ---- the link ---- */

int setup_is_done(dw_call *c)
{
    int64_t one;

    return dw_db_find(c, DW_TO(&one), "SELECT 1 FROM auth_setup WHERE id = 1");
}

int setup_make_token(dw_call *c, const char **token)
{
    const dw_time expires_at = { dw_now(c).us + auth_conf(c)->setup_ttl.us };

    *token = dw_random_token(c, 24);
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_setup_tokens WHERE expires_at <= :now"));
    return dw_db_exec(c, "INSERT INTO auth_setup_tokens (hash, expires_at) VALUES ($1, $2)",
                      hash_of(c, *token), expires_at);
}

/* Several are good at once: a second server that starts must not spoil the link that the first one has logged. */
int setup_offer(dw_call *c)
{
    const char *token;
    int rc = setup_is_done(c);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    DW_TRY(setup_make_token(c, &token));
    dw_warn(c, "nobody has an account here yet: who opens this link first makes the administrator's", "path",
            dw_format(c, SETUP_PATH "%s", token));
    return 0;
}

/* ---- what it makes ---- */

static int refuse_done(dw_call *c)
{
    return dw_fail(c, DW_ECONFLICT, "this server is set up already; its administrators make accounts");
}

/* In one statement: between two of them somebody else's setup may take the token along. */
int setup_check_token(dw_call *c, const char *token)
{
    int64_t done, good;

    DW_TRY(dw_db_get(c, DW_TO(&done, &good),
                     "SELECT (SELECT count(*) FROM auth_setup),"
                     " (SELECT count(*) FROM auth_setup_tokens WHERE hash = $1 AND expires_at > :now)",
                     hash_of(c, token)));
    if (done > 0)
        return refuse_done(c);
    if (good == 0)
        return dw_fail(
            c, DW_EDENIED,
            "this link is not good, or not any longer; `dowel setup-link` on the server makes a new one");
    return 0;
}

int setup_make(dw_call *c, const struct setup_asked *asked, struct setup_made *out)
{
    const struct account about = { .email = asked->email, .name = asked->name };
    const dw_str password = { asked->password, strlen(asked->password) };
    struct create_user user = { .email = asked->email, .name = asked->name };
    int first;

    DW_TRY(setup_check_token(c, asked->token)); /* before the password is hashed, which costs something */
    DW_TRY(account_judge_password(c, &about, password, "/password"));
    DW_TRY(account_hash_password(c, password, &user.hash));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(first = create_claim_first(c));
    if (!first)
        return refuse_done(c);
    return create_first(c, user, asked->tenant, &out->user, &out->tenant);
}

int auth_setup(dw_call *c, dw_request *req)
{
    struct setup_asked asked = { .token = "", .email = "", .password = "" };
    struct setup_made made = { 0 };

    DW_TRY(dw_request_read(req, "token", &asked.token, "email", &asked.email, "password", &asked.password,
                           "name", &asked.name, "tenant", &asked.tenant));
    DW_TRY(setup_make(c, &asked, &made));
    DW_TRY(dw_reply(req, 201, "user_id", made.user, "tenant_id", made.tenant, "email", asked.email));
    return dw_tx_commit(c);
}
