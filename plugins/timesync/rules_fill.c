#include "rules_fill.h"

#include "common.h"
#include "sync.h"

static int fill_one(dw_call *c, void *ud)
{
    const char *id = ud;
    struct rules rules;
    json_t *kept = NULL, *all;
    int64_t version;

    DW_TRY(
        dw_db_get(c, DW_TO(&kept, &version), "SELECT rules, version FROM timesync_syncs WHERE id = $1", id));
    DW_TRY(rules_read(c, kept, &rules));
    all = rules_json(c, &rules, true);
    if (json_object_size(kept) == json_object_size(all))
        return 0;
    return dw_db_exec(
        c, "UPDATE timesync_syncs SET rules = $3, version = version + 1 WHERE id = $1 AND version = $2", id,
        version, (const json_t *)all);
}

int rules_fill_all(dw_call *c)
{
    json_t *list = dw_json_own(c, json_array()), *one, *kept = NULL;
    const size_t n = rules_count();
    const char *id;
    dw_rows *rows;
    size_t i;
    int rc;

    DW_TRY(dw_db_query(c, &rows, "SELECT id, rules FROM timesync_syncs ORDER BY id"));
    while ((rc = dw_rows_next(rows, &id, &kept)) > 0)
        if (json_object_size(kept) < n && json_array_append_new(list, json_string(id)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a list of syncs");
    dw_rows_close(rows);
    DW_TRY(rc);
    json_array_foreach(list, i, one)
    {
        DW_TRY(sync_do(c, json_string_value(one), fill_one, (void *)(uintptr_t)json_string_value(one)));
    }
    return 0;
}
