/* routes.h - from a plugin's operations and routes to the server's router. */
#ifndef PLUGIN_ROUTES_H
#define PLUGIN_ROUTES_H

#include "http/router.h"
#include "plugin/instance.h"
#include "util/buf.h"

struct api_document;
struct plugin_routes; /* what the routes of one plugin need; lives as long as the router */

/* Binds operationIds and handlers, both ways, without touching a router: 0, or -1 with a sentence in why that names what
 * lacks what. `document` may be NULL when the plugin has no api.yaml; it is borrowed for ever. [main thread] */
int plugin_routes_create(struct plugin_routes **out, dw_instance *instance,
                         const struct api_document *document, struct buf *why);
void plugin_routes_destroy(struct plugin_routes *r);

/* Would they fit beside those that are there? 0, or -1 naming method, path and whose the other one is. Nothing is added
 * unless everything fits. */
int plugin_routes_mount(struct plugin_routes *r, struct router *router, struct buf *why);

#endif
