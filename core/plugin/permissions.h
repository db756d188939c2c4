/* permissions.h - the permissions that there are: what the contracts of plugins and of the server declare. Filled while
 * plugins are loaded, then only read. */
#ifndef PLUGIN_PERMISSIONS_H
#define PLUGIN_PERMISSIONS_H

#include <dowel/dowel.h>

#include "api/document.h"
#include "util/arena.h"

/* Zeroed is empty. */
struct permissions {
    struct arena arena;
    dw_permission *list; /* by name */
    size_t n, cap;
};

void permissions_init(struct permissions *p);
void permissions_finish(struct permissions *p);

/* Adds those of a plugin's contract; of two that declare the same one, the plugin after which it is called describes it. Texts
 * are copied. 0, or -1 when memory is out. [main thread, before start] */
int permissions_add(struct permissions *p, const char *plugin, const struct api_document *document);

/* NULL when there is none. [any thread, after start] */
const dw_permission *permissions_find(const struct permissions *p, const char *name);

#endif
