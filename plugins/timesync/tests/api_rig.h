/* api_rig.h - a server with the plugin, and who asks it; the test plays both sides of a sync (desk.h, books.h). On either engine. */
#ifndef TIMESYNC_API_RIG_H
#define TIMESYNC_API_RIG_H

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

#define ACME   "0190a0a0-0000-7000-8000-00000000000a"
#define GLOBEX "0190a0a0-0000-7000-8000-00000000000b"
#define NOBODY "0190a0a0-0000-7000-8000-00000000000f"
#define ANN    "0190a0a0-0000-7000-8000-0000000000aa"

#define API "/api/v1/timesync"

/* ---- the server ---- */

static dw_harness *h;
static const char *desk_id, *books_id; /* connections of Acme */

static inline void as(const char *tenant, const char *permissions)
{
    dw_harness_set_tenant(h, tenant);
    dw_harness_set_principal(h, ANN);
    dw_harness_set_permissions(h, permissions);
}

static inline void try_harness(int rc)
{
    if (rc != 0)
        fail_msg("%s", dw_harness_why(h));
}

/* Who bills, and what for. */
static inline void fill_books(void)
{
    memset(&books, 0, sizeof(books));
    books.users[0] = (struct thing){ .id = "11", .name = "Ann Ämter", .email = "ann@example.org" };
    books.users[1] = (struct thing){ .id = "12", .name = "Bob", .email = "bob@example.org" };
    books.n_users = 2;
    books.activities[0] = (struct thing){ .id = "21", .name = "support" };
    books.activities[1] = (struct thing){ .id = "22", .name = "Driving" };
    books.n_activities = 2;
}

static inline int begin(void **state)
{
    (void)state;
    memset(&desk, 0, sizeof(desk));
    fill_books();
    try_harness(dw_harness_open(&h, .plugin = PLUGIN, .database = engine_database()));
    try_harness(dw_harness_play(h, &desk_connector));
    try_harness(dw_harness_play(h, &books_connector));
    dw_harness_set_now(h, (dw_time){ INT64_C(1795780800000000) }); /* 2026-11-27T12:00:00Z */
    as(ACME, NULL);
    try_harness(dw_harness_connection(h, "desk", "{}", &desk_id));
    try_harness(dw_harness_connection(h, "books", "{}", &books_id));
    return 0;
}

static inline int end(void **state)
{
    unsigned left = dw_harness_close(h);

    (void)state;
    h = NULL;
    engine_database_drop();
    return left == 0 ? 0 : -1;
}

/* ---- asking ---- */

/* A few at a time may be in use. */
static inline const char *say(const char *format, ...)
{
    static char text[16][2000];
    static unsigned at;
    va_list args;

    at = (at + 1) % 16;
    va_start(args, format);
    vsnprintf(text[at], sizeof(text[at]), format, args);
    va_end(args);
    return text[at];
}

/* The last lines. */
static inline const char *log_end(void)
{
    const char *log = dw_harness_log(h);
    size_t n = strlen(log);

    return n > 800 ? log + n - 800 : log;
}

#define assert_status(reply, wanted) assert_status_((reply), (wanted), __LINE__)
static inline dw_harness_reply assert_status_(dw_harness_reply reply, int wanted, int line)
{
    if (reply.status != wanted)
        fail_msg("line %d: %d instead of %d: %.*s\n%s", line, reply.status, wanted, (int)reply.body.n,
                 reply.body.p ? reply.body.p : "", log_end());
    return reply;
}

#define ok(target) assert_status(dw_harness_get(h, (target)), 200)
static inline bool has(dw_harness_reply reply, const char *part)
{
    return reply.body.p && strstr(reply.body.p, part);
}

#define assert_has(reply, part) assert_has_((reply), (part), __LINE__)
static inline void assert_has_(dw_harness_reply reply, const char *part, int line)
{
    if (!has(reply, part))
        fail_msg("line %d: no \"%s\" in %.*s", line, part, (int)reply.body.n,
                 reply.body.p ? reply.body.p : "");
}

#define refused(reply, status, part) refused_((reply), (status), (part), __LINE__)
static inline void refused_(dw_harness_reply reply, int status, const char *part, int line)
{
    assert_status_(reply, status, line);
    assert_has_(reply, part, line);
}

static inline dw_harness_reply patch(const char *target, const char *json)
{
    dw_harness_reply now = dw_harness_get(h, target);

    if (now.status != 200)
        return now;
    return dw_harness_request(h, .method = "PATCH", .target = target, .json = json,
                              .headers = say("If-Match: %s\r\n", dw_harness_header(now, "ETag")));
}

static inline dw_harness_reply erase(const char *target)
{
    return dw_harness_request(h, .method = "DELETE", .target = target);
}

static inline const char *text(dw_harness_reply reply, const char *pointer)
{
    return dw_harness_text(reply, pointer);
}

static inline int64_t items(dw_harness_reply reply)
{
    return (int64_t)json_array_size(json_object_get(reply.json, "items"));
}

/* How often something was audited. */
static inline size_t audited(const char *action)
{
    return json_array_size(dw_harness_audit(h, action));
}

/* ---- what is booked ---- */

/* By agent 3, who is Ann, or by Bob; kind of work 1 is Support, the other Travel; at a moment as RFC 3339 has it. */
struct booked {
    const char *id, *ticket, *title, *customer, *agent, *activity, *amount, *at;
};

#define booked(...) book_((struct booked){ __VA_ARGS__ })
static inline void book_(struct booked w)
{
    const bool is_ann = strcmp(w.agent, "3") == 0;
    struct booking *b = &desk.all[desk.n++];

    *b = (struct booking){ .unit = DW_UNIT_MINUTES };
    take(b->id, sizeof(b->id), w.id);
    take(b->ticket, sizeof(b->ticket), w.ticket);
    take(b->number, sizeof(b->number), say("4400%s", w.ticket));
    take(b->title, sizeof(b->title), w.title);
    take(b->customer, sizeof(b->customer), w.customer);
    take(b->customer_name, sizeof(b->customer_name), say("Customer %s", w.customer));
    take(b->agent, sizeof(b->agent), w.agent);
    take(b->agent_name, sizeof(b->agent_name), is_ann ? "Ann Ämter" : "Bob; \"the\" Builder");
    take(b->email, sizeof(b->email), is_ann ? "ann@example.org" : "bob@example.org");
    take(b->activity, sizeof(b->activity), w.activity);
    take(b->activity_name, sizeof(b->activity_name), strcmp(w.activity, "1") == 0 ? "Support" : "Travel");
    take(b->amount, sizeof(b->amount), w.amount);
    take(b->at, sizeof(b->at), w.at);
}

/* ---- a sync ---- */

#define NO_SCHEDULE "\"schedule\":\"\",\"full_schedule\":\"\""

static inline const char *make_sync(const char *name, const char *more)
{
    dw_harness_reply made = dw_harness_post(h, API "/syncs",
                                            say("{\"name\":\"%s\",\"source\":\"%s\",\"target\":\"%s\"%s%s}",
                                                name, desk_id, books_id, *more ? "," : "", more));

    assert_status(made, 201);
    return text(made, "/id");
}

/* Starts a run, lets it work, and says what came of it. */
static inline dw_harness_reply run(const char *sync, const char *json)
{
    dw_harness_reply started = dw_harness_post(h, say(API "/syncs/%s/runs", sync), json);

    assert_status(started, 202);
    if (dw_harness_run_jobs(h) < 0)
        fail_msg("%s", dw_harness_why(h));
    return assert_status(dw_harness_get(h, say(API "/runs/%s", text(started, "/id"))), 200);
}

#define assert_text(reply, pointer, wanted) assert_string_equal(text((reply), (pointer)), (wanted))

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

#endif
