#include "jws.h"

#include <stdlib.h>
#include <string.h>

#include "b64.h"

static const char *const error_texts[TOKEN_ERRORS] = {
    [TOKEN_OK] = "the token is valid",
    [TOKEN_MALFORMED] = "the token is not a signed JWT of at most 8192 characters",
    [TOKEN_HEADER] = "the token's header lacks alg or kid, or has a member that is not accepted",
    [TOKEN_UNKNOWN_KEY] = "the token is signed with a key that is not known, or not any more",
    [TOKEN_ALGORITHM] = "the token names another algorithm than its key's",
    [TOKEN_SIGNATURE] = "the token's signature is wrong",
    [TOKEN_TYPE] = "the token is no access token",
    [TOKEN_CLAIMS] = "the token lacks a claim, or one is of the wrong type",
    [TOKEN_EXPIRED] = "the token has expired",
    [TOKEN_TOO_SOON] = "the token is not valid yet",
    [TOKEN_ISSUER] = "the token is from another issuer",
    [TOKEN_AUDIENCE] = "the token is for another audience",
    [TOKEN_MEMORY] = "the token could not be looked at: memory is out",
};

const char *token_error_text(enum token_error error)
{
    return (size_t)error < TOKEN_ERRORS ? error_texts[error] : "no error of a token";
}

enum token_error token_error_of(enum json_safe read)
{
    return read == JSON_SAFE_OK ? TOKEN_OK : read == JSON_SAFE_MEMORY ? TOKEN_MEMORY : TOKEN_MALFORMED;
}

/* ---- its parts ---- */

struct part {
    const char *p;
    size_t n;
};

struct parts {
    struct part header, payload, signature;
    size_t signed_n; /* of the token's beginning */
};

static int split(const char *token, size_t n, struct parts *parts)
{
    const char *end = token + n;
    const char *first = n ? memchr(token, '.', n) : NULL;
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;

    if (!second || n > JWS_MAX)
        return -1;
    parts->header = (struct part){ token, (size_t)(first - token) };
    parts->payload = (struct part){ first + 1, (size_t)(second - first - 1) };
    parts->signature = (struct part){ second + 1, (size_t)(end - second - 1) };
    parts->signed_n = (size_t)(second - token);
    /* A third point is no character of base64url, and refused as such. */
    return parts->header.n > 0 && parts->signature.n > 0 ? 0 : -1;
}

static enum token_error decode(struct part part, char **out, size_t *out_n)
{
    *out = malloc(B64_MAX_READ(part.n) + 1);
    if (!*out)
        return TOKEN_MEMORY;
    if (b64_read(*out, out_n, part.p, part.n, B64_URL) != 0)
        return TOKEN_MALFORMED;
    (*out)[*out_n] = 0;
    return TOKEN_OK;
}

/* ---- the header ---- */

struct header {
    json_t *json;
    const char *alg, *kid, *typ; /* in json; NULL when it is not there */
};

/* Only what we write ourselves: whoever adds anything else (jwk, jku, x5u, x5c, crit, b64, zip) wants it obeyed. */
static enum token_error judge_header(struct header *header)
{
    const char *name;
    json_t *value;

    json_object_foreach(header->json, name, value)
    {
        const char *text = json_string_value(value);
        if (!text)
            return TOKEN_HEADER;
        if (strcmp(name, "alg") == 0)
            header->alg = text;
        else if (strcmp(name, "kid") == 0)
            header->kid = text;
        else if (strcmp(name, "typ") == 0)
            header->typ = text;
        else
            return TOKEN_HEADER;
    }
    return header->alg ? TOKEN_OK : TOKEN_HEADER;
}

static enum token_error read_header(struct part part, struct header *header)
{
    char *text = NULL;
    size_t n;

    enum token_error rc = decode(part, &text, &n);
    if (rc == TOKEN_OK)
        rc = token_error_of(json_safe_read(text, n, &header->json));
    if (rc == TOKEN_OK)
        rc = judge_header(header);
    free(text);
    return rc;
}

/* ---- verifying ---- */

static enum token_error verify_signature(const struct signing_key *key, const char *token,
                                         const struct parts *parts)
{
    unsigned char signature[B64_MAX_READ(B64_SIZE(SIGNATURE_MAX))];
    size_t n;

    if (parts->signature.n > B64_SIZE(SIGNATURE_MAX) ||
        b64_read(signature, &n, parts->signature.p, parts->signature.n, B64_URL) != 0)
        return TOKEN_MALFORMED;
    int genuine = signing_key_verify(key, token, parts->signed_n, signature, n);
    return genuine > 0 ? TOKEN_OK : genuine == 0 ? TOKEN_SIGNATURE : TOKEN_MEMORY;
}

static enum token_error keep(struct jws *out, const struct signing_key *key, const struct header *header,
                             struct part payload)
{
    out->key = key;
    out->type = header->typ ? strdup(header->typ) : NULL;
    if (header->typ && !out->type)
        return TOKEN_MEMORY;
    return decode(payload, &out->payload, &out->payload_n);
}

/* With `key`, or when that is NULL with the set's of this kid. */
static enum token_error verify(const struct key_set *keys, const struct signing_key *key, const char *token,
                               size_t n, int64_t now_s, struct jws *out)
{
    struct parts parts;
    struct header header = { NULL, NULL, NULL, NULL };

    *out = (struct jws){ NULL, NULL, NULL, 0 };
    if (split(token, n, &parts) != 0)
        return TOKEN_MALFORMED;
    enum token_error rc = read_header(parts.header, &header);
    if (rc != TOKEN_OK)
        goto done;
    if (!key && !header.kid) {
        rc = TOKEN_HEADER;
        goto done;
    }
    if (!key)
        key = key_set_find(keys, header.kid, strlen(header.kid), now_s);
    if (!key)
        rc = TOKEN_UNKNOWN_KEY;
    else if (strcmp(header.alg, signing_alg_name(signing_key_alg(key))) != 0)
        rc = TOKEN_ALGORITHM;
    else
        rc = verify_signature(key, token, &parts);
    if (rc == TOKEN_OK)
        rc = keep(out, key, &header, parts.payload);
done:
    if (rc != TOKEN_OK)
        jws_finish(out);
    json_decref(header.json);
    return rc;
}

enum token_error jws_verify(const struct key_set *keys, const char *token, size_t n, int64_t now_s,
                            struct jws *out)
{
    return verify(keys, NULL, token, n, now_s, out);
}

enum token_error jws_verify_with(const struct signing_key *key, const char *token, size_t n, struct jws *out)
{
    return verify(NULL, key, token, n, 0, out);
}

void jws_finish(struct jws *jws)
{
    free(jws->type);
    free(jws->payload);
    *jws = (struct jws){ NULL, NULL, NULL, 0 };
}

/* ---- signing ---- */

static char *make_header(const struct signing_key *key, const char *type, size_t *n)
{
    const char *alg = signing_alg_name(signing_key_alg(key));
    json_t *header = json_pack("{s:s, s:s}", "alg", alg, "kid", signing_key_kid(key));
    char *text = NULL;

    if (header && (!type || json_object_set_new(header, "typ", json_string(type)) == 0))
        text = json_safe_write(header, 0, n);
    json_decref(header);
    return text;
}

int jws_sign(const struct signing_key *key, const char *type, const char *payload, size_t n, char **token)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t signature_n, length, header_n;
    char *text = NULL, *header = make_header(key, type, &header_n);
    int rc = -1;

    *token = NULL;
    if (!header || n > JWS_MAX)
        goto done;
    size_t room = B64_SIZE(header_n) + 1 + B64_SIZE(n) + 1 + B64_SIZE(SIGNATURE_MAX) + 1;
    text = malloc(room);
    if (!text)
        goto done;
    length = b64_write(text, header, header_n, B64_URL);
    text[length++] = '.';
    length += b64_write(text + length, payload, n, B64_URL);
    if (signing_key_sign(key, text, length, signature, &signature_n) != 0)
        goto done;
    text[length++] = '.';
    length += b64_write(text + length, signature, signature_n, B64_URL);
    if (length > JWS_MAX)
        goto done;
    *token = text;
    text = NULL;
    rc = 0;
done:
    free(text);
    free(header);
    return rc;
}
