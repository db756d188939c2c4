/* cases.c - how runs open and close what a person has to decide. */
#include "cases.h"

#include "common.h"

struct last {
    const char *id, *state, *reason, *detail, *action;
    json_t *target, *source;
};

static int last_of(dw_call *c, const char *sync, const char *key, struct last *out)
{
    *out = (struct last){ 0 };
    return dw_db_find(
        c, DW_TO(&out->id, &out->state, &out->reason, &out->detail, &out->action, &out->target, &out->source),
        "SELECT id, state, reason, detail, action, target, source FROM timesync_cases"
        " WHERE sync = $1 AND key = $2 ORDER BY CASE WHEN state IN ('open', 'deciding') THEN 0 ELSE 1 END,"
        " id DESC LIMIT 1",
        sync, key);
}

static bool same_json(const json_t *a, const json_t *b)
{
    const bool none_a = !a || json_is_null(a), none_b = !b || json_is_null(b);

    return none_a || none_b ? none_a == none_b : json_equal(a, b);
}

static bool is_open(const struct last *last)
{
    return is_one_of(last->state, "open", "deciding");
}

/* A person saw it and left it as it is. */
static bool is_left_alone(const struct last *last)
{
    return is_one_of(last->action, "dismiss", "keep") || is_one_of(last->action, "skip", "unfollow");
}

static bool is_the_same(const struct last *last, const struct case_found *found)
{
    return same(last->reason, reason_name(found->reason)) && same(last->detail, found->detail) &&
           same_json(last->target, found->target) && same_json(last->source, found->source);
}

static bool was_dismissed(const struct last *last, const struct case_found *found)
{
    return is_left_alone(last) && is_the_same(last, found);
}

/* Somebody has decided, and it is being done: as long as nothing is found that they did not see, that holds; else it is open again. */
static bool is_being_decided(const struct last *last, const struct case_found *found)
{
    return same(last->state, "deciding") && is_the_same(last, found);
}

static int say_again(dw_call *c, const struct last *last, const struct case_found *found)
{
    return dw_db_change(
        c,
        "UPDATE timesync_cases SET reason = $2, detail = $3, base = $4, source = $5, target = $6, sheet = $7,"
        " run = $8, found_at = $9, state = 'open', action = '', version = version + 1 WHERE id = $1",
        last->id, reason_name(found->reason), or_empty(found->detail), found->base, found->source,
        found->target, found->sheet, found->run, dw_now(c));
}

static int add(dw_call *c, const struct case_found *found, const char *id)
{
    const dw_time now = dw_now(c);

    DW_TRY(dw_db_exec(
        c,
        "INSERT INTO timesync_cases (tenant_id, id, sync, key, entry, sheet, reason, detail, base, source,"
        " target, state, action, note, assigned, run, opened_at, found_at, resolved_by, version)"
        " VALUES (:tenant, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', '', '', '', $11, $12, $12, '', "
        "1)",
        id, found->sync, found->key, found->entry, found->sheet, reason_name(found->reason),
        or_empty(found->detail), found->base, found->source, found->target, found->run, now));
    return dw_event_emit(c, "timesync.case.opened", "case", id, "sync", found->sync, "entry", found->entry,
                         "reason", reason_name(found->reason));
}

int case_open(dw_call *c, const struct case_found *found, const char **id)
{
    struct last last;
    const char *is;
    int there = last_of(c, found->sync, found->key, &last);

    DW_TRY(there);
    if (there && is_being_decided(&last, found)) {
        is = last.id;
    } else if (there && is_open(&last)) {
        is = last.id;
        DW_TRY(say_again(c, &last, found));
    } else if (there && was_dismissed(&last, found)) {
        is = last.id;
    } else {
        is = dw_id(c);
        DW_TRY(add(c, found, is));
    }
    if (id)
        *id = is;
    return 0;
}

static int close_as(dw_call *c, const char *sync, const char *key, const char *state)
{
    const char *id;
    int rc = dw_db_find(c, DW_TO(&id),
                        "UPDATE timesync_cases SET state = $3, resolved_at = $4, version = version + 1"
                        " WHERE sync = $1 AND key = $2 AND state IN ('open', 'deciding') RETURNING id",
                        sync, key, state, dw_now(c));

    if (rc <= 0)
        return rc;
    DW_TRY(dw_event_emit(c, "timesync.case.resolved", "case", id, "sync", sync, "state", state));
    return 1;
}

/* The keys of what was decided since, which other runs carry out. */
static int keys_of_others(dw_call *c, const char *sync, const char *run, json_t *out)
{
    json_t *scope = NULL;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT scope FROM timesync_runs WHERE sync = $1 AND id <> $2 AND kind = 'decide'"
                       " AND state IN ('waiting', 'reading', 'writing')",
                       sync, run));
    while ((rc = dw_rows_next(rows, &scope)) > 0) {
        const json_t *keys = json_object_get(scope, "keys");

        for (size_t i = 0; i < json_array_size(keys); i++)
            if (json_object_set_new(out, or_empty(json_string_value(json_array_get(keys, i))), json_true()))
                return dw_fail(c, DW_ENOMEM, "out of memory");
    }
    dw_rows_close(rows);
    return rc;
}

int cases_open_again(dw_call *c, const char *run)
{
    json_t *scope = NULL, *others = dw_json_own(c, json_object());
    const char *sync, *kind;
    const json_t *keys;

    DW_TRY(dw_db_get(c, DW_TO(&sync, &kind, &scope),
                     "SELECT sync, kind, scope FROM timesync_runs WHERE id = $1", run));
    if (!same(kind, "decide"))
        return 0;
    keys = json_object_get(scope, "keys");
    DW_TRY(keys_of_others(c, sync, run, others));
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = or_empty(json_string_value(json_array_get(keys, i)));

        if (!json_object_get(others, key))
            DW_TRY(dw_db_exec(c,
                              "UPDATE timesync_cases SET state = 'open', action = '', version = version + 1"
                              " WHERE sync = $1 AND key = $2 AND state = 'deciding'",
                              sync, key));
    }
    return 0;
}

int case_obsolete(dw_call *c, const char *sync, const char *key)
{
    return close_as(c, sync, key, "obsolete");
}

int case_resolved(dw_call *c, const char *sync, const char *key)
{
    const int rc = close_as(c, sync, key, "resolved");

    return rc < 0 ? rc : 0;
}
