#include "grant.h"

#include <stdlib.h>
#include <string.h>

#include "access_token.h"
#include "auth.h"
#include "refresh.h"
#include "signing.h"

enum { LEEWAY_S = 5 /* of clocks */, TRIES = 3 };

/* Where public_url is not set, tokens still have an issuer: who asks the authenticator has no request to take one from. */
static const char unnamed[] = "dowel";

static const char *issuer_of(const struct auth_conf *conf)
{
    return *conf->public_url ? conf->public_url : unnamed;
}

static const char *audience_of(const struct auth_conf *conf)
{
    return *conf->audience ? conf->audience : issuer_of(conf);
}

const char *grant_issuer(dw_call *c, dw_request *req)
{
    const struct auth_conf *conf = auth_conf(c);

    return *conf->public_url ? conf->public_url : dw_request_origin(req);
}

/* ---- a session ---- */

static int try_begin(dw_call *c, dw_request *req, const struct session_grant *grant, struct session *s,
                     const char **credential)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(session_open(c, req, grant, s, credential));
    if (!*credential)
        DW_TRY(refresh_begin(c, s, credential));
    DW_TRY(audit(c, "auth.login", s->id, "user", s->user, "tenant", s->tenant, "kind", s->kind));
    return dw_tx_commit(c);
}

int grant_begin(dw_call *c, dw_request *req, const struct session_grant *grant, struct session *s,
                const char **credential)
{
    struct key_set *keys;

    DW_TRY(signing_signers(c, &keys)); /* may make one, which takes too long for a transaction */
    for (int tries = 1;; tries++) {
        int rc = try_begin(c, req, grant, s, credential);
        if (rc != DW_EUNAVAILABLE || tries == TRIES)
            return rc;
        DW_TRY(dw_tx_rollback(c));
    }
}

/* ---- making ---- */

/* Permissions are not in it: they are looked up, so that a role which is taken away is gone at once. */
static json_t *claims_of(dw_call *c, const struct session *s)
{
    json_t *claims = dw_json(c, "sid", s->id, "tenant", s->tenant);

    if (claims && s->scopes && json_object_set_new(claims, "scope", json_string(s->scopes)) != 0)
        return NULL;
    return claims;
}

static int sign(dw_call *c, const struct session *s, int64_t lifetime_s, char **token)
{
    const struct auth_conf *conf = auth_conf(c);
    struct key_set *keys;

    DW_TRY(signing_signers(c, &keys));
    const struct access_token_grant grant = {
        .issuer = issuer_of(conf),
        .audience = audience_of(conf),
        .subject = s->user,
        .id = dw_id(c),
        .client_id = s->client_id,
        .issued_at_s = dw_now(c).us / DW_SECONDS(1).us,
        .lifetime_s = lifetime_s,
        .more = claims_of(c, s),
    };
    if (!grant.more || access_token_sign(keys, &grant, token) != 0)
        return dw_fail(c, DW_ENOMEM, "there is no memory for an access token");
    return dw_defer(c, free, *token);
}

int grant_answer(dw_call *c, const struct session *s, const char *refresh_token, json_t **answer)
{
    int64_t lifetime_s = auth_conf(c)->access_token_ttl.us / DW_SECONDS(1).us;
    char *access = NULL;

    DW_TRY(sign(c, s, lifetime_s, &access));
    *answer = dw_json(c, "access_token", access, "token_type", "Bearer", "expires_in", lifetime_s);
    bool is_whole = *answer != NULL;
    if (is_whole && refresh_token)
        is_whole = json_object_set_new(*answer, "refresh_token", json_string(refresh_token)) == 0;
    if (is_whole && s->scopes)
        is_whole = json_object_set_new(*answer, "scope", json_string(s->scopes)) == 0;
    return is_whole ? 0 : dw_fail(c, DW_ENOMEM, "there is no memory for the answer");
}

/* ---- checking ---- */

static void finish(void *token)
{
    access_token_finish(token);
}

int grant_verify(dw_call *c, dw_str token, const struct access_token **out)
{
    struct access_token *read = dw_alloc(c, sizeof(*read));
    const struct auth_conf *conf = auth_conf(c);
    const struct access_token_rules rules = { issuer_of(conf), audience_of(conf), LEEWAY_S };
    struct key_set *keys;

    DW_TRY(signing_verifiers(c, &keys));
    enum token_error error =
        access_token_verify(keys, &rules, token.p, token.n, dw_now(c).us / DW_SECONDS(1).us, read);
    if (error == TOKEN_MEMORY)
        return dw_fail(c, DW_ENOMEM, "there is no memory to check the token");
    if (error != TOKEN_OK)
        return dw_fail(c, DW_EAUTH, token_error_text(error));
    *out = read;
    return dw_defer(c, finish, read);
}
