#include "access_token.h"

#include <stdlib.h>
#include <string.h>

/* ---- signing ---- */

static bool is_text(const char *text)
{
    return text && *text;
}

static bool is_complete(const struct access_token_grant *g)
{
    return is_text(g->issuer) && is_text(g->audience) && is_text(g->subject) && is_text(g->id) &&
           g->issued_at_s > 0 && g->lifetime_s > 0 && g->lifetime_s <= INT64_MAX - g->issued_at_s;
}

static int add_claims(json_t *claims, const struct access_token_grant *g)
{
    const char *name;
    json_t *value;

    /* Not by json_pack's "s*", for which a text that there is no memory for is one that is not there. */
    if (g->client_id && json_object_set_new(claims, "client_id", json_string(g->client_id)) != 0)
        return -1;
    if (!g->more)
        return 0;
    json_object_foreach((json_t *)g->more, name, value) /* reads only; its macro takes no const */
    {
        if (json_object_get(claims, name) || json_object_set(claims, name, value) != 0)
            return -1;
    }
    return 0;
}

static json_t *make_claims(const struct access_token_grant *g)
{
    json_int_t issued_at = g->issued_at_s, expires_at = issued_at + g->lifetime_s;
    json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", g->issuer, "aud", g->audience, "sub",
                               g->subject, "jti", g->id, "iat", issued_at, "exp", expires_at);

    if (claims && add_claims(claims, g) != 0) {
        json_decref(claims);
        return NULL;
    }
    return claims;
}

int access_token_sign(const struct key_set *keys, const struct access_token_grant *grant, char **token)
{
    const struct signing_key *key = key_set_current(keys);

    *token = NULL;
    if (!key || !is_complete(grant))
        return -1;
    json_t *claims = make_claims(grant);
    size_t n;
    char *text = claims ? json_safe_write(claims, 0, &n) : NULL;
    json_decref(claims);
    int rc = text ? jws_sign(key, ACCESS_TOKEN_TYPE, text, n, token) : -1;
    free(text);
    return rc;
}

/* ---- verifying ---- */

/* RFC 9068 wants "at+jwt", with or without the media type's first half, in any case. */
static bool is_access_token(const char *type)
{
    static const char prefix[] = "application/";

    if (!type)
        return false;
    if (strncasecmp(type, prefix, sizeof(prefix) - 1) == 0)
        type += sizeof(prefix) - 1;
    return strcasecmp(type, ACCESS_TOKEN_TYPE) == 0;
}

/* A NumericDate. RFC 7519 admits fractions: they are cut off. */
static bool read_time(const json_t *claims, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(claims, name);

    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return *out >= 0;
    }
    if (!json_is_real(value) || !(json_real_value(value) >= 0 && json_real_value(value) < 1e15))
        return false;
    *out = (int64_t)json_real_value(value);
    return true;
}

static const char *read_text(const json_t *claims, const char *name)
{
    const char *text = json_string_value(json_object_get(claims, name));
    return is_text(text) ? text : NULL;
}

static bool is_for(const json_t *aud, const char *audience)
{
    const char *text = json_string_value(aud);
    size_t i;
    json_t *one;

    if (text)
        return strcmp(text, audience) == 0;
    json_array_foreach(aud, i, one)
    {
        text = json_string_value(one);
        if (text && strcmp(text, audience) == 0)
            return true;
    }
    return false;
}

/* The times against the clock, which may differ from the issuer's. Written so that no sum can overflow. */
static enum token_error check_times(const struct access_token *token, int64_t leeway_s, int64_t now_s)
{
    int64_t not_before_s = 0;

    if (json_object_get(token->claims, "nbf") && !read_time(token->claims, "nbf", &not_before_s))
        return TOKEN_CLAIMS;
    if (now_s - leeway_s >= token->expires_at_s)
        return TOKEN_EXPIRED;
    if (not_before_s > now_s + leeway_s || token->issued_at_s > now_s + leeway_s)
        return TOKEN_TOO_SOON;
    return TOKEN_OK;
}

static enum token_error check_claims(struct access_token *token, const struct access_token_rules *rules,
                                     int64_t now_s)
{
    const json_t *claims = token->claims;
    const char *issuer = read_text(claims, "iss");

    token->subject = read_text(claims, "sub");
    token->id = read_text(claims, "jti");
    token->client_id = read_text(claims, "client_id");
    if (!issuer || !token->subject || !token->id || !json_object_get(claims, "aud"))
        return TOKEN_CLAIMS;
    if (json_object_get(claims, "client_id") && !token->client_id)
        return TOKEN_CLAIMS;
    if (!read_time(claims, "iat", &token->issued_at_s) || !read_time(claims, "exp", &token->expires_at_s))
        return TOKEN_CLAIMS;
    if (strcmp(issuer, rules->issuer) != 0)
        return TOKEN_ISSUER;
    if (!is_for(json_object_get(claims, "aud"), rules->audience))
        return TOKEN_AUDIENCE;
    return check_times(token, rules->leeway_s, now_s);
}

enum token_error access_token_verify(const struct key_set *keys, const struct access_token_rules *rules,
                                     const char *token, size_t n, int64_t now_s, struct access_token *out)
{
    struct jws jws;

    *out = (struct access_token){ NULL, NULL, NULL, NULL, 0, 0 };
    enum token_error rc = jws_verify(keys, token, n, now_s, &jws);
    if (rc == TOKEN_OK && !is_access_token(jws.type))
        rc = TOKEN_TYPE;
    if (rc == TOKEN_OK)
        rc = token_error_of(json_safe_read(jws.payload, jws.payload_n, &out->claims));
    if (rc == TOKEN_OK)
        rc = check_claims(out, rules, now_s);
    jws_finish(&jws);
    if (rc != TOKEN_OK)
        access_token_finish(out);
    return rc;
}

void access_token_finish(struct access_token *token)
{
    json_decref(token->claims);
    *token = (struct access_token){ NULL, NULL, NULL, NULL, 0, 0 };
}
