/* api_rig.h - a server with the plugin, on either engine; the test is the source ("desk") and the target ("books") of a sync. */
#ifndef TIMESYNC_API_RIG_H
#define TIMESYNC_API_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <dowel/dowel.h>
#include <dowel/harness.h>
#include <libpq-fe.h>

DW_HARNESS_PLAYS;

#define ACME   "0190a0a0-0000-7000-8000-00000000000a"
#define GLOBEX "0190a0a0-0000-7000-8000-00000000000b"
#define NOBODY "0190a0a0-0000-7000-8000-00000000000f"
#define ANN    "0190a0a0-0000-7000-8000-0000000000aa"

#define API "/api/v1/timesync"

/* ---- what is at the desk ---- */

struct booking {
    const char *id, *ticket, *title, *customer, *agent, *activity, *amount;
    const char *created; /* RFC 3339 */
    bool gone;
};

enum { BOOKINGS_MAX = 40, SHEETS_MAX = 60, THINGS_MAX = 60 };

static struct booking bookings[BOOKINGS_MAX];
static size_t bookings_n;

static inline struct booking *book(struct booking b)
{
    assert_true(bookings_n < BOOKINGS_MAX);
    bookings[bookings_n] = b;
    return &bookings[bookings_n++];
}

static inline const char *agent_name(const char *id)
{
    return strcmp(id, "3") == 0 ? "Ann Ämter" : "Bob; \"the\" Builder";
}

static int desk_list(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    (void)conn;
    for (size_t i = 0; i < bookings_n; i++) {
        const struct booking *b = &bookings[i];
        dw_time created;
        if (b->gone || (query->ticket && strcmp(query->ticket, b->ticket) != 0))
            continue;
        DW_TRY(dw_time_parse(c, b->created, &created));
        DW_TRY(dw_entry_add(
            out, .id = b->id, .ticket = b->ticket, .ticket_number = dw_format(c, "4400%s", b->ticket),
            .ticket_title = b->title, .customer = b->customer,
            .customer_name = dw_format(c, "Customer %s", b->customer), .agent = b->agent,
            .agent_email = strcmp(b->agent, "3") == 0 ? "ann@example.org" : "bob@example.org",
            .agent_name = agent_name(b->agent), .activity = b->activity,
            .activity_name = strcmp(b->activity, "1") == 0 ? "Support" : "Travel", .amount = b->amount,
            .unit = DW_UNIT_MINUTES, .created = created, .changed = created));
    }
    return dw_found_complete(out);
}

static const dw_time_source desk_source = { .struct_size = sizeof(dw_time_source), .list = desk_list };
static const dw_connector desk_kind = { .name = "desk", .title = "Desk", .time_source = &desk_source };

/* ---- what is in the books ---- */

struct entered {
    char id[16], project[16], activity[16], user[16], text[2000];
    dw_time begin, end;
    bool exported, gone;
};

struct named {
    char kind[16], id[16], name[100], number[40], email[60], parent[16];
};

static struct entered sheets[SHEETS_MAX];
static struct named things[THINGS_MAX];
static size_t sheets_n, things_n;
static bool books_refuse; /* our credentials */

static inline void name_thing(struct named t)
{
    assert_true(things_n < THINGS_MAX);
    things[things_n++] = t;
}

static inline struct entered *sheet_by_id(const char *id)
{
    for (size_t i = 0; i < sheets_n; i++) {
        if (!sheets[i].gone && strcmp(sheets[i].id, id) == 0)
            return &sheets[i];
    }
    return NULL;
}

static inline size_t sheets_there(void)
{
    size_t n = 0;

    for (size_t i = 0; i < sheets_n; i++)
        n += !sheets[i].gone;
    return n;
}

static int list_kind(const char *kind, dw_found *out)
{
    for (size_t i = 0; i < things_n; i++) {
        const struct named *t = &things[i];
        if (strcmp(t->kind, kind) == 0)
            DW_TRY(dw_thing_add(out, .id = t->id, .name = t->name, .number = *t->number ? t->number : NULL,
                                .email = *t->email ? t->email : NULL,
                                .parent = *t->parent ? t->parent : NULL));
    }
    return dw_found_complete(out);
}

#define LISTS(kind)                                                                                     \
    static int list_##kind(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out) \
    {                                                                                                   \
        (void)c;                                                                                        \
        (void)conn;                                                                                     \
        (void)query;                                                                                    \
        return list_kind(#kind, out);                                                                   \
    }                                                                                                   \
    static int make_##kind(dw_call *c, dw_connection *conn, const dw_thing *wanted, dw_thing *made)     \
    {                                                                                                   \
        (void)conn;                                                                                     \
        return make_kind(c, #kind, wanted, made);                                                       \
    }

static int make_kind(dw_call *c, const char *kind, const dw_thing *wanted, dw_thing *made)
{
    struct named t = { 0 };

    snprintf(t.kind, sizeof(t.kind), "%s", kind);
    snprintf(t.id, sizeof(t.id), "%zu", 100 + things_n);
    snprintf(t.name, sizeof(t.name), "%s", wanted->name);
    snprintf(t.number, sizeof(t.number), "%s", wanted->number ? wanted->number : "");
    snprintf(t.parent, sizeof(t.parent), "%s", wanted->parent ? wanted->parent : "");
    name_thing(t);
    *made = *wanted;
    made->id = dw_format(c, "%s", t.id);
    return 0;
}

LISTS(user)
LISTS(activity)
LISTS(customer)
LISTS(project)

static const dw_listing books_listings[] = {
    { .name = "user", .title = "Users", .list = list_user, .make = make_user },
    { .name = "activity", .title = "Activities", .list = list_activity, .make = make_activity },
    { .name = "customer", .title = "Customers", .list = list_customer, .make = make_customer },
    { .name = "project", .title = "Projects", .list = list_project, .make = make_project },
    { 0 },
};

static int books_list(dw_call *c, dw_connection *conn, const dw_timesheet_query *query, dw_found *out)
{
    (void)conn;
    if (books_refuse)
        return dw_fail(c, DW_EAUTH, "the token is not valid any more");
    for (size_t i = 0; i < sheets_n; i++) {
        const struct entered *s = &sheets[i];
        if (s->gone || (query->id && strcmp(query->id, s->id) != 0))
            continue;
        DW_TRY(dw_timesheet_add(out, .id = s->id, .project = s->project, .activity = s->activity,
                                .user = s->user, .text = s->text, .begin = s->begin, .end = s->end,
                                .seconds = (s->end.us - s->begin.us) / 1000000, .billable = DW_BILLABLE_YES,
                                .exported = s->exported));
    }
    return dw_found_complete(out);
}

static inline void set_text(char *to, size_t size, const char *text)
{
    if (text)
        snprintf(to, size, "%s", text);
}

static int books_write(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, dw_timesheet *stored)
{
    struct entered *s = wanted->id ? sheet_by_id(wanted->id) : &sheets[sheets_n];

    (void)conn;
    if (books_refuse)
        return dw_fail(c, DW_EAUTH, "the token is not valid any more");
    if (!s)
        return dw_fail(c, DW_ENOTFOUND, "there is no such timesheet");
    if (!wanted->id)
        snprintf(s->id, sizeof(s->id), "%zu", 1000 + sheets_n++);
    set_text(s->project, sizeof(s->project), wanted->project);
    set_text(s->activity, sizeof(s->activity), wanted->activity);
    set_text(s->user, sizeof(s->user), wanted->user);
    set_text(s->text, sizeof(s->text), wanted->text);
    if (wanted->begin.us)
        s->begin = wanted->begin;
    if (wanted->end.us)
        s->end = wanted->end;
    *stored = (dw_timesheet){ .struct_size = sizeof(*stored),
                              .id = s->id,
                              .project = s->project,
                              .activity = s->activity,
                              .user = s->user,
                              .text = s->text,
                              .begin = s->begin,
                              .end = s->end,
                              .seconds = (s->end.us - s->begin.us) / 1000000,
                              .billable = DW_BILLABLE_YES,
                              .exported = s->exported };
    return 0;
}

static int books_remove(dw_call *c, dw_connection *conn, const char *id)
{
    struct entered *s = sheet_by_id(id);

    (void)c;
    (void)conn;
    if (s)
        s->gone = true;
    return 0;
}

static const dw_time_target books_target = {
    .struct_size = sizeof(dw_time_target), .list = books_list, .write = books_write, .remove = books_remove
};
static const dw_connector books_kind = {
    .name = "books", .title = "Books", .listings = books_listings, .time_target = &books_target
};

/* ---- databases ---- */

/* Of the group that runs: NULL for SQLite, or the URL of a server where the superuser makes databases. */
static const char *postgres;
static char database[64];

static inline void admin(const char *sql)
{
    static const char *const names[] = { "dbname", "user", NULL };
    const char *const values[] = { postgres, "postgres", NULL };
    PGconn *conn = PQconnectdbParams(names, values, 1);
    PGresult *result = PQexec(conn, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
}

/* "postgres://dowel@/dowel?host=..." with another database. */
static inline const char *url_of_new_database(void)
{
    static char url[256];
    static unsigned made;
    const char *at = strchr(strstr(postgres, "://") + 3, '/'), *rest = strchr(at, '?');
    char sql[192];

    snprintf(database, sizeof(database), "timesync_%ld_%u", (long)getpid(), ++made);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s OWNER dowel_system ENCODING 'UTF8' TEMPLATE template0",
             database);
    admin(sql);
    snprintf(url, sizeof(url), "%.*s/%s%s", (int)(at - postgres), postgres, database, rest ? rest : "");
    return url;
}

/* ---- the server ---- */

static dw_harness *h;
static const char *desk, *books; /* connections of Acme */

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

static inline int begin(void **state)
{
    (void)state;
    bookings_n = sheets_n = things_n = 0;
    books_refuse = false;
    memset(sheets, 0, sizeof(sheets));
    try_harness(dw_harness_open(&h, .plugin = PLUGIN, .database = postgres ? url_of_new_database() : NULL));
    try_harness(dw_harness_play(h, &desk_kind));
    try_harness(dw_harness_play(h, &books_kind));
    dw_harness_set_now(h, (dw_time){ INT64_C(1795780800000000) }); /* 2026-11-27T12:00:00Z */
    as(ACME, NULL);
    try_harness(dw_harness_connection(h, "desk", "{}", &desk));
    try_harness(dw_harness_connection(h, "books", "{}", &books));
    name_thing((struct named){ "user", "11", "Ann Ämter", "", "ann@example.org", "" });
    name_thing((struct named){ "user", "12", "Bob", "", "bob@example.org", "" });
    name_thing((struct named){ "activity", "21", "support", "", "", "" });
    name_thing((struct named){ "activity", "22", "Driving", "", "", "" });
    return 0;
}

static inline int end(void **state)
{
    char sql[128];
    unsigned left = dw_harness_close(h);

    (void)state;
    h = NULL;
    if (postgres && *database) {
        snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", database);
        admin(sql);
        *database = '\0';
    }
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

/* ---- a sync ---- */

#define NO_SCHEDULE "\"schedule\":\"\",\"full_schedule\":\"\""

static inline const char *make_sync(const char *name, const char *more)
{
    dw_harness_reply made = dw_harness_post(h, API "/syncs",
                                            say("{\"name\":\"%s\",\"source\":\"%s\",\"target\":\"%s\"%s%s}",
                                                name, desk, books, *more ? "," : "", more));

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

/* ---- groups ---- */

static inline bool on_postgres(void)
{
    postgres = getenv("DOWEL_TEST_POSTGRES");
    if (postgres && !*postgres)
        postgres = NULL;
    if (!postgres)
        printf("1..1\nok 1 - PostgreSQL # SKIP DOWEL_TEST_POSTGRES is not set\n");
    return postgres != NULL;
}

#define ON_EVERY_ENGINE(name, tests)                                     \
    (cmocka_run_group_tests_name(name " on SQLite", tests, NULL, NULL) + \
     (on_postgres() ? cmocka_run_group_tests_name(name " on PostgreSQL", tests, NULL, NULL) : 0))

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

#endif
