/* model_server.h - the server of a model: opened once for many histories, each in a tenant of its own; after a crash the next one on
 * its database. */
#ifndef TIMESYNC_MODEL_SERVER_H
#define TIMESYNC_MODEL_SERVER_H

#include <inttypes.h>
#include <unistd.h>

#include "../../../tests/support/plugin_engines.h"

#include "model_sides.h"

#define API "/api/v1/timesync"

/* 2026-03-02 10:00 UTC */
#define FIRST_DAY INT64_C(1772445600000000)

static unsigned tenants_made;
static dw_time the_time;

static struct tally {
    unsigned histories, crashes, cuts, decisions, runs, writes, refusals, failures;
} tally;

/* ---- its life ---- */

static inline void play_sides(void)
{
    books_target.settle.us = mistake == LANDS_LATER ? 1000000 : 0;
    if (dw_harness_play(h, &desk_kind) != 0 || dw_harness_play(h, &books_kind) != 0)
        accuse("%s", dw_harness_why(h));
}

static inline void server_open(void)
{
    if (dw_harness_open(&h, .plugin = PLUGIN, .database = engine_database()) != 0)
        accuse("%s", dw_harness_why(h));
    the_time.us = last_seen.us = FIRST_DAY;
    dw_harness_set_now(h, the_time);
    play_sides();
}

static inline void server_close(void)
{
    if (h && dw_harness_close(h) != 0)
        accuse("the server left something behind, or answered what its api.yaml does not say");
    h = NULL;
    engine_database_drop();
}

/* The next server, if the power went. */
static inline void server_revive(void)
{
    dw_harness *next;

    if (!dw_harness_has_crashed(h))
        return;
    tally.crashes++;
    if (dw_harness_open(&next, .plugin = PLUGIN, .after = h) != 0)
        accuse("after a crash: %s", dw_harness_why(next));
    h = next;
    play_sides();
}

/* Who sleeps in the server moves its clock as well. */
static inline dw_time now(void)
{
    if (last_seen.us > the_time.us)
        the_time = last_seen;
    return the_time;
}

static inline void pass(dw_span span)
{
    dw_harness_advance(h, span);
    the_time.us = now().us + span.us;
    books_wake(the_time);
}

static inline void run_jobs(void)
{
    if (dw_harness_run_jobs(h) < 0 && !dw_harness_has_crashed(h))
        accuse("jobs stand still: %s", dw_harness_why(h));
    server_revive();
}

/* ---- asking it ---- */

static inline const char *text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));

    return text ? text : "";
}

/* An answer that says that the server is at fault is a fault, unless a step failed on purpose or the power went. */
static bool may_fail;

static inline dw_harness_reply ask(const char *method, const char *json, const char *headers,
                                   const char *format, ...)
{
    char target[300];
    va_list args;
    dw_harness_reply reply;

    va_start(args, format);
    vsnprintf(target, sizeof(target), format, args);
    va_end(args);
    reply = dw_harness_request(h, .method = method, .target = target, .json = json, .headers = headers);
    if (getenv("DOWEL_MODEL_TALKS"))
        printf("    %s %s %s: %d %.*s\n", method, target, json ? json : "", reply.status,
               reply.status < 400 ? 0 : (int)reply.body.n, reply.body.p);
    if (reply.status >= 500 && !may_fail && !dw_harness_has_crashed(h))
        accuse("%s %s: %d %.*s", method, target, reply.status, (int)reply.body.n, reply.body.p);
    return reply;
}

static inline void patch_sync(const struct desk *d, const char *json)
{
    dw_harness_reply now = ask("GET", NULL, NULL, API "/syncs/%s", d->sync);
    char match[80];

    if (now.status != 200)
        return;
    snprintf(match, sizeof(match), "If-Match: %s\r\n", dw_harness_header(now, "ETag"));
    ask("PATCH", json, match, API "/syncs/%s", d->sync);
}

/* ---- numbers from its tables ---- */

static inline int64_t count_of(const char *sql, const char *value)
{
    int64_t n = -1;

    if (dw_harness_find(h, DW_TO(&n), sql, value) < 0)
        accuse("%s: %s", sql, dw_harness_why(h));
    return n;
}

/* ---- a tenant with its connections and syncs ---- */

static inline bool connect_side(const char *kind, char id[40])
{
    const char *made;

    if (dw_harness_connection(h, kind, "{}", &made) != 0) {
        accuse("%s", dw_harness_why(h));
        return false;
    }
    snprintf(id, 40, "%s", made);
    return true;
}

static inline int rules_text(const struct desk *d, char *out, size_t size)
{
    int n = snprintf(out, size, "{\"overlap\":\"10m\"");

    for (unsigned r = 0; r < RULES_N; r++)
        n += snprintf(out + n, size - (size_t)n, ",\"%s\":%s", rule_table[r].name,
                      rule_table[r].values[d->rules[r]]);
    if (desks_n > 1 && same_ids)
        n += snprintf(out + n, size - (size_t)n,
                      ",\"customer_number\":\"OID-{id}-{mark}\",\"project_number\":\"TID-{id}-{mark}\"");
    return n + snprintf(out + n, size - (size_t)n, "}");
}

static inline void map_work(struct desk *d, unsigned work, bool settles)
{
    char json[300];
    dw_harness_reply made;

    snprintf(json, sizeof(json),
             "{\"sync\":\"%s\",\"kind\":\"activity\",\"source\":\"%s\",\"target\":\"a%u\",\"settle\":%s}",
             d->sync, works[work], work, settles ? "true" : "false");
    made = ask("POST", json, NULL, API "/mappings");
    if (made.status == 201)
        d->mapped[work] = true;
}

static inline void make_sync(struct desk *d)
{
    char json[1500];
    int n = snprintf(
        json, sizeof(json),
        "{\"name\":\"Sync %u\",\"source\":\"%s\",\"target\":\"%s\",\"schedule\":\"every 15m\",\"rules\":",
        (unsigned)(d - desks), d->connection, books.connection);
    dw_harness_reply made;

    n += rules_text(d, json + n, sizeof(json) - (size_t)n);
    snprintf(json + n, sizeof(json) - (size_t)n, "}");
    made = ask("POST", json, NULL, API "/syncs");
    if (made.status != 201)
        accuse("a sync cannot be made: %d %.*s", made.status, (int)made.body.n, made.body.p);
    snprintf(d->sync, sizeof(d->sync), "%s", dw_harness_text(made, "/id"));
    map_work(d, 0, false);
    map_work(d, 1, false);
}

/* Each history begins at ten in the morning, so that it is the same when it is played alone. */
static inline void next_day(void)
{
    const int64_t day = INT64_C(86400000000);

    if (tenants_made)
        pass((dw_span){ day - (now().us - FIRST_DAY) % day });
}

static inline void tenant_open(const struct plan *p)
{
    char tenant[40];

    next_day();

    memset(desks, 0, sizeof(desks));
    memset(&books, 0, sizeof(books));
    *wrong = '\0';
    may_fail = false;
    desks_n = p->desks;
    same_ids = p->same_ids && desks_n > 1;
    books.rounds = p->rounds;
    snprintf(tenant, sizeof(tenant), "0190a0a0-0000-7000-8000-%012u", ++tenants_made);
    dw_harness_set_tenant(h, tenant);
    dw_harness_set_principal(h, "0190a0a0-0000-7000-8000-0000000000aa");
    dw_harness_fail(h, 0, DW_EINTERNAL);
    dw_harness_crash(h, 0);
    if (!connect_side("books", books.connection))
        return;
    for (unsigned d = 0; d < desks_n && !*wrong; d++) {
        memcpy(desks[d].rules, p->rules[d], sizeof(desks[d].rules));
        for (unsigned r = 0; r < RULES_N; r++)
            desks[d].had[r] = 1U << p->rules[d][r];
        if (!connect_side("desk", desks[d].connection))
            return;
        memcpy(desks[d].mark, desks[d].connection + strlen(desks[d].connection) - 8, sizeof(desks[d].mark));
        make_sync(&desks[d]);
    }
}

#endif
