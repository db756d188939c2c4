/* deliveries.c - the rows of what is sent to webhooks; deliver.c sends it. */
#include <stdio.h>

#include "events/step.h"
#include "events/webhooks.h"
#include "jobs/jobs.h"

/* While such a job waits another is not added; while it runs, it runs once more, and then sees how things are. */
static int add_job(struct db_session *s, const char *delivery, const char *tenant, int64_t now_us)
{
    char payload[UUID_TEXT_SIZE + sizeof("{\"delivery\":\"\"}")];

    snprintf(payload, sizeof(payload), "{\"delivery\":\"%s\"}", delivery);
    return job_add(s, &(struct job_new){ .kind = WEBHOOK_KIND,
                                         .tenant = tenant,
                                         .payload = str_from(payload),
                                         .unique_key = delivery,
                                         .now_us = now_us });
}

int delivery_add(struct db_session *s, const char *webhook, const struct event *e, int64_t now_us)
{
    char text[UUID_TEXT_SIZE];
    const char *id = NULL;
    struct uuid made;

    if (uuid_make(&made) != 0)
        return DW_EINTERNAL;
    uuid_format(&made, text);
    int rc = db_find(
        s, DW_TO(&id), DB_BY_CORE,
        DW_LIST("INSERT INTO dowel_webhook_deliveries (id, webhook_id, event_id, event_name, state,"
                " attempts, tries, created_at, due_at)"
                " VALUES ($1, $2, $3, $4, 'waiting', 0, 0, $5, $5)"
                " ON CONFLICT (webhook_id, event_id) DO UPDATE"
                " SET state = 'waiting', tries = 0, why = NULL, due_at = excluded.due_at, ended_at = NULL"
                " WHERE dowel_webhook_deliveries.state <> 'waiting'"
                " RETURNING id",
                text, webhook, e->id, e->name, ((dw_time){ now_us })));
    /* No row: it waits already, and so does its job. */
    return rc <= 0 ? rc : add_job(s, id, e->tenant, now_us);
}

/* ---- replay ---- */

static int replay(struct db_session *s, const char *of_tenant, const char *id, int64_t now_us,
                  struct buf *why)
{
    const char *tenant = NULL;
    bool enabled = false;
    int rc = db_find(s, DW_TO(&tenant, &enabled), DB_BY_CORE,
                     DW_LIST("SELECT w.tenant_id, w.enabled FROM dowel_webhook_deliveries d"
                             " JOIN dowel_webhooks w ON w.id = d.webhook_id"
                             " WHERE d.id = $1 AND (w.tenant_id = $2 OR $2 IS NULL)",
                             id, of_tenant));

    if (rc <= 0)
        return rc < 0 ? rc : DW_ENOTFOUND;
    if (!enabled) {
        buf_add_text(why, "its webhook is disabled; enable it first");
        return DW_ECONFLICT;
    }
    int64_t changed =
        db_exec(s, DB_BY_CORE,
                DW_LIST("UPDATE dowel_webhook_deliveries SET state = 'waiting', tries = 0, why = NULL,"
                        " due_at = $2, ended_at = NULL WHERE id = $1",
                        id, ((dw_time){ now_us })));
    return changed < 0 ? (int)changed : add_job(s, id, tenant, now_us);
}

int delivery_replay(struct db_session *s, const char *tenant, const char *id, int64_t now_us, struct buf *why)
{
    struct step step;
    int rc;

    if (uuid_parse(str_from(id), NULL) != 0)
        return DW_ENOTFOUND;
    rc = step_begin(&step, s);
    if (rc >= 0)
        rc = step_end(&step, replay(s, tenant, id, now_us, why));
    return rc < 0 ? rc : 0;
}

/* What has to be known of each event, in memory: the engine may have one result at a time. */
struct wanted {
    struct wanted *next;
    const char *id, *name;
};

static int find_events(struct db_session *s, struct arena *arena, const char *webhook, const char *patterns,
                       const struct webhook_replay *what, struct wanted **out)
{
    struct wanted **last = out;
    const char *id, *name;
    struct db_rows *rows;
    bool all = !what->undelivered_only;
    int rc =
        db_query(s, &rows, DB_BY_CORE,
                 DW_LIST("SELECT e.id, e.name FROM dowel_events e"
                         " JOIN dowel_webhooks w ON w.tenant_id = e.tenant_id"
                         " LEFT JOIN dowel_webhook_deliveries d ON d.webhook_id = w.id AND d.event_id = e.id"
                         " WHERE w.id = $1 AND e.at >= $2"
                         " AND (d.state IS NULL OR d.state <> 'delivered' OR $3)"
                         " ORDER BY e.id",
                         webhook, ((dw_time){ what->since_us }), all));

    *out = NULL;
    if (rc < 0)
        return rc;
    while ((rc = db_rows_next(rows)) > 0 && (rc = db_rows_read(rows, DW_TO(&id, &name))) == 0) {
        struct wanted *one;
        if (!event_patterns_match(str_from(patterns), str_from(name)))
            continue;
        one = arena_calloc(arena, sizeof(*one));
        if (one)
            one->id = arena_copy(arena, str_from(id));
        if (one)
            one->name = arena_copy(arena, str_from(name));
        if (!one || !one->id || !one->name) {
            rc = DW_ENOMEM;
            break;
        }
        *last = one;
        last = &one->next;
    }
    db_rows_close(rows);
    return rc;
}

static int replay_all(struct db_session *s, struct arena *arena, const char *webhook,
                      const struct webhook_replay *what, int64_t now_us, struct buf *why)
{
    const char *tenant = NULL, *patterns = NULL;
    struct wanted *wanted;
    bool enabled = false;
    int n = 0;
    int rc = db_find(s, DW_TO(&tenant, &patterns, &enabled), DB_BY_CORE,
                     DW_LIST("SELECT tenant_id, patterns, enabled FROM dowel_webhooks"
                             " WHERE id = $1 AND (tenant_id = $2 OR $2 IS NULL)",
                             webhook, what->tenant));

    if (rc <= 0)
        return rc < 0 ? rc : DW_ENOTFOUND;
    if (!enabled) {
        buf_add_text(why, "it is disabled; enable it first");
        return DW_ECONFLICT;
    }
    rc = find_events(s, arena, webhook, patterns, what, &wanted);
    for (; rc >= 0 && wanted; wanted = wanted->next, n++)
        rc = delivery_add(
            s, webhook, &(struct event){ .id = wanted->id, .name = wanted->name, .tenant = tenant }, now_us);
    return rc < 0 ? rc : n;
}

int webhook_replay(struct db_session *s, const char *webhook, const struct webhook_replay *what,
                   int64_t now_us, struct buf *why)
{
    struct arena arena;
    struct step step;
    int rc;

    if (uuid_parse(str_from(webhook), NULL) != 0)
        return DW_ENOTFOUND;
    rc = step_begin(&step, s);
    if (rc < 0)
        return rc;
    arena_init(&arena, NULL, 0, 0);
    rc = step_end(&step, replay_all(s, &arena, webhook, what, now_us, why));
    arena_finish(&arena);
    return rc;
}

/* ---- looking ---- */

int delivery_query(struct db_session *s, struct db_rows **out, const struct delivery_filter *filter)
{
    return db_query(
        s, out, DB_BY_CORE,
        DW_LIST(
            "SELECT d.id, d.event_id AS event, d.event_name AS name, d.state, d.attempts, d.status, d.why,"
            " d.created_at, d.due_at, d.ended_at"
            " FROM dowel_webhook_deliveries d JOIN dowel_webhooks w ON w.id = d.webhook_id"
            " WHERE (d.webhook_id = $1 OR $1 IS NULL) AND (d.id = $2 OR $2 IS NULL)"
            " AND (w.tenant_id = $3 OR $3 IS NULL) AND (d.state = $4 OR $4 IS NULL)"
            " AND (d.id < $5 OR $5 IS NULL)"
            " ORDER BY d.id DESC LIMIT $6",
            filter->webhook, filter->id, filter->tenant, filter->state, filter->before,
            filter->limit ? filter->limit : INT64_MAX));
}

int delivery_query_attempts(struct db_session *s, struct db_rows **out, const char *tenant, const char *id)
{
    return db_query(
        s, out, DB_BY_CORE,
        DW_LIST("SELECT a.attempt, a.at, a.took_ms, a.status, a.error, a.answer FROM dowel_webhook_attempts a"
                " JOIN dowel_webhook_deliveries d ON d.id = a.delivery_id"
                " JOIN dowel_webhooks w ON w.id = d.webhook_id"
                " WHERE a.delivery_id = $1 AND (w.tenant_id = $2 OR $2 IS NULL)"
                " ORDER BY a.attempt",
                id, tenant));
}
