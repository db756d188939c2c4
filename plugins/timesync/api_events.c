/* How far a run is, told as it goes on: server-sent events. Whichever server does the work, it is read from the database, as
 * often as a person looks; who follows keeps a thread of this server, so there are few of them (a quarter of the least that a
 * server has by itself), and not for long: browsers come back by themselves, and who comes when there are enough is told how far
 * it is now, and comes again two seconds later. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "common.h"
#include "counts.h"

enum {
    FOLLOWERS_MAX = 4,
    LOOK_EVERY_MS = 500,
    SIGN_EVERY = 20,     /* looks, until a client of whom nothing was heard is written to */
    LOOKS_MAX = 120,     /* a minute */
    COUNTED_MAX = 20000, /* steps; of more the numbers come at the end */
    EVENT_BYTES_MAX = 1000,
};

static atomic_int followers;

struct seen_run {
    const char *state, *reason;
    int64_t total, done;
    struct counts n;
    bool has_ended;
};

static int look(dw_call *c, const char *id, struct seen_run *out)
{
    int64_t open;

    *out = (struct seen_run){ .total = 0 };
    DW_TRY(dw_db_get(c,
                     DW_TO(&out->state, &out->reason, &out->total, &out->n.examined, &out->n.created,
                           &out->n.updated, &out->n.unchanged, &out->n.deleted, &out->n.skipped,
                           &out->n.to_decide, &out->n.failed, &open),
                     "SELECT r.state, r.reason, r.total, r.examined, r.created, r.updated, r.unchanged,"
                     " r.deleted, r.skipped, r.to_decide, r.failed, CASE WHEN r.total = 0 THEN 0 ELSE (SELECT"
                     " count(*) FROM timesync_steps t WHERE t.run = r.id AND t.outcome = '') END"
                     " FROM timesync_runs r WHERE r.id = $1",
                     id));
    out->done = out->total - open;
    out->has_ended = is_one_of(out->state, "done", "failed") || same(out->state, "cancelled");
    return out->has_ended || out->total > COUNTED_MAX ? 0 : counts_of(c, id, &out->n);
}

/* data is one line, as JSON has no line ends of its own. */
static const char *event_of(dw_call *c, const struct seen_run *r)
{
    json_t *data = dw_json(c, "state", r->state, "total", r->total, "done", r->done, "examined",
                           r->n.examined, "created", r->n.created, "updated", r->n.updated, "unchanged",
                           r->n.unchanged, "deleted", r->n.deleted, "skipped", r->n.skipped, "to_decide",
                           r->n.to_decide, "failed", r->n.failed, "reason", r->reason);
    char line[EVENT_BYTES_MAX] = "{}";
    const size_t n = data ? json_dumpb(data, line, sizeof(line) - 1, JSON_COMPACT) : 0;

    if (n >= sizeof(line))
        return ":\n\n"; /* it has a dozen numbers and two words */
    line[n] = '\0';
    return dw_format(c, "%sevent: %s\ndata: %s\n\n", r->has_ended ? "id: end\n" : "",
                     r->has_ended ? "end" : "progress", line);
}

/* Writes what is new. 1: the run has ended; 0: not yet; or an error. */
static int tell(dw_call *c, dw_stream *s, const char *id, char last[EVENT_BYTES_MAX], int looks)
{
    struct seen_run r;

    DW_TRY(look(c, id, &r));
    const char *event = event_of(c, &r);
    if (strncmp(event, last, EVENT_BYTES_MAX - 1) != 0) {
        snprintf(last, EVENT_BYTES_MAX, "%s", event);
        DW_TRY(dw_stream_write(s, event, strlen(event)));
    } else if (looks % SIGN_EVERY == 0) {
        DW_TRY(dw_stream_write(s, ":\n\n", 3));
    }
    return r.has_ended;
}

static int follow(dw_call *c, dw_stream *s, const char *id, int looks_max)
{
    static const char retry[] = "retry: 2000\n\n";
    char last[EVENT_BYTES_MAX] = "";
    int rc = 0;

    DW_TRY(dw_stream_write(s, retry, sizeof(retry) - 1));
    for (int looks = 0; looks < looks_max && rc == 0; looks++) {
        if (looks > 0)
            DW_TRY(dw_sleep(c, DW_MILLISECONDS(LOOK_EVERY_MS)));
        dw_scope_begin(c);
        rc = tell(c, s, id, last, looks);
        dw_scope_end(c);
    }
    return rc < 0 ? rc : dw_stream_finish(s);
}

int api_follow_run(dw_call *c, dw_request *req)
{
    const char *id, *last = dw_request_header(req, "Last-Event-ID");
    struct seen_run r;
    dw_stream *s;
    int rc;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(look(c, id, &r));
    if (r.has_ended && same(last, "end"))
        return dw_reply(req, 204); /* a browser comes no more */
    DW_TRY(dw_reply_header(req, "Cache-Control", "no-store"));
    DW_TRY(dw_stream_open(req, &s, 200, "text/event-stream"));
    rc = follow(c, s, id, atomic_fetch_add(&followers, 1) < FOLLOWERS_MAX ? LOOKS_MAX : 1);
    atomic_fetch_sub(&followers, 1);
    return rc;
}
