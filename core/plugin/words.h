/* words.h - what a plugin says to clients, in German: its locales/de.json, an object from the English sentence, as it
 * stands in dw_fail(), to the German one. */
#ifndef PLUGIN_WORDS_H
#define PLUGIN_WORDS_H

#include "http/exchange.h"
#include "plugin/instance.h"

struct plugin_descriptor;

/* Reads it, if the plugin brings one. 0 and *out, the caller's, NULL where there is none; or -1 with a sentence added to
 * why: "locales/de.json:3: ..." */
int words_read(json_t **out, const struct plugin_descriptor *d, struct buf *why);

/* The plugin's sentence in the language of this exchange's client; NULL: English, which costs nothing to find out, or the
 * plugin has no other words for it. x may be NULL: nobody asks. [who has the exchange] */
const char *words_for(const dw_instance *i, const struct http_exchange *x, struct str english);

/* A sentence that was kept as dw_fail() made it, "the title is taken (title: Milk)", in the language of this exchange's client:
 * by the words of the plugin, of one that has connectors, or the server's own. True and added to out; false: English.
 * [who has the exchange] */
bool words_kept(const dw_instance *i, const struct http_exchange *x, struct str kept, struct buf *out);

#endif
