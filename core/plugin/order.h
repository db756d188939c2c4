/* order.h - which plugin is loaded before which, and which cannot be for want of another. No plugin is touched here:
 * names and texts come in, an order and reasons come out. */
#ifndef PLUGIN_ORDER_H
#define PLUGIN_ORDER_H

#include "util/arena.h"
#include "util/buf.h"

/* "1.2.0": up to four numbers, missing ones are 0; "1.2.0-rc1" is before "1.2.0". */
struct version {
    uint32_t parts[4];
    struct str before; /* "rc1", compared as text; empty: the release itself */
};

int version_parse(struct str text, struct version *out); /* 0 or -1 */
int version_compare(const struct version *a, const struct version *b);

enum order_how { ORDER_ANY, ORDER_AT_LEAST, ORDER_EXACTLY };

struct order_need {
    struct str name;
    enum order_how how;
    struct str version; /* as it stands in the text; empty with ORDER_ANY */
};

enum { ORDER_NEEDS_MAX = 64 };

/* "auth>=1.0 mail=1.2 chat": how many, or -1 with what is wrong with the text added to why. */
int order_parse(const char *text, struct order_need out[ORDER_NEEDS_MAX], struct buf *why);

/* One that is wanted. */
struct order_plugin {
    const char *name, *version, *needs, *wants; /* texts that order_parse and version_parse accept */
    const char *declined;                       /* why not; NULL: nothing speaks against it. In and out */
};

/* Declines those that need one that is not among them, is declined itself, or has another version than is needed, and
 * those that need each other in a ring; their reasons are in the arena. The others' indexes are in sequence (room for n):
 * each behind what it needs and, where that makes no ring, behind what it wants; else by name. How many, or -1 when
 * memory is out. */
int order_sort(struct order_plugin *plugins, size_t n, size_t *sequence, struct arena *arena);

/* NULL, or why this one cannot be loaded as things stand: the first of its needs that is not met. In the arena; "out of
 * memory" when that is full. */
const char *order_missing(const struct order_plugin *plugins, size_t n, const struct order_plugin *p,
                          struct arena *arena);

#endif
