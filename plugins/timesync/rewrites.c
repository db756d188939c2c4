#include "rewrites.h"

#include "common.h"
#include "entry.h"
#include "mappings.h"
#include "sync_edit.h"
#include "wanted.h"

enum { PAGE = 500 };

struct counting {
    struct sync sync;
    struct mappings *mappings;
    char after[37];
    struct rewrites *out;
};

static int count_one(dw_call *c, struct counting *n, const char *id, bool is_exported)
{
    struct entry e;
    struct wanted wanted;

    DW_TRY(entry_load(c, id, &e));
    DW_TRY(wanted_make(c, &n->sync, n->mappings, &e, &wanted));
    if (wanted.reason != REASON_NONE || same(wanted.recipe, e.pushed_hash))
        return 0;
    if (is_exported)
        n->out->billed++;
    else
        n->out->sheets++;
    return 0;
}

/* The next ones: how many they were. */
static int count_page(dw_call *c, struct counting *n)
{
    struct {
        char id[37];
        bool is_exported;
    } *page = dw_alloc(c, PAGE * sizeof(*page));
    const char *id;
    bool is_exported;
    dw_rows *rows;
    int rc, size = 0;

    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT id, exported FROM timesync_entries WHERE sync = $1 AND id > $2 AND state = 'synced'"
        " AND sheet IS NOT NULL AND gone_at IS NULL ORDER BY id LIMIT $3",
        n->sync.id, (const char *)n->after, (int)PAGE));
    while ((rc = dw_rows_next(rows, &id, &is_exported)) > 0) {
        snprintf(page[size].id, sizeof(page[size].id), "%s", id);
        page[size++].is_exported = is_exported;
    }
    dw_rows_close(rows);
    DW_TRY(rc);
    for (int i = 0; i < size; i++)
        DW_TRY(count_one(c, n, page[i].id, page[i].is_exported));
    if (size > 0)
        memcpy(n->after, page[size - 1].id, sizeof(n->after));
    return size;
}

int rewrites_of(dw_call *c, const char *sync, const json_t *rules, struct rewrites *out)
{
    struct counting n = { .after = "00000000-0000-0000-0000-000000000000", .out = out };
    json_t *before;
    int rc;

    *out = (struct rewrites){ 0 };
    DW_TRY(sync_load(c, sync, &n.sync));
    before = rules_json(c, &n.sync.rules, true);
    if (rules) {
        DW_TRY(sync_rules_with(c, before, rules, &n.sync.rules));
        if (json_equal(before, rules_json(c, &n.sync.rules, true)))
            return 0;
    }
    DW_TRY(mappings_load(c, sync, &n.mappings));
    do {
        dw_scope_begin(c);
        rc = count_page(c, &n);
        dw_scope_end(c);
    } while (rc == PAGE);
    return rc < 0 ? rc : 0;
}
