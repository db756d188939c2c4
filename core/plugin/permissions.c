#include "plugin/permissions.h"

#include <stdlib.h>
#include <string.h>

void permissions_init(struct permissions *p)
{
    *p = (struct permissions){ 0 };
    arena_init(&p->arena, NULL, 0, 0);
}

void permissions_finish(struct permissions *p)
{
    free(p->list);
    arena_finish(&p->arena);
    *p = (struct permissions){ 0 };
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const dw_permission *)a)->name, ((const dw_permission *)b)->name);
}

static dw_permission *find(const struct permissions *p, const char *name)
{
    const dw_permission wanted = { .name = name };

    return p->n > 0 ? bsearch(&wanted, p->list, p->n, sizeof(*p->list), compare) : NULL;
}

const dw_permission *permissions_find(const struct permissions *p, const char *name)
{
    return find(p, name);
}

static bool is_called_after(const char *permission, const char *plugin)
{
    size_t n = strlen(plugin);

    return strncmp(permission, plugin, n) == 0 && permission[n] == '.';
}

static int copy(struct permissions *p, dw_permission *out, const char *plugin,
                const struct api_permission *from)
{
    out->struct_size = sizeof(*out);
    out->name = arena_copy(&p->arena, str_from(from->name));
    out->summary = arena_copy(&p->arena, str_from(from->summary));
    out->roles = arena_copy(&p->arena, str_from(from->roles));
    out->plugin = arena_copy(&p->arena, str_from(plugin));
    return out->name && out->summary && out->roles && out->plugin ? 0 : -1;
}

static dw_permission *grow(struct permissions *p)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 32;
        dw_permission *list = realloc(p->list, cap * sizeof(*list));
        if (!list)
            return NULL;
        p->list = list;
        p->cap = cap;
    }
    return &p->list[p->n];
}

static int add(struct permissions *p, const char *plugin, const struct api_permission *permission)
{
    dw_permission *known = find(p, permission->name), *at;

    if (known)
        return is_called_after(known->name, plugin) ? copy(p, known, plugin, permission) : 0;
    at = grow(p);
    if (!at || copy(p, at, plugin, permission) != 0)
        return -1;
    p->n++;
    qsort(p->list, p->n, sizeof(*p->list), compare);
    return 0;
}

int permissions_add(struct permissions *p, const char *plugin, const struct api_document *document)
{
    int rc = 0;

    for (size_t i = 0; i < document->permissions_n && rc == 0; i++)
        rc = add(p, plugin, &document->permissions[i]);
    return rc;
}
