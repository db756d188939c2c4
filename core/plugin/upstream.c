/* upstream.c - a long answer, read piece by piece on the thread of its call. */
#include "client/events.h"
#include "plugin/call_db.h"
#include "plugin/outbound.h"
#include "util/clock.h"

/* The bytes that a reader of lines holds back would be missing from the pieces: one way to read a stream. */
enum upstream_way { UPSTREAM_UNREAD, UPSTREAM_PIECES, UPSTREAM_LINES, UPSTREAM_EVENTS };

struct dw_upstream {
    dw_call *c;
    struct client_stream *stream; /* NULL: closed */
    struct client_reader reader;  /* of lines and events */
    enum upstream_way way;
    bool ended;
    int result; /* once ended: what every further read returns */
};

/* What is not cut by the call's token is found out after so long: a deadline, a call that asks for another. */
static const int64_t slice_us = 200 * (int64_t)CLOCK_MS;

/* ---- open and close ---- */

static void close_now(void *ud)
{
    dw_upstream *up = ud;

    if (!up->stream)
        return;
    if (up->way == UPSTREAM_LINES || up->way == UPSTREAM_EVENTS)
        client_reader_finish(&up->reader);
    client_stream_close(up->stream);
    up->stream = NULL;
}

int upstream_open(dw_call *c, dw_upstream **out, const dw_fetch_args *args)
{
    struct client_stream *stream;
    struct outbound o;
    dw_upstream *up;

    if (out)
        *out = NULL;
    DW_TRY(call_check(c, "dw_upstream_open"));
    if (!out)
        return call_misuse(c, "dw_upstream_open: there is no place for the stream");
    DW_TRY(outbound_read(&o, c, args, true));
    int refused = client_stream_open(o.client, &stream, &o.request);
    outbound_finish(&o);
    if (refused) {
        int rc = outbound_judge(c, stream ? client_stream_answer(stream) : NULL);
        client_stream_close(stream);
        return rc;
    }
    up = call_alloc(c, sizeof(*up));
    *up = (dw_upstream){ .c = c, .stream = stream };
    call_at_end(c, CALL_UNDO_CUT, close_now, up);
    *out = up;
    return 0;
}

void upstream_close(dw_upstream *up)
{
    if (!up)
        return;
    if (!call_is_mine(up->c))
        call_stray(up->c, "dw_upstream_close");
    else
        close_now(up);
}

/* ---- reading ---- */

static int check(const dw_upstream *up, const char *step)
{
    return up ? call_check(up->c, step) : call_stray(NULL, step);
}

static int refuse_place(dw_upstream *up, const char *step)
{
    DW_TRY(check(up, step));
    return call_misuse(up->c, "%s: there is no place for the result", step);
}

static int begin_read(dw_upstream *up, enum upstream_way way, const char *step)
{
    DW_TRY(check(up, step));
    DW_TRY(call_refuse_in_transaction(up->c, step));
    if (!up->stream)
        return call_misuse(up->c, "%s: the stream was closed", step);
    if (up->way != UPSTREAM_UNREAD && up->way != way)
        return call_misuse(
            up->c, "%s: the stream is read in another way already; keep to pieces, lines or events", step);
    if (up->way == UPSTREAM_UNREAD && way != UPSTREAM_PIECES)
        client_reader_init(&up->reader, up->stream, way == UPSTREAM_EVENTS);
    up->way = way;
    return 0;
}

/* True: nothing has come yet, and there is no reason not to wait on. */
static bool goes_on(const dw_upstream *up, int result)
{
    return result == -CLIENT_TIMEOUT && !client_stream_ended(up->stream) && !call_is_cancelled(up->c);
}

static int fail_read(dw_upstream *up, enum client_error error)
{
    const struct client_answer *head = client_stream_answer(up->stream);
    const char *text = client_stream_message(up->stream);

    if (error == CLIENT_TIMEOUT && call_is_cancelled(up->c))
        return call_fail(up->c, DW_ECANCELLED, "stopped reading, because the call is cancelled");
    if (error == CLIENT_TOO_LARGE && !*text)
        text = "the peer sent a line or an event of more than 1 MiB";
    call_fail_detail(up->c, outbound_code(error, head->status, true), client_error_name(error), "%s", text);
    up->c->error_from_peer = true;
    return up->c->error.code;
}

/* An end is an end, however often one asks. */
static int end_read(dw_upstream *up, int result)
{
    if (result == 1)
        return 1;
    up->ended = true;
    up->result = result == 0 ? 0 : fail_read(up, (enum client_error) - result);
    return up->result;
}

int upstream_read(dw_upstream *up, dw_bytes *piece)
{
    struct str bytes;
    int result;

    if (!piece)
        return refuse_place(up, "dw_upstream_read");
    *piece = (dw_bytes){ "", 0 };
    DW_TRY(begin_read(up, UPSTREAM_PIECES, "dw_upstream_read"));
    if (up->ended)
        return up->result;
    do
        result = client_stream_read(up->stream, &bytes, slice_us);
    while (goes_on(up, result));
    if (result == 1)
        *piece = (dw_bytes){ bytes.p, bytes.n };
    return end_read(up, result);
}

int upstream_line(dw_upstream *up, dw_str *line)
{
    struct str text;
    int result;

    if (!line)
        return refuse_place(up, "dw_upstream_line");
    *line = (dw_str){ "", 0 };
    DW_TRY(begin_read(up, UPSTREAM_LINES, "dw_upstream_line"));
    if (up->ended)
        return up->result;
    do
        result = client_reader_line(&up->reader, &text, slice_us);
    while (goes_on(up, result));
    if (result == 1)
        *line = (dw_str){ text.n ? text.p : "", text.n };
    return end_read(up, result);
}

int upstream_event(dw_upstream *up, const char **name, dw_str *data)
{
    struct client_event event;
    int result;

    if (name)
        *name = "";
    if (data)
        *data = (dw_str){ "", 0 };
    if (!name || !data)
        return refuse_place(up, "dw_upstream_event");
    DW_TRY(begin_read(up, UPSTREAM_EVENTS, "dw_upstream_event"));
    if (up->ended)
        return up->result;
    do
        result = client_reader_event(&up->reader, &event, slice_us);
    while (goes_on(up, result));
    if (result == 1) {
        *name = event.name.p;
        *data = (dw_str){ event.data.p, event.data.n };
    }
    return end_read(up, result);
}
