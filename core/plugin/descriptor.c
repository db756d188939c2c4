#include "plugin/descriptor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Far above what anybody writes by hand; below what a wrong pointer would make of it. */
enum { ELEMENTS_MAX = 4096, TEXT_MAX = 4096, SELF_MAX = 64 << 20, CONF_MAX = 1 << 20 };

/* Up to where a descriptor of minor 1 goes: what every plugin has. */
#define REQUIRED_SIZE (offsetof(dw_plugin, fini) + sizeof(((dw_plugin *)0)->fini))

struct reading {
    const dw_plugin *raw;
    dw_plugin whole; /* of this host's size: what the plugin lacks is zero */
    dw_sizes strides;
    struct arena *arena;
    struct buf *why;
};

static int refuse(struct reading *r, const char *format, ...) DW_PRINTF(2, 3);
static int refuse(struct reading *r, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_add_text(r->why, text);
    return -1;
}

/* ---- versions and sizes, before anything else is looked at ---- */

static int check_abi(struct reading *r)
{
    const dw_plugin *raw = r->raw;

    if (raw->struct_size < offsetof(dw_plugin, sizes))
        return refuse(r, "its descriptor has %u bytes, which is no descriptor", raw->struct_size);
    if (raw->abi_major != DW_ABI_MAJOR)
        return refuse(r,
                      "was built for plugin ABI %u, this server has %u: build it anew with this server's SDK",
                      raw->abi_major, DW_ABI_MAJOR);
    if (raw->need_minor > DW_ABI_MINOR)
        return refuse(
            r,
            "needs plugin ABI %u.%u, this server has %u.%u: update the server, or build the plugin with "
            "DOWEL_NEED_MINOR %u",
            raw->abi_major, raw->need_minor, DW_ABI_MAJOR, DW_ABI_MINOR, DW_ABI_MINOR);
    if (raw->struct_size < REQUIRED_SIZE)
        return refuse(r, "its descriptor has %u bytes; the smallest has %zu", raw->struct_size,
                      REQUIRED_SIZE);
    return 0;
}

static int take_sizes(struct reading *r)
{
    size_t n = r->raw->struct_size < sizeof(r->whole) ? r->raw->struct_size : sizeof(r->whole);

    memcpy(&r->whole, r->raw, n);
    if (!r->whole.sizes || !r->whole.host)
        return refuse(r, "its descriptor was not made by DOWEL_PLUGIN(): sizes or host is missing");
    if (r->whole.sizes_size < offsetof(dw_sizes, service) + sizeof(uint16_t))
        return refuse(r, "its table of sizes has %u bytes, which is too small", r->whole.sizes_size);
    n = r->whole.sizes_size < sizeof(r->strides) ? r->whole.sizes_size : sizeof(r->strides);
    memcpy(&r->strides, r->whole.sizes, n);
    return 0;
}

/* ---- texts ---- */

static bool is_name(const char *s, size_t max)
{
    size_t n = 0;

    if (!s || *s < 'a' || *s > 'z')
        return false;
    while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= '0' && s[n] <= '9') || s[n] == '_')
        n++;
    return s[n] == 0 && n <= max;
}

static int take_text(struct reading *r, const char *what, const char *text, const char **out)
{
    size_t n = text ? strnlen(text, TEXT_MAX + 1) : 0;

    if (n > TEXT_MAX)
        return refuse(r, "its %s is longer than %d bytes", what, TEXT_MAX);
    if (n > 0 && !str_is_utf8(str_make(text, n)))
        return refuse(r, "its %s is not UTF-8", what);
    *out = text ? text : "";
    return 0;
}

/* "1", "1.2" or "1.2.3". */
static bool is_version(const char *s)
{
    for (int parts = 0; parts < 3; parts++) {
        size_t digits = strspn(s, "0123456789");
        if (digits == 0 || digits > 9)
            return false;
        s += digits;
        if (*s == 0)
            return true;
        if (*s++ != '.')
            return false;
    }
    return false;
}

static int take_texts(struct reading *r, struct plugin_descriptor *d)
{
    const dw_plugin *p = &r->whole;

    if (!is_name(p->name, PLUGIN_NAME_MAX))
        return refuse(r, "its name is not of the form [a-z][a-z0-9_]*, at most %d characters",
                      PLUGIN_NAME_MAX);
    d->name = p->name;
    if (take_text(r, "version", p->version, &d->version) != 0 ||
        take_text(r, "summary", p->summary, &d->summary) != 0 ||
        take_text(r, "license", p->license, &d->license) != 0 ||
        take_text(r, "list of needs", p->needs, &d->needs) != 0 ||
        take_text(r, "list of wants", p->wants, &d->wants) != 0)
        return -1;
    if (!is_version(d->version))
        return refuse(r, "its version is not of the form 1.2.3");
    return 0;
}

/* ---- arrays: read by the plugin's strides, copied into elements of this host's size ---- */

struct array {
    const char *what;  /* "operation" */
    const void *first; /* the plugin's; may be NULL */
    size_t stride;     /* the plugin's */
    size_t size;       /* this host's */
    size_t least;      /* bytes of an element of minor 1 */
    size_t key;        /* offset of the text that names an element; NULL ends the array */
};

static const char *key_at(const void *element, size_t offset)
{
    const char *key;
    memcpy(&key, (const char *)element + offset, sizeof(key));
    return key;
}

static int check_key(struct reading *r, const struct array *a, const char *key, const char *before, size_t n)
{
    if (strnlen(key, TEXT_MAX + 1) > TEXT_MAX)
        return refuse(r, "the name of an %s is longer than %d bytes", a->what, TEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(key_at(before + i * a->size, a->key), key) == 0)
            return refuse(r, "has two of %s %s", a->what, key);
    }
    return 0;
}

/* A key that stands twice is refused, unless `twice`. */
static int take_array(struct reading *r, const struct array *a, bool twice, const void **out, size_t *count)
{
    const char *element = a->first;
    size_t n = 0, copied = a->stride < a->size ? a->stride : a->size;

    *out = NULL;
    *count = 0;
    if (!a->first)
        return 0;
    if (a->stride < a->least || a->stride > 1024 || a->stride % sizeof(void *) != 0)
        return refuse(r, "its %s elements have %zu bytes; the smallest have %zu", a->what, a->stride,
                      a->least);
    while (n <= ELEMENTS_MAX && key_at(element + n * a->stride, a->key))
        n++;
    if (n > ELEMENTS_MAX)
        return refuse(r, "its array of %s does not end: its last element must be { 0 }", a->what);
    char *copy = arena_calloc(r->arena, (n + 1) * a->size);
    if (!copy)
        return refuse(r, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const char *key = key_at(element + i * a->stride, a->key);
        if (check_key(r, a, key, copy, twice ? 0 : i) != 0)
            return -1;
        memcpy(copy + i * a->size, element + i * a->stride, copied);
    }
    *out = copy;
    *count = n;
    return 0;
}

#define ARRAY(member, type, key_, last)                  \
    (&(const struct array){ .what = #member,             \
                            .first = r->whole.member##s, \
                            .stride = r->strides.member, \
                            .size = sizeof(type),        \
                            .key = offsetof(type, key_), \
                            .least = offsetof(type, last) + sizeof(((type *)0)->last) })

#define TAKE(member, type, key_, last, twice) \
    take_array(r, ARRAY(member, type, key_, last), twice, (const void **)&d->member##s, &d->member##s_n)

static int take_items(struct reading *r, struct plugin_descriptor *d)
{
    const struct array items = {
        .what = "item",
        .first = r->whole.conf.list,
        .stride = r->strides.item,
        .size = sizeof(dw_item),
        .least = offsetof(dw_item, pattern) + sizeof(char *),
        .key = offsetof(dw_item, name),
    };

    d->conf_size = r->whole.conf.struct_bytes;
    if (d->conf_size > CONF_MAX)
        return refuse(r, "its configuration struct has %zu bytes", d->conf_size);
    return take_array(r, &items, false, (const void **)&d->items, &d->items_n);
}

static int take_arrays(struct reading *r, struct plugin_descriptor *d)
{
    if (take_items(r, d) != 0 || TAKE(asset, dw_asset, path, size, false) != 0 ||
        TAKE(operation, dw_operation, id, handler, false) != 0 ||
        TAKE(route, dw_route, path, handler, true) != 0 ||
        TAKE(question, dw_question, name, silence, false) != 0 ||
        TAKE(hook, dw_hook, name, priority, true) != 0 || TAKE(service, dw_service, name, serve, false) != 0)
        return -1;
    return 0;
}

/* ---- what must not be missing in them ---- */

static size_t size_of_type(uint32_t type)
{
    static const size_t sizes[] = {
        [DW_ITEM_BOOL] = sizeof(bool),     [DW_ITEM_INT] = sizeof(int64_t),
        [DW_ITEM_REAL] = sizeof(double),   [DW_ITEM_TEXT] = sizeof(char *),
        [DW_ITEM_SPAN] = sizeof(dw_span),  [DW_ITEM_SECRET] = sizeof(dw_secret),
        [DW_ITEM_LIST] = sizeof(dw_texts),
    };
    return type < DW_COUNT_OF(sizes) ? sizes[type] : 0;
}

static int check_items(struct reading *r, const struct plugin_descriptor *d)
{
    for (size_t i = 0; i < d->items_n; i++) {
        const dw_item *item = &d->items[i];
        size_t n = size_of_type(item->type);

        if (!is_name(item->name, 64))
            return refuse(r, "item %zu has no name of the form [a-z][a-z0-9_]*", i + 1);
        if (strcmp(item->name, "enabled") == 0 || strcmp(item->name, "required") == 0)
            return refuse(r, "an item is called %s, which every plugin has already", item->name);
        if (n == 0)
            return refuse(r, "item %s has type %u, which this server does not know", item->name, item->type);
        if (item->offset > d->conf_size || d->conf_size - item->offset < n || item->offset % (n < 8 ? n : 8) != 0)
            return refuse(r, "item %s lies outside of its configuration struct", item->name);
    }
    return 0;
}

static int check_callbacks(struct reading *r, const struct plugin_descriptor *d)
{
    for (size_t i = 0; i < d->operations_n; i++) {
        if (!d->operations[i].handler)
            return refuse(r, "operation %s has no handler", d->operations[i].id);
    }
    for (size_t i = 0; i < d->routes_n; i++) {
        if (!d->routes[i].handler)
            return refuse(r, "route %s has no handler", d->routes[i].path);
    }
    for (size_t i = 0; i < d->hooks_n; i++) {
        if (!d->hooks[i].answer)
            return refuse(r, "hook %s has no answer", d->hooks[i].name);
    }
    for (size_t i = 0; i < d->services_n; i++) {
        if (!d->services[i].serve)
            return refuse(r, "service %s has no function", d->services[i].name);
    }
    for (size_t i = 0; i < d->assets_n; i++) {
        if (!d->assets[i].data && d->assets[i].size > 0)
            return refuse(r, "asset %s has no content", d->assets[i].path);
    }
    return 0;
}

static void take_functions(const dw_plugin *p, struct plugin_descriptor *d)
{
    d->init = p->init;
    d->start = p->start;
    d->check = p->check;
    d->stop = p->stop;
    d->fini = p->fini;
}

int descriptor_read(struct plugin_descriptor **out, const dw_plugin *raw, struct arena *arena,
                    struct buf *why)
{
    struct reading r = { .raw = raw, .arena = arena, .why = why };
    struct plugin_descriptor *d = arena_calloc(arena, sizeof(*d));

    *out = NULL;
    if (!d)
        return refuse(&r, "out of memory");
    if (check_abi(&r) != 0 || take_sizes(&r) != 0 || take_texts(&r, d) != 0 || take_arrays(&r, d) != 0 ||
        check_items(&r, d) != 0 || check_callbacks(&r, d) != 0)
        return -1;
    if (r.whole.self_size > SELF_MAX)
        return refuse(&r, "wants %zu bytes of state; at most %d are given", r.whole.self_size, SELF_MAX);
    d->raw = raw;
    d->abi_major = raw->abi_major;
    d->abi_minor = raw->abi_minor;
    d->need_minor = raw->need_minor;
    d->self_size = r.whole.self_size;
    take_functions(&r.whole, d);
    *out = d;
    return 0;
}

const dw_asset *descriptor_asset(const struct plugin_descriptor *d, const char *path)
{
    for (size_t i = 0; i < d->assets_n; i++) {
        if (strcmp(d->assets[i].path, path) == 0)
            return &d->assets[i];
    }
    return NULL;
}
