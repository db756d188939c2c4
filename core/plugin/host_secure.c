#include <openssl/crypto.h>

#include "plugin/call.h"
#include "plugin/host.h"
#include "secure/digest.h"
#include "secure/keyring.h"
#include "secure/random.h"
#include "secure/uuid.h"

/* ---- ids and tokens ---- */

/* Also where the call is a stray one: "" would be a token that everybody knows. */
static char *alloc_even_stray(dw_call *c, const char *step, size_t size)
{
    if (call_is_mine(c))
        return call_alloc(c, size);
    call_stray(c, step);
    return call_leak(c, size);
}

/* Nothing that can fail may go on with an id that is none. */
static const char *no_random_bytes(dw_call *c)
{
    if (call_is_mine(c))
        call_poison(c, "the system has no random bytes");
    return "";
}

static const char *make_id(dw_call *c)
{
    char *text = alloc_even_stray(c, "dw_id", UUID_TEXT_SIZE);
    struct uuid id;

    if (uuid_make(&id) != 0)
        return no_random_bytes(c);
    uuid_format(&id, text);
    return text;
}

static const char *token(dw_call *c, size_t bytes)
{
    enum { BYTES_MAX = 1 << 20 };

    if (call_is_mine(c) && (bytes == 0 || bytes > BYTES_MAX))
        call_misuse(c, "dw_random_token was asked for %zu bytes; it gives 1 to %d", bytes, BYTES_MAX);
    if (bytes == 0 || bytes > BYTES_MAX)
        bytes = 32;
    char *text = alloc_even_stray(c, "dw_random_token", RANDOM_TOKEN_SIZE(bytes));
    return random_token(text, bytes) == 0 ? text : no_random_bytes(c);
}

/* ---- digests ---- */

/* All below give NULL where there is no digest: as an empty text it could be forged, NULL equals nothing. */

static bool is_kind(dw_call *c, const char *step, int kind)
{
    if (!call_is_mine(c)) {
        call_stray(c, step);
        return false;
    }
    if (kind > 0 && kind < DIGEST_KINDS)
        return true;
    call_misuse(c, "%s: there is no enum dw_digest %d", step, kind);
    return false;
}

static const char *digest_text(dw_call *c, int rc, const char *hex)
{
    if (rc == 0)
        return call_copy(c, str_from(hex));
    call_poison(c, "out of memory");
    return NULL;
}

static const char *make_digest(dw_call *c, int kind, dw_bytes data)
{
    char hex[DIGEST_HEX_SIZE];

    if (!is_kind(c, "dw_digest_hex", kind))
        return NULL;
    return digest_text(c, digest_hex((enum digest_kind)kind, str_make(data.p, data.n), hex), hex);
}

static const char *make_hmac(dw_call *c, int kind, dw_secret key, dw_bytes data)
{
    char hex[DIGEST_HEX_SIZE];
    struct str secret = str_from(key.hidden);

    if (!is_kind(c, "dw_hmac_hex", kind))
        return NULL;
    if (secret.n == 0) {
        call_misuse(c, "dw_hmac_hex: the key is empty, so anybody could sign as well");
        return NULL;
    }
    return digest_text(c, digest_hmac_hex((enum digest_kind)kind, secret, str_make(data.p, data.n), hex),
                       hex);
}

static int equal(const char *a, const char *b)
{
    return secure_equal_text(a, b);
}

/* ---- sealing ---- */

/* The keys, or NULL after recording what *rc says. */
static const struct keyring *keys(dw_call *c, const char *step, const void *in, const void *out, int *rc)
{
    *rc = call_check(c, step);
    if (*rc < 0)
        return NULL;
    const struct keyring *k = c->instance->process->keyring;
    if (!in || !out)
        *rc = call_misuse(c, "%s was given nothing to work on, or no place for its result", step);
    else if (!k)
        *rc = call_fail_inner(c, DW_EUNAVAILABLE, "%s: this process has no keys", step);
    return *rc < 0 ? NULL : k;
}

static int seal(dw_call *c, dw_str plain, const char **sealed)
{
    int rc;
    const struct keyring *k = keys(c, "dw_seal", "", sealed, &rc);

    if (!k)
        return rc;
    if (plain.n > FERNET_PLAIN_MAX)
        return call_fail(c, DW_ETOOLARGE, "dw_seal: %zu bytes are more than the %d that can be sealed",
                         plain.n, FERNET_PLAIN_MAX);
    char *text = call_alloc(c, fernet_sealed_size(plain.n) + 1);
    if (keyring_seal(k, str_make(plain.p, plain.n), text) != 0)
        return call_fail(c, DW_ENOMEM, "dw_seal: no memory or no random bytes");
    *sealed = text;
    return 0;
}

struct opened {
    size_t n;
    char room[];
};

static void wipe(void *ud)
{
    struct opened *o = ud;
    OPENSSL_cleanse(o->room, o->n);
}

/* Where a token of that length is opened: wiped at the end of the call. */
static struct opened *make_room(dw_call *c, size_t n)
{
    struct opened *o = call_alloc(c, sizeof(*o) + n + 1);

    o->n = n + 1;
    call_at_end(c, CALL_UNDO_MEMORY, wipe, o);
    return o;
}

static void hand_over(struct opened *o, struct str opened, dw_str *plain)
{
    memmove(o->room, opened.p, opened.n); /* it may stand anywhere in the room */
    o->room[opened.n] = 0;
    *plain = (dw_str){ o->room, opened.n };
}

static int unseal(dw_call *c, const char *sealed, dw_str *plain)
{
    struct fernet_opened opened;
    int rc;
    const struct keyring *k = keys(c, "dw_unseal", sealed, plain, &rc);

    if (!k)
        return rc;
    struct str text = str_from(sealed);
    struct opened *o = make_room(c, text.n);
    rc = keyring_unseal(k, text, -1, o->room, &opened);
    if (rc == FERNET_FAILED)
        return call_fail(c, DW_ENOMEM, "dw_unseal: out of memory");
    if (rc != 0)
        return call_fail(c, DW_EINVALID, "this was not sealed by this server, or its key is no longer known");
    hand_over(o, opened.plain, plain);
    return 0;
}

static int unseal_with(dw_call *c, dw_secret secret, const char *sealed, dw_str *plain)
{
    static const char step[] = "dw_unseal_with";
    struct fernet_opened opened;
    struct fernet_key key;

    DW_TRY(call_check(c, step));
    if (!secret.hidden || !sealed || !plain)
        return call_misuse(c, "%s was given no key, nothing to work on, or no place for its result", step);
    if (fernet_key_parse(str_from(secret.hidden), &key) != 0)
        return call_fail(c, DW_EINVALID, "this is no Fernet key: one has %d characters of base64url",
                         FERNET_KEY_TEXT);
    struct str text = str_from(sealed);
    struct opened *o = make_room(c, text.n);
    int rc = fernet_unseal(&key, 1, text, NULL, o->room, &opened);
    OPENSSL_cleanse(&key, sizeof(key));
    if (rc == FERNET_FAILED)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", step);
    if (rc != 0)
        return call_fail(c, DW_EINVALID, "this was not sealed with this key");
    hand_over(o, opened.plain, plain);
    return 0;
}

const dw_secure_api host_secure_api = {
    .struct_size = sizeof(dw_secure_api),
    .id = make_id,
    .token = token,
    .digest = make_digest,
    .hmac = make_hmac,
    .equal = equal,
    .seal = seal,
    .unseal = unseal,
    .unseal_with = unseal_with,
};
