#include "known.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"

int known_init(dw_call *c)
{
    struct kimai_self *self = dw_self(c);

    return pthread_mutex_init(&self->lock, NULL) == 0 ? 0 : dw_fail(c, DW_EINTERNAL, "no lock could be made");
}

void known_fini(dw_call *c)
{
    struct kimai_self *self = dw_self(c);

    pthread_mutex_destroy(&self->lock);
}

/* ---- the ring ---- */

/* A hash, so that no credential lies about: its text is wiped as well. NULL: memory. */
static const char *key_of(dw_call *c, dw_connection *conn, const char *kind, const char *name)
{
    const struct kimai_settings *s = kimai_settings(conn);
    const char *token = s->token.hidden ? s->token.hidden : "";
    const char *text = dw_format(c, "%s\n%s\n%s\n%s\n%s", kind, s->base_url, s->legacy_user, token, name);
    const char *hex = dw_digest_hex(c, DW_SHA256, (dw_bytes){ text, strlen(text) });

    explicit_bzero((char *)(uintptr_t)text, strlen(text));
    return hex ? dw_format(c, "%.32s", hex) : NULL;
}

static struct known_entry *find(struct kimai_self *self, const char *key)
{
    for (size_t i = 0; i < KNOWN_MAX; i++)
        if (strcmp(self->known[i].key, key) == 0)
            return &self->known[i];
    return NULL;
}

/* The value in the call's memory, or NULL. */
static const char *get(dw_call *c, const char *key)
{
    struct kimai_self *self = dw_self(c);
    char value[sizeof(self->known->value)] = "";

    if (!key)
        return NULL;
    pthread_mutex_lock(&self->lock);
    const struct known_entry *entry = find(self, key);
    if (entry)
        memcpy(value, entry->value, sizeof(value));
    pthread_mutex_unlock(&self->lock);
    return entry ? dw_copy(c, (dw_str){ value, strlen(value) }) : NULL;
}

static void put(dw_call *c, const char *key, const char *value)
{
    struct kimai_self *self = dw_self(c);

    if (!key)
        return; /* it is asked again, nothing else */
    pthread_mutex_lock(&self->lock);
    struct known_entry *entry = find(self, key);
    if (!entry)
        entry = &self->known[self->next++ % KNOWN_MAX];
    snprintf(entry->key, sizeof(entry->key), "%s", key);
    snprintf(entry->value, sizeof(entry->value), "%s", value);
    pthread_mutex_unlock(&self->lock);
}

static void drop(dw_call *c, const char *key)
{
    struct kimai_self *self = dw_self(c);

    if (!key)
        return;
    pthread_mutex_lock(&self->lock);
    struct known_entry *entry = find(self, key);
    if (entry)
        *entry = (struct known_entry){ 0 };
    pthread_mutex_unlock(&self->lock);
}

/* ---- what is in it ---- */

int known_owner(dw_call *c, dw_connection *conn, const char **id)
{
    const char *key = key_of(c, conn, "owner", "");
    json_t *me;
    int64_t number = 0;

    *id = get(c, key);
    if (*id)
        return 0;
    DW_TRY(ask(c, conn, "/api/users/me", (dw_list){ 0 }, &me, NULL));
    if (dw_json_read(c, me, "id!", &number) < 0 || number <= 0)
        return dw_fail(c, DW_EUPSTREAM, "Kimai does not say whose the token is");
    *id = dw_format(c, "%lld", (long long)number);
    put(c, key, *id);
    return 0;
}

bool known_tag(dw_call *c, dw_connection *conn, const char *name)
{
    return get(c, key_of(c, conn, "tag", name)) != NULL;
}

void known_tag_add(dw_call *c, dw_connection *conn, const char *name)
{
    put(c, key_of(c, conn, "tag", name), "1");
}

void known_tag_drop(dw_call *c, dw_connection *conn, const char *name)
{
    drop(c, key_of(c, conn, "tag", name));
}
