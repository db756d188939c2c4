/* channels.h - named logs of events in memory, and who follows them. One lock a channel; writers never wait for
 * readers. */
#ifndef PLUGIN_CHANNELS_H
#define PLUGIN_CHANNELS_H

#include <stdint.h>

#include "http/exchange.h"
#include "util/str.h"

struct channels;

int channels_create(struct channels **out);
void channels_destroy(struct channels *c); /* lets all followers go; NULL is safe */

/* `owner` is the plugin: its channels are its own, at most 10,000 (DW_EUNAVAILABLE). A channel keeps at most 1000 records
 * and 4 MiB of them, an owner 64 MiB in all its channels, an event has at most 128 KiB: DW_ETOOLARGE; the first records are never given up for later ones, or a
 * follower would take half a log for the whole. Names and events have 1 to 200 bytes, an event's is one line:
 * DW_EINVALID. Results are DW_E codes (dowel/value.h). [any thread] */
int channels_open(struct channels *c, const char *owner, const char *name);
int channels_send(struct channels *c, const char *owner, const char *name, struct str event, struct str json);
int channels_record(struct channels *c, const char *owner, const char *name, struct str event,
                    struct str json);
int channels_close(struct channels *c, const char *owner, const char *name);
int channels_exists(struct channels *c, const char *owner, const char *name); /* 1, or DW_ENOTFOUND */

/* Answers the exchange with the channel's events: what is kept after its Last-Event-ID, then what comes; a channel that is
 * closed and has nothing more with 204, which tells an event source not to come back. Waits while the client is slower than
 * what is kept comes, at most until the request's deadline. Ids: see channel_position.h. 0, or a code when nothing was
 * staged. [handler's thread] */
int channels_follow(struct channels *c, const char *owner, const char *name, struct http_exchange *x);

/* Forgets followers that have left and, ten minutes after they were closed, channels. About once a second; now_us is
 * clock_monotonic_us(). [any thread] */
void channels_tick(struct channels *c, int64_t now_us);

#endif
