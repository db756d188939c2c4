/* fetching.c - several requests of one call under way at a time.
 *
 * What is started runs on the client's thread, places at a gate and all, whether or not anybody waits for it: so waiting in
 * any order never waits for oneself. The call only holds the end of each, and cuts what it does not want any more. */
#include "plugin/call_db.h"
#include "plugin/outbound.h"

/* More is no faster: the client lets 32 at a time go to one host. */
enum { FETCHINGS_MAX = 64 };

struct dw_fetching {
    dw_call *c;
    struct client_pending *pending; /* NULL: waited for */
    struct asked asked;
};

static void let_go(dw_fetching *f)
{
    if (!f->pending)
        return;
    client_pending_close(f->pending);
    f->pending = NULL;
    f->c->fetchings--;
}

static void cut(void *ud)
{
    let_go(ud);
}

static int begin(dw_fetching *f, const struct outbound *o)
{
    dw_call *c = f->c;

    switch (client_begin(o->client, &f->pending, &o->request)) {
    case 0: break;
    case -CLIENT_CANCELLED:
        return call_fail(c, DW_EUNAVAILABLE, "%s %.*s: nothing was sent, because the server shuts down",
                         f->asked.method, asked_shown(&f->asked), f->asked.url);
    default: return call_fail(c, DW_ENOMEM, "out of memory");
    }
    c->fetchings++;
    call_at_end(c, CALL_UNDO_CUT, cut, f);
    return 0;
}

int fetching_start(dw_call *c, dw_fetching **out, const dw_fetch_args *args)
{
    struct outbound o;
    dw_fetching *f;

    if (out)
        *out = NULL;
    DW_TRY(call_check(c, "dw_fetch_start"));
    if (!out)
        return call_misuse(c, "dw_fetch_start: there is no place for what is started");
    if (c->fetchings >= FETCHINGS_MAX)
        return call_misuse(c, "dw_fetch_start: %d are started already; dw_fetch_wait for one before the next",
                           FETCHINGS_MAX);
    DW_TRY(outbound_read(&o, c, args, false));
    f = call_alloc(c, sizeof(*f));
    *f = (dw_fetching){ .c = c, .asked = { o.request.method, o.request.url } };
    int rc = begin(f, &o);
    outbound_finish(&o);
    if (rc == 0)
        *out = f;
    return rc;
}

int fetching_wait(dw_fetching *f, dw_answer **out)
{
    dw_answer *unseen = NULL;
    dw_call *c = f ? f->c : NULL;

    out = out ? out : &unseen;
    *out = NULL;
    if (!c)
        return call_stray(NULL, "dw_fetch_wait");
    DW_TRY(call_check(c, "dw_fetch_wait"));
    DW_TRY(call_refuse_in_transaction(c, "dw_fetch_wait"));
    if (!f->pending)
        return call_misuse(c, "dw_fetch_wait: it was waited for already");
    struct client_answer *whole = client_pending_take(f->pending);
    let_go(f);
    return peer_answer_take(c, out, whole, &f->asked);
}
