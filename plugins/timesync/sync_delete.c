#include "sync_delete.h"

/* What hangs on what goes first. */
static const char *const statements[] = {
    "DELETE FROM timesync_steps WHERE run IN (SELECT r.id FROM timesync_runs r WHERE r.sync = $1)",
    "DELETE FROM timesync_runs WHERE sync = $1",
    "DELETE FROM timesync_cases WHERE sync = $1",
    "DELETE FROM timesync_notices WHERE sync = $1",
    "DELETE FROM timesync_mappings WHERE sync = $1",
    "DELETE FROM timesync_entries WHERE sync = $1",
};

/* After that no request may take effect any more: see timesync_settle(). If its target is not there any more, nobody ever finds out. */
#define FORGOTTEN DW_HOURS(6)

static int refuse_busy(dw_call *c, const char *id)
{
    const dw_time old = { dw_now(c).us - FORGOTTEN.us };
    int64_t busy;

    DW_TRY(dw_db_get(c, DW_TO(&busy),
                     "SELECT count(*) FROM timesync_runs WHERE sync = $1 AND state IN ('reading', 'writing')",
                     id));
    if (busy > 0)
        return dw_fail(c, DW_ECONFLICT,
                       "a run of it is under way; cancel it, and delete the sync when it has ended");
    DW_TRY(dw_db_get(c, DW_TO(&busy),
                     "SELECT count(*) FROM timesync_entries WHERE sync = $1 AND intent <> ''"
                     " AND intent_at > $2",
                     id, old));
    return busy > 0
               ? dw_fail(c, DW_ECONFLICT,
                         "what became of some timesheets is not known yet; delete the sync in some minutes")
               : 0;
}

int sync_delete(dw_call *c, const char *id)
{
    const char *name;

    DW_TRY(dw_db_get(c, DW_TO(&name), "SELECT name FROM timesync_syncs WHERE id = $1", id));
    DW_TRY(refuse_busy(c, id));
    for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
        DW_TRY(dw_db_exec(c, statements[i], id));
    DW_TRY(dw_db_change(c, "DELETE FROM timesync_syncs WHERE id = $1", id));
    return dw_audit(c, "timesync.sync.deleted", id, "name", name);
}
