#include "sync_find.h"

static int refuse(dw_call *c, const char *text)
{
    dw_text *names = dw_text_new(c);
    const char *name;
    dw_rows *rows;
    int rc, n = 0;

    DW_TRY(dw_db_query(c, &rows, "SELECT name FROM timesync_syncs ORDER BY name LIMIT 10"));
    while ((rc = dw_rows_next(rows, &name)) > 0) {
        dw_text_add(names, n++ == 0 ? "" : ", ");
        dw_text_add(names, name);
    }
    DW_TRY(rc);
    return n == 0 ? dw_fail(c, DW_ENOTFOUND, "there is no sync yet")
                  : dw_fail(c, DW_ENOTFOUND, "there is no such sync", "sync", text, "there_are",
                            dw_text_get(names));
}

int sync_find(dw_call *c, const char *text, const char **id)
{
    int rc = dw_db_find(c, DW_TO(id),
                        "SELECT id FROM timesync_syncs WHERE name = $1 OR CAST(id AS TEXT) = $1", text);

    return rc == 0 ? refuse(c, text) : rc < 0 ? rc : 0;
}
