/* ticker - answers that do not end at once: a channel that clients follow, and a file that is written while it is sent. */
#include <dowel/dowel.h>

#include <string.h>

/* ---- channels: who writes does not know who reads ---- */

/* DW_EGONE says that nobody is there to hear it, which here is the client's business: 409, and not our failure. */
static int judge(dw_call *c, int rc)
{
    return rc == DW_EGONE ? dw_fail(c, DW_ECONFLICT, "the channel was closed") : rc;
}

static int open_channel(dw_call *c, dw_request *req)
{
    const char *name;

    DW_TRY(dw_request_read(req, "name", &name));
    DW_TRY(judge(c, dw_channel_open(c, name)));
    return dw_reply(req, 204);
}

/* Recorded: who comes later, or again with its Last-Event-ID, gets it too. */
static int tell_price(dw_call *c, dw_request *req)
{
    const char *name;
    double price;

    DW_TRY(dw_request_read(req, "name", &name, "price", &price));
    DW_TRY(judge(c, dw_channel_record(c, name, "price", "price", price, "at", dw_now(c))));
    return dw_reply(req, 204);
}

static int follow(dw_call *c, dw_request *req)
{
    const char *name;
    (void)c;

    DW_TRY(dw_request_read(req, "name", &name));
    return dw_reply_follow(req, name);
}

static int close_channel(dw_call *c, dw_request *req)
{
    const char *name;

    DW_TRY(dw_request_read(req, "name", &name));
    DW_TRY(dw_channel_close(c, name));
    return dw_reply(req, 204);
}

/* ---- a stream: bytes to one client, at its pace ---- */

static int squares(dw_call *c, dw_request *req)
{
    int64_t rows;
    dw_stream *s;

    DW_TRY(dw_request_read(req, "rows", &rows));
    DW_TRY(dw_stream_open(req, &s, 200, "text/csv"));
    for (int64_t i = 1; i <= rows; i++) {
        dw_scope_begin(c); /* or a million lines would stay in memory until the end */
        const char *line = dw_format(c, "%lld,%lld\n", (long long)i, (long long)(i * i));
        DW_TRY(dw_stream_write(s, line, strlen(line)));
        dw_scope_end(c);
    }
    return dw_stream_finish(s); /* an error instead cuts the connection: half a file is not a file */
}

static const dw_operation operations[] = {
    { "openChannel", open_channel },   { "tellPrice", tell_price }, { "followChannel", follow },
    { "closeChannel", close_channel }, { "listSquares", squares },  { 0 },
};

DOWEL_PLUGIN(.name = "ticker", .version = "1.0.0", .summary = "Streams", .license = "MIT",
             .operations = operations);
