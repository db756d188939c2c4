/* host_connector.c - connections: opened, asked what is there, and told to write. What a connector does runs in a call of its own plugin,
 * with memory of its own, so that a list of any length leaves nothing behind. */
#include <string.h>

#include "events/events.h"
#include "log/log.h"
#include "plugin/call_db.h"
#include "plugin/checkup.h"
#include "plugin/connection_make.h"
#include "plugin/connection_open.h"
#include "plugin/found.h"
#include "plugin/host.h"
#include "plugin/question.h"
#include "plugin/values.h"
#include "util/clock.h"

enum { SETTLE_US = 90 * CLOCK_SECOND };

/* ---- a connection ---- */

static const char *connection_id(dw_connection *conn)
{
    return conn && conn->c ? conn->id : "";
}

static const char *connection_name(dw_connection *conn)
{
    return conn && conn->c ? conn->name : "";
}

static const char *kind_name(dw_connection *conn)
{
    return conn && conn->c ? conn->kind : "";
}

static const char *address(dw_connection *conn)
{
    return conn && conn->c && conn->route.address ? conn->route.address : "";
}

static const void *settings(dw_connection *conn)
{
    static const char step[] = "dw_connection_settings";

    if (!conn || !call_is_mine(conn->c)) {
        call_stray(conn ? conn->c : NULL, step);
        return NULL;
    }
    if (conn->c->instance == conn->owner)
        return conn->settings;
    call_misuse(conn->c, "%s: those of the connection %s are for the plugin %s alone", step, conn->name,
                conn->owner->name);
    return NULL;
}

static dw_span settle(dw_connection *conn)
{
    const dw_time_target *target = conn && conn->c ? conn->connector->time_target : NULL;
    dw_span own = target ? target->settle : (dw_span){ 0 };

    return own.us > 0 ? own : (dw_span){ SETTLE_US };
}

static int open_connection(dw_call *c, const char *id, dw_connection **out)
{
    static const char step[] = "dw_connection_open";

    *out = NULL;
    DW_TRY(call_check(c, step));
    DW_TRY(call_refuse_in_transaction(c, step));
    return connection_open_kept(c, step, id, out);
}

/* ---- all of a kind or role ---- */

/* The kinds that are meant, which end with NULL; in the call's memory. */
static const char *const *kinds_of(dw_call *c, const char *kind_or_role)
{
    const struct connectors *all = c->instance->process->connectors;
    const struct connector_kind *kind;
    const char **names;
    size_t n = 0;

    while (connectors_at(all, n))
        n++;
    names = call_alloc(c, (n + 1) * sizeof(*names));
    n = 0;
    for (size_t i = 0; (kind = connectors_at(all, i)); i++) {
        if (strcmp(kind->name, kind_or_role) == 0 || connector_plays(kind, kind_or_role))
            names[n++] = kind->name;
    }
    return names;
}

/* A growing list of texts in the call's memory. */
struct ids {
    const char **v;
    size_t n, cap;
};

static void add_id(dw_call *c, struct ids *ids, struct str id)
{
    if (ids->n == ids->cap) {
        const char **larger = call_alloc(c, (ids->cap = ids->cap ? 2 * ids->cap : 16) * sizeof(*larger));
        if (ids->n > 0)
            memcpy(larger, ids->v, ids->n * sizeof(*larger));
        ids->v = larger;
    }
    ids->v[ids->n++] = call_copy(c, id);
}

/* All before the first visit: a visit may do what closes rows. */
static int list_ids(dw_call *c, const char *step, const char *const *kinds, struct ids *out)
{
    const struct connection_filter filter = { .tenant = c->tenant, .kinds = kinds, .enabled_only = true };
    struct db_session *s;
    struct db_rows *rows;
    struct db_cell id;

    DW_TRY(call_session(c, step, &s));
    int rc = connections_query(s, &rows, &filter);
    if (rc < 0)
        return call_session_result(c, step, rc);
    while ((rc = db_rows_next(rows)) > 0 && (rc = db_rows_cell(rows, 0, &id)) == 0)
        add_id(c, out, id.text);
    db_rows_close(rows);
    return call_session_result(c, step, rc);
}

/* What is wrong with one alone is no failure of the rest: disabled or deleted meanwhile, or for an admin to look at. */
static bool is_its_own(const dw_call *c, int rc)
{
    if (rc == DW_ENOTFOUND || rc == DW_ECONFLICT)
        return true;
    return rc == DW_EUNAVAILABLE && strcmp(c->error.detail, "missing") == 0;
}

static int visit_connection(dw_call *c, const char *id, int (*visit)(dw_call *, dw_connection *, void *),
                            void *ud)
{
    dw_connection *conn;
    int rc = connection_open_kept(c, "dw_connections_each", id, &conn);

    if (rc < 0 && is_its_own(c, rc)) {
        log_warn("a connection is left out", LOG_TEXT("connection", id), LOG_TEXT("why", c->error.text));
        return 0;
    }
    if (rc == 0)
        rc = visit(c, conn, ud);
    return rc < 0 ? rc : 1;
}

static int each(dw_call *c, const char *kind_or_role, int (*visit)(dw_call *, dw_connection *, void *),
                void *ud)
{
    static const char step[] = "dw_connections_each";
    struct ids ids = { .n = 0 };
    int visited = 0;

    DW_TRY(call_check(c, step));
    DW_TRY(call_refuse_in_transaction(c, step));
    if (!c->tenant)
        return call_misuse(
            c, "%s: connections belong to tenants, and this call has none: dw_call_as_tenant() first", step);
    if (!kind_or_role || !visit)
        return call_misuse(c, "%s: without a kind or role, or a function to visit with", step);
    DW_TRY(list_ids(c, step, kinds_of(c, kind_or_role), &ids));
    for (size_t i = 0; i < ids.n; i++) {
        call_scope_begin(c);
        int rc = visit_connection(c, ids.v[i], visit, ud);
        call_scope_end(c);
        if (rc < 0)
            return rc;
        visited += rc;
    }
    return visited;
}

/* ---- asking a connector ---- */

/* A question on its way: the connection as the connector sees it, and whatever of these it is about. */
struct asking {
    const char *step;
    dw_connection *conn; /* lent */
    int (*ask)(dw_call *child, struct asking *a);
    dw_found *found; /* of a list; NULL: none */
    union {
        const dw_listing *listing;
        const char *id;
    } of;
    union found_room query;  /* or what is wanted */
    union found_room answer; /* what it became */
    const void *result;      /* in the asker's memory */
};

/* What a list amounts to, whatever the connector returned after it. */
static int judge_list(dw_call *child, const dw_found *found, int rc)
{
    if (rc >= 0 && found->refused != 0)
        return found->refused;
    if (rc >= 0 && !found->is_complete && found->stopped == 0)
        return call_fail_detail(
            child, DW_EUPSTREAM, "incomplete",
            "the list is not complete: the connector %s gave %lld and did not say that it is all",
            child->instance->name, (long long)found->n);
    return rc;
}

static int run_question(dw_call *c, const dw_connection *conn, struct asking *a, const struct answerer *who,
                        struct arena *arena)
{
    dw_call *child;

    if (call_begin(&child, &(struct call_options){ .instance = who->by,
                                                   .label = who->label,
                                                   .what = who->what,
                                                   .arena = arena,
                                                   .parent = c }) != 0)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", a->step);
    a->conn = connection_lend(conn, child);
    if (a->found)
        a->found->asked = child;
    int rc = a->conn ? question_judge(child, who, call_check_committed(child, a->ask(child, a)), INT32_MAX)
                     : call_fail(child, DW_ENOMEM, "%s: out of memory", a->step);
    connection_take_back(a->conn);
    if (a->found) {
        rc = judge_list(child, a->found, rc);
        a->found->asked = NULL;
    }
    if (a->found && a->found->stopped != 0)
        rc = a->found->stopped; /* the visitor has said why, on its own call */
    else if (rc < 0)
        question_carry(c, child, who, rc);
    call_end(child);
    return rc;
}

static int check_asking(dw_call *c, const dw_connection *conn, const char *step)
{
    DW_TRY(call_check(c, step));
    if (!conn || !conn->c)
        return call_misuse(c, "%s: without a connection, or with one that is over", step);
    if (conn->c->root != c->root || !c->tenant || !conn->c->tenant || strcmp(c->tenant, conn->c->tenant) != 0)
        return call_misuse(c, "%s: the connection %s was opened in another call or tenant", step, conn->name);
    return call_refuse_in_transaction(c, step);
}

/* Not what a visitor did; and a refusal may be about that one timesheet, or, with a reason, about the one ticket that was asked for. */
static bool tells_of_health(const dw_call *c, const struct asking *a, int rc)
{
    if (rc == DW_EDENIED && (!a->found || *c->error.reason))
        return false;
    return !a->found || a->found->stopped == 0;
}

static int ask_there(dw_call *c, dw_connection *conn, struct asking *a)
{
    const struct connector_kind *kind = connection_kind(conn);
    struct arena arena;

    if (!kind || atomic_load(&kind->by->missing))
        return call_refuse(c, DW_EUNAVAILABLE, "missing",
                           "the connection %s is of the kind %s, whose plugin is not running", conn->name,
                           conn->kind);
    const struct answerer who = { .by = kind->by, .label = kind->label, .what = kind->what };
    DW_TRY(question_check_depth(c, who.what));
    arena_init(&arena, NULL, 0, 0);
    int rc = run_question(c, conn, a, &who, &arena);
    arena_finish(&arena);
    if (tells_of_health(c, a, rc))
        connection_note(c, conn, rc);
    return rc;
}

/* The format takes the connection's name, its kind, and what it lacks. */
#define LACKS(c, conn, format, what) \
    call_refuse((c), DW_ENOTFOUND, "", format, (conn)->name, (conn)->kind, what)

static int lacks_listing(dw_call *c, const dw_connection *conn, const char *name)
{
    return LACKS(c, conn, "the connection %s is of the kind %s, which has no list \"%s\"", name);
}

static int lacks_role(dw_call *c, const dw_connection *conn, const char *role)
{
    return LACKS(c, conn, "the connection %s is of the kind %s, which does not have the role %s", role);
}

/* A list, whose query is in a. How many were visited. */
static int list_there(dw_call *c, dw_connection *conn, struct asking *a, void *ud)
{
    dw_found *found = a->found;
    int rc;

    found->query = a->query.bytes;
    found->ud = ud;
    rc = ask_there(c, conn, a);
    if (rc >= 0)
        rc = found->n < INT32_MAX ? (int)found->n : INT32_MAX;
    found_close(found);
    return rc;
}

/* ---- things ---- */

static int list_things(dw_call *child, struct asking *a)
{
    return a->of.listing->list(child, a->conn, (const void *)a->query.bytes, a->found);
}

static int things(dw_call *c, dw_connection *conn, const char *name, const dw_thing_query *query,
                  int (*visit)(dw_call *, const dw_thing *, void *), void *ud)
{
    static const char step[] = "dw_things_each";
    struct asking a = { .step = step, .ask = list_things };

    DW_TRY(check_asking(c, conn, step));
    if (!name || !visit)
        return call_misuse(c, "%s: without a listing, or a function to visit with", step);
    a.of.listing = connector_listing(connection_kind(conn), name);
    if (!a.of.listing)
        return lacks_listing(c, conn, name);
    a.found = found_open(FOUND_THINGS, c);
    if (!a.found)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", step);
    a.found->visit.thing = visit;
    found_take(&a.query, query, sizeof(*query));
    return list_there(c, conn, &a, ud);
}

static int make_thing(dw_call *child, struct asking *a)
{
    dw_call *asker = child->parent;
    dw_thing *made = (void *)a->answer.bytes;
    int rc = a->of.listing->make(child, a->conn, (const void *)a->query.bytes, made);

    if (rc < 0)
        return rc;
    if (!made->name)
        made->name = ((const dw_thing *)(const void *)a->query.bytes)->name;
    const char *wrong = thing_wrong(made);
    if (wrong)
        return call_misuse(child, "%s: what the connector made is %s", a->step, wrong);
    thing_mend(child, made);
    a->result = thing_copy(asker, made);
    return rc;
}

static int make(dw_call *c, dw_connection *conn, const char *name, const dw_thing *wanted,
                const dw_thing **made)
{
    static const char step[] = "dw_thing_make";
    struct asking a = { .step = step, .ask = make_thing };

    DW_TRY(check_asking(c, conn, step));
    if (!name || !wanted || !made)
        return call_misuse(c, "%s: without a listing, what is wanted, or where it goes", step);
    *made = NULL;
    a.of.listing = connector_listing(connection_kind(conn), name);
    if (!a.of.listing)
        return lacks_listing(c, conn, name);
    if (!a.of.listing->make)
        return LACKS(c, conn, "the connection %s is of the kind %s, where no %s can be made", name);
    found_take(&a.query, wanted, sizeof(*wanted));
    found_take(&a.answer, NULL, sizeof(dw_thing));
    int rc = ask_there(c, conn, &a);
    *made = rc >= 0 ? a.result : NULL;
    return rc;
}

/* ---- entries ---- */

static int list_entries(dw_call *child, struct asking *a)
{
    return a->conn->connector->time_source->list(child, a->conn, (const void *)a->query.bytes, a->found);
}

static int entries(dw_call *c, dw_connection *conn, const dw_entry_query *query,
                   int (*visit)(dw_call *, const dw_entry *, void *), void *ud)
{
    static const char step[] = "dw_entries_each";
    struct asking a = { .step = step, .ask = list_entries };

    DW_TRY(check_asking(c, conn, step));
    if (!visit)
        return call_misuse(c, "%s: without a function to visit with", step);
    if (!conn->connector->time_source)
        return lacks_role(c, conn, "time_source");
    a.found = found_open(FOUND_ENTRIES, c);
    if (!a.found)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", step);
    a.found->visit.entry = visit;
    found_take(&a.query, query, sizeof(*query));
    return list_there(c, conn, &a, ud);
}

/* ---- timesheets ---- */

static int list_timesheets(dw_call *child, struct asking *a)
{
    return a->conn->connector->time_target->list(child, a->conn, (const void *)a->query.bytes, a->found);
}

static int check_target(dw_call *c, const dw_connection *conn, const char *step)
{
    DW_TRY(check_asking(c, conn, step));
    return conn->connector->time_target ? 0 : lacks_role(c, conn, "time_target");
}

static int timesheets(dw_call *c, dw_connection *conn, const dw_timesheet_query *query,
                      int (*visit)(dw_call *, const dw_timesheet *, void *), void *ud)
{
    static const char step[] = "dw_timesheets_each";
    struct asking a = { .step = step, .ask = list_timesheets };

    DW_TRY(check_target(c, conn, step));
    if (!visit)
        return call_misuse(c, "%s: without a function to visit with", step);
    a.found = found_open(FOUND_TIMESHEETS, c);
    if (!a.found)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", step);
    a.found->visit.timesheet = visit;
    found_take(&a.query, query, sizeof(*query));
    return list_there(c, conn, &a, ud);
}

static int write_timesheet(dw_call *child, struct asking *a)
{
    dw_call *asker = child->parent;
    dw_timesheet *stored = (void *)a->answer.bytes;
    int rc = a->conn->connector->time_target->write(child, a->conn, (const void *)a->query.bytes, stored);

    if (rc < 0)
        return rc;
    const char *wrong = timesheet_wrong(stored);
    /* It was written, but who knows as what: nobody may write it again without a look. */
    if (wrong) {
        call_misuse(child, "%s: what the connector stored is %s", a->step, wrong);
        return call_fail(child, DW_EUNKNOWN, "it was written, but the connector's answer is %s", wrong);
    }
    if (timesheet_mend(child, stored) != 0)
        return DW_EUNKNOWN;
    a->result = timesheet_copy(asker, stored);
    return rc;
}

static int write(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, const dw_timesheet **stored)
{
    static const char step[] = "dw_timesheet_write";
    struct asking a = { .step = step, .ask = write_timesheet };

    DW_TRY(check_target(c, conn, step));
    if (!wanted || !stored)
        return call_misuse(c, "%s: without a timesheet, or where it goes", step);
    *stored = NULL;
    found_take(&a.query, wanted, sizeof(*wanted));
    found_take(&a.answer, NULL, sizeof(dw_timesheet));
    int rc = ask_there(c, conn, &a);
    *stored = rc >= 0 ? a.result : NULL;
    return rc;
}

static int remove_one(dw_call *child, struct asking *a)
{
    return a->conn->connector->time_target->remove(child, a->conn, a->of.id);
}

static int remove_timesheet(dw_call *c, dw_connection *conn, const char *id)
{
    static const char step[] = "dw_timesheet_remove";
    struct asking a = { .step = step, .ask = remove_one, .of.id = id };

    DW_TRY(check_target(c, conn, step));
    if (!id || !*id)
        return call_misuse(c, "%s: without an id", step);
    return ask_there(c, conn, &a);
}

/* ---- what the connector says ---- */

static int emit_changed(dw_call *c, const dw_connection *conn, const char *ticket)
{
    static const char step[] = "dw_connection_changed";
    struct buf data = BUF_INIT;
    struct db_session *s;
    int rc;

    DW_TRY(call_session(c, step, &s));
    rc = pairs_write_json(&data, DW_LIST("connection", conn->id, "ticket", ticket));
    const struct event e = {
        .name = "core.connection.changed",
        .data = buf_text(&data),
        .tenant = c->tenant,
        .principal = c->principal,
        .at_us = call_wall_us(c),
    };
    if (buf_failed(&data))
        rc = call_fail(c, DW_ENOMEM, "%s: out of memory", step);
    else if (rc != 0)
        rc = call_fail(c, DW_EINVALID, "%s: the ticket is not UTF-8", step);
    else
        rc = call_session_result(c, step, events_emit(s, &e, NULL));
    buf_finish(&data);
    return rc;
}

static int changed(dw_call *c, dw_connection *conn, const char *ticket)
{
    static const char step[] = "dw_connection_changed";

    DW_TRY(call_check(c, step));
    if (!conn || !conn->c || conn->owner != c->instance || !*conn->id)
        return call_misuse(c, "%s: of a connection that is kept, by the plugin whose connector it is", step);
    if (conn->c->root != c->root || !c->tenant || strcmp(c->tenant, conn->c->tenant) != 0)
        return call_misuse(c, "%s: the connection %s was opened in another call or tenant", step, conn->name);
    if (!call_in_transaction(c))
        return call_fail_inner(
            c, DW_ETX, "%s is said in the transaction of what was noticed: dw_tx_begin() first", step);
    return emit_changed(c, conn, ticket);
}

const dw_connector_api host_connector_api = {
    .struct_size = sizeof(dw_connector_api),
    .id = connection_id,
    .name = connection_name,
    .kind = kind_name,
    .settings = settings,
    .open = open_connection,
    .each = each,
    .checked = checkup_note,
    .thing = found_thing,
    .entry = found_entry,
    .timesheet = found_timesheet,
    .used = found_use,
    .complete = found_complete,
    .changed = changed,
    .things = things,
    .make = make,
    .entries = entries,
    .timesheets = timesheets,
    .write = write,
    .remove = remove_timesheet,
    .settle = settle,
    .try_out = connection_make_try,
    .connect = connection_make,
    .address = address,
};
