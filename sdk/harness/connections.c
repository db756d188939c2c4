/* connections.c - connections that the test makes, what is asked over them, and connectors that the test plays. */
#include <string.h>

#include "connections/draft.h"
#include "inside.h"
#include "plugin/connection_ask.h"
#include "plugin/host.h"
#include "util/clock.h"
#include "util/json.h"

/* ---- JSON of what was found: members that are not set are left out ---- */

static void add_text(json_t *o, const char *name, const char *text)
{
    if (text)
        json_object_set_new(o, name, json_string(text));
}

static void add_time(json_t *o, const char *name, dw_time t)
{
    char text[CLOCK_RFC3339_SIZE];

    if (t.us == 0)
        return;
    clock_format_rfc3339(t.us, text);
    add_text(o, name, text);
}

static json_t *thing_json(const dw_thing *t)
{
    json_t *o = json_object();

    add_text(o, "id", t->id);
    add_text(o, "name", t->name);
    add_text(o, "number", t->number);
    add_text(o, "email", t->email);
    add_text(o, "parent", t->parent);
    if (t->inactive)
        json_object_set_new(o, "inactive", json_true());
    return o;
}

static json_t *entry_json(const dw_entry *e)
{
    static const char *const units[] = { NULL, "seconds", "minutes", "hours" };
    json_t *o = json_object();

    add_text(o, "id", e->id);
    add_text(o, "ticket", e->ticket);
    add_text(o, "ticket_number", e->ticket_number);
    add_text(o, "ticket_title", e->ticket_title);
    add_text(o, "customer", e->customer);
    add_text(o, "customer_name", e->customer_name);
    add_text(o, "agent", e->agent);
    add_text(o, "agent_email", e->agent_email);
    add_text(o, "agent_name", e->agent_name);
    add_text(o, "activity", e->activity);
    add_text(o, "activity_name", e->activity_name);
    add_text(o, "text", e->text);
    add_text(o, "url", e->url);
    add_text(o, "amount", e->amount);
    add_text(o, "unit", units[e->unit]);
    add_time(o, "begin", e->begin);
    add_time(o, "end", e->end);
    add_time(o, "created", e->created);
    add_time(o, "changed", e->changed);
    add_text(o, "merged_into", e->merged_into);
    add_text(o, "wrong", e->wrong);
    return o;
}

static json_t *timesheet_json(const dw_timesheet *s)
{
    static const char *const billable[] = { NULL, "yes", "no" };
    json_t *o = json_object(), *tags = json_array();

    for (size_t i = 0; i < s->tags.n; i++)
        json_array_append_new(tags, json_string(s->tags.v[i]));
    add_text(o, "id", s->id);
    add_text(o, "project", s->project);
    add_text(o, "activity", s->activity);
    add_text(o, "user", s->user);
    add_text(o, "text", s->text);
    json_object_set_new(o, "tags", tags);
    add_time(o, "begin", s->begin);
    add_time(o, "end", s->end);
    json_object_set_new(o, "seconds", json_integer(s->seconds));
    add_text(o, "billable", billable[s->billable]);
    if (s->exported)
        json_object_set_new(o, "exported", json_true());
    return o;
}

/* Takes the reference, which is dropped when the harness closes. */
static const json_t *keep(dw_harness *h, json_t *json)
{
    struct harness_json *kept = json ? arena_calloc(&h->arena, sizeof(*kept)) : NULL;

    if (!kept) {
        json_decref(json);
        return NULL;
    }
    kept->json = json;
    kept->next = h->replies;
    h->replies = kept;
    return json;
}

/* ---- making one ---- */

static int fail(dw_harness *h, const char *text)
{
    h->why.n = 0;
    buf_add_text(&h->why, text);
    return -1;
}

static int begin_session(dw_harness *h, struct db_session **out)
{
    const struct db_who who = { .owner = "core",
                                .tenant = h->process.tenant,
                                .now_us = h->process.wall_us(h->process.clock_ud) };

    if (!h->process.tenant)
        return fail(h, "a connection belongs to a tenant: dw_harness_set_tenant() first");
    return db_session_create(out, h->process.db, &who) == 0 ? 0 : fail(h, "out of memory");
}

static void tell_faults(dw_harness *h, const struct connection_draft *d)
{
    h->why.n = 0;
    for (size_t i = 0; i < d->faults_n; i++)
        buf_add_format(&h->why, "%s%.*s: %.*s", i ? "; " : "", STR_ARG(d->faults[i].pointer),
                       STR_ARG(d->faults[i].detail));
}

static int read_settings(dw_harness *h, const char *text, json_t **out)
{
    struct json_fault fault;

    *out = NULL;
    if (json_strict_parse(str_from(text ? text : "{}"), 0, out, &fault) == 0 && json_is_object(*out))
        return 0;
    json_decref(*out);
    return fail(h, "the settings are no JSON object");
}

static int draft(dw_harness *h, struct db_session *s, const char *kind, const char *settings,
                 struct connection_draft **out)
{
    char name[100];
    json_t *json;

    if (read_settings(h, settings, &json) != 0)
        return -1;
    snprintf(name, sizeof(name), "%.60s %u", kind, ++h->connections_made);
    const struct connection_given given =
        CONNECTION_GIVEN(.tenant = h->process.tenant, .kind = kind, .name = name, .settings = json,
                         .may_allow_private = true);
    h->why.n = 0;
    int rc = connection_draft_create(out, s, h->keyring, h->connectors, &given, &h->why);
    json_decref(json);
    if (rc != 0 && h->why.n == 0)
        buf_add_text(&h->why, "the connection cannot be made");
    return rc == 0 ? 0 : -1;
}

int dw_harness_connection(dw_harness *h, const char *kind, const char *settings, const char **id)
{
    struct connection_draft *d = NULL;
    struct db_session *s;
    int rc;

    *id = "";
    if (begin_session(h, &s) != 0)
        return -1;
    rc = draft(h, s, kind, settings, &d);
    if (rc == 0 && d->faults_n > 0) {
        tell_faults(h, d);
        rc = -1;
    }
    if (rc == 0 &&
        connection_draft_save(d, s, h->keyring, h->process.wall_us(h->process.clock_ud), &h->why) < 0)
        rc = fail(h, db_error_of(s)->text);
    if (rc == 0)
        *id = arena_copy(&h->arena, str_from(d->is->id));
    connection_draft_destroy(d);
    db_session_destroy(s);
    return rc == 0 && *id ? 0 : -1;
}

/* ---- check ---- */

static json_t *errors_json(const struct problem_error *errors, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:s%, s:s%}", "pointer", errors[i].pointer.p, errors[i].pointer.n,
                                        "detail", errors[i].detail.p, errors[i].detail.n));
    return list;
}

static json_t *check_json(const struct connection_checked *line)
{
    struct json_fault fault;
    json_t *o;

    if (json_strict_parse(str_from(line->pairs), 0, &o, &fault) != 0)
        return NULL;
    add_text(o, "state", line->state == DW_CHECK_GOOD ? "good" : "warning");
    add_text(o, "name", line->name);
    add_text(o, "text", line->text);
    return o;
}

static json_t *answer_json(const struct connection_answer *a)
{
    json_t *checks = json_array();

    for (size_t i = 0; i < a->checks_n; i++)
        json_array_append_new(checks, check_json(&a->checks[i]));
    return json_pack("{s:i, s:s, s:s, s:s, s:o, s:o}", "code", a->code, "text", a->text, "reason", a->reason,
                     "detail", a->detail, "errors", errors_json(a->errors, a->errors_n), "checks", checks);
}

static const json_t *run_check(dw_harness *h, const struct connection_draft *d)
{
    const struct call_options who = { .tenant = h->process.tenant, .principal = h->process.principal };
    struct connection_answer answer;
    const json_t *said = NULL;

    if (d->faults_n > 0)
        return keep(h,
                    json_pack("{s:i, s:s, s:s, s:s, s:o, s:[]}", "code", d->fault_code, "text", "", "reason",
                              "", "detail", "", "errors", errors_json(d->faults, d->faults_n), "checks"));
    if (connection_check(&h->process, d, &who, &answer) == 0)
        said = keep(h, answer_json(&answer));
    connection_answer_finish(&answer);
    return said;
}

const json_t *dw_harness_check_connection(dw_harness *h, const char *kind, const char *settings)
{
    struct connection_draft *d = NULL;
    const json_t *said = NULL;
    struct db_session *s;

    if (begin_session(h, &s) != 0)
        return NULL;
    if (draft(h, s, kind, settings, &d) == 0)
        said = run_check(h, d);
    connection_draft_destroy(d);
    db_session_destroy(s);
    return said;
}

/* ---- what is asked over one ---- */

static dw_call *open_there(dw_harness *h, const char *connection, dw_connection **conn, int *rc)
{
    dw_call *c = harness_question_begin(h);

    *rc = c ? host_connector_api.open(c, connection, conn) : DW_ENOMEM;
    return c;
}

static const json_t *list_end(dw_harness *h, dw_call *c, int rc, json_t *list)
{
    if (c)
        harness_question_end(h, c, rc);
    if (rc >= 0)
        return keep(h, list);
    json_decref(list);
    return NULL;
}

static int take_thing(dw_call *c, const dw_thing *t, void *ud)
{
    (void)c;
    return json_array_append_new(ud, thing_json(t)) == 0 ? 0 : DW_ENOMEM;
}

const json_t *dw_harness_things(dw_harness *h, const char *connection, const char *listing,
                                const dw_thing_query *query)
{
    json_t *list = json_array();
    dw_connection *conn;
    int rc;
    dw_call *c = open_there(h, connection, &conn, &rc);

    if (rc == 0)
        rc = host_connector_api.things(c, conn, listing, query, take_thing, list);
    return list_end(h, c, rc, list);
}

static int take_entry(dw_call *c, const dw_entry *e, void *ud)
{
    (void)c;
    return json_array_append_new(ud, entry_json(e)) == 0 ? 0 : DW_ENOMEM;
}

const json_t *dw_harness_entries(dw_harness *h, const char *connection, const dw_entry_query *query)
{
    json_t *list = json_array();
    dw_connection *conn;
    int rc;
    dw_call *c = open_there(h, connection, &conn, &rc);

    if (rc == 0)
        rc = host_connector_api.entries(c, conn, query, take_entry, list);
    return list_end(h, c, rc, list);
}

static int take_timesheet(dw_call *c, const dw_timesheet *s, void *ud)
{
    (void)c;
    return json_array_append_new(ud, timesheet_json(s)) == 0 ? 0 : DW_ENOMEM;
}

const json_t *dw_harness_timesheets(dw_harness *h, const char *connection, const dw_timesheet_query *query)
{
    json_t *list = json_array();
    dw_connection *conn;
    int rc;
    dw_call *c = open_there(h, connection, &conn, &rc);

    if (rc == 0)
        rc = host_connector_api.timesheets(c, conn, query, take_timesheet, list);
    return list_end(h, c, rc, list);
}

const json_t *dw_harness_make(dw_harness *h, const char *connection, const char *listing,
                              const dw_thing *wanted)
{
    const dw_thing *made = NULL;
    dw_connection *conn;
    json_t *json = NULL;
    int rc;
    dw_call *c = open_there(h, connection, &conn, &rc);

    if (rc == 0)
        rc = host_connector_api.make(c, conn, listing, wanted, &made);
    if (made)
        json = thing_json(made);
    return list_end(h, c, rc, json);
}

const json_t *dw_harness_write(dw_harness *h, const char *connection, const dw_timesheet *wanted)
{
    const dw_timesheet *stored = NULL;
    dw_connection *conn;
    json_t *json = NULL;
    int rc;
    dw_call *c = open_there(h, connection, &conn, &rc);

    if (rc == 0)
        rc = host_connector_api.write(c, conn, wanted, &stored);
    if (stored)
        json = timesheet_json(stored);
    return list_end(h, c, rc, json);
}

int dw_harness_remove(dw_harness *h, const char *connection, const char *id)
{
    dw_connection *conn;
    int rc;
    dw_call *c = open_there(h, connection, &conn, &rc);

    if (rc == 0)
        rc = host_connector_api.remove(c, conn, id);
    return c ? harness_question_end(h, c, rc) : rc;
}

/* ---- what hangs on one ---- */

static int take_use(void *ud, const dw_connection_use *use, const char *plugin)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I}", "plugin", plugin, "what", use->what, "id", use->id,
                          "name", use->name, "count", (json_int_t)use->count);

    return json_array_append_new(ud, o) == 0 ? 0 : DW_ENOMEM;
}

const json_t *dw_harness_uses(dw_harness *h, const char *connection)
{
    const struct call_options who = { .tenant = h->process.tenant, .principal = h->process.principal };
    struct connection_answer answer;
    json_t *list = json_array();
    int rc = connection_uses(&h->process, connection, &who, take_use, list, &answer);

    if (rc < 0)
        fail(h, answer.text);
    connection_answer_finish(&answer);
    if (rc >= 0)
        return keep(h, list);
    json_decref(list);
    return NULL;
}

/* ---- a connector that the test plays ---- */

int dw_harness_play_(dw_harness *h, const dw_connector *connector, const dw_host **host)
{
    const dw_connector *both = arena_calloc(&h->arena, 2 * sizeof(*both)); /* with the { 0 } behind it */

    if (!both)
        return fail(h, "out of memory");
    memcpy((void *)(uintptr_t)both, connector, sizeof(*both));
    return harness_join_connectors(h, both, host);
}
