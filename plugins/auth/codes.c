#include "codes.h"

#include <string.h>

#include "account.h"
#include "auth.h"
#include "b64.h"

enum { CHALLENGE_SIZE = 43, DIGEST_SIZE = 32, VERIFIER_MIN = 43, VERIFIER_MAX = 128 };

static const char *hash_of(dw_call *c, const char *text)
{
    return dw_digest_hex(c, DW_SHA256, (dw_bytes){ text, strlen(text) });
}

/* ---- challenges ---- */

static bool read_challenge(const char *challenge, unsigned char out[DIGEST_SIZE + 1])
{
    size_t n = 0;

    return strlen(challenge) == CHALLENGE_SIZE &&
           b64_read(out, &n, challenge, CHALLENGE_SIZE, B64_URL) == 0 && n == DIGEST_SIZE;
}

bool code_is_challenge(const char *challenge)
{
    unsigned char bytes[DIGEST_SIZE + 1];

    return read_challenge(challenge, bytes);
}

static bool is_verifier(const char *text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t n = strlen(text);

    return n >= VERIFIER_MIN && n <= VERIFIER_MAX && strspn(text, unreserved) == n;
}

/* The digest is known as hex, so the challenge is brought to that. */
static bool is_answered(dw_call *c, const char *challenge, const char *verifier)
{
    unsigned char bytes[DIGEST_SIZE + 1];
    char hex[2 * DIGEST_SIZE + 1];

    if (!is_verifier(verifier) || !read_challenge(challenge, bytes))
        return false;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    hex[2 * DIGEST_SIZE] = '\0';
    return dw_equal(hex, hash_of(c, verifier)) == 1;
}

/* ---- giving one out ---- */

int code_add(dw_call *c, const struct code_grant *grant, const char **code)
{
    *code = dw_random_token(c, 32);
    DW_TRY(session_hold_account(c, grant->account));
    return dw_db_exec(
        c,
        "INSERT INTO auth_codes (hash, client_id, user_id, tenant, redirect_uri, challenge, scopes, ends_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        hash_of(c, *code), grant->client_id, grant->account->id, grant->tenant, grant->redirect_uri,
        grant->challenge, grant->scopes, (dw_time){ dw_now(c).us + CODE_TTL.us });
}

/* ---- taking it back ---- */

static int not_good(dw_call *c, const char *why)
{
    return dw_fail(c, DW_EAUTH, why);
}

/* It is not there, or was shown before. */
static int refuse_unusable(dw_call *c, const char *code)
{
    const char *session = NULL;
    dw_time used_at = { 0 };

    DW_TRY(dw_db_find(c, DW_TO(&session, &used_at),
                      "SELECT session_id, used_at FROM auth_codes WHERE hash = $1", hash_of(c, code)));
    if (session && used_at.us) {
        DW_TRY(session_end(c, session, "reuse"));
        DW_TRY(audit(c, "auth.code.reused", session, "session", session));
        dw_warn(c, "an authorization code was used twice, so its session was ended", "session", session);
    }
    DW_TRY(dw_tx_commit(c));
    return not_good(c, used_at.us ? "the code was used before" : "the code is not good any longer");
}

/* NULL, or what is wrong with what was shown. */
static const char *find_fault(dw_call *c, const struct code_grant *g, const struct code_proof *proof)
{
    if (strcmp(g->client_id, proof->client_id) != 0)
        return "the code was given to another client";
    if (strcmp(g->redirect_uri, proof->redirect_uri) != 0)
        return "the code was given to another redirect_uri";
    if (!is_answered(c, g->challenge, proof->verifier))
        return "code_verifier is not what code_challenge was made of";
    return NULL;
}

static int find_account(dw_call *c, const char *user, const char *tenant, struct account *a)
{
    DW_TRY(account_by_id(c, user, a));
    int rc = account_is_member(c, user, tenant);
    if (rc < 0)
        return rc;
    return rc > 0 && a->active ? 0 : not_good(c, "the account was changed meanwhile");
}

int code_exchange(dw_call *c, dw_request *req, const struct code_proof *proof, struct session *out)
{
    struct code_grant g = { 0 };
    const char *user;
    struct account a;

    DW_TRY(dw_tx_begin(c));
    int rc = dw_db_find(c, DW_TO(&g.client_id, &user, &g.tenant, &g.redirect_uri, &g.challenge, &g.scopes),
                        "UPDATE auth_codes SET used_at = :now"
                        " WHERE hash = $1 AND used_at IS NULL AND ends_at > :now"
                        " RETURNING client_id, user_id, tenant, redirect_uri, challenge, scopes",
                        hash_of(c, proof->code));
    if (rc <= 0)
        return rc < 0 ? rc : refuse_unusable(c, proof->code);
    const char *fault = find_fault(c, &g, proof);
    if (fault) {
        DW_TRY(dw_tx_commit(c)); /* it is used up */
        return not_good(c, fault);
    }
    rc = find_account(c, user, g.tenant, &a);
    if (rc == 0)
        rc = session_open(
            c, req, &(struct session_grant){ &a, g.tenant, SESSION_TOKEN, g.client_id, g.scopes }, out, NULL);
    if (rc < 0)
        return rc;
    return dw_db_exec(c, "UPDATE auth_codes SET session_id = $2 WHERE hash = $1", hash_of(c, proof->code),
                      out->id) < 0
               ? dw_error_of(c)->code
               : 0;
}
