#include "plugin/descriptor_read.h"

#include <stdarg.h>
#include <stdio.h>

/* Beyond these a number is taken for a mistake, not for a wish. */
enum { ELEMENTS_MAX = 4096 };

int reader_refuse(const struct reader *r, const char *format, ...)
{
    char text[700];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_add_text(r->why, text);
    return -1;
}

/* ---- texts ---- */

static bool is_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    }
    return str_is_utf8(s);
}

int reader_text(const struct reader *r, const char **text, size_t max, const char *what, const char *whose)
{
    size_t n = *text ? strnlen(*text, max + 1) : 0;
    const char *space = *whose ? " " : "";

    if (!*text)
        *text = "";
    if (n > max)
        return reader_refuse(r, "%s%s%s in its descriptor is longer than %zu bytes", what, space, whose, max);
    if (!is_line(str_make(*text, n)))
        return reader_refuse(r, "%s%s%s in its descriptor is not one line of UTF-8", what, space, whose);
    return 0;
}

bool reader_is_word(struct str s, const char *also)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(i > 0 && ((c >= '0' && c <= '9') || c == '_')) &&
            !(c && strchr(also, c)))
            return false;
    }
    return s.n > 0;
}

/* ---- arrays ---- */

static const char *key_of(const struct reader_kind *k, const char *element)
{
    const char *key;

    memcpy(&key, element + k->key, sizeof(key));
    return key;
}

static bool is_all_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i])
            return false;
    }
    return true;
}

/* How many there are before the end; -1 when there is none, or one without a name. */
static int count(const struct reader *r, const struct reader_kind *k, const char *array, size_t stride,
                 size_t *out)
{
    size_t n = 0;

    while (n < ELEMENTS_MAX && key_of(k, array + n * stride))
        n++;
    if (n == ELEMENTS_MAX)
        return reader_refuse(r,
                             "its list of %ss has no end within %d entries: { 0 } must stand behind the last",
                             k->what, ELEMENTS_MAX);
    if (!is_all_zero(array + n * stride, k->least))
        return reader_refuse(r, "entry %zu of its list of %ss has no name", n + 1, k->what);
    *out = n;
    return 0;
}

static int check_key(const struct reader *r, const struct reader_kind *k, const char *element, size_t i)
{
    const char *key = key_of(k, element);
    void (*function)(void) = NULL;

    if (reader_text(r, &key, k->key_max, "name of an entry in the list of its", k->what) != 0)
        return -1;
    if (!*key)
        return reader_refuse(r, "entry %zu of its list of %ss has an empty name", i + 1, k->what);
    if (k->characters && !reader_is_word(str_from(key), k->characters))
        return reader_refuse(r, "the %s %s has a name with other characters than a-z, 0-9 and _%s%s", k->what,
                             key, *k->characters ? " and " : "", k->characters);
    if (k->function)
        memcpy(&function, element + k->function, sizeof(function));
    if (k->function && !function)
        return reader_refuse(r, "the %s %s has no handler", k->what, key);
    return 0;
}

static int check_keys(const struct reader *r, const struct reader_kind *k, const char *elements, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *element = elements + i * k->size;
        if (check_key(r, k, element, i) != 0)
            return -1;
        for (size_t j = 0; !k->may_repeat && j < i; j++) {
            if (strcmp(key_of(k, element), key_of(k, elements + j * k->size)) == 0)
                return reader_refuse(r, "the %s %s stands twice in its descriptor", k->what,
                                     key_of(k, element));
        }
    }
    return 0;
}

static int check_stride(const struct reader *r, const struct reader_kind *k, size_t stride)
{
    if (stride >= k->least && stride <= READER_STRUCT_MAX && stride % sizeof(void *) == 0)
        return 0;
    return reader_refuse(
        r,
        "its %s elements have %zu bytes; a multiple of %zu from %zu to %d is right: build it again "
        "with the SDK",
        k->what, stride, sizeof(void *), k->least, READER_STRUCT_MAX);
}

void *reader_array(const struct reader *r, const struct reader_kind *k, const void *array, size_t stride,
                   size_t *out_n)
{
    size_t take = stride < k->size ? stride : k->size, n = 0;

    bool is_older = !array && stride == 0; /* than this array */
    if ((!is_older && check_stride(r, k, stride) != 0) || (array && count(r, k, array, stride, &n) != 0))
        return NULL;
    char *elements = arena_calloc(r->arena, (n + 1) * k->size);
    if (!elements) {
        reader_refuse(r, "cannot be read: out of memory");
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(elements + i * k->size, (const char *)array + i * stride, take);
    *out_n = n;
    return check_keys(r, k, elements, n) == 0 ? elements : NULL;
}

/* ---- settings ---- */

static const struct {
    size_t size, alignment;
} item_types[] = {
    [DW_ITEM_BOOL] = { sizeof(bool), _Alignof(bool) },
    [DW_ITEM_INT] = { sizeof(int64_t), _Alignof(int64_t) },
    [DW_ITEM_REAL] = { sizeof(double), _Alignof(double) },
    [DW_ITEM_TEXT] = { sizeof(const char *), _Alignof(const char *) },
    [DW_ITEM_SPAN] = { sizeof(dw_span), _Alignof(dw_span) },
    [DW_ITEM_SECRET] = { sizeof(dw_secret), _Alignof(dw_secret) },
    [DW_ITEM_LIST] = { sizeof(dw_texts), _Alignof(dw_texts) },
};

size_t descriptor_item_size(uint32_t type)
{
    return type < DW_COUNT_OF(item_types) ? item_types[type].size : 0;
}

bool descriptor_item_fits(int64_t type, int64_t offset, int64_t conf_size)
{
    int64_t size = type > 0 && type < (int64_t)DW_COUNT_OF(item_types) ? (int64_t)item_types[type].size : 0;

    return size > 0 && conf_size <= READER_SETTINGS_MAX && offset >= 0 && offset <= conf_size - size &&
           offset % (int64_t)item_types[type].alignment == 0;
}

static int check_item(const struct reader *r, dw_item *it, size_t bytes)
{
    size_t size = descriptor_item_size(it->type);

    if (size == 0)
        return reader_refuse(r, "the item %s has type %u, which this server does not know", it->name,
                             (unsigned)it->type);
    if (it->offset > bytes || size > bytes - it->offset)
        return reader_refuse(r, "the item %s lies outside of the %zu bytes of its settings", it->name, bytes);
    if (it->offset % item_types[it->type].alignment != 0)
        return reader_refuse(r, "the item %s lies at offset %u, where nothing of its type can be", it->name,
                             (unsigned)it->offset);
    if (strcmp(it->name, "enabled") == 0 || strcmp(it->name, "required") == 0 ||
        strcmp(it->name, "allow") == 0)
        return reader_refuse(r, "the item %s is the server's own; call it something else", it->name);
    if (it->max && it->max < it->min)
        return reader_refuse(r, "the item %s has a minimum above its maximum", it->name);
    /* NULL means something else than "" in these three. */
    if ((it->fallback &&
         reader_text(r, &it->fallback, READER_TEXT_MAX, "fallback of the item", it->name) != 0) ||
        (it->one_of && reader_text(r, &it->one_of, READER_TEXT_MAX, "one_of of the item", it->name) != 0) ||
        (it->pattern && reader_text(r, &it->pattern, READER_TEXT_MAX, "pattern of the item", it->name) != 0))
        return -1;
    return reader_text(r, &it->help, READER_TEXT_MAX, "help of the item", it->name);
}

static int check_overlap(const struct reader *r, const dw_item *a, const dw_item *b)
{
    if (a->offset + descriptor_item_size(a->type) <= b->offset ||
        b->offset + descriptor_item_size(b->type) <= a->offset)
        return 0;
    return reader_refuse(r, "the items %s and %s lie in the same place", b->name, a->name);
}

static const struct reader_kind item_kind = {
    "item", sizeof(dw_item), END_OF(dw_item, pattern), offsetof(dw_item, name), "", 64, 0, false,
};

const dw_item *reader_items(const struct reader *r, const dw_items *from, size_t stride, size_t *out_n)
{
    dw_item *items;

    if (from->struct_bytes > READER_SETTINGS_MAX) {
        reader_refuse(r, "says that its settings have %zu bytes, more than %d", from->struct_bytes,
                      READER_SETTINGS_MAX);
        return NULL;
    }
    items = reader_array(r, &item_kind, from->list, stride, out_n);
    for (size_t i = 0; items && i < *out_n; i++) {
        if (check_item(r, &items[i], from->struct_bytes) != 0)
            return NULL;
        for (size_t j = 0; j < i; j++) {
            if (check_overlap(r, &items[i], &items[j]) != 0)
                return NULL;
        }
    }
    return items;
}
