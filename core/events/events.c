#include "events/events.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "events/step.h"
#include "events/webhooks.h"
#include "jobs/jobs.h"
#include "log/log.h"
#include "util/clock.h"
#include "util/json.h"

/* ---- whom an event is for ---- */

struct subscriber {
    struct subscriber *next;
    const char *plugin;  /* NULL: a webhook */
    const char *pattern; /* of the plugin */
    const char *webhook;
};

struct subscribers {
    struct arena arena;
    struct subscriber *first, **last;
};

static struct subscriber *add_subscriber(struct subscribers *all)
{
    struct subscriber *one = arena_calloc(&all->arena, sizeof(*one));

    if (!one)
        return NULL;
    *all->last = one;
    all->last = &one->next;
    return one;
}

/* Read to their end before a job is added: an engine may have one result at a time. */
static int find_plugins(struct subscribers *all, struct db_session *s, const struct event *e,
                        const char *only)
{
    const char *plugin, *pattern;
    struct db_rows *rows;
    int rc = db_query(s, &rows, DB_BY_CORE,
                      DW_LIST("SELECT plugin, pattern FROM dowel_subscriptions ORDER BY plugin, pattern"));

    if (rc < 0)
        return rc;
    while ((rc = db_rows_next(rows)) > 0 && (rc = db_rows_read(rows, DW_TO(&plugin, &pattern))) == 0) {
        if (!event_pattern_matches(str_from(pattern), str_from(e->name)) ||
            (only && strcmp(only, plugin) != 0))
            continue;
        struct subscriber *one = add_subscriber(all);
        if (one)
            one->plugin = arena_copy(&all->arena, str_from(plugin));
        if (one)
            one->pattern = arena_copy(&all->arena, str_from(pattern));
        if (!one || !one->plugin || !one->pattern) {
            rc = DW_ENOMEM;
            break;
        }
    }
    db_rows_close(rows);
    return rc;
}

static int find_webhooks(struct subscribers *all, struct db_session *s, const struct event *e,
                         const char *only)
{
    const char *id, *patterns;
    struct db_rows *rows;
    int rc;

    if (!e->tenant)
        return 0;
    rc = db_query(
        s, &rows, DB_BY_CORE,
        DW_LIST("SELECT id, patterns FROM dowel_webhooks WHERE tenant_id = $1 AND enabled ORDER BY id",
                e->tenant));
    if (rc < 0)
        return rc;
    while ((rc = db_rows_next(rows)) > 0 && (rc = db_rows_read(rows, DW_TO(&id, &patterns))) == 0) {
        if (!event_patterns_match(str_from(patterns), str_from(e->name)) || (only && strcmp(only, id) != 0))
            continue;
        struct subscriber *one = add_subscriber(all);
        if (one)
            one->webhook = arena_copy(&all->arena, str_from(id));
        if (!one || !one->webhook) {
            rc = DW_ENOMEM;
            break;
        }
    }
    db_rows_close(rows);
    return rc;
}

/* ---- telling ---- */

/* While such a job waits another is not added: telling twice what was not told yet is telling once. */
static int tell_plugin(struct db_session *s, const struct event *e, const struct subscriber *to,
                       int64_t now_us)
{
    char kind[EVENT_KIND_SIZE], payload[UUID_TEXT_SIZE + sizeof("{\"event\":\"\"}")];

    snprintf(kind, sizeof(kind), "%s." EVENT_KIND_PREFIX "%s", to->plugin, to->pattern);
    snprintf(payload, sizeof(payload), "{\"event\":\"%s\"}", e->id);
    return job_add(s, &(struct job_new){ .kind = kind,
                                         .tenant = e->tenant,
                                         .principal = e->principal,
                                         .payload = str_from(payload),
                                         .unique_key = e->id,
                                         .now_us = now_us });
}

static int fan_out(struct db_session *s, const struct event *e, const struct event_replay *only,
                   int64_t now_us)
{
    struct subscribers all;
    int rc = 0, n = 0;

    arena_init(&all.arena, NULL, 0, 0);
    all.first = NULL;
    all.last = &all.first;
    if (!only->webhook || only->plugin)
        rc = find_plugins(&all, s, e, only->plugin);
    if (rc == 0 && (!only->plugin || only->webhook))
        rc = find_webhooks(&all, s, e, only->webhook);
    for (const struct subscriber *to = all.first; rc >= 0 && to; to = to->next) {
        rc = to->plugin ? tell_plugin(s, e, to, now_us) : delivery_add(s, to->webhook, e, now_us);
        n++;
    }
    arena_finish(&all.arena);
    return rc < 0 ? rc : n;
}

int events_emit(struct db_session *s, const struct event *e, char id[UUID_TEXT_SIZE])
{
    char text[UUID_TEXT_SIZE];
    struct event told = *e;
    struct uuid made;

    if (!db_in_transaction(s))
        return DW_ETX;
    if (uuid_make(&made) != 0)
        return DW_EINTERNAL;
    uuid_format(&made, text);
    told.id = text;
    int64_t rc = db_exec(s, DB_BY_CORE,
                         DW_LIST("INSERT INTO dowel_events (id, tenant_id, name, data, principal, at)"
                                 " VALUES ($1, $2, $3, $4, $5, $6)",
                                 told.id, told.tenant, told.name, told.data, told.principal,
                                 ((dw_time){ told.at_us })));
    if (rc >= 0)
        rc = fan_out(s, &told, &(struct event_replay){ 0 }, told.at_us);
    if (rc >= 0 && id)
        memcpy(id, text, sizeof(text));
    return rc < 0 ? (int)rc : 0;
}

/* ---- replay ---- */

static int replay_in_transaction(struct db_session *s, const char *id, const struct event_replay *only,
                                 int64_t now_us)
{
    struct arena arena;
    struct event e;

    arena_init(&arena, NULL, 0, 0);
    int rc = events_load(s, &arena, only->tenant, id, &e);
    if (rc == 0)
        rc = DW_ENOTFOUND;
    if (rc > 0)
        rc = fan_out(s, &e, only, now_us);
    arena_finish(&arena);
    return rc;
}

int events_replay(struct db_session *s, const char *id, const struct event_replay *only, int64_t now_us)
{
    struct step step;
    int rc = step_begin(&step, s);

    return rc < 0 ? rc : step_end(&step, replay_in_transaction(s, id, only, now_us));
}

/* ---- loading ---- */

const char *event_payload_text(struct arena *arena, struct str payload, const char *name)
{
    struct json_fault fault;
    const char *text, *copy = NULL;
    json_t *json;

    if (json_strict_parse(payload, 0, &json, &fault) != 0)
        return NULL;
    text = json_string_value(json_object_get(json, name));
    if (text)
        copy = arena_copy(arena, str_from(text));
    json_decref(json);
    return copy;
}

static const char *copy_or_null(struct arena *arena, const char *text, bool *failed)
{
    char *copy = text ? arena_copy(arena, str_from(text)) : NULL;

    if (text && !copy)
        *failed = true;
    return copy;
}

int events_load(struct db_session *s, struct arena *arena, const char *tenant, const char *id,
                struct event *out)
{
    const char *name = NULL, *data = NULL, *found_tenant = NULL, *principal = NULL;
    bool failed = false;
    dw_time at = { 0 };

    /* No id is as good as none that is there; an engine may refuse to compare it. */
    if (uuid_parse(str_from(id), NULL) != 0)
        return 0;
    int rc = db_find(s, DW_TO(&name, &data, &found_tenant, &principal, &at), DB_BY_CORE,
                     DW_LIST("SELECT name, data, tenant_id, principal, at FROM dowel_events"
                             " WHERE id = $1 AND (tenant_id = $2 OR $2 IS NULL)",
                             id, tenant));
    if (rc <= 0)
        return rc;
    *out = (struct event){
        .id = copy_or_null(arena, id, &failed),
        .name = copy_or_null(arena, name, &failed),
        .data = copy_or_null(arena, data, &failed),
        .tenant = copy_or_null(arena, found_tenant, &failed),
        .principal = copy_or_null(arena, principal, &failed),
        .at_us = at.us,
    };
    return failed ? DW_ENOMEM : 1;
}

/* ---- subscribing ---- */

static bool is_among(const char *pattern, const char *const *patterns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(pattern, patterns[i]) == 0)
            return true;
    }
    return false;
}

/* What is there and no longer wanted, in the arena; the list ends with NULL. */
static int find_unwanted(struct db_session *s, struct arena *arena, const char *plugin,
                         const char *const *patterns, size_t n, struct subscriber **out)
{
    struct subscriber *unwanted = NULL;
    const char *pattern;
    struct db_rows *rows;
    int rc = db_query(s, &rows, DB_BY_CORE,
                      DW_LIST("SELECT pattern FROM dowel_subscriptions WHERE plugin = $1", plugin));

    if (rc < 0)
        return rc;
    while ((rc = db_rows_next(rows)) > 0 && (rc = db_rows_read(rows, DW_TO(&pattern))) == 0) {
        struct subscriber *one;
        if (is_among(pattern, patterns, n))
            continue;
        one = arena_calloc(arena, sizeof(*one));
        if (one)
            one->pattern = arena_copy(arena, str_from(pattern));
        if (!one || !one->pattern) {
            rc = DW_ENOMEM;
            break;
        }
        one->next = unwanted;
        unwanted = one;
    }
    db_rows_close(rows);
    *out = unwanted;
    return rc;
}

static int64_t replace_subscriptions(struct db_session *s, struct arena *arena, const char *plugin,
                                     const char *const *patterns, size_t n, int64_t now_us)
{
    struct subscriber *unwanted;
    int64_t rc = find_unwanted(s, arena, plugin, patterns, n, &unwanted);

    for (; rc >= 0 && unwanted; unwanted = unwanted->next)
        rc = db_exec(s, DB_BY_CORE,
                     DW_LIST("DELETE FROM dowel_subscriptions WHERE plugin = $1 AND pattern = $2", plugin,
                             unwanted->pattern));
    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = db_exec(s, DB_BY_CORE,
                     DW_LIST("INSERT INTO dowel_subscriptions (plugin, pattern, since, seen_at)"
                             " VALUES ($1, $2, $3, $3)"
                             " ON CONFLICT (plugin, pattern) DO UPDATE SET seen_at = excluded.seen_at",
                             plugin, patterns[i], ((dw_time){ now_us })));
    return rc;
}

static int write_subscriptions(struct db_session *s, const char *plugin, const char *const *patterns,
                               size_t n, int64_t now_us)
{
    struct arena arena;
    struct step step;
    int rc = step_begin(&step, s);

    if (rc < 0)
        return rc;
    arena_init(&arena, NULL, 0, 0);
    rc = step_end(&step, (int)replace_subscriptions(s, &arena, plugin, patterns, n, now_us));
    arena_finish(&arena);
    return rc < 0 ? rc : 0;
}

int events_subscribe(struct db_session *s, const char *plugin, const char *const *patterns, size_t n,
                     int64_t now_us)
{
    int64_t one = 0;

    /* Most plugins want none, and never did: nothing is written for them. */
    if (n == 0) {
        int rc = db_find(s, DW_TO(&one), DB_BY_CORE,
                         DW_LIST("SELECT 1 FROM dowel_subscriptions WHERE plugin = $1 LIMIT 1", plugin));
        if (rc <= 0)
            return rc;
    }
    return write_subscriptions(s, plugin, patterns, n, now_us);
}

/* ---- looking ---- */

/* Each as an index has it: with "or there is none" in its place, an engine would walk through everybody's. */
#define SELECT_EVENTS(whose)                                                \
    "SELECT id, tenant_id AS tenant, name, principal, at FROM dowel_events" \
    " WHERE " whose " AND at >= $2 AND (id < $6 OR $6 IS NULL)"             \
    " AND substr(name, 1, length($3)) = $3 AND ($4 OR name = $3)"           \
    " ORDER BY id DESC LIMIT $5"

int events_query(struct db_session *s, struct db_rows **out, const struct event_filter *filter)
{
    const char *sql =
        filter->tenant ? SELECT_EVENTS("tenant_id = $1") : SELECT_EVENTS("(tenant_id = $1 OR $1 IS NULL)");
    struct str pattern = str_from(filter->pattern ? filter->pattern : "*");
    bool begins = str_ends_with(pattern, STR_OF("*"));
    const dw_str text = { pattern.p, pattern.n - (begins ? 1 : 0) };

    return db_query(s, out, DB_BY_CORE,
                    DW_LIST(sql, filter->tenant, ((dw_time){ filter->since_us }), text, begins, filter->limit,
                            filter->before));
}

int events_query_subscriptions(struct db_session *s, struct db_rows **out)
{
    return db_query(s, out, DB_BY_CORE,
                    DW_LIST("SELECT plugin, pattern, since, seen_at FROM dowel_subscriptions"
                            " ORDER BY plugin, pattern"));
}

/* ---- keeping ---- */

enum { PRUNE_MAX = 10000 };
static const int64_t day_us = INT64_C(24) * 3600 * CLOCK_SECOND;

/* The smallest id that can have been made then or later. */
static void id_of_time(int64_t wall_us, char out[UUID_TEXT_SIZE])
{
    uint64_t ms = wall_us > 0 ? (uint64_t)wall_us / CLOCK_MS : 0;
    struct uuid id = { { 0 } };

    for (int i = 0; i < 6; i++)
        id.bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
    uuid_format(&id, out);
}

static int64_t prune_subscriptions(struct db_session *s, int64_t before_us)
{
    int64_t n =
        db_exec(s, DB_BY_CORE,
                DW_LIST("DELETE FROM dowel_subscriptions WHERE seen_at < $1", ((dw_time){ before_us })));
    if (n > 0)
        log_warn("events are no longer kept for plugins that no server has loaded for months",
                 LOG_NUMBER("subscriptions", n));
    return n;
}

int64_t events_prune(struct db_session *s, const struct events_keep *keep, int64_t now_us)
{
    char before[UUID_TEXT_SIZE], inbox_before[UUID_TEXT_SIZE];
    int64_t n[4];

    id_of_time(now_us - (keep->events_us ? keep->events_us : 30 * day_us), before);
    id_of_time(now_us - (keep->inbox_us ? keep->inbox_us : 30 * day_us), inbox_before);
    n[0] = db_exec(s, DB_BY_CORE,
                   DW_LIST("DELETE FROM dowel_webhook_deliveries WHERE id IN"
                           " (SELECT id FROM dowel_webhook_deliveries"
                           "  WHERE id < $1 AND state <> 'waiting' ORDER BY id LIMIT $2)",
                           before, PRUNE_MAX));
    n[1] = db_exec(s, DB_BY_CORE,
                   DW_LIST("DELETE FROM dowel_events WHERE id IN"
                           " (SELECT e.id FROM dowel_events e WHERE e.id < $1 AND NOT EXISTS"
                           "  (SELECT 1 FROM dowel_webhook_deliveries d"
                           "   WHERE d.event_id = e.id AND d.state = 'waiting')"
                           "  ORDER BY e.id LIMIT $2)",
                           before, PRUNE_MAX));
    n[2] = db_exec(s, DB_BY_CORE,
                   DW_LIST("DELETE FROM dowel_inbox WHERE id IN"
                           " (SELECT id FROM dowel_inbox"
                           "  WHERE id < $1 AND state <> 'waiting' ORDER BY id LIMIT $2)",
                           inbox_before, PRUNE_MAX));
    n[3] = prune_subscriptions(s, now_us - (keep->subscription_us ? keep->subscription_us : 90 * day_us));
    for (size_t i = 1; i < 4; i++)
        n[0] = n[0] < 0 || n[i] < 0 ? (n[0] < 0 ? n[0] : n[i]) : n[0] + n[i];
    return n[0];
}
