/* sync_rig.h - a server with timesync and a sync, whose two sides the test plays (desk.h, books.h). On either engine. */
#ifndef TIMESYNC_SYNC_RIG_H
#define TIMESYNC_SYNC_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dowel/dowel.h>
#include <dowel/harness.h>

#include "../../../tests/support/plugin_engines.h"
#include "books.h"
#include "desk.h"

DW_HARNESS_PLAYS;

#define TENANT "0190a0a0-0000-7000-8000-00000000000a"
#define SYNC   "0190a0a0-0000-7000-8000-0000000000aa"

static dw_harness *h;
static const char *source, *target;

/* 2026-03-02 10:00 UTC */
#define DAY ((dw_time){ INT64_C(1772445600000000) })

/* ---- a sync ---- */

static inline void sql_ok(int rc)
{
    if (rc < 0)
        fail_msg("%s", dw_harness_why(h));
}

static inline void map(const char *kind, const char *from, const char *to)
{
    static unsigned made;
    char id[37];

    snprintf(id, sizeof(id), "0190a0a0-0000-7000-8001-%012u", ++made);
    sql_ok(dw_harness_sql(
        h,
        "INSERT INTO timesync_mappings (tenant_id, id, sync, kind, source, source_name, target, target_name,"
        " billable, made_by, version, created_at, changed_at)"
        " VALUES (:tenant, $1, $2, $3, $4, '', $5, 'a name', 0, '', 1, $6, $6)",
        (const char *)id, SYNC, kind, from, to, DAY));
}

/* With these rules, as JSON; one activity and one user are mapped. */
static inline void rig_start(const char *rules)
{
    const char *const beside[] = { NULL };
    json_t *json = json_loads(rules, 0, NULL);

    memset(&desk, 0, sizeof(desk));
    memset(&books, 0, sizeof(books));
    if (dw_harness_open(&h, .plugin = PLUGIN, .beside = beside, .database = engine_database()) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_now(h, DAY);
    dw_harness_set_tenant(h, TENANT);
    if (dw_harness_play(h, &desk_connector) != 0 || dw_harness_play(h, &books_connector) != 0 ||
        dw_harness_connection(h, "desk", "{}", &source) != 0 ||
        dw_harness_connection(h, "books", "{}", &target) != 0)
        fail_msg("%s", dw_harness_why(h));
    sql_ok(dw_harness_sql(
        h,
        "INSERT INTO timesync_syncs (tenant_id, id, name, source, target, mark, rules, schedule, "
        "full_schedule,"
        " zone, enabled, held_reason, held_detail, version, created_at, changed_at)"
        " VALUES (:tenant, $1, 'a sync', $2, $3, $4, $5, '', '', 'UTC', $6, '', '', 1, $7, $7)",
        SYNC, source, target, source + strlen(source) - 8, json, DW_TRUE, DAY));
    json_decref(json);
    map("activity", "work", "a1");
    snprintf(books.users[0].id, sizeof(books.users[0].id), "u1");
    snprintf(books.users[0].name, sizeof(books.users[0].name), "Ann");
    snprintf(books.users[0].email, sizeof(books.users[0].email), "Ann@example.org");
    books.n_users = 1;
}

static inline int rig_stop(void **state)
{
    const unsigned left = h ? dw_harness_close(h) : 0;

    (void)state;
    h = NULL;
    engine_database_drop();
    return left ? -1 : 0;
}

/* A booking of so many minutes at ten past DAY. */
static inline struct booking *book(const char *id, const char *ticket, const char *amount)
{
    struct booking *b = &desk.all[desk.n++];

    *b = (struct booking){ .created = { DAY.us + INT64_C(600000000) }, .changed = DAY };
    snprintf(b->id, sizeof(b->id), "%s", id);
    snprintf(b->ticket, sizeof(b->ticket), "%s", ticket);
    snprintf(b->amount, sizeof(b->amount), "%s", amount);
    snprintf(b->customer, sizeof(b->customer), "Acme");
    snprintf(b->agent, sizeof(b->agent), "7");
    snprintf(b->email, sizeof(b->email), "ann@example.org");
    snprintf(b->activity, sizeof(b->activity), "work");
    return b;
}

/* Changed at the desk, a minute later. */
static inline void edit(struct booking *b, const char *amount)
{
    snprintf(b->amount, sizeof(b->amount), "%s", amount);
    b->changed.us += INT64_C(60000000);
}

/* The next write or removal in the books, as it fails. */
static inline void fail_next(int code, bool acts, dw_span late)
{
    books.fault = (struct fault){ .at = 1, .code = code, .acts = acts, .late = late };
}

/* A page of somebody else, so many seconds after DAY. */
static inline struct page *old_page(const char *text, const char *tags, int64_t begin_after, int64_t seconds)
{
    struct page p = {
        .project = "p9", .activity = "a9", .user = "u9", .seconds = seconds, .billable = DW_BILLABLE_YES
    };

    snprintf(p.id, sizeof(p.id), "old%u", books.n);
    snprintf(p.text, sizeof(p.text), "%s", text);
    snprintf(p.tags, sizeof(p.tags), "%s", tags);
    p.begin.us = DAY.us + begin_after * 1000000;
    p.end.us = p.begin.us + seconds * 1000000;
    books_put(&p);
    return page_of(p.id);
}

/* Somebody copies a page; the copy bears the same first line. */
static inline struct page *copy_of(const char *entry, const char *id)
{
    struct page copy = *page_for(entry);

    snprintf(copy.id, sizeof(copy.id), "%s", id);
    books_put(&copy);
    return page_of(id);
}

/* ---- runs ---- */

static inline const char *start_run(const char *kind, const char *scope, bool is_plan, const char *undoes)
{
    static unsigned made;
    static char ids[64][37];
    char *id = ids[made % 64], job[80];
    json_t *json = json_loads(scope, 0, NULL);

    snprintf(id, 37, "0190a0a0-0000-7000-9000-%012u", ++made);
    sql_ok(dw_harness_sql(
        h,
        "INSERT INTO timesync_runs (tenant_id, id, sync, kind, is_plan, started_by, who, who_name, scope,"
        " ticket, state, phase, total, examined, created, updated, unchanged, deleted, skipped, to_decide,"
        " failed, adopted, requests, reason, detail, undoes, created_at)"
        " VALUES (:tenant, $1, $2, $3, $4, 'person', '', '', $5, '', 'waiting', '', 0, 0, 0, 0, 0, 0, 0, 0,"
        " 0, 0, 0, '', '', $6, $7)",
        (const char *)id, SYNC, kind, is_plan, json, undoes, DAY));
    json_decref(json);
    snprintf(job, sizeof(job), "{\"run\":\"%s\"}", id);
    sql_ok(dw_harness_add_job(h, "run", job));
    return id;
}

static inline void run_jobs(void)
{
    sql_ok(dw_harness_run_jobs(h));
}

struct numbers {
    const char *state, *reason;
    int64_t examined, created, updated, unchanged, deleted, skipped, to_decide, failed, adopted, requests;
};

static inline struct numbers numbers_of(const char *run)
{
    struct numbers n = { 0 };

    sql_ok(dw_harness_find(
        h,
        DW_TO(&n.state, &n.reason, &n.examined, &n.created, &n.updated, &n.unchanged, &n.deleted, &n.skipped,
              &n.to_decide, &n.failed, &n.adopted, &n.requests),
        "SELECT state, reason, examined, created, updated, unchanged, deleted, skipped, to_decide, failed,"
        " adopted, requests FROM timesync_runs WHERE id = $1",
        run));
    if (n.examined != n.created + n.updated + n.unchanged + n.deleted + n.skipped + n.to_decide + n.failed)
        fail_msg("the numbers of %s do not add up", run);
    if (strcmp(n.state, "done") == 0 && n.examined > (int64_t)desk.n + desk.odd + (int64_t)books.n)
        fail_msg("%s has examined more than there is: %lld", run, (long long)n.examined);
    return n;
}

/* A run to its end, time passing as long as something waits for it. */
static inline struct numbers run_through(const char *run)
{
    struct numbers n;

    for (int i = 0; i < 60; i++) {
        run_jobs();
        n = numbers_of(run);
        if (strcmp(n.state, "waiting") != 0 && strcmp(n.state, "reading") != 0 &&
            strcmp(n.state, "writing") != 0)
            return n;
        dw_harness_advance(h, DW_SECONDS(31));
    }
    fail_msg("a run does not end: %s\n%s", run, dw_harness_log(h));
    return n;
}

static inline struct numbers run(const char *kind)
{
    return run_through(start_run(kind, "{}", false, NULL));
}

static inline struct numbers run_tickets(const char *ticket)
{
    char scope[64];

    snprintf(scope, sizeof(scope), "{\"tickets\":[\"%s\"]}", ticket);
    return run_through(start_run("tickets", scope, false, NULL));
}

/* ---- what there is ---- */

static inline int64_t count(const char *sql)
{
    int64_t n = -1;

    sql_ok(dw_harness_find(h, DW_TO(&n), sql));
    return n;
}

static inline const char *state_of(const char *entry)
{
    const char *state = "";

    sql_ok(
        dw_harness_find(h, DW_TO(&state), "SELECT state FROM timesync_entries WHERE source_id = $1", entry));
    return state;
}

static inline const char *case_of(const char *entry)
{
    const char *reason = "";

    sql_ok(dw_harness_find(h, DW_TO(&reason),
                           "SELECT c.reason FROM timesync_cases c JOIN timesync_entries e ON e.id = c.entry"
                           " WHERE e.source_id = $1 AND c.state = 'open'",
                           entry));
    return reason;
}

/* What a person chose for the cases of these entries, n of them, in one run. */
static inline struct numbers choose_all(const char *const *entries, size_t n, const char *action,
                                        const char *sheet)
{
    json_t *keys = json_array(),
           *scope = json_pack("{s:s,s:s,s:o}", "action", action, "note", "", "keys", keys);
    const char *key = "";
    char *text;
    struct numbers numbers;

    for (size_t i = 0; i < n; i++) {
        sql_ok(dw_harness_find(
            h, DW_TO(&key),
            "SELECT coalesce((SELECT CAST(id AS TEXT) FROM timesync_entries WHERE source_id = $1), $1)",
            entries[i]));
        json_array_append_new(keys, json_string(key));
        sql_ok(dw_harness_sql(
            h, "UPDATE timesync_cases SET state = 'deciding', action = $2 WHERE key = $1 AND state = 'open'",
            key, action));
    }
    if (sheet)
        json_object_set_new(scope, "sheet", json_string(sheet));
    text = json_dumps(scope, 0);
    numbers = run_through(start_run("decide", text, false, NULL));
    free(text);
    json_decref(scope);
    return numbers;
}

static inline struct numbers choose(const char *entry, const char *action, const char *sheet)
{
    return choose_all(&entry, 1, action, sheet);
}

#define ON(name) cmocka_unit_test_teardown(name, rig_stop)

#endif
