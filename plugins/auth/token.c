/* token.c - OAuth's token endpoint (RFC 6749, 3.2): a form for tokens. `grant_type` says what the form proves. */
#include <string.h>

#include "access_token.h"
#include "auth.h"
#include "clients.h"
#include "codes.h"
#include "credentials.h"
#include "grant.h"
#include "login.h"
#include "oauth.h"
#include "refresh.h"
#include "scopes.h"
#include "signing.h"

struct form {
    const char *grant_type, *client_id, *client_secret, *scope;
    const char *username, *password;
    const char *refresh_token;
    const char *code, *code_verifier, *redirect_uri;
};

#define IS_MISSING(name)                                                                       \
    (&(const struct oauth_error){ "invalid_request", name " is missing, and is required here", \
                                  name " fehlt und wird hier gebraucht" })

static int reply_tokens(dw_call *c, dw_request *req, const struct session *s, const char *refresh_token)
{
    json_t *answer;

    DW_TRY(grant_answer(c, s, refresh_token, &answer));
    DW_TRY(oauth_no_store(req));
    return dw_reply_json(req, 200, answer);
}

/* ---- a password ---- */

static int by_password(dw_call *c, dw_request *req, const struct form *f)
{
    struct session_grant grant = { .kind = SESSION_TOKEN };
    struct account_permissions has;
    const char *refresh_token;
    struct account a;
    struct session s;
    int rc;

    if (!f->username)
        return oauth_refuse(c, req, IS_MISSING("username"));
    if (!f->password)
        return oauth_refuse(c, req, IS_MISSING("password"));
    if ((rc = scopes_check(c, f->scope)) < 0)
        return oauth_refuse_step(c, req, rc, "invalid_scope");
    if ((rc = login_prove(c, req, LOGIN_PROGRAM, f->username, f->password, &a)) < 0 ||
        (rc = login_tenant(c, &a, NULL, &grant.tenant)) < 0)
        return oauth_refuse_step(c, req, rc, "invalid_grant");
    DW_TRY(account_permissions(c, a.id, grant.tenant, &has));
    grant.account = &a;
    grant.scopes = scopes_permitted(c, f->scope, &has);
    if ((rc = grant_begin(c, req, &grant, &s, &refresh_token)) < 0)
        return oauth_refuse_step(c, req, rc, "invalid_grant");
    return reply_tokens(c, req, &s, refresh_token);
}

/* ---- a refresh token ---- */

static bool is_beyond(dw_call *c, const char *scope, const char *granted)
{
    const char *rest = scope, *at;
    size_t n;

    while (granted && (n = scopes_next(&rest, &at)) > 0) {
        if (!scopes_cover(c, granted, dw_copy(c, (dw_str){ at, n })))
            return true;
    }
    return false;
}

/* Before the token is used up. */
static int check_beyond(dw_call *c, const struct form *f, bool *is)
{
    const char *id;
    struct session s;
    int rc = refresh_session(c, f->refresh_token, &id);

    if (rc > 0)
        rc = session_by_id(c, id, &s);
    *is = rc > 0 && is_beyond(c, f->scope, s.scopes);
    return rc < 0 ? rc : 0;
}

static int by_refresh_token(dw_call *c, dw_request *req, const struct form *f)
{
    static const struct oauth_error beyond = { "invalid_scope", "the session has not got all of these scopes",
                                               "die Sitzung hat nicht alle diese Rechte" };
    bool is_too_much = false;
    struct session s;
    const char *next;
    int rc;

    if (!f->refresh_token)
        return oauth_refuse(c, req, IS_MISSING("refresh_token"));
    if ((rc = scopes_check(c, f->scope)) < 0)
        return oauth_refuse_step(c, req, rc, "invalid_scope");
    if (f->scope)
        DW_TRY(check_beyond(c, f, &is_too_much));
    if (is_too_much)
        return oauth_refuse(c, req, &beyond);
    rc = refresh_rotate(c, f->refresh_token, f->client_id, &s, &next);
    if (rc < 0)
        return oauth_refuse_step(c, req, rc, "invalid_grant");
    return reply_tokens(c, req, &s, next);
}

/* ---- a code ---- */

static int by_code(dw_call *c, dw_request *req, const struct form *f)
{
    static const struct oauth_error unknown = { "invalid_client", "there is no client of this client_id",
                                                "es gibt keine Anwendung mit dieser client_id" };
    const struct code_proof proof = { f->code, f->code_verifier, f->client_id, f->redirect_uri };
    const char *refresh_token;
    struct client client;
    struct session s;

    if (!f->code)
        return oauth_refuse(c, req, IS_MISSING("code"));
    if (!f->client_id)
        return oauth_refuse(c, req, IS_MISSING("client_id"));
    if (!f->redirect_uri)
        return oauth_refuse(c, req, IS_MISSING("redirect_uri"));
    if (!f->code_verifier)
        return oauth_refuse(c, req, IS_MISSING("code_verifier"));
    int rc = client_find(c, f->client_id, &client);
    if (rc <= 0)
        return rc < 0 ? rc : oauth_refuse(c, req, &unknown);
    rc = code_exchange(c, req, &proof, &s);
    if (rc < 0)
        return oauth_refuse_step(c, req, rc, "invalid_grant");
    DW_TRY(refresh_begin(c, &s, &refresh_token));
    DW_TRY(audit(c, "auth.login", s.id, "user", s.user, "tenant", s.tenant, "client", client.id));
    DW_TRY(reply_tokens(c, req, &s, refresh_token));
    return dw_tx_commit(c);
}

/* ---- which ---- */

static const struct {
    const char *grant_type;
    int (*answer)(dw_call *c, dw_request *req, const struct form *f);
} grants[] = {
    { "password", by_password },
    { "refresh_token", by_refresh_token },
    { "authorization_code", by_code },
};

/* Older clients send a name and a password and leave out what that is. */
static const char *type_of(const struct form *f)
{
    return f->grant_type ? f->grant_type : f->username ? "password" : NULL;
}

/* With a password it means nothing, and many clients send some: Swagger UI always does. */
static bool shows_secret(dw_request *req, const struct form *f)
{
    const char *authorization = dw_request_header(req, "Authorization");

    return (f->client_secret && *f->client_secret) ||
           (authorization && strncmp(authorization, "Basic ", 6) == 0);
}

int auth_token(dw_call *c, dw_request *req)
{
    static const struct oauth_error unsupported = {
        "unsupported_grant_type", "grant_type is one of password, refresh_token, authorization_code",
        "grant_type ist password, refresh_token oder authorization_code"
    };
    static const struct oauth_error secret = {
        "invalid_client", "clients have no secret here: send client_id alone, in the form",
        "Anwendungen haben hier kein Geheimnis: nur client_id senden, im Formular"
    };
    struct key_set *keys;
    struct form f = { 0 };

    DW_TRY(dw_request_read(req, "grant_type", &f.grant_type, "client_id", &f.client_id, "client_secret",
                           &f.client_secret, "scope", &f.scope, "username", &f.username, "password",
                           &f.password, "refresh_token", &f.refresh_token, "code", &f.code, "code_verifier",
                           &f.code_verifier, "redirect_uri", &f.redirect_uri));
    const char *type = type_of(&f);
    if (!type)
        return oauth_refuse(c, req, IS_MISSING("grant_type"));
    if (strcmp(type, "password") != 0 && shows_secret(req, &f))
        return oauth_refuse(c, req, &secret);
    DW_TRY(signing_signers(c, &keys)); /* may make one, which takes too long for a transaction */
    for (size_t i = 0; i < sizeof(grants) / sizeof(*grants); i++) {
        if (strcmp(grants[i].grant_type, type) == 0)
            return grants[i].answer(c, req, &f);
    }
    return oauth_refuse(c, req, &unsupported);
}

/* ---- giving one back ---- */

/* RFC 7009: whatever it was, it is not good any longer afterwards; so what is none is no error. An access token is its
 * session's, so that ends with it. */
static int session_of(dw_call *c, const char *token, const char **session)
{
    const struct access_token *access;
    int rc = refresh_session(c, token, session);

    if (rc != 0)
        return rc;
    rc = grant_verify(c, (dw_str){ token, strlen(token) }, &access);
    if (rc == DW_EAUTH)
        return 0;
    DW_TRY(rc);
    *session = json_string_value(json_object_get(access->claims, "sid"));
    return *session != NULL;
}

int auth_revoke(dw_call *c, dw_request *req)
{
    const char *token = NULL, *session = NULL;

    DW_TRY(dw_request_read(req, "token", &token));
    if (!token)
        return oauth_refuse(c, req, IS_MISSING("token"));
    int rc = session_of(c, token, &session);
    if (rc < 0)
        return rc;
    DW_TRY(oauth_no_store(req));
    DW_TRY(dw_reply(req, 200));
    if (rc == 0)
        return 0;
    DW_TRY(dw_tx_begin(c));
    int ended = session_end(c, session, "revoked");
    if (ended > 0)
        ended = audit(c, "auth.session.revoked", session, "why", "revoked");
    return ended < 0 ? ended : dw_tx_commit(c);
}
