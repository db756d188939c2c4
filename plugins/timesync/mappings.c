#include "mappings.h"

#include <stdlib.h>
#include <string.h>

int mapping_find(dw_call *c, const char *sync, const char *kind, const char *source, struct mapping *out)
{
    int64_t billable = 0;
    int found = dw_db_find(c, DW_TO(&out->target, &out->target_name, &billable),
                           "SELECT target, target_name, billable FROM timesync_mappings"
                           " WHERE sync = $1 AND kind = $2 AND source = $3",
                           sync, kind, source);

    out->billable = (uint32_t)billable;
    return found;
}

/* ---- all of them, sorted ---- */

struct row {
    const char *kind, *source;
    struct mapping mapping;
};

struct mappings {
    struct row *rows;
    size_t n;
};

static int by_key(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    const int kind = strcmp(x->kind, y->kind);

    return kind ? kind : strcmp(x->source, y->source);
}

static const char *own(dw_call *c, const char *text)
{
    return dw_copy(c, (dw_str){ text, strlen(text) });
}

int mappings_load(dw_call *c, const char *sync, struct mappings **out)
{
    struct mappings *m = dw_alloc(c, sizeof(*m));
    int64_t expected, billable;
    size_t room;
    dw_rows *rows;
    struct row r;
    int rc;

    DW_TRY(dw_db_get(c, DW_TO(&expected), "SELECT count(*) FROM timesync_mappings WHERE sync = $1", sync));
    room = (size_t)expected + 64;
    m->rows = dw_alloc(c, room * sizeof(*m->rows));
    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT kind, source, target, target_name, billable FROM timesync_mappings WHERE sync = $1"
        " LIMIT $2",
        sync, (int64_t)room));
    while ((rc = dw_rows_next(rows, &r.kind, &r.source, &r.mapping.target, &r.mapping.target_name,
                              &billable)) > 0) {
        r.kind = own(c, r.kind);
        r.source = own(c, r.source);
        r.mapping.target = own(c, r.mapping.target);
        r.mapping.target_name = own(c, r.mapping.target_name);
        r.mapping.billable = (uint32_t)billable;
        m->rows[m->n++] = r;
    }
    dw_rows_close(rows);
    qsort(m->rows, m->n, sizeof(*m->rows), by_key);
    *out = m;
    return rc;
}

const struct mapping *mappings_get(const struct mappings *m, const char *kind, const char *source)
{
    const struct row key = { .kind = kind, .source = source ? source : "" };
    const struct row *found = m->n ? bsearch(&key, m->rows, m->n, sizeof(*m->rows), by_key) : NULL;

    return found ? &found->mapping : NULL;
}
