/* render.h - pages and examples that follow from the tables, so that they cannot disagree with the server. */
#ifndef CONFIG_RENDER_H
#define CONFIG_RENDER_H

#include "config/item.h"
#include "util/buf.h"

/* conf.d/NAME.yaml with every item as a comment that says what it does and its default. */
void render_yaml(struct buf *out, const struct config_table *table);

/* .env.example */
void render_env(struct buf *out, const struct config_table *const *tables, size_t n);

/* docs/configuration.md */
void render_reference(struct buf *out, const struct config_table *const *tables, size_t n);

/* What values an item takes, to be read after its type: ", between 1 and 64 entries". */
void render_limits(struct buf *out, const struct config_item *item);

/* DOWEL_CORE__LISTEN */
void render_variable_name(struct buf *out, const char *table, const char *item);

#endif
