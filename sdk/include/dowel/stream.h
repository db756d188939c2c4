/* stream.h - answers that take time. A channel is a named log of events that clients follow (dw_reply_follow): who
 * writes does not know who reads. A stream is bytes to one client, with its pace.
 *
 * Channels live in the server's memory: they end with it, and with a reload. A plugin may have 10,000 (DW_EUNAVAILABLE),
 * names of 1 to 200 bytes (DW_EINVALID). An event has at most 128 KiB; a channel keeps at most 1000 records and 4 MiB of
 * them, all channels of a plugin together 64 MiB: what would be more is refused with DW_ETOOLARGE, and nothing that was
 * recorded is given up for it. Close channels that have ended: ten minutes later their share is free. */
#ifndef DOWEL_STREAM_H
#define DOWEL_STREAM_H

#include "call.h"
#include "http.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_stream dw_stream;

typedef struct dw_stream_api {
    uint32_t struct_size;
    int (*channel_open)(dw_call *c, const char *channel);
    int (*channel_send)(dw_call *c, const char *channel, dw_list event_and_pairs);
    int (*channel_record)(dw_call *c, const char *channel, dw_list event_and_pairs);
    int (*channel_close)(dw_call *c, const char *channel);
    int (*follow)(dw_request *req, const char *channel);
    int (*open)(dw_request *req, dw_stream **out, int status, const char *content_type);
    int (*write)(dw_stream *s, const void *p, size_t n);
    int (*finish)(dw_stream *s);
} dw_stream_api;

/* Makes a channel; 0 also if it is there already, DW_EGONE if it was closed. Names are the plugin's own: another
 * plugin's channel of the same name is another one. [call] */
static inline DW_MUST_CHECK int dw_channel_open(dw_call *c, const char *channel)
{
    return dw_host_->stream->channel_open(c, channel);
}

/* dw_channel_send(c, run, "content", "text", piece): the event "content" with {"text": piece} to those who follow now.
 * For pieces that a recorded event will sum up: who reconnects does not get them. Never waits for a reader.
 * DW_ENOTFOUND, DW_EGONE after close, DW_ETOOLARGE. [call] */
#define dw_channel_send(c, channel, ...) \
    (dw_host_->stream->channel_send((c), (channel), DW_LIST(__VA_ARGS__)))

/* The same, kept under a number: who comes later, or comes again with Last-Event-ID, gets it too. DW_ETOOLARGE also when
 * the channel or the plugin has no room left. [call] */
#define dw_channel_record(c, channel, ...) \
    (dw_host_->stream->channel_record((c), (channel), DW_LIST(__VA_ARGS__)))

/* No more events: followers get what is left and are let go. What was recorded can be followed for ten minutes more; then
 * the channel is forgotten. [call] */
static inline int dw_channel_close(dw_call *c, const char *channel)
{
    return dw_host_->stream->channel_close(c, channel);
}

/* A reply of server-sent events: what the channel recorded after the client's Last-Event-ID, then what comes, until it
 * is closed. Staged as every reply: the stream opens when the handler returns 0. DW_ENOTFOUND. [call] */
static inline DW_MUST_CHECK int dw_reply_follow(dw_request *req, const char *channel)
{
    return dw_host_->stream->follow(req, channel);
}

/* A reply of bytes to this client, sent while the handler runs. write waits while the client is slower than you; DW_EGONE
 * when it left, DW_ECANCELLED when the call is over. A handler that returns an error after the first write, or returns
 * without finish, cuts the connection, so that half a file is not taken for a whole one. [call] */
static inline DW_MUST_CHECK int dw_stream_open(dw_request *req, dw_stream **out, int status,
                                               const char *content_type)
{
    return dw_host_->stream->open(req, out, status, content_type);
}
static inline DW_MUST_CHECK int dw_stream_write(dw_stream *s, const void *p, size_t n)
{
    return dw_host_->stream->write(s, p, n);
}
static inline DW_MUST_CHECK int dw_stream_finish(dw_stream *s) { return dw_host_->stream->finish(s); }

#ifdef __cplusplus
}
#endif
#endif
