/* conf.h - settings: a struct, and one line about each member. The host fills the struct (conf.d, environment,
 * command line), and writes from the lines: validation, `dowel config check`, documentation.
 *
 *   struct notes_conf { int64_t max_length; dw_span keep; dw_secret key; };
 *   static const dw_item items[] = {
 *       DW_ITEM(struct notes_conf, max_length, .fallback = "10000", .min = 1, .help = "Longest note, in characters"),
 *       { 0 } }; */
#ifndef DOWEL_CONF_H
#define DOWEL_CONF_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

enum dw_item_type {
    DW_ITEM_BOOL = 1,
    DW_ITEM_INT,
    DW_ITEM_REAL,
    DW_ITEM_TEXT,
    DW_ITEM_SPAN,
    DW_ITEM_SECRET,
    DW_ITEM_LIST
};

typedef struct dw_texts {
    const char *const *v;
    size_t n;
} dw_texts; /* a list of texts */

typedef struct dw_item {
    const char *name;
    uint32_t type; /* enum dw_item_type: DW_ITEM takes it from the member */
    uint32_t offset;
    const char *fallback; /* as it would stand in YAML; NULL: must be set */
    const char *help;     /* a sentence for the admin */
    int64_t min, max;     /* number, length of text, microseconds of a span; both 0: no limit */
    const char *one_of;   /* "asc desc" */
    const char *pattern; /* "url", "email"..., see docs/sdk/; or a POSIX regular expression between slashes */
} dw_item;

typedef struct dw_items {
    const dw_item *list;
    size_t struct_bytes;
} dw_items;

#ifndef __cplusplus
#define DW_ITEM_TYPE_(T, member) \
    _Generic(((T *)0)->member, bool: DW_ITEM_BOOL, int64_t: DW_ITEM_INT, double: DW_ITEM_REAL, const char *: DW_ITEM_TEXT, \
        dw_span: DW_ITEM_SPAN, dw_secret: DW_ITEM_SECRET, dw_texts: DW_ITEM_LIST)
#else
extern "C++" {
template <class T> struct dw_item_type_of_;
template <> struct dw_item_type_of_<bool> {
    static constexpr uint32_t v = DW_ITEM_BOOL;
};
template <> struct dw_item_type_of_<int64_t> {
    static constexpr uint32_t v = DW_ITEM_INT;
};
template <> struct dw_item_type_of_<double> {
    static constexpr uint32_t v = DW_ITEM_REAL;
};
template <> struct dw_item_type_of_<const char *> {
    static constexpr uint32_t v = DW_ITEM_TEXT;
};
template <> struct dw_item_type_of_<dw_span> {
    static constexpr uint32_t v = DW_ITEM_SPAN;
};
template <> struct dw_item_type_of_<dw_secret> {
    static constexpr uint32_t v = DW_ITEM_SECRET;
};
template <> struct dw_item_type_of_<dw_texts> {
    static constexpr uint32_t v = DW_ITEM_LIST;
};
}
#define DW_ITEM_TYPE_(T, member) (dw_item_type_of_<decltype(T::member)>::v)
#endif

/* One line about a member of type bool, int64_t, double, const char *, dw_span, dw_secret or dw_texts; another does not
 * compile. */
#define DW_ITEM(T, member, ...)                                                                     \
    {                                                                                               \
        .name = #member, .type = DW_ITEM_TYPE_(T, member), .offset = (uint32_t)offsetof(T, member), \
        __VA_ARGS__                                                                                 \
    }

/* .conf = DW_ITEMS(struct notes_conf, items) */
#define DW_ITEMS(T, items) \
    {                      \
        (items), sizeof(T) \
    }

#ifdef __cplusplus
}
#endif
#endif
