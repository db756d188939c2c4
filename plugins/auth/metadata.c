/* metadata.c - what programs find out by themselves: where our endpoints are (RFC 8414), and with which keys tokens can be
 * checked (RFC 7517). */
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "credentials.h"
#include "grant.h"
#include "jwks.h"
#include "signing.h"

#define API "/api/v1/auth/"

static const char *at(dw_call *c, const char *issuer, const char *path)
{
    return dw_format(c, "%s%s", issuer, path);
}

int auth_metadata(dw_call *c, dw_request *req)
{
    const char *issuer = grant_issuer(c, req);
    json_t *none = dw_json_list(c, "none");

    return dw_reply(
        req, 200, "issuer", issuer, "authorization_endpoint", at(c, issuer, API "authorize"),
        "token_endpoint", at(c, issuer, API "token"), "revocation_endpoint", at(c, issuer, API "revoke"),
        "jwks_uri", at(c, issuer, "/.well-known/jwks.json"), "response_types_supported",
        dw_json_list(c, "code"), "response_modes_supported", dw_json_list(c, "query"),
        "grant_types_supported", dw_json_list(c, "authorization_code", "refresh_token", "password"),
        "code_challenge_methods_supported", dw_json_list(c, "S256"), "token_endpoint_auth_methods_supported",
        none, "revocation_endpoint_auth_methods_supported", none, "ui_locales_supported",
        dw_json_list(c, "en", "de"), "authorization_response_iss_parameter_supported", DW_TRUE);
}

int auth_jwks(dw_call *c, dw_request *req)
{
    struct key_set *keys;

    DW_TRY(signing_signers(c, &keys));
    char *document = jwks_document(keys, dw_now(c).us / DW_SECONDS(1).us);
    if (!document)
        return dw_fail(c, DW_ENOMEM, "there is no memory for the keys");
    DW_TRY(dw_defer(c, free, document));
    DW_TRY(dw_reply_header(req, "Cache-Control", "public, max-age=300"));
    return dw_reply_bytes(req, 200, "application/jwk-set+json", (dw_bytes){ document, strlen(document) });
}
