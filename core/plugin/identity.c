#include "plugin/identity.h"

#include <stdlib.h>
#include <string.h>

#include "secure/uuid.h"
#include "util/clock.h"
#include "util/compiler.h"

enum { TEXT_MAX = 1000, PERMISSIONS_MAX = 10000, HOUR_S = 3600 };

/* ---- is it one? ---- */

static bool is_text(const char *text, size_t max)
{
    return !text || (strnlen(text, max + 1) <= max && str_is_utf8(str_from(text)));
}

static bool are_texts(const dw_credential *f)
{
    const char *const texts[] = { f->id, f->name, f->email, f->locale, f->zone, f->credential, f->csrf };

    for (size_t i = 0; i < DW_COUNT_OF(texts); i++) {
        if (!is_text(texts[i], TEXT_MAX))
            return false;
    }
    for (size_t i = 0; i < f->permissions_n; i++) {
        if (!f->permissions[i] || !is_text(f->permissions[i], TEXT_MAX))
            return false;
    }
    return true;
}

static const char *wrong_with(const dw_credential *f, int64_t now_us)
{
    struct uuid tenant;

    if (f->principal_kind != DW_USER && f->principal_kind != DW_KEY)
        return "its principal_kind is none";
    if (!f->id || !*f->id)
        return "it has no id";
    if (f->permissions_n > PERMISSIONS_MAX || (f->permissions_n > 0 && !f->permissions))
        return "its permissions are none";
    if (!are_texts(f))
        return "one of its texts is not UTF-8, or has more than 1000 bytes";
    if (f->tenant && uuid_parse(str_from(f->tenant), &tenant) != 0)
        return "its tenant is no UUID";
    if (f->kind == DW_COOKIE && (!f->csrf || !*f->csrf))
        return "a cookie needs a csrf, or other sites could act for its owner";
    if (f->expires.us != 0 && f->expires.us <= now_us)
        return "it has expired";
    return NULL;
}

/* ---- one block of memory ---- */

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 1;
}

static size_t texts_size(const dw_credential *f)
{
    size_t n = size_of(f->id) + size_of(f->name) + size_of(f->email) + size_of(f->locale) + size_of(f->zone) +
               size_of(f->credential) + size_of(f->csrf) + size_of(f->tenant);

    for (size_t i = 0; i < f->permissions_n; i++)
        n += size_of(f->permissions[i]);
    return n;
}

static const char *put(char **to, const char *text)
{
    char *begin = *to;
    size_t n = size_of(text);

    memcpy(begin, text ? text : "", n);
    *to += n;
    return begin;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_permissions(struct identity *i, const char **names, const dw_credential *f, char **to)
{
    size_t n = 0;

    for (size_t k = 0; k < f->permissions_n; k++)
        names[k] = put(to, f->permissions[k]);
    if (f->permissions_n > 0)
        qsort(names, f->permissions_n, sizeof(*names), compare);
    for (size_t k = 0; k < f->permissions_n; k++) {
        if (n == 0 || strcmp(names[n - 1], names[k]) != 0)
            names[n++] = names[k];
        i->has_all |= strcmp(names[k], "*") == 0;
    }
    i->permissions = names;
    i->permissions_n = n;
}

static struct identity *copy(const dw_credential *f, int64_t now_us)
{
    size_t names_size = f->permissions_n * sizeof(char *);
    struct identity *i = malloc(sizeof(*i) + names_size + texts_size(f));

    if (!i)
        return NULL;
    const char **names = (const char **)(void *)(i + 1);
    char *to = (char *)(i + 1) + names_size;
    *i = (struct identity){
        .references = 1,
        .principal = { .struct_size = sizeof(dw_principal), .kind = f->principal_kind },
        .expires_us = f->expires.us ? f->expires.us : now_us + HOUR_S * (int64_t)CLOCK_SECOND,
    };
    i->principal.id = put(&to, f->id);
    i->principal.name = put(&to, f->name);
    i->principal.email = put(&to, f->email);
    i->principal.locale = put(&to, f->locale);
    i->principal.zone = put(&to, f->zone);
    i->principal.credential = put(&to, f->credential);
    i->csrf = f->csrf ? put(&to, f->csrf) : NULL;
    i->tenant = f->tenant ? put(&to, f->tenant) : NULL;
    put_permissions(i, names, f, &to);
    return i;
}

int identity_create(struct identity **out, const dw_credential *found, int64_t now_us, const char **why)
{
    *out = NULL;
    if ((*why = wrong_with(found, now_us)) != NULL)
        return DW_EINVALID;
    *out = copy(found, now_us);
    if (*out)
        return 0;
    *why = "out of memory";
    return DW_ENOMEM;
}

struct identity *identity_hold(struct identity *i)
{
    atomic_fetch_add_explicit(&i->references, 1, memory_order_relaxed);
    return i;
}

void identity_drop(struct identity *i)
{
    if (i && atomic_fetch_sub_explicit(&i->references, 1, memory_order_acq_rel) == 1)
        free(i);
}

/* ---- what it may ---- */

static bool has(const struct identity *i, const char *name)
{
    return i->permissions_n > 0 &&
           bsearch(&name, i->permissions, i->permissions_n, sizeof(*i->permissions), compare);
}

static bool has_plugin(const struct identity *i, const char *permission)
{
    const char *dot = strchr(permission, '.');
    char all[64];

    if (!dot || dot - permission > (int)sizeof(all) - 3)
        return false;
    size_t n = (size_t)(dot - permission) + 1;
    memcpy(all, permission, n);
    all[n] = '*';
    all[n + 1] = 0;
    return has(i, all);
}

bool identity_may(const struct identity *i, const char *permission)
{
    return i->has_all || has(i, permission) || has_plugin(i, permission);
}

bool identity_is_about(const struct identity *i, const char *id)
{
    return strcmp(i->principal.id, id) == 0 || (*id && strcmp(i->principal.credential, id) == 0) ||
           (i->tenant && strcmp(i->tenant, id) == 0);
}
