/* The half of cases.h that people use. */
#include <string.h>

#include "cases.h"
#include "runs.h"

/* What of a decision belongs to one sync. */
struct group {
    const char *sync;
    json_t *keys; /* of its cases */
};

struct groups {
    struct group *v;
    size_t n;
};

/* ---- may it be decided so? ---- */

struct one {
    const char *id, *sync, *key, *reason, *state, *sheet, *note;
    int64_t version;
};

static int changed(dw_call *c, const char *id)
{
    return dw_fail(c, DW_ECONFLICT, "the case was changed meanwhile; read it again", "case", id);
}

static int check_one(dw_call *c, const struct one *k, const struct case_decision *d)
{
    const enum action action = d->action;

    if (strcmp(k->state, "open") != 0)
        return dw_fail(c, DW_ECONFLICT, "the case is not open any more", "case", k->id, "state", k->state);
    if (d->version && d->version != k->version)
        return changed(c, k->id);
    if (!(reason_actions(reason_from(k->reason)) & (unsigned)action))
        return dw_fail(c, DW_EINVALID, "this action makes no sense for the case", "case", k->id, "reason",
                       k->reason, "action", action_name(action));
    if (action != ACTION_ADOPT && d->sheet) /* else that one would be written to, whose ever it is */
        return dw_fail_at(c, "/sheet",
                          "is named with adopt only; all else is about the case's own timesheet");
    if (action == ACTION_ADOPT && !d->sheet && !k->sheet)
        return dw_fail_at(c, "/sheet", "is missing: which timesheet is it?");
    if (action == ACTION_ADOPT && d->sheet && k->sheet && strncmp(k->key, "sheet:", 6) == 0 &&
        strcmp(d->sheet, k->sheet) != 0)
        return dw_fail_at(c, "/sheet", "is another one than that which the case is about");
    return 0;
}

static int add_to_group(dw_call *c, struct groups *all, const struct one *k)
{
    size_t i = 0;

    while (i < all->n && strcmp(all->v[i].sync, k->sync) != 0)
        i++;
    if (i == all->n)
        all->v[all->n++] = (struct group){ .sync = k->sync, .keys = dw_json_own(c, json_array()) };
    if (!all->v[i].keys || json_array_append_new(all->v[i].keys, json_string(k->key)) != 0)
        return dw_fail(c, DW_ENOMEM, "out of memory");
    return 0;
}

static int take_one(dw_call *c, struct groups *all, const char *id, const struct case_decision *d)
{
    struct one k = { .id = id };
    int rc = dw_db_find(c, DW_TO(&k.sync, &k.key, &k.reason, &k.state, &k.sheet, &k.note, &k.version),
                        "SELECT sync, key, reason, state, sheet, note, version FROM timesync_cases"
                        " WHERE id = $1",
                        id);

    if (rc == 0 || rc == DW_EINVALID) /* or what was given is no id at all */
        return dw_fail(c, DW_ENOTFOUND, "there is no such case", "case", id);
    DW_TRY(rc);
    DW_TRY(check_one(c, &k, d));
    rc = dw_db_exec(c,
                    "UPDATE timesync_cases SET state = 'deciding', action = $2, note = $3, resolved_by = "
                    "coalesce(:me, ''),"
                    "  version = version + 1 WHERE id = $1 AND state = 'open' AND ($4 = 0 OR version = $4)",
                    id, action_name(d->action), *d->note ? d->note : k.note, d->version);
    DW_TRY(rc);
    if (!rc) /* somebody was quicker, and has chosen something else, maybe */
        return changed(c, id);
    DW_TRY(dw_audit(c, "timesync.case.decided", id, "action", action_name(d->action), "reason", k.reason,
                    "note", d->note, "sheet", d->sheet));
    return add_to_group(c, all, &k);
}

/* ---- deciding ---- */

static int start_group(dw_call *c, const struct group *g, const struct case_decision *d, json_t *runs)
{
    const char *run;

    DW_TRY(
        run_start(c,
                  &(struct run_new){ .sync = g->sync,
                                     .kind = "decide",
                                     .started_by = d->started_by ? d->started_by : "person",
                                     .scope = dw_json(c, "action", action_name(d->action), "note", d->note,
                                                      "sheet", d->sheet, "keys", (const json_t *)g->keys) },
                  &run));
    return json_array_append_new(runs, json_string(run)) == 0 ? 0 : dw_fail(c, DW_ENOMEM, "out of memory");
}

int case_decide(dw_call *c, const struct case_decision *d, json_t **runs)
{
    struct groups all = { .v = dw_alloc(c, d->n * sizeof(*all.v)) };

    *runs = dw_json_own(c, json_array());
    if (!*runs)
        return dw_fail(c, DW_ENOMEM, "out of memory");
    for (size_t i = 0; i < d->n; i++)
        DW_TRY(take_one(c, &all, d->ids[i], d));
    for (size_t i = 0; i < all.n; i++)
        DW_TRY(start_group(c, &all.v[i], d, *runs));
    return 0;
}

/* ---- what a mapping explains ---- */

/* Which reason a mapping of that kind takes away, and by which column its cases' entries are found. */
struct explained {
    const char *kind, *reason;
    const char *count, *list;
};

#define EXPLAINED(column)                                                                \
    " FROM timesync_cases k JOIN timesync_entries e ON e.id = k.entry WHERE k.sync = $1" \
    " AND k.state = 'open' AND k.reason = $2 AND e." column " = $3"
#define BOTH(column) \
    "SELECT count(*)" EXPLAINED(column), "SELECT k.id" EXPLAINED(column) " ORDER BY k.id LIMIT $4"

static const struct explained table[] = {
    { "activity", "UNMAPPED_ACTIVITY", BOTH("activity") },
    { "user", "UNMAPPED_USER", BOTH("agent") },
    { "customer", "PROJECT_OR_CUSTOMER_MISSING", BOTH("customer") },
    { "project", "PROJECT_OR_CUSTOMER_MISSING", BOTH("ticket") },
};

static const struct explained *explained_by(const char *kind)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        if (strcmp(table[i].kind, kind) == 0)
            return &table[i];
    }
    return NULL;
}

int case_explained(dw_call *c, const char *sync, const char *kind, const char *source, int64_t *n)
{
    const struct explained *e = explained_by(kind);

    *n = 0;
    return e ? dw_db_get(c, DW_TO(n), e->count, sync, e->reason, source) : 0;
}

int case_settle_explained(dw_call *c, const char *sync, const char *kind, const char *source, json_t **runs)
{
    enum { AT_ONCE = 10000 };
    const struct explained *e = explained_by(kind);
    struct case_decision d = { .action = ACTION_RETRY, .note = "", .started_by = "mapping" };
    const char *id;
    dw_rows *rows;
    int64_t n;
    int rc;

    *runs = dw_json_own(c, json_array());
    DW_TRY(case_explained(c, sync, kind, source, &n));
    if (n == 0 || !*runs)
        return *runs ? 0 : dw_fail(c, DW_ENOMEM, "out of memory");
    const char **ids = dw_alloc(c, (size_t)(n < AT_ONCE ? n : AT_ONCE) * sizeof(*ids));
    DW_TRY(dw_db_query(c, &rows, e->list, sync, e->reason, source, n < AT_ONCE ? n : AT_ONCE));
    while ((rc = dw_rows_next(rows, &id)) > 0)
        ids[d.n++] = dw_format(c, "%s", id);
    DW_TRY(rc);
    d.ids = ids;
    return case_decide(c, &d, runs);
}
