/* harness.h - a plugin inside a unit test: the server's own code around it, but no server, no port and no process.
 *
 *   static void greets(void **state)
 *   {
 *       dw_harness *h;
 *
 *       assert_int_equal(dw_harness_open(&h, .plugin = PLUGIN, .conf = "greeting: Moin\n"), 0);
 *       dw_harness_reply r = dw_harness_get(h, "/api/v1/hello?name=Ann");
 *       assert_int_equal(r.status, 200);
 *       assert_string_equal(dw_harness_text(r, "/text"), "Moin Ann");
 *       dw_harness_close(h);
 *   }
 *
 * dowel_add_plugin_test() builds such a test with cmocka and defines PLUGIN; docs/sdk/testing.md has more. One harness is
 * open at a time; the next one stops it, should a failed test have left it. It belongs to one thread, and the plugin's
 * handlers run on that thread too, so a debugger sees one stack. What a reply points to lives until the harness closes. */
#ifndef DOWEL_HARNESS_H
#define DOWEL_HARNESS_H

#include <dowel/connector.h>
#include <dowel/log.h>
#include <dowel/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_harness dw_harness;
typedef struct dw_harness_pending dw_harness_pending;
typedef struct dw_harness_follower dw_harness_follower;

/* ---- loading ---- */

typedef struct dw_harness_args {
    uint32_t struct_size;
    const char *plugin;        /* path of the .so */
    const char *conf;          /* what conf.d/NAME.yaml would say; NULL: nothing */
    const char *const *beside; /* other plugins' paths that it needs, NULL at the end; or NULL */
    const char
        *database; /* the URL of an empty one, for tests on PostgreSQL too; NULL: a SQLite of its own */
    /* One that has crashed, or just stands in for a server that ends: this one is the next server on its database, with its
     * clock, tenant and principal. It is closed by this, and its pointer is good for nothing any more. */
    dw_harness *after;
} dw_harness_args;

/* Loads, configures and starts it, as the server would. 0, or -1: dw_harness_why() says what the admin would read. *out is
 * never NULL unless memory is out; close it in both cases. */
#define dw_harness_open(out, ...) (dw_harness_open_((out), DW_ARGS_(dw_harness_args, __VA_ARGS__)))
DW_EXPORT int dw_harness_open_(dw_harness **out, const dw_harness_args *args);
DW_EXPORT const char *dw_harness_why(const dw_harness *h);

/* Calls stop, as a server does that ends: what waits for a token gets its answer, or a 503; nothing new is sent any more.
 * Close does so too, if this has not. */
DW_EXPORT void dw_harness_stop(dw_harness *h);

/* Stops the plugin and frees everything, h too: so once. NULL is safe. Returns how much was left behind, which standard
 * error tells as well: calls that its threads did not close (then nothing is freed, for they may still use it), tokens that
 * nobody completed, and replies that were not what api.yaml says of their operation: each of these is a 500 that says where. */
DW_EXPORT unsigned dw_harness_close(dw_harness *h);

/* How long the functions below wait for what should come: 10 s until this is called. For a test that wants to see that
 * nothing comes. */
DW_EXPORT void dw_harness_set_patience(dw_harness *h, dw_span patience);

/* ---- requests ---- */

typedef struct dw_harness_reply {
    uint32_t struct_size;
    dw_harness *from;
    int status;               /* 0: none came within the harness's patience, or nothing could be sent */
    const char *content_type; /* or "" */
    const char *headers;      /* "Name: value\r\n" each */
    dw_str body;              /* terminated; of a stream that was cut: what came before */
    const json_t *json;       /* of a JSON body; else NULL */
    bool cut;                 /* a stream that broke off */
} dw_harness_reply;

typedef struct dw_harness_request_args {
    uint32_t struct_size;
    const char *method;       /* NULL: GET, or POST with a body */
    const char *target;       /* "/api/v1/notes?limit=5" */
    const char *json;         /* a JSON body; or */
    dw_bytes body;            /* any other, with its */
    const char *content_type; /* "application/x-www-form-urlencoded" */
    const char *headers;      /* further ones: "Name: value\r\n" each; NULL: none */
} dw_harness_request_args;

/* dw_harness_request(h, .method = "PUT", .target = "/api/v1/notes/1", .json = "{}"): sends and waits for the reply, also
 * when it comes later from another thread. */
#define dw_harness_request(h, ...) (dw_harness_request_((h), DW_ARGS_(dw_harness_request_args, __VA_ARGS__)))
DW_EXPORT dw_harness_reply dw_harness_request_(dw_harness *h, const dw_harness_request_args *args);
DW_EXPORT dw_harness_reply dw_harness_get(dw_harness *h, const char *target);
DW_EXPORT dw_harness_reply dw_harness_post(dw_harness *h, const char *target, const char *json);

/* dw_harness_send(h, .target = "/api/v1/later"): the same in two halves, for several at once. Its handler has run when this
 * returns. NULL: nothing could be sent. To be waited for or abandoned, once; close abandons the others. */
#define dw_harness_send(h, ...) (dw_harness_send_((h), DW_ARGS_(dw_harness_request_args, __VA_ARGS__)))
DW_EXPORT dw_harness_pending *dw_harness_send_(dw_harness *h, const dw_harness_request_args *args);
DW_EXPORT dw_harness_reply dw_harness_wait(dw_harness_pending *p);

/* The client leaves without its reply. NULL is safe. */
DW_EXPORT void dw_harness_abandon(dw_harness_pending *p);

/* The text at a JSON pointer of the reply, "" when there is none. Numbers and booleans as JSON writes them. */
DW_EXPORT const char *dw_harness_text(dw_harness_reply reply, const char *pointer);

/* A reply's header, or NULL. */
DW_EXPORT const char *dw_harness_header(dw_harness_reply reply, const char *name);

/* ---- streams: a request whose reply does not end ---- */

/* Opens it; NULL when the reply was no stream (its status is in *status, which may be NULL). */
DW_EXPORT dw_harness_follower *dw_harness_follow(dw_harness *h, const char *target, const char *last_event_id,
                                                 int *status);

/* The next event: 1 and its texts, which may be NULL to leave out; 0: the stream has ended; -1: none came within the
 * harness's patience. The texts live until the next one. */
DW_EXPORT int dw_harness_event(dw_harness_follower *f, const char **id, const char **name, const char **data);

/* The client leaves. NULL is safe. */
DW_EXPORT void dw_harness_leave(dw_harness_follower *f);

/* ---- what it said ---- */

/* Has the plugin (or the server about it) logged a line of at least that level which holds `part` in its text or fields? */
DW_EXPORT bool dw_harness_logged(dw_harness *h, enum dw_level level, const char *part);

/* All lines, newest last, as text; for looking at them in a debugger or when a test fails. */
DW_EXPORT const char *dw_harness_log(dw_harness *h);
DW_EXPORT void dw_harness_forget_log(dw_harness *h);

/* ---- time ---- */

/* dw_now() is `now` from here on, and stands still; dw_sleep() returns at once and moves it. */
DW_EXPORT void dw_harness_set_now(dw_harness *h, dw_time now);
DW_EXPORT void dw_harness_advance(dw_harness *h, dw_span by);

/* ---- the database: SQLite, private to the harness, with the plugins' migrations applied ---- */

/* Requests run for this tenant (a UUID) and this principal from here on; NULL, as at the beginning: for none. A principal may
 * do what these permissions say ("notes.read notes.write", "notes.*"; NULL, as at the beginning: everything). Copied. */
DW_EXPORT void dw_harness_set_tenant(dw_harness *h, const char *tenant);
DW_EXPORT void dw_harness_set_principal(dw_harness *h, const char *principal);
DW_EXPORT void dw_harness_set_permissions(dw_harness *h, const char *permissions);

/* Requests come from this address ("192.0.2.7") from here on; NULL, as at the beginning: from a Unix socket. 0, or -1 for what
 * is no address. */
DW_EXPORT int dw_harness_set_address(dw_harness *h, const char *address);

/* ---- an authenticator (auth.h) ---- */

/* What came of asking it: what it said, checked as the server checks it. Texts live until the harness closes. */
typedef struct dw_harness_who {
    int code; /* 0; what it returned; DW_EUNAVAILABLE: the plugin is none; DW_EINVALID: what it said cannot be used */
    int kind; /* enum dw_principal_kind */
    const char *id, *name, *credential;
    const char *tenant, *csrf; /* NULL: none */
    const char *permissions;   /* sorted, with blanks between them */
    dw_time expires;
    bool once;
} dw_harness_who;

/* Asks it about a credential of that kind (enum dw_credential_kind). Why not: dw_harness_why(). */
DW_EXPORT dw_harness_who dw_harness_authenticate(dw_harness *h, int kind, const char *text);

/* The tenants that it tells, with blanks between them; NULL: it cannot. */
DW_EXPORT const char *dw_harness_tenants(dw_harness *h);

/* dw_harness_sql(h, "INSERT INTO notes (tenant_id, id) VALUES (:tenant, $1)", id): prepares or inspects what all tenants
 * have. The number of rows changed, or -1: dw_harness_why() says what was wrong. dw_harness_find(h, DW_TO(&n), "SELECT
 * count(*) FROM notes"): 1 and the first row in the targets, 0 or -1; texts live until the harness closes. */
#define dw_harness_sql(h, ...)           (dw_harness_sql_((h), DW_LIST(__VA_ARGS__)))
#define dw_harness_find(h, targets, ...) (dw_harness_find_((h), (targets), DW_LIST(__VA_ARGS__)))
DW_EXPORT int dw_harness_sql_(dw_harness *h, dw_list sql_and_values);
DW_EXPORT int dw_harness_find_(dw_harness *h, dw_list targets, dw_list sql_and_values);

/* The n-th transaction from now is rolled back at its dw_tx_commit, as if the database wanted it repeated (n counts from
 * 1; 0: none): the callback runs again, unless it did something that may not be done twice. */
DW_EXPORT void dw_harness_repeat(dw_harness *h, unsigned n);

/* ---- jobs, schedules and events: they wait until the test lets them run; what is put off, until the harness's time has come ---- */

/* Adds what the plugin's schedules have become due for since the last time, for the harness's tenant and across tenants:
 * the first time they only begin to count. Then runs what is due, one after the other on this thread, until nothing is:
 * jobs, and events for the plugins that they interest. How many runs that were, last calls of what was given up included;
 * or -1: dw_harness_why(). */
DW_EXPORT int dw_harness_run_jobs(dw_harness *h);

/* How many jobs of a kind ("push": the plugin's) are "waiting", "done", "dead" or "cancelled". */
DW_EXPORT int dw_harness_jobs(dw_harness *h, const char *kind, const char *state);

/* Adds one, as an admin does: for the tenant and principal of the harness. json is its payload, an object. 0 or -1. */
DW_EXPORT int dw_harness_add_job(dw_harness *h, const char *kind, const char *json);

/* ---- events and webhooks: what subscribes to them, and the inbox, are jobs: dw_harness_run_jobs() ---- */

/* Tells an event, as another plugin would that is not there: dw_harness_tell(h, "shop.order.placed", "{\"cents\":1250}").
 * In the harness's tenant. 0 or -1. */
DW_EXPORT int dw_harness_tell(dw_harness *h, const char *name, const char *json);

/* How many events of that name were told so far. */
DW_EXPORT int dw_harness_events(dw_harness *h, const char *name);

/* ---- the audit log ---- */

/* What dw_audit() has written down so far under that action, committed, the newest first: a JSON array of objects with id,
 * at, tenant, actor (kind, id, name...), plugin, action, target, request, values, person, personal. NULL: of all actions;
 * "notes.*": of those that begin so. Borrowed until the harness closes; NULL: dw_harness_why(). */
DW_EXPORT const json_t *dw_harness_audit(dw_harness *h, const char *action);

typedef struct dw_harness_receive_args {
    uint32_t struct_size;
    const char *inbox;  /* the plugin's: "tickets" */
    const char *body;   /* NULL: empty */
    const char *fields; /* "Name: value\r\n" each; NULL: none */
    const char *source; /* who sends; NULL: "test" */
} dw_harness_receive_args;

/* dw_harness_receive(h, .inbox = "tickets", .body = "{}"): a webhook came in, and its signature was right. For the harness's
 * tenant, which must be set. 0 or -1. */
#define dw_harness_receive(h, ...) (dw_harness_receive_((h), DW_ARGS_(dw_harness_receive_args, __VA_ARGS__)))
DW_EXPORT int dw_harness_receive_(dw_harness *h, const dw_harness_receive_args *args);

/* ---- verbs of the command line ---- */

typedef struct dw_harness_command_args {
    uint32_t struct_size;
    const char *line; /* "user add ann@example.org --role admin": without dowel, split at blanks */
    const char *const *arguments; /* further ones, blanks and all; NULL at the end, or NULL */
    const char *input;  /* what standard input gives, a password without the end of its line; NULL: nothing */
    const char *answer; /* to questions: "y" or "n"; NULL: nobody is there to answer */
    bool json;          /* --output json */
} dw_harness_command_args;

typedef struct dw_harness_outcome {
    uint32_t struct_size;
    int code; /* 0, or what went wrong; DW_EINVALID also for a line that the command does not take */
    const char *output, *error; /* what the terminal would show, or "" */
    const json_t *json;         /* of the output, where it is that */
} dw_harness_outcome;

/* dw_harness_command(h, .line = "user add ann@example.org", .input = "a good password"): as the machine, and where the command
 * takes a tenant and the line names none, for the harness's. Texts live until the harness closes. */
#define dw_harness_command(h, ...) (dw_harness_command_((h), DW_ARGS_(dw_harness_command_args, __VA_ARGS__)))
DW_EXPORT dw_harness_outcome dw_harness_command_(dw_harness *h, const dw_harness_command_args *args);

/* ---- other plugins ---- */

/* Stands in for a service or the answer to a hook that the plugin asks: serve(question, ud). `name` is borrowed. 0, or -1
 * when somebody offers it already. */
DW_EXPORT int dw_harness_serve(dw_harness *h, const char *service, int (*serve)(void *question, void *ud),
                               void *ud);
DW_EXPORT int dw_harness_answer(dw_harness *h, const char *hook, int (*answer)(void *question, void *ud),
                                void *ud);

/* Asks the plugin, as another would: what dw_service_ask() and dw_hook_ask() return. What is left in the question lives
 * until the harness closes. */
DW_EXPORT int dw_harness_ask(dw_harness *h, const char *service, void *question);
DW_EXPORT int dw_harness_ask_hook(dw_harness *h, const char *hook, void *question);

/* Why the last of these two failed, or of what was asked over a connection, as dw_error_of() says it to who asks; code 0: it did not. Borrowed until the next. */
DW_EXPORT const dw_err *dw_harness_error(dw_harness *h);

/* ---- connections and connectors (connector.h) ---- */

/* Makes a connection of a kind for the harness's tenant, which must be set: dw_harness_connection(h, "csv", "{\"folder\":
 * \"/srv/in\"}", &id). Nothing is checked there. The id lives until the harness closes. 0, or -1: dw_harness_why() has what is wrong
 * with the settings. */
DW_EXPORT int dw_harness_connection(dw_harness *h, const char *kind, const char *settings, const char **id);

/* What its connector's check() says about settings: {"code": 0, "text", "reason", "detail", "errors": [{"pointer", "detail"}...],
 * "checks": [{"state": "good", "name", "text", and its pairs}...]}. NULL: dw_harness_why(). */
DW_EXPORT const json_t *dw_harness_check_connection(dw_harness *h, const char *kind, const char *settings);

/* Asks over a connection, as whoever needs it would: dw_harness_things(h, id, "project", NULL), dw_harness_entries(h, id,
 * DW_STRUCT(dw_entry_query, .ticket = "5")). JSON arrays of objects with what is set, by the names of dw_thing, dw_entry and
 * dw_timesheet; times as in RFC 3339, units and billable as words. NULL: dw_harness_error() says why. */
DW_EXPORT const json_t *dw_harness_things(dw_harness *h, const char *connection, const char *listing,
                                          const dw_thing_query *query);
DW_EXPORT const json_t *dw_harness_entries(dw_harness *h, const char *connection,
                                           const dw_entry_query *query);
DW_EXPORT const json_t *dw_harness_timesheets(dw_harness *h, const char *connection,
                                              const dw_timesheet_query *query);

/* dw_harness_write(h, id, DW_STRUCT(dw_timesheet, .project = "3", ...)): what it became, as above; NULL: dw_harness_error().
 * dw_harness_remove() returns what dw_timesheet_remove() does. */
DW_EXPORT const json_t *dw_harness_make(dw_harness *h, const char *connection, const char *listing,
                                        const dw_thing *wanted);
DW_EXPORT const json_t *dw_harness_write(dw_harness *h, const char *connection, const dw_timesheet *wanted);
DW_EXPORT int dw_harness_remove(dw_harness *h, const char *connection, const char *id);

/* What an admin is shown before he deletes it: what plugins answer to "core.connection_uses", [{"plugin", "what", "id", "name",
 * "count"}...]. NULL: dw_harness_why(). */
DW_EXPORT const json_t *dw_harness_uses(dw_harness *h, const char *connection);

/* The test is another system. Once in the test's file, DW_HARNESS_PLAYS; lets what it plays call dw_entry_add() and all else of
 * dowel.h. dw_harness_play(h, &desk): its kind is there from now on, as a plugin's would be, whose connection dw_harness_connection()
 * makes. 0, or -1: dw_harness_why(). */
#define DW_HARNESS_PLAYS              const dw_host *dw_host_
#define dw_harness_play(h, connector) (dw_harness_play_((h), (connector), &dw_host_))
DW_EXPORT int dw_harness_play_(dw_harness *h, const dw_connector *connector, const dw_host **host);

/* ---- peers: what dw_fetch, dw_fetch_then and dw_upstream_open get; nothing ever leaves the test ---- */

typedef struct dw_harness_upstream_args {
    uint32_t struct_size;
    int status;       /* 0: 200 */
    const char *json; /* a JSON body; or */
    dw_bytes body;    /* any other, with its */
    const char *content_type;
    const char *headers; /* further ones: "Name: value\r\n" each; NULL: none */
    const char *const
        *pieces; /* instead of a body: what a stream's reader gets one after the other; NULL at the end */
    int fails; /* DW_EUNAVAILABLE: it is not reached; DW_EUNKNOWN: breaks off, after what of an answer is given */
    bool silent; /* the end never comes: only a timeout, or a client that leaves */
} dw_harness_upstream_args;

/* dw_harness_upstream(h, "GET https://peer/x", .json = "{}"): what that peer answers; everything is copied. A URL without
 * a query stands for all queries. Several for one request are given in this order, the last one again and again. What no
 * answer is there for fails with DW_EUNAVAILABLE, and the log names it. Retries are the server's, without the pause: the
 * harness's clock moves by it instead, as by what a peer asked for (Retry-After) where somebody waits for that.
 * 0, or -1 when memory is out or the request is not "METHOD URL". */
#define dw_harness_upstream(h, request, ...) \
    (dw_harness_upstream_((h), (request), DW_ARGS_(dw_harness_upstream_args, __VA_ARGS__)))
DW_EXPORT int dw_harness_upstream_(dw_harness *h, const char *request, const dw_harness_upstream_args *args);

/* What the plugin sent, retries too. */
typedef struct dw_harness_sent {
    uint32_t struct_size;
    const char *method, *url;
    const char *headers; /* "Name: value\r\n" each, credentials too */
    dw_str body;         /* terminated */
} dw_harness_sent;

/* The n-th since the harness opened, counted from 0, or NULL. Lives until it closes. */
DW_EXPORT const dw_harness_sent *dw_harness_sent_to_peers(dw_harness *h, unsigned n);

/* ---- torture ---- */

/* The n-th step from now that can fail, fails with `code` (n counts from 1; 0: none). Steps are the host's functions that
 * return an error: reading a request, replying, fetching, sealing, opening a channel, each step in the database... */
DW_EXPORT void dw_harness_fail(dw_harness *h, unsigned n, enum dw_error code);

/* How many such steps were taken since the harness opened or dw_harness_fail() was last called, and the name of the one
 * that failed last, or NULL. */
DW_EXPORT unsigned dw_harness_steps(dw_harness *h);
DW_EXPORT const char *dw_harness_failed_step(dw_harness *h);

/* The power goes at the n-th step from now (0: it stays): that step and all that come fail, no job runs any more, and what has
 * run leaves its row as it was leased. What was committed before is there for the next server: dw_harness_open(&next, .after = h).
 * The test's own SQL goes on working. */
DW_EXPORT void dw_harness_crash(dw_harness *h, unsigned n);
DW_EXPORT bool dw_harness_has_crashed(dw_harness *h);

/* Plays `play` again and again, with the first, the second... step failing with DW_EUNAVAILABLE, until one play takes no
 * failing step any more. `play` must not insist on success; after each play no call, token or upstream may be left.
 * Returns the number of plays; or -1, when dw_harness_failed_step() is the step whose failure left something behind. */
DW_EXPORT int dw_harness_torture(dw_harness *h, void (*play)(dw_harness *h, void *ud), void *ud);

#ifdef __cplusplus
}
#endif
#endif
