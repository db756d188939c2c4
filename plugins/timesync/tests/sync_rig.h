/* sync_rig.h - a server with timesync, and both sides of a sync played by the test: a desk where time is booked, books where it is
 * billed, with whatever can go wrong with them. On either engine. */
#ifndef TIMESYNC_SYNC_RIG_H
#define TIMESYNC_SYNC_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>
#include <dowel/dowel.h>
#include <dowel/harness.h>
#include <libpq-fe.h>

DW_HARNESS_PLAYS;

#define TENANT "0190a0a0-0000-7000-8000-00000000000a"
#define SYNC   "0190a0a0-0000-7000-8000-0000000000aa"

/* Of the group that runs: NULL for SQLite, or the URL of a server where the superuser makes databases. */
static const char *postgres;
static dw_harness *h;
static const char *source, *target;

/* How much there is room for. */
#ifndef RIG_BOOKINGS
#define RIG_BOOKINGS 400
#endif
enum { RIG_PAGES = 2 * RIG_BOOKINGS, RIG_PLACES = RIG_BOOKINGS };

/* 2026-03-02 10:00 UTC */
#define DAY ((dw_time){ INT64_C(1772445600000000) })

/* ---- the desk ---- */

struct booking {
    char id[32], ticket[32], customer[64], agent[32], email[64], activity[32], amount[32], note[128],
        merged[32];
    dw_time created, changed;
    bool gone;
};

static struct desk {
    struct booking all[RIG_BOOKINGS];
    unsigned n, lists, ticket_lists;
    int fails;               /* a code: every list does */
    unsigned fails_once;     /* so many times */
    bool denies;             /* a complete list gives all, and then fails */
    const char *long_note;   /* instead of what they have */
    const char *hides;       /* this entry's id from complete lists, as a page that moved */
    void (*meanwhile)(void); /* before a list begins */
} desk;

static inline int desk_list(dw_call *c, dw_connection *conn, const dw_entry_query *q, dw_found *out)
{
    (void)conn;
    desk.lists++;
    desk.ticket_lists += q->ticket != NULL;
    if (desk.fails && (!desk.fails_once || desk.fails_once-- > 1)) {
        if (!desk.fails_once)
            return dw_fail(c, desk.fails, "the desk fails");
        return dw_fail(c, desk.fails, "the desk fails for now");
    }
    if (desk.meanwhile)
        desk.meanwhile();
    for (unsigned i = 0; i < desk.n; i++) {
        const struct booking *b = &desk.all[i];

        if (b->gone || (q->ticket && strcmp(q->ticket, b->ticket) != 0) ||
            b->changed.us < q->changed_since.us)
            continue;
        if (!q->ticket && desk.hides && strcmp(desk.hides, b->id) == 0)
            continue;
        DW_TRY(dw_entry_add(out, .id = b->id, .ticket = b->ticket, .ticket_number = b->ticket,
                            .ticket_title = "A title", .customer = b->customer, .customer_name = b->customer,
                            .agent = b->agent, .agent_email = b->email, .agent_name = b->agent,
                            .activity = b->activity, .activity_name = b->activity,
                            .text = desk.long_note ? desk.long_note : b->note,
                            .url = "https://desk.example/1", .amount = b->amount, .created = b->created,
                            .changed = b->changed, .merged_into = *b->merged ? b->merged : NULL));
    }
    if (desk.denies && !q->ticket)
        return dw_fail(c, DW_EDENIED, "some tickets cannot be read");
    return dw_found_complete(out);
}

static inline int desk_tickets(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    (void)c;
    (void)conn;
    DW_TRY(dw_thing_add(out, .id = q->id ? q->id : "1", .name = "A title"));
    return dw_found_complete(out);
}

/* ---- the books ---- */

struct page {
    char id[32], project[32], activity[32], user[32], text[400], tags[100];
    dw_time begin, end, changed;
    int64_t seconds;
    uint32_t billable;
    bool exported, gone;
};

struct thing {
    char id[32], name[100], number[64], parent[32], email[64];
};

enum { NO_FAULT = 0 };

static struct books {
    struct page all[RIG_PAGES];
    unsigned n, lists, writes, removes, creates;
    struct thing customers[RIG_PLACES], projects[RIG_PLACES], users[20];
    unsigned n_customers, n_projects, n_users;
    bool rounds; /* begin down, end up to the minute */
    struct fault {
        unsigned at; /* the how manieth write or removal from now; 0: none */
        int code;    /* with this it fails */
        const char *reason;
        bool acts;    /* all the same */
        dw_span late; /* after so long, not at once */
    } fault;
    struct page late; /* comes when its `changed` is */
    bool is_late;
    int make_fails; /* a code: making things */
    bool make_acts;
    size_t longest_number;   /* 0: any */
    int fails;               /* every request */
    void (*meanwhile)(void); /* before a write is answered */
} books;

static inline struct page *page_of(const char *id)
{
    const unsigned place = *id == 's' ? (unsigned)strtoul(id + 1, NULL, 10) : 0;

    if (place && place <= books.n && strcmp(books.all[place - 1].id, id) == 0)
        return &books.all[place - 1];
    for (unsigned i = 0; i < books.n; i++) /* what came late is elsewhere */
        if (strcmp(books.all[i].id, id) == 0)
            return &books.all[i];
    return NULL;
}

static inline void books_put(const struct page *p)
{
    char next[32];

    snprintf(next, sizeof(next), "s%u", books.n + 1); /* surely new: no need to look through 100,000 */
    struct page *old = strcmp(next, p->id) == 0 && !books.is_late ? NULL : page_of(p->id);

    if (old) {
        *old = *p;
        return;
    }
    if (books.n == sizeof(books.all) / sizeof(*books.all))
        fail_msg("the books are full");
    books.all[books.n++] = *p;
}

static inline void books_wake(dw_time now)
{
    if (books.is_late && books.late.changed.us <= now.us) {
        books_put(&books.late);
        books.is_late = false;
    }
}

static inline int page_add(dw_found *out, const struct page *p)
{
    const char *tags[8];
    char copy[100], *rest = copy, *tag;
    dw_texts list = { tags, 0 };

    snprintf(copy, sizeof(copy), "%s", p->tags);
    while ((tag = strsep(&rest, ",")) && *tag)
        tags[list.n++] = tag;
    return dw_timesheet_add(out, .id = p->id, .project = p->project, .activity = p->activity, .user = p->user,
                            .text = p->text, .tags = list, .begin = p->begin, .end = p->end,
                            .seconds = p->seconds, .billable = p->billable, .exported = p->exported);
}

static inline bool first_line_is(const char *text, const char *line)
{
    const size_t n = strlen(line);

    return strncmp(text, line, n) == 0 && (!text[n] || text[n] == '\n');
}

static inline int books_list(dw_call *c, dw_connection *conn, const dw_timesheet_query *q, dw_found *out)
{
    (void)conn;
    books.lists++;
    books_wake(dw_now(c));
    if (books.fails)
        return dw_fail(c, books.fails, "the books fail");
    for (unsigned i = 0; i < books.n; i++) {
        const struct page *p = &books.all[i];

        if (p->gone || (q->id && strcmp(q->id, p->id) != 0) ||
            (q->marker && !first_line_is(p->text, q->marker)) || p->changed.us < q->changed_since.us ||
            (q->begin_from.us && p->begin.us < q->begin_from.us) ||
            (q->begin_to.us && p->begin.us > q->begin_to.us))
            continue;
        DW_TRY(page_add(out, p));
    }
    return dw_found_complete(out);
}

static inline void round_page(struct page *p)
{
    const int64_t minute = 60000000;

    if (books.rounds) {
        p->begin.us -= p->begin.us % minute;
        p->end.us += (minute - p->end.us % minute) % minute;
    }
    p->seconds = (p->end.us - p->begin.us) / 1000000;
}

static inline void take(char *to, size_t size, const char *from)
{
    if (from)
        snprintf(to, size, "%s", from);
}

static inline void write_page(struct page *p, const dw_timesheet *w)
{
    take(p->project, sizeof(p->project), w->project);
    take(p->activity, sizeof(p->activity), w->activity);
    take(p->user, sizeof(p->user), w->user);
    take(p->text, sizeof(p->text), w->text);
    if (w->tags_wanted || w->tags.n) {
        *p->tags = '\0';
        for (size_t i = 0; i < w->tags.n; i++) {
            strncat(p->tags, i ? "," : "", sizeof(p->tags) - strlen(p->tags) - 1);
            strncat(p->tags, w->tags.v[i], sizeof(p->tags) - strlen(p->tags) - 1);
        }
    }
    if (w->begin.us)
        p->begin = w->begin;
    if (w->end.us)
        p->end = w->end;
    if (w->billable)
        p->billable = w->billable;
    round_page(p);
}

/* The fault that is due now, if one is. */
static inline bool fault_now(struct fault *f)
{
    if (!books.fault.at || --books.fault.at > 0)
        return false;
    *f = books.fault;
    return true;
}

static inline int fault_fails(dw_call *c, const struct fault *f)
{
    return f->reason ? dw_fail(c, f->code, "the books refuse it", "reason", f->reason)
                     : dw_fail(c, f->code, "the books fail");
}

static inline int books_write(dw_call *c, dw_connection *conn, const dw_timesheet *w, dw_timesheet *stored)
{
    struct page *old = w->id ? page_of(w->id) : NULL, p = { .billable = DW_BILLABLE_YES, .user = "owner" };
    struct fault f = { 0 };
    bool fails;

    (void)conn;
    books.writes++;
    books.creates += w->id == NULL;
    books_wake(dw_now(c));
    if (books.fails)
        return dw_fail(c, books.fails, "the books fail");
    fails = fault_now(&f);
    if (fails && !f.acts)
        return fault_fails(c, &f);
    if (w->id && (!old || old->gone))
        return dw_fail(c, DW_ENOTFOUND, "there is no such page");
    if (old && old->exported)
        fail_msg("an exported page was touched: %s", old->id);
    if (old)
        p = *old;
    else
        snprintf(p.id, sizeof(p.id), books.is_late ? "after%u" : "s%u", books.n + 1);
    write_page(&p, w);
    p.changed = dw_now(c);
    if (fails && f.late.us) {
        books.late = p;
        books.late.changed.us += f.late.us;
        books.is_late = true;
        return fault_fails(c, &f);
    }
    books_put(&p);
    if (books.meanwhile)
        books.meanwhile();
    if (fails)
        return fault_fails(c, &f);
    old = page_of(p.id);
    *stored = (dw_timesheet){
        .struct_size = sizeof(*stored),
        .id = old->id,
        .project = old->project,
        .activity = old->activity,
        .user = old->user,
        .text = old->text,
        .tags = w->tags,
        .begin = old->begin,
        .end = old->end,
        .seconds = old->seconds,
        .billable = old->billable,
        .exported = old->exported,
    };
    return 0;
}

static inline int books_remove(dw_call *c, dw_connection *conn, const char *id)
{
    struct page *p = page_of(id);
    struct fault f = { 0 };
    bool fails;

    (void)conn;
    books.removes++;
    if (books.fails)
        return dw_fail(c, books.fails, "the books fail");
    fails = fault_now(&f);
    if (fails && !f.acts)
        return fault_fails(c, &f);
    if (p && p->exported)
        fail_msg("an exported page was removed: %s", id);
    if (p)
        p->gone = true;
    return fails ? fault_fails(c, &f) : 0;
}

static inline int list_things(const struct thing *all, unsigned n, const dw_thing_query *q, dw_found *out)
{
    for (unsigned i = 0; i < n; i++)
        if (!q->number || strcmp(all[i].number, q->number) == 0)
            DW_TRY(dw_thing_add(out, .id = all[i].id, .name = all[i].name,
                                .number = *all[i].number ? all[i].number : NULL,
                                .email = *all[i].email ? all[i].email : NULL,
                                .parent = *all[i].parent ? all[i].parent : NULL));
    return dw_found_complete(out);
}

static inline int make_thing(dw_call *c, struct thing *all, unsigned *n, const char *prefix,
                             const dw_thing *w, dw_thing *made)
{
    struct thing *t = &all[*n];

    if (books.longest_number && w->number && strlen(w->number) > books.longest_number)
        return dw_fail(c, DW_EINVALID, "this number is longer than the books take");
    if (books.make_fails && !books.make_acts)
        return dw_fail(c, books.make_fails, "the books make none");
    snprintf(t->id, sizeof(t->id), "%s%u", prefix, ++*n);
    take(t->name, sizeof(t->name), w->name);
    take(t->number, sizeof(t->number), w->number);
    take(t->parent, sizeof(t->parent), w->parent);
    if (books.make_fails)
        return dw_fail(c, books.make_fails, "the books make one, and say nothing");
    *made = (dw_thing){
        .struct_size = sizeof(*made), .id = t->id, .name = t->name, .number = t->number, .parent = t->parent
    };
    return 0;
}

static inline int list_customers(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    (void)c;
    (void)conn;
    return list_things(books.customers, books.n_customers, q, out);
}

static inline int list_projects(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    (void)c;
    (void)conn;
    return list_things(books.projects, books.n_projects, q, out);
}

static inline int list_users(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    (void)c;
    (void)conn;
    return list_things(books.users, books.n_users, q, out);
}

static inline int make_customer(dw_call *c, dw_connection *conn, const dw_thing *w, dw_thing *made)
{
    (void)conn;
    return make_thing(c, books.customers, &books.n_customers, "c", w, made);
}

static inline int make_project(dw_call *c, dw_connection *conn, const dw_thing *w, dw_thing *made)
{
    (void)conn;
    return make_thing(c, books.projects, &books.n_projects, "p", w, made);
}

struct no_settings {
    const char *note;
};
static const dw_item no_items[] = { DW_ITEM(struct no_settings, note, .fallback = "", .help = "Nothing"),
                                    { 0 } };

static const dw_listing desk_listings[] = { { .name = "ticket", .title = "Tickets", .list = desk_tickets },
                                            { 0 } };
static const dw_listing books_listings[] = {
    { .name = "customer", .title = "Customers", .list = list_customers, .make = make_customer },
    { .name = "project", .title = "Projects", .list = list_projects, .make = make_project },
    { .name = "user", .title = "Users", .list = list_users },
    { 0 },
};
static const dw_time_source desk_source = { .struct_size = sizeof(desk_source), .list = desk_list };
static const dw_time_target books_target = {
    .struct_size = sizeof(books_target), .list = books_list, .write = books_write, .remove = books_remove
};
static inline int check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    (void)c;
    (void)conn;
    dw_checked(out, DW_CHECK_GOOD, "there", "it is there");
    return 0;
}
static const dw_connector desk_connector = { .name = "desk",
                                             .title = "Desk",
                                             .summary = "A desk",
                                             .settings = DW_ITEMS(struct no_settings, no_items),
                                             .check = check,
                                             .listings = desk_listings,
                                             .time_source = &desk_source };
static const dw_connector books_connector = { .name = "books",
                                              .title = "Books",
                                              .summary = "Books",
                                              .settings = DW_ITEMS(struct no_settings, no_items),
                                              .check = check,
                                              .listings = books_listings,
                                              .time_target = &books_target };

/* ---- databases ---- */

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
    if (dw_harness_open(&h, .plugin = PLUGIN, .beside = beside,
                        .database = postgres ? url_of_new_database() : NULL) != 0)
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
    char sql[128];

    (void)state;
    h = NULL;
    if (postgres && *database) {
        snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", database);
        admin(sql);
        *database = '\0';
    }
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
    if (strcmp(n.state, "done") == 0 && n.examined > (int64_t)desk.n + (int64_t)books.n)
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

/* ---- what there is ---- */

static inline int64_t count(const char *sql)
{
    int64_t n = -1;

    sql_ok(dw_harness_find(h, DW_TO(&n), sql));
    return n;
}

static inline unsigned pages(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < books.n; i++)
        n += !books.all[i].gone;
    return n;
}

/* Of that entry, or NULL; two are a failure. */
static inline struct page *page_for(const char *entry)
{
    char part[64];
    struct page *found = NULL;

    snprintf(part, sizeof(part), "|TA:%s|C:", entry);
    for (unsigned i = 0; i < books.n; i++)
        if (!books.all[i].gone && strstr(books.all[i].text, part)) {
            if (found)
                fail_msg("two pages for %s", entry);
            found = &books.all[i];
        }
    return found;
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

#endif
