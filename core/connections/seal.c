#include "connections/seal.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "util/json.h"

/* What was only read up to here is no longer needed by anybody: constness does not count. */
static void wipe(const char *p, size_t n)
{
    OPENSSL_cleanse((void *)(uintptr_t)p, n);
}

void secret_wipe(const char *text)
{
    if (text && *text)
        wipe(text, strlen(text));
}

static void wipe_value(const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++)
        wipe_value(json_array_get(value, i));
    if (json_is_string(value))
        wipe(json_string_value(value), json_string_length(value));
}

void secret_json_wipe(const json_t *object)
{
    json_t *all = (json_t *)(uintptr_t)object; /* jansson's loop wants it so */
    const char *name;
    json_t *value;

    json_object_foreach(all, name, value)
    {
        wipe_value(value);
    }
}

/* ---- sealing ---- */

static void finish_wiped(struct buf *b)
{
    if (b->p)
        OPENSSL_cleanse(b->p, b->n);
    buf_finish(b);
}

static int write_plain(struct buf *out, const struct connection *c)
{
    char *settings = json_dumps(c->secrets, JSON_COMPACT | JSON_SORT_KEYS);

    if (!settings)
        return DW_ENOMEM;
    buf_reserve(out, strlen(settings) + 6 * strlen(c->client_key) + 64); /* what grows leaves copies behind */
    buf_add_format(out, "{\"settings\":%s,\"client_key\":", settings);
    buf_add_json(out, str_from(c->client_key));
    buf_add_char(out, '}');
    OPENSSL_cleanse(settings, strlen(settings));
    free(settings);
    return buf_failed(out) ? DW_ENOMEM : 0;
}

static int seal(const struct keyring *keyring, struct str plain, struct buf *token)
{
    size_t size = fernet_sealed_size(plain.n);
    char *room = malloc(size + 1);
    int rc = room ? keyring_seal(keyring, plain, room) : 0;

    if (!room)
        return DW_ENOMEM;
    if (rc == 0)
        buf_add_text(token, room);
    free(room);
    if (rc != 0)
        return DW_EINTERNAL;
    return buf_failed(token) ? DW_ENOMEM : 0;
}

int connection_seal(const struct connection *c, const struct keyring *keyring, struct buf *token)
{
    struct buf plain = BUF_INIT;

    if (json_object_size(c->secrets) == 0 && !*c->client_key)
        return 0;
    int rc = write_plain(&plain, c);
    if (rc == 0)
        rc = seal(keyring, buf_str(&plain), token);
    finish_wiped(&plain);
    return rc;
}

/* ---- unsealing ---- */

static int take_plain(struct connection *c, struct str plain)
{
    struct json_fault fault;
    json_t *all;

    if (json_strict_parse(plain, 0, &all, &fault) != 0)
        return fault.is_ours ? DW_ENOMEM : DW_EINTERNAL;
    json_t *settings = json_object_get(all, "settings");
    const json_t *key = json_object_get(all, "client_key");
    int rc = json_is_object(settings) && json_is_string(key) ? 0 : DW_EINTERNAL;
    if (rc == 0) {
        json_decref(c->secrets);
        c->secrets = json_incref(settings);
        c->client_key = arena_copy(&c->arena, str_from(json_string_value(key)));
        secret_wipe(json_string_value(key));
    }
    if (rc == 0 && !c->client_key) {
        c->client_key = "";
        rc = DW_ENOMEM;
    }
    json_decref(all);
    return rc;
}

int connection_unseal(struct connection *c, const struct keyring *keyring, const char *token)
{
    struct fernet_opened opened;
    struct str sealed = str_from(token);

    c->secrets = json_object();
    if (!c->secrets)
        return DW_ENOMEM;
    if (sealed.n == 0)
        return 0;
    char *room = malloc(sealed.n + 1);
    if (!room)
        return DW_ENOMEM;
    int rc = keyring_unseal(keyring, sealed, -1, room, &opened);
    c->unreadable = rc == FERNET_INVALID || rc == FERNET_EXPIRED;
    if (rc == 0)
        rc = take_plain(c, opened.plain);
    else
        rc = c->unreadable ? 0 : DW_ENOMEM;
    OPENSSL_cleanse(room, sealed.n + 1);
    free(room);
    return rc;
}
