/* settings.h - a connection's settings, from JSON into the connector's own struct. For this module. */
#ifndef CONNECTIONS_SETTINGS_H
#define CONNECTIONS_SETTINGS_H

#include <jansson.h>

#include "config/item.h"
#include "config/problems.h"

/* The struct in the arena, with the fallbacks where nothing was given. Texts may be those of the two objects: these have to live as
 * long. What is no item of the table is not looked at. All that is wrong is added to the problems, each with its item; NULL when
 * there is not even memory for a struct. */
const void *connection_settings_read(const struct config_table *table, const json_t *settings,
                                     const json_t *secrets, struct arena *arena,
                                     struct config_problems *problems);

const struct config_item *connection_settings_item(const struct config_table *table, struct str name);

/* The text of a struct's item. */
const char *connection_settings_text(const void *settings, const struct config_item *item);

#endif
