/* connection.c - `dowel connection`: what shows connections, switches them and takes them away, and the table of all of its
 * verbs. connection_change.c makes, changes and tests them. */
#include "cli/connection.h"

#include <openssl/crypto.h>

#include "cli/connection_change.h"
#include "cli/connection_verb.h"
#include "operations/connection_view.h"
#include "plugin/call_db.h"
#include "plugin/command_json.h"
#include "plugin/commands.h"
#include "plugin/host.h"
#include "util/json.h"

/* ---- kinds ---- */

static int show_kind(dw_call *c, dw_command_run *run, const char *name)
{
    static const char *const columns[] = { "name", "type", "secret", "required", "default", "help", NULL };
    const struct connector_kind *kind = connectors_find(c->instance->process->connectors, name);
    json_t *shown;
    int rc;

    if (!kind)
        return call_fail(c, DW_ENOTFOUND,
                         "%s: no plugin that works has this kind; dowel connection kinds has all", name);
    shown = connection_view_kind(kind);
    if (!shown)
        return call_fail(c, DW_ENOMEM, "out of memory");
    if (command_is_json(run)) {
        rc = command_show_json(run, shown);
    } else {
        json_t *fields = json_incref(json_object_get(shown, "fields"));
        json_object_del(shown, "fields");
        json_object_del(shown, "settings");
        rc = command_show_json(run, shown);
        if (rc == 0)
            rc = host_command_api.print(run, DW_LIST(""));
        if (rc == 0)
            rc = command_list_json(run, fields, columns, "it has no settings");
        json_decref(fields);
    }
    json_decref(shown);
    return rc;
}

static int kinds(dw_call *c, dw_command_run *run)
{
    static const char *const columns[] = { "name", "title", "roles", "plugin", "summary", NULL };
    const struct connector_kind *kind;
    const char *name = NULL;
    json_t *list;
    int rc = 0;

    DW_TRY(host_command_api.read(run, DW_LIST("kind", &name)));
    if (name)
        return show_kind(c, run, name);
    list = json_array();
    for (size_t i = 0; rc == 0 && (kind = connectors_at(c->instance->process->connectors, i)); i++)
        rc = json_array_append_new(list, connection_view_kind(kind));
    rc = rc == 0 && list
             ? command_list_json(run, list, columns, "no plugin that is enabled connects anything")
             : call_fail(c, DW_ENOMEM, "out of memory");
    json_decref(list);
    return rc;
}

/* ---- list, show ---- */

struct listing {
    const char *kind, *role;
    json_t *items;
};

static bool fits(const struct listing *l, const struct connectors *all, const json_t *one)
{
    const char *name = json_string_value(json_object_get(one, "kind"));
    const struct connector_kind *kind = connectors_find(all, name);

    if (l->kind && strcmp(l->kind, name) != 0)
        return false;
    return !l->role || (kind && connector_plays(kind, l->role));
}

static int take_row(struct listing *l, const struct connectors *all, struct db_rows *rows, const char *tenant)
{
    struct buf text = BUF_INIT;
    struct json_fault fault;
    json_t *one = NULL;
    int rc = connection_view_row(&text, rows, all);

    if (rc == 0 && json_strict_parse(buf_str(&text), 0, &one, &fault) != 0)
        rc = DW_ENOMEM;
    if (rc == 0)
        rc = json_object_set_new(one, "tenant", json_string(tenant)) == 0 ? 0 : DW_ENOMEM;
    if (rc == 0 && fits(l, all, one))
        rc = json_array_append(l->items, one) == 0 ? 0 : DW_ENOMEM;
    json_decref(one);
    buf_finish(&text);
    return rc;
}

static int list_tenant(struct listing *l, struct db_session *s, const struct connectors *all,
                       const char *tenant)
{
    const struct connection_filter filter = { .tenant = tenant };
    struct db_rows *rows;
    int rc;

    DW_TRY(connections_query(s, &rows, &filter));
    while ((rc = db_rows_next(rows)) > 0) {
        rc = take_row(l, all, rows, tenant);
        if (rc < 0)
            break;
    }
    db_rows_close(rows);
    return rc;
}

/* In the call's memory, ends with NULL. */
static int find_tenants(dw_call *c, struct db_session *s, const char ***out)
{
    const char *tenant = NULL, *last = "";
    size_t n = 0;
    int64_t count = 0;

    DW_TRY(db_find(s, DW_TO(&count), DB_BY_CORE,
                   DW_LIST("SELECT count(DISTINCT tenant_id) FROM dowel_connections")));
    *out = call_alloc(c, ((size_t)count + 1) * sizeof(**out));
    for (; n < (size_t)count; n++) {
        int rc = db_find(s, DW_TO(&tenant), DB_BY_CORE,
                         DW_LIST("SELECT CAST(tenant_id AS TEXT) FROM dowel_connections"
                                 " WHERE CAST(tenant_id AS TEXT) > $1 ORDER BY 1 LIMIT 1",
                                 last));
        if (rc <= 0)
            return rc;
        (*out)[n] = last = call_copy(c, str_from(tenant));
    }
    return 0;
}

static int list_all(dw_call *c, struct listing *l)
{
    const struct connectors *all = c->instance->process->connectors;
    const char *one[] = { c->tenant, NULL }, **tenants = one;
    struct db_session *s;
    int rc = 0;

    DW_TRY(call_session(c, "list", &s));
    if (!c->tenant)
        rc = find_tenants(c, s, &tenants);
    for (; rc >= 0 && *tenants; tenants++)
        rc = list_tenant(l, s, all, *tenants);
    return call_session_result(c, "list", rc);
}

static int list(dw_call *c, dw_command_run *run)
{
    static const char *const columns[] = { "id", "name", "kind", "enabled", "health.state", "tenant", NULL };
    struct listing l = { .items = json_array() };
    int rc = host_command_api.read(run, DW_LIST("kind", &l.kind, "role", &l.role));

    if (rc == 0)
        rc = l.items ? list_all(c, &l) : call_fail(c, DW_ENOMEM, "out of memory");
    if (rc >= 0)
        rc = command_list_json(run, l.items, columns, "nothing is connected");
    json_decref(l.items);
    return rc;
}

static int show_found(struct connection_verb *v)
{
    json_t *shown;
    int rc = connection_verb_view(v, &shown);

    if (rc == 0)
        rc = command_show_json(v->run, shown);
    json_decref(shown);
    return rc;
}

static int show(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_find(&v, c, run);

    return connection_verb_end(&v, rc == 0 ? show_found(&v) : rc);
}

/* ---- enable, disable ---- */

static int set_enabled(struct connection_verb *v, bool enabled)
{
    const struct connection_ref ref = { v->tenant, v->id, 0 };

    DW_TRY(connection_verb_open(v));
    int64_t version = connection_work_enable(&v->w, &ref, enabled);
    DW_TRY(version < 0 ? (int)version : 0);
    DW_TRY(connection_verb_commit(v));
    return host_command_api.print(
        v->run, DW_LIST(enabled ? "enabled" : "disabled: nobody uses it any more", "id", v->id));
}

static int enable(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_find(&v, c, run);

    return connection_verb_end(&v, rc == 0 ? set_enabled(&v, true) : rc);
}

static int disable(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_find(&v, c, run);

    return connection_verb_end(&v, rc == 0 ? set_enabled(&v, false) : rc);
}

/* ---- remove ---- */

static const char *const use_columns[] = { "what", "name", "count", "plugin", "id", NULL };

static int refuse_used(struct connection_verb *v, const json_t *used)
{
    DW_TRY(command_list_json(v->run, used, use_columns, ""));
    return call_fail(v->asked, DW_ECONFLICT,
                     "it is still used, as told above; --with-uses removes it all the same");
}

static int remove_now(struct connection_verb *v, json_t *used)
{
    const struct connection_ref ref = { v->tenant, v->id, 0 };
    int rc = host_command_api.ask(v->run, "Remove this connection with its secrets?");

    if (rc <= 0)
        return rc;
    DW_TRY(connection_verb_open(v));
    DW_TRY(connection_work_remove(&v->w, &ref, used));
    DW_TRY(connection_verb_commit(v));
    return host_command_api.print(v->run, DW_LIST("removed", "id", v->id));
}

static int remove_found(struct connection_verb *v)
{
    bool with_uses = false;
    json_t *used = NULL;

    DW_TRY(host_command_api.read(v->run, DW_LIST("with-uses", &with_uses)));
    int rc = connection_work_uses(&v->w, v->id, &used);
    if (rc < 0 && !with_uses)
        return rc;
    rc = json_array_size(used) > 0 && !with_uses ? refuse_used(v, used) : remove_now(v, used);
    json_decref(used);
    return rc;
}

static int remove_it(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_find(&v, c, run);

    return connection_verb_end(&v, rc == 0 ? remove_found(&v) : rc);
}

/* ---- uses, things ---- */

static int show_uses(struct connection_verb *v)
{
    json_t *used;

    DW_TRY(connection_work_uses(&v->w, v->id, &used));
    int rc = command_list_json(v->run, used, use_columns, "nothing uses it");
    json_decref(used);
    return rc;
}

static int uses(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_find(&v, c, run);

    return connection_verb_end(&v, rc == 0 ? show_uses(&v) : rc);
}

enum { THINGS = 50, THINGS_MAX = 10000 };

static int take_thing(void *ud, const dw_thing *thing)
{
    return json_array_append_new(ud, connection_view_thing(thing)) == 0 ? 0 : DW_ENOMEM;
}

/* more: than were wanted. */
static int ask_for_things(struct connection_verb *v, json_t *items, bool *more)
{
    dw_thing_query query = { .struct_size = sizeof(query) };
    struct connection_list list = { v->id, NULL, &query, THINGS };
    struct connection_answer answer = { 0 };

    DW_TRY(host_command_api.read(v->run,
                                 DW_LIST("listing", &list.listing, "term", &query.term, "parent",
                                         &query.parent, "inactive", &query.inactive, "limit", &list.limit)));
    if (list.limit < 1 || list.limit > THINGS_MAX)
        return call_fail(v->asked, DW_EINVALID, "--limit: say a number from 1 to %d", THINGS_MAX);
    int64_t limit = list.limit++; /* one more tells that there are more */
    int rc = connection_things(v->w.process, &list, &v->w.who, take_thing, items, &answer);
    if (rc < 0 && answer.text && *answer.text)
        rc = call_fail(v->asked, rc, "%s", answer.text);
    connection_answer_finish(&answer);
    *more = rc >= 0 && (int64_t)json_array_size(items) > limit;
    if (*more)
        json_array_remove(items, (size_t)limit);
    return rc;
}

static int show_things(struct connection_verb *v)
{
    static const char *const columns[] = { "id", "name", "number", "email", "parent", "inactive", NULL };
    json_t *items = json_array();
    bool more = false;
    int rc = items ? ask_for_things(v, items, &more) : DW_ENOMEM;

    if (rc >= 0)
        rc = command_list_json(v->run, items, columns, "there is nothing of that");
    if (rc >= 0 && (more || command_is_json(v->run)))
        rc = command_is_json(v->run)
                 ? host_command_api.show(v->run, DW_LIST("more", more))
                 : host_command_api.print(v->run, DW_LIST("there are more; --limit N shows more of them"));
    json_decref(items);
    return rc;
}

static int things(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_find(&v, c, run);

    return connection_verb_end(&v, rc == 0 ? show_things(&v) : rc);
}

/* ---- rotate ---- */

static int drop_older(struct connection_verb *v)
{
    DW_TRY(connection_verb_open(v));
    DW_TRY(connection_work_drop_secrets(&v->w, v->tenant, v->id));
    DW_TRY(connection_verb_commit(v));
    return host_command_api.print(v->run, DW_LIST("only the newest secret is taken now"));
}

/* Shown this one time. */
static int show_secret(struct connection_verb *v, const char *secret)
{
    json_t *shown;
    int rc = connection_verb_view(v, &shown);

    if (rc == 0)
        rc = host_command_api.show(
            v->run,
            DW_LIST("path", json_string_value(json_object_get(json_object_get(shown, "webhook"), "path")),
                    "secret", secret));
    json_decref(shown);
    return rc;
}

static int add_secret(struct connection_verb *v, char secret[INBOX_SECRET_SIZE])
{
    DW_TRY(connection_verb_open(v));
    DW_TRY(connection_work_add_secret(&v->w, v->tenant, v->id, NULL, secret));
    DW_TRY(connection_verb_commit(v));
    return show_secret(v, secret);
}

static int rotate_found(struct connection_verb *v)
{
    char secret[INBOX_SECRET_SIZE] = "";
    bool drops = false;

    DW_TRY(host_command_api.read(v->run, DW_LIST("drop-older", &drops)));
    int rc = drops ? drop_older(v) : add_secret(v, secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return rc;
}

static int rotate(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_find(&v, c, run);

    return connection_verb_end(&v, rc == 0 ? rotate_found(&v) : rc);
}

/* ---- the table ---- */

#define CONNECTION                                          \
    {                                                       \
        .name = "connection", .help = "its name, or its id" \
    }
#define SETTINGS                                                                                          \
    { .name = "--set", .value = "NAME=VALUE", .help = "a setting; a list as a,b", .many = true },         \
        { .name = "--secret",                                                                             \
          .value = "NAME",                                                                                \
          .help =                                                                                         \
              "a setting that is secret: typed without being seen, or a line of standard input for each", \
          .many = true },                                                                                 \
        { .name = "--allow-private",                                                                      \
          .value = "YES|NO",                                                                              \
          .help = "its address may be in an inner network",                                               \
          .one_of = "yes no" },                                                                           \
        { .name = "--ca",                                                                                 \
          .value = "FILE",                                                                                \
          .help = "certificates that are trusted instead of the server's, as PEM",                        \
          .type = COMMAND_ARGUMENT_FILE },                                                                \
        { .name = "--client-cert",                                                                        \
          .value = "FILE",                                                                                \
          .help = "a certificate to show, as PEM",                                                        \
          .type = COMMAND_ARGUMENT_FILE },                                                                \
        { .name = "--client-key",                                                                         \
          .value = "FILE",                                                                                \
          .help = "its key, as PEM",                                                                      \
          .type = COMMAND_ARGUMENT_FILE },                                                                \
    {                                                                                                     \
        .name = "--proxy", .value = "URL", .help = "a proxy's URL; none: straight"                        \
    }
#define UNTESTED                                                                                            \
    { .name = "--parallel", .value = "N", .help = "how many requests at a time", .type = DW_ARGUMENT_INT }, \
    {                                                                                                       \
        .name = "--untested", .help = "keeps it without a test"                                             \
    }
#define UNSET                                                                                               \
    {                                                                                                       \
        .name = "--unset", .value = "NAME", .help = "a setting that goes back to its default", .many = true \
    }

static const dw_argument kinds_arguments[] = {
    { .name = "kind", .help = "one of them, with its settings", .optional = true },
    { 0 },
};
static const dw_argument list_arguments[] = {
    { .name = "--kind", .value = "NAME", .help = "only those of this kind" },
    { .name = "--role", .value = "NAME", .help = "only those that play this role, such as time_source" },
    { 0 },
};
static const dw_argument add_arguments[] = {
    { .name = "kind", .help = "what is connected, see dowel connection kinds" },
    { .name = "name", .help = "what it is called from now on" },
    SETTINGS,
    UNTESTED,
    { .name = "--disabled", .help = "nobody uses it yet" },
    { 0 },
};
static const dw_argument edit_arguments[] = {
    CONNECTION, { .name = "--name", .value = "NAME", .help = "what it is called from now on" },
    SETTINGS,   UNSET,
    UNTESTED,   { 0 },
};
static const dw_argument test_arguments[] = { CONNECTION, SETTINGS, UNSET, { 0 } };
static const dw_argument one_arguments[] = { CONNECTION, { 0 } };
static const dw_argument remove_arguments[] = {
    CONNECTION,
    { .name = "--with-uses", .help = "also where something uses it" },
    { 0 },
};
static const dw_argument things_arguments[] = {
    CONNECTION,
    { .name = "listing", .help = "which, such as project; see dowel connection kinds KIND" },
    { .name = "--term", .value = "TEXT", .help = "what one looks for" },
    { .name = "--parent", .value = "ID", .help = "only what is part of that" },
    { .name = "--inactive", .help = "what is there for the old as well" },
    { .name = "--limit",
      .value = "N",
      .help = "at most so many, 50 if it is not given",
      .type = DW_ARGUMENT_INT },
    { 0 },
};
static const dw_argument rotate_arguments[] = {
    CONNECTION,
    { .name = "--drop-older", .help = "makes none, but takes all secrets but the newest away" },
    { 0 },
};

/* Where nothing is said, nothing is set: they are host-sized and checked as those of plugins are (cli/own_commands.h). */
const dw_command connection_commands[] = {
    { .name = "connection kinds",
      .summary = "What can be connected, or one kind with its settings",
      .help = "",
      .arguments = kinds_arguments,
      .run = kinds },
    { .name = "connection list",
      .summary = "What is connected",
      .help = "",
      .arguments = list_arguments,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = list },
    { .name = "connection show",
      .summary = "One connection, but for its secrets",
      .help = "",
      .arguments = one_arguments,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = show },
    { .name = "connection add",
      .summary = "Connects a system, after a test",
      .help =
          "What does not work is not kept, and all that is wrong is said; --untested keeps it all the same.\n"
          "Where the system sends webhooks, the path and the secret for them are printed, this one time.",
      .arguments = add_arguments,
      .input = COMMAND_INPUT_PARTS,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = connection_add },
    { .name = "connection edit",
      .summary = "Changes what is given, after a test",
      .help = "Where it is sent to only changes together with all its secrets: a stored one is never sent "
              "elsewhere.",
      .arguments = edit_arguments,
      .input = COMMAND_INPUT_PARTS,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = connection_edit },
    { .name = "connection test",
      .summary = "Tests a connection as it is kept, or as it would be with what is given",
      .help = "",
      .arguments = test_arguments,
      .input = COMMAND_INPUT_PARTS,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = connection_test },
    { .name = "connection enable",
      .summary = "It may be used again",
      .help = "",
      .arguments = one_arguments,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = enable },
    { .name = "connection disable",
      .summary = "Nobody uses it any more, and its webhooks get a 404",
      .help = "",
      .arguments = one_arguments,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = disable },
    { .name = "connection remove",
      .summary = "Removes it with its secrets, if nothing uses it",
      .help = "",
      .arguments = remove_arguments,
      .flags = DW_COMMAND_MAY_TENANT | DW_COMMAND_ASKS,
      .run = remove_it },
    { .name = "connection uses",
      .summary = "What would be left hanging if it went",
      .help = "",
      .arguments = one_arguments,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = uses },
    { .name = "connection things",
      .summary = "What there is in the other system",
      .help = "",
      .arguments = things_arguments,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = things },
    { .name = "connection rotate",
      .summary = "Another secret for webhooks that come from there, taken as well",
      .help = "When the other system has it, rotate with --drop-older.",
      .arguments = rotate_arguments,
      .flags = DW_COMMAND_MAY_TENANT,
      .run = rotate },
    { 0 },
};
