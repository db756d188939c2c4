#include "secure/webhook.h"

#include <openssl/crypto.h>

#include "secure/random.h"

static const struct str prefix = STR("whsec_");

enum { MAC = 32, MAC_TEXT = BASE64_PADDED_SIZE(MAC) }; /* HMAC-SHA256 */

/* ---- secrets ---- */

int webhook_secret_make(char out[WEBHOOK_SECRET_SIZE])
{
    unsigned char key[WEBHOOK_KEY_MADE];
    size_t n = prefix.n + BASE64_PADDED_SIZE(sizeof(key));

    out[0] = 0;
    if (random_bytes(key, sizeof(key)) != 0)
        return -1;
    memcpy(out, prefix.p, prefix.n);
    base64_encode(out + prefix.n, str_make((const char *)key, sizeof(key)), BASE64_PADDED);
    out[n] = 0;
    OPENSSL_cleanse(key, sizeof(key));
    return 0;
}

const char *webhook_secret_read(struct str text, struct webhook_key *out)
{
    unsigned char room[BASE64_DECODED_MAX(WEBHOOK_SECRET_SIZE)];
    const char *wrong = NULL;
    size_t n = 0;

    if (str_starts_with(text, prefix))
        text = str_make(text.p + prefix.n, text.n - prefix.n);
    if (text.n == 0)
        return "the secret is empty";
    if (text.n > BASE64_PADDED_SIZE(WEBHOOK_KEY_MAX))
        return "the secret has more than 64 bytes in base64";
    if (base64_decode(room, &n, text, BASE64_PADDED) != 0 && base64_decode(room, &n, text, BASE64_BARE) != 0)
        wrong = "the secret is not base64; a secret of Standard Webhooks is whsec_ and base64";
    else if (n < WEBHOOK_KEY_MIN)
        wrong = "the secret has less than 24 bytes and could be guessed";
    else if (n > WEBHOOK_KEY_MAX)
        wrong = "the secret has more than 64 bytes in base64";
    if (!wrong) {
        memcpy(out->bytes, room, n);
        out->n = n;
    }
    OPENSSL_cleanse(room, sizeof(room));
    return wrong;
}

/* ---- signing ---- */

static bool is_id(struct str id)
{
    if (id.n == 0 || id.n > WEBHOOK_ID_MAX)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        if (id.p[i] <= ' ' || id.p[i] > '~' || id.p[i] == '.')
            return false;
    }
    return true;
}

static void add_signed_text(struct buf *out, struct str id, struct str timestamp, struct str body)
{
    buf_add_str(out, id);
    buf_add_char(out, '.');
    buf_add_str(out, timestamp);
    buf_add_char(out, '.');
    buf_add_str(out, body);
}

/* In base64, not terminated. */
static int sign_once(char out[MAC_TEXT], const struct webhook_key *key, struct str text)
{
    unsigned char mac[DIGEST_SIZE_MAX];

    if (digest_hmac(DIGEST_SHA256, str_make((const char *)key->bytes, key->n), text, mac) != 0)
        return -1;
    base64_encode(out, str_make((const char *)mac, MAC), BASE64_PADDED);
    return 0;
}

int webhook_sign(struct buf *out, const struct webhook_key *keys, size_t keys_n, struct str id,
                 int64_t sent_s, struct str body)
{
    struct buf text = BUF_INIT, second = BUF_INIT;
    char signature[MAC_TEXT];
    int rc = -1;

    if (keys_n == 0 || !is_id(id))
        return -1;
    buf_add_int(&second, sent_s);
    add_signed_text(&text, id, buf_str(&second), body);
    if (buf_failed(&second) || buf_failed(&text))
        goto done;
    for (size_t i = 0; i < keys_n; i++) {
        if (sign_once(signature, &keys[i], buf_str(&text)) != 0)
            goto done;
        buf_add_text(out, i > 0 ? " v1," : "v1,");
        buf_add(out, signature, sizeof(signature));
    }
    rc = buf_failed(out) ? -1 : 0;
done:
    buf_finish(&text);
    buf_finish(&second);
    return rc;
}

/* ---- checking ---- */

const char *webhook_verdict_text(enum webhook_verdict verdict)
{
    static const char *const texts[WEBHOOK_VERDICTS] = {
        [WEBHOOK_GENUINE] = "the signature is genuine",
        [WEBHOOK_UNSIGNED] = "it is not signed, or a field that belongs to the signature is missing",
        [WEBHOOK_MALFORMED] = "its id or its time is malformed",
        [WEBHOOK_TOO_OLD] = "it was signed too long ago; are both clocks right?",
        [WEBHOOK_IN_FUTURE] = "it was signed in the future; are both clocks right?",
        [WEBHOOK_FORGED] = "the signature does not fit the body and the secret",
        [WEBHOOK_UNVERIFIABLE] = "the signature cannot be checked at the moment",
    };

    return verdict < WEBHOOK_VERDICTS ? texts[verdict] : "unknown";
}

/* Does one of the signatures in the list equal the expected one? */
static bool is_listed(struct str list, const char expected[MAC_TEXT])
{
    struct str item;

    while (str_split(&list, ' ', &item)) {
        if (item.n == 3 + MAC_TEXT && memcmp(item.p, "v1,", 3) == 0 &&
            secure_equal(item.p + 3, expected, MAC_TEXT))
            return true;
    }
    return false;
}

static enum webhook_verdict verify_signature(const struct webhook_fields *fields, struct str body,
                                             const struct webhook_key *keys, size_t keys_n)
{
    enum webhook_verdict verdict = WEBHOOK_FORGED;
    struct buf text = BUF_INIT;
    char expected[MAC_TEXT];

    add_signed_text(&text, fields->id, fields->timestamp, body);
    if (buf_failed(&text))
        verdict = WEBHOOK_UNVERIFIABLE;
    for (size_t i = 0; verdict == WEBHOOK_FORGED && i < keys_n; i++) {
        if (sign_once(expected, &keys[i], buf_str(&text)) != 0)
            verdict = WEBHOOK_UNVERIFIABLE;
        else if (is_listed(fields->signature, expected))
            verdict = WEBHOOK_GENUINE;
    }
    OPENSSL_cleanse(expected, sizeof(expected)); /* what a forger would want to read */
    buf_finish(&text);
    return verdict;
}

enum webhook_verdict webhook_verify(const struct webhook_fields *fields, struct str body,
                                    const struct webhook_key *keys, size_t keys_n, int64_t now_s,
                                    int64_t tolerance_s)
{
    uint64_t sent_s;

    if (keys_n == 0)
        return WEBHOOK_UNVERIFIABLE;
    if (fields->id.n == 0 || fields->timestamp.n == 0 || fields->signature.n == 0)
        return WEBHOOK_UNSIGNED;
    if (!is_id(fields->id) || !str_to_uint(fields->timestamp, INT64_MAX / 2, &sent_s))
        return WEBHOOK_MALFORMED;
    if ((int64_t)sent_s < now_s - tolerance_s)
        return WEBHOOK_TOO_OLD;
    if ((int64_t)sent_s > now_s + tolerance_s)
        return WEBHOOK_IN_FUTURE;
    return verify_signature(fields, body, keys, keys_n);
}

/* ---- the hub's ---- */

static const char *hub_name(enum digest_kind kind)
{
    return kind == DIGEST_SHA1 ? "sha1=" : kind == DIGEST_SHA256 ? "sha256=" : NULL;
}

int webhook_hub_sign(char out[WEBHOOK_HUB_SIZE], enum digest_kind kind, struct str secret, struct str body)
{
    const char *name = hub_name(kind);

    out[0] = 0;
    if (!name)
        return -1;
    memcpy(out, name, strlen(name));
    if (digest_hmac_hex(kind, secret, body, out + strlen(name)) == 0)
        return 0;
    out[0] = 0;
    return -1;
}

enum webhook_verdict webhook_hub_verify(enum digest_kind kind, struct str signature, struct str body,
                                        const struct str *secrets, size_t secrets_n)
{
    enum webhook_verdict verdict = WEBHOOK_FORGED;
    char expected[WEBHOOK_HUB_SIZE] = "";
    size_t usable = 0;

    if (signature.n == 0)
        return WEBHOOK_UNSIGNED;
    for (size_t i = 0; verdict == WEBHOOK_FORGED && i < secrets_n; i++) {
        if (secrets[i].n == 0)
            continue;
        usable++;
        if (webhook_hub_sign(expected, kind, secrets[i], body) != 0)
            verdict = WEBHOOK_UNVERIFIABLE;
        else if (signature.n == strlen(expected) && secure_equal(signature.p, expected, signature.n))
            verdict = WEBHOOK_GENUINE;
    }
    OPENSSL_cleanse(expected, sizeof(expected));
    return usable > 0 ? verdict : WEBHOOK_UNVERIFIABLE;
}
