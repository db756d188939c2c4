/* channels.h - named logs of events in memory, and who follows them. One lock a channel; writers never wait for
 * readers. */
#ifndef PLUGIN_CHANNELS_H
#define PLUGIN_CHANNELS_H

#include "http/exchange.h"
#include "util/str.h"

struct channels;

int channels_create(struct channels **out);
void channels_destroy(struct channels *c); /* lets all followers go; NULL is safe */

/* `owner` is the plugin: its channels are its own. Results are DW_E codes (dowel/value.h). [any thread] */
int channel_open(struct channels *c, const char *owner, const char *name);
int channel_send(struct channels *c, const char *owner, const char *name, struct str event, struct str json);
int channel_record(struct channels *c, const char *owner, const char *name, struct str event,
                   struct str json);
int channel_close(struct channels *c, const char *owner, const char *name);
int channel_exists(struct channels *c, const char *owner, const char *name); /* 1, or DW_ENOTFOUND */

/* Answers the exchange with the channel's events: what is kept after `last_id`, then what comes. The exchange is
 * detached or streamed from here on; on failure nothing was sent. */
int channel_follow(struct channels *c, const char *owner, const char *name, struct http_exchange *x);

/* Forgets closed channels whose time is over. About once a second. */
void channels_tick(struct channels *c);

#endif
