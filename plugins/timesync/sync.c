#include "sync.h"

#include "common.h"

void sync_mark(const char *connection, char mark[MARK_SIZE])
{
    const size_t n = strlen(connection);

    memset(mark, '0', MARK_SIZE - 1);
    mark[MARK_SIZE - 1] = '\0';
    if (n >= MARK_SIZE - 1)
        memcpy(mark, connection + n - (MARK_SIZE - 1), MARK_SIZE - 1);
}

int sync_load(dw_call *c, const char *id, struct sync *out)
{
    json_t *rules = NULL;

    *out = (struct sync){ 0 };
    DW_TRY(dw_db_get(
        c,
        DW_TO(&out->id, &out->name, &out->source, &out->target, &out->mark, &rules, &out->schedule,
              &out->full_schedule, &out->zone, &out->enabled, &out->read_until, &out->looked_until,
              &out->compared_at, &out->held_reason, &out->held_detail, &out->held_until, &out->version,
              &out->source_at, &out->target_at),
        "SELECT id, name, source, target, mark, rules, schedule, full_schedule, zone, enabled, read_until,"
        " looked_until, compared_at, held_reason, held_detail, held_until, version, source_at, target_at"
        " FROM timesync_syncs WHERE id = $1",
        id));
    return rules_read(c, rules, &out->rules);
}

int sync_hold_here(dw_call *c, const struct sync *s, const char *reason, const char *detail, dw_time until)
{
    const bool ends_by_itself = until.us != 0;
    const dw_value change[] = {
        DW("UPDATE timesync_syncs SET held_reason = $2, held_detail = $3, held_until = $4,"
           " version = version + 1"
           " WHERE id = $1 AND (NOT $5 OR held_reason = '' OR held_until IS NOT NULL)"),
        DW(s->id),
        DW(reason),
        DW(detail),
        db_time(until),
        DW(ends_by_itself),
    };
    const int changed = dw_db_exec_(c, DB_LIST(change));

    if (changed <= 0)
        return changed;
    if (ends_by_itself) /* not when its schedule says, but when it is tried again */
        DW_TRY(dw_db_exec(c, "UPDATE timesync_syncs SET poll_due_at = $2 WHERE id = $1 AND schedule <> ''",
                          s->id, until));
    return dw_event_emit(c, "timesync.sync.held", "sync", s->id, "name", s->name, "reason", reason, "detail",
                         detail);
}

struct hold {
    const struct sync *sync;
    const char *reason, *detail;
    dw_time until;
};

static int hold(dw_call *c, void *ud)
{
    const struct hold *h = ud;

    return sync_hold_here(c, h->sync, h->reason, h->detail, h->until);
}

int sync_hold(dw_call *c, const struct sync *s, const char *reason, const char *detail, dw_time until)
{
    struct hold h = { s, reason, detail, until };

    return tx_do(c, hold, &h);
}

int sync_release(dw_call *c, const char *id)
{
    return dw_db_exec(c,
                      "UPDATE timesync_syncs SET held_reason = '', held_detail = '', held_until = NULL,"
                      " version = version + 1 WHERE id = $1 AND held_reason <> ''",
                      id);
}

int sync_do(dw_call *c, const char *sync, int (*work)(dw_call *c, void *ud), void *ud)
{
    const int rc = tx_do(c, work, ud);

    if (rc != DW_EINVALID)
        return rc < 0 ? rc : 0;
    dw_error(c, "a sync cannot do anything by itself", "sync", sync, "why", dw_error_of(c)->text);
    return 0;
}
