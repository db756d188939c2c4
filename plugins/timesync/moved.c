#include "moved.h"

#include "common.h"

struct place {
    const struct sync *sync;
    bool is_source;
    const char *address;
};

/* Only where nobody was quicker. */
static int note(dw_call *c, void *ud)
{
    const struct place *p = ud;

    return dw_db_exec(c,
                      p->is_source
                          ? "UPDATE timesync_syncs SET source_at = $2 WHERE id = $1 AND source_at = ''"
                          : "UPDATE timesync_syncs SET target_at = $2 WHERE id = $1 AND target_at = ''",
                      p->sync->id, p->address);
}

static int elsewhere(dw_call *c, struct work *w, const char *name, const char *was, const char *is)
{
    const char *text = sentence(c, "a connection leads to another address than before", "connection", name,
                                "before", was, "now", is);

    if (!w->run.is_plan && !same(w->sync.held_reason, reason_name(REASON_MOVED)))
        DW_TRY(sync_hold(c, &w->sync, reason_name(REASON_MOVED), text, (dw_time){ 0 }));
    return work_stop(c, w, REASON_MOVED, text);
}

int moved_check(dw_call *c, struct work *w, bool is_source, dw_connection *conn)
{
    struct place p = { &w->sync, is_source, dw_connection_address(conn) };
    const char **was = is_source ? &w->sync.source_at : &w->sync.target_at;

    if (!*p.address || same(*was, p.address))
        return 0;
    if (*or_empty(*was))
        return elsewhere(c, w, dw_connection_name(conn), *was, p.address);
    DW_TRY(tx_do(c, note, &p));
    *was = own(c, p.address);
    return 0;
}

int moved_accept(dw_call *c, const char *sync)
{
    return dw_db_change(c, "UPDATE timesync_syncs SET source_at = '', target_at = '' WHERE id = $1", sync);
}
