/* host_stream.c - the table of answers that take time: channels, and bytes to one client. */
#include "plugin/call_db.h"
#include "plugin/channels.h"
#include "plugin/host.h"
#include "plugin/reply.h"
#include "plugin/values.h"
#include "util/clock.h"

/* ---- channels ---- */

/* Where a call's channels are: 0, or what to return. */
static int begin(dw_call *c, const char *step, const char *channel, struct channels **out)
{
    DW_TRY(call_check(c, step));
    *out = c->instance->process->channels;
    if (!channel)
        return call_misuse(c, "%s: a channel's name is wanted, not NULL", step);
    return *out ? 0 : call_fail_inner(c, DW_EUNAVAILABLE, "%s: there are no channels here", step);
}

static const char *words_for(int rc)
{
    switch (rc) {
    case DW_ENOTFOUND: return "there is no such channel; dw_channel_open makes it";
    case DW_EGONE: return "it was closed";
    case DW_ETOOLARGE:
        return "an event has at most 128 KiB, a channel 1000 records and 4 MiB of them, all channels of a "
               "plugin 64 MiB";
    case DW_EUNAVAILABLE: return "the plugin has 10000 channels; close those that have ended";
    case DW_EINVALID: return "names have 1 to 200 bytes, an event's is one line";
    case DW_ENOMEM: return "out of memory";
    default: return "it failed";
    }
}

static int end(dw_call *c, int rc, const char *step, const char *channel)
{
    return rc < 0 ? call_fail_inner(c, rc, "%s %s: %s", step, channel, words_for(rc)) : 0;
}

static int open_channel(dw_call *c, const char *channel)
{
    struct channels *all;

    DW_TRY(begin(c, "dw_channel_open", channel, &all));
    return end(c, channels_open(all, c->instance->name, channel), "dw_channel_open", channel);
}

static const char *read_event(dw_list list, struct str *event, struct buf *json)
{
    if (list.n == 0 || list.v[0].type != DW_TEXT || !list.v[0].as.p)
        return "the first value is the event's name";
    *event = value_text(&list.v[0]);
    const dw_list pairs = { list.v + 1, list.n - 1 };
    const char *wrong = pairs_wrong(pairs);
    if (!wrong)
        wrong = pairs_values_wrong(pairs);
    if (!wrong && pairs_write_json(json, pairs) != 0)
        wrong = "json that is too deep";
    return wrong;
}

typedef int (*put_fn)(struct channels *c, const char *owner, const char *name, struct str event,
                      struct str json);

static int put(dw_call *c, const char *step, const char *channel, dw_list list, put_fn to)
{
    struct buf json = BUF_INIT;
    struct channels *all;
    struct str event;
    int rc;

    DW_TRY(begin(c, step, channel, &all));
    DW_TRY(call_refuse_in_transaction(c, step));
    call_seen_outside(c);
    const char *wrong = read_event(list, &event, &json);
    if (wrong)
        rc = call_misuse(c, "%s: %s", step, wrong);
    else if (buf_failed(&json))
        rc = end(c, DW_ENOMEM, step, channel);
    else
        rc = end(c, to(all, c->instance->name, channel, event, buf_str(&json)), step, channel);
    buf_finish(&json);
    return rc;
}

static int send_to_channel(dw_call *c, const char *channel, dw_list list)
{
    return put(c, "dw_channel_send", channel, list, channels_send);
}

static int record_in_channel(dw_call *c, const char *channel, dw_list list)
{
    return put(c, "dw_channel_record", channel, list, channels_record);
}

static int close_channel(dw_call *c, const char *channel)
{
    struct channels *all;

    DW_TRY(begin(c, "dw_channel_close", channel, &all));
    DW_TRY(call_refuse_in_transaction(c, "dw_channel_close"));
    call_seen_outside(c);
    return end(c, channels_close(all, c->instance->name, channel), "dw_channel_close", channel);
}

static int follow(dw_request *req, const char *channel)
{
    struct request *r;
    struct channels *all;

    DW_TRY(request_check(req, "dw_reply_follow", &r));
    DW_TRY(begin(r->c, "dw_reply_follow", channel, &all));
    DW_TRY(reply_claim(r, "dw_reply_follow"));
    DW_TRY(end(r->c, channels_exists(all, r->c->instance->name, channel), "dw_reply_follow", channel));
    r->channel = arena_copy(http_arena(r->x), str_from(channel));
    if (!r->channel)
        return end(r->c, DW_ENOMEM, "dw_reply_follow", channel);
    r->answer = ANSWER_FOLLOW;
    return 0;
}

/* ---- bytes; a dw_stream is its request's handle ---- */

static int open_stream(dw_request *req, dw_stream **out, int status, const char *content_type)
{
    struct request *r;

    DW_TRY(request_check(req, "dw_stream_open", &r));
    if (!out)
        return call_misuse(r->c, "dw_stream_open: no place for the stream");
    *out = NULL;
    DW_TRY(call_refuse_in_transaction(r->c, "dw_stream_open"));
    DW_TRY(reply_claim(r, "dw_stream_open"));
    const char *wrong = reply_status_wrong(status, true);
    if (!wrong && !reply_is_content_type(content_type))
        wrong = "no content type";
    if (wrong)
        return call_misuse(r->c, "dw_stream_open: %s", wrong);
    r->content_type = content_type ? arena_copy(http_arena(r->x), str_from(content_type)) : NULL;
    if (content_type && !r->content_type)
        return call_fail(r->c, DW_ENOMEM, "dw_stream_open: out of memory");
    r->status = status;
    r->answer = ANSWER_STREAM;
    *out = (dw_stream *)(void *)r->c;
    return 0;
}

/* Why nothing more is sent: 0, or what to return. A deadline makes the request go too, so that it is looked at first. */
static int check_time(struct request *r, const char *step)
{
    if (clock_monotonic_us() >= r->c->deadline_us)
        return call_fail(r->c, DW_ECANCELLED, "%s: the time of the call is over", step);
    if (http_request_gone(r->x))
        return call_fail(r->c, DW_EGONE, "%s: the client has left", step);
    if (call_is_cancelled(r->c))
        return call_fail(r->c, DW_ECANCELLED, "%s: the call is cancelled", step);
    return 0;
}

static int check_stream(dw_stream *s, const char *step, struct request **out)
{
    struct request *r;

    DW_TRY(request_check((dw_request *)(void *)s, step, &r));
    *out = r;
    if (r->answer != ANSWER_STREAM || r->is_finished)
        return call_misuse(r->c, "%s: the stream is finished", step);
    DW_TRY(call_refuse_in_transaction(r->c, step));
    return check_time(r, step);
}

/* Not before there is something to send: until then an error can still be told as such. */
static int ensure_open(struct request *r, const char *step)
{
    if (r->stream)
        return 0;
    call_seen_outside(r->c);
    r->stream = http_stream_open(r->x, r->status, r->content_type);
    return r->stream ? 0 : call_fail(r->c, DW_ENOMEM, "%s: out of memory", step);
}

/* A write that may have to wait for its client. */
struct patience {
    struct request *r;
    bool is_cancelled; /* by another one than the client, who leaves first and has the call cancelled then */
};

static void hurry(void *ud)
{
    struct patience *p = ud;

    p->is_cancelled = !http_request_gone(p->r->x);
    http_stream_hurry(p->r->stream);
}

/* Waits for a slow client, but not longer than the call may. A write that was given up cuts the stream, and to the loop
 * a cut stream is a client that left: why it ended is known only from what came first. */
static int write_bytes(struct request *r, struct str bytes)
{
    struct patience p = { .r = r };

    call_watch_cancelled(r->c, hurry, &p);
    int rc = http_stream_write_until(r->stream, bytes, r->c->deadline_us);
    call_watch_cancelled(r->c, NULL, NULL);
    if (rc == 0)
        return 0;
    if (p.is_cancelled)
        return call_fail(r->c, DW_ECANCELLED, "dw_stream_write: the call is cancelled");
    DW_TRY(check_time(r, "dw_stream_write"));
    return call_fail(r->c, DW_EGONE, "dw_stream_write: the client has left, or takes nothing more");
}

static int write_stream(dw_stream *s, const void *p, size_t n)
{
    struct request *r;

    DW_TRY(check_stream(s, "dw_stream_write", &r));
    if (n && !p)
        return call_misuse(r->c, "dw_stream_write: no bytes");
    DW_TRY(ensure_open(r, "dw_stream_write"));
    return write_bytes(r, str_make(p, n));
}

static int finish_stream(dw_stream *s)
{
    struct request *r;

    DW_TRY(check_stream(s, "dw_stream_finish", &r));
    DW_TRY(ensure_open(r, "dw_stream_finish"));
    http_stream_close(r->stream, true);
    r->stream = NULL;
    r->is_finished = true;
    return 0;
}

const dw_stream_api host_stream_api = {
    .struct_size = sizeof(dw_stream_api),
    .channel_open = open_channel,
    .channel_send = send_to_channel,
    .channel_record = record_in_channel,
    .channel_close = close_channel,
    .follow = follow,
    .open = open_stream,
    .write = write_stream,
    .finish = finish_stream,
};
