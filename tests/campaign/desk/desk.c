/* desk - a helpdesk that is connected, with everything that a kind of connection can have: an address and a secret, a check that
 * marks settings, listings with parents, webhooks, and something that hangs on a connection. */
#include <dowel/dowel.h>
#include <string.h>

struct settings {
    const char *url;
    dw_secret token;
    const char *mode;
    int64_t days;
    bool archive;
    const char *prefix;
    dw_texts groups;
};

static const dw_item settings[] = {
    DW_ITEM(struct settings, url, .pattern = "url", .help = "Where the desk is"),
    DW_ITEM(struct settings, token, .min = 4, .max = 100, .help = "Made in the desk's profile"),
    DW_ITEM(struct settings, mode, .fallback = "quick", .one_of = "quick thorough", .help = "How it looks"),
    DW_ITEM(struct settings, days, .fallback = "30", .min = 1, .max = 365, .help = "How far back"),
    DW_ITEM(struct settings, archive, .fallback = "false", .help = "What is archived as well"),
    DW_ITEM(struct settings, prefix, .fallback = "", .help = "What names begin with"),
    DW_ITEM(struct settings, groups, .fallback = "[]", .help = "Only these groups"),
    { 0 },
};

static const struct settings *of(dw_connection *conn)
{
    return dw_connection_settings(conn);
}

static int get(dw_call *c, dw_connection *conn, const char *path, json_t **out)
{
    dw_answer *a;

    DW_TRY(dw_fetch(c, &a, .connection = conn, .url = path, .bearer = of(conn)->token));
    return dw_json_parse(c, a->body, out);
}

static int check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    const char *user, *version;
    json_t *me;
    int rc = get(c, conn, "/me", &me);

    if (rc == DW_EAUTH)
        return dw_fail_at(c, "/token", "the desk does not know this token: make one in your profile there");
    if (rc == DW_EUNAVAILABLE)
        return dw_fail_at(c, "/url", "nothing answers there");
    DW_TRY(rc);
    DW_TRY(dw_json_read(c, me, "user!", &user, "version!", &version));
    dw_checked(out, DW_CHECK_GOOD, "version", "the desk answers", "version", version);
    if (strcmp(user, "guest") == 0)
        dw_checked(out, DW_CHECK_WARNING, "user", "guests see few tickets", "user", user);
    return 0;
}

/* ---- what is there ---- */

static int list_of(dw_call *c, dw_connection *conn, const char *path, dw_found *out)
{
    json_t *all, *one;
    size_t i;

    DW_TRY(get(c, conn, path, &all));
    json_array_foreach(all, i, one)
    {
        const char *id, *name, *parent = NULL;
        bool inactive = false;
        DW_TRY(dw_json_read(c, one, "id!", &id, "name!", &name, "parent", &parent, "inactive", &inactive));
        DW_TRY(dw_thing_add(out, .id = id, .name = name, .parent = parent, .inactive = inactive));
    }
    return dw_found_complete(out);
}

static int list_customers(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    (void)query; /* the host picks what fits */
    return list_of(c, conn, "/customers", out);
}

static int list_projects(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    (void)query;
    return list_of(c, conn, "/projects", out);
}

static const dw_listing listings[] = {
    { .name = "customer", .title = "Customers", .list = list_customers },
    { .name = "project", .title = "Projects", .list = list_projects },
    { 0 },
};

static int list_entries(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    (void)c, (void)conn, (void)query;
    return dw_found_complete(out);
}

static const dw_time_source time_source = { .struct_size = sizeof(time_source), .list = list_entries };

static const dw_connector connectors[] = {
    {
        .name = "desk",
        .title = "Desk",
        .summary = "Tickets of a desk.",
        .settings = DW_ITEMS(struct settings, settings),
        .address = "url",
        .check = check,
        .listings = listings,
        .time_source = &time_source,
        .inbox = "tickets",
        .inbox_verify = "hub-sha1",
        .inbox_id_header = "X-Desk-Delivery",
    },
    { 0 },
};

/* ---- webhooks ---- */

static int on_ticket(dw_call *c, const dw_delivery *d)
{
    const char *ticket;
    dw_connection *conn;
    json_t *body;

    DW_TRY(dw_json_parse(c, dw_delivery_text(d), &body));
    DW_TRY(dw_json_read(c, body, "ticket!", &ticket));
    DW_TRY(dw_connection_open(c, d->source, &conn));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_connection_changed(c, conn, ticket));
    return dw_tx_commit(c);
}

static const dw_inbox inboxes[] = { { "tickets", on_ticket }, { 0 } };

/* ---- what hangs on a connection ---- */

static int add_watch(dw_call *c, dw_request *req)
{
    const char *connection, *name;

    DW_TRY(dw_request_read(req, "connection", &connection, "name", &name));
    DW_TRY(dw_db_exec(
        c, "INSERT INTO desk_watches (tenant_id, id, connection, name) VALUES (:tenant, $1, $2, $3)",
        dw_id(c), connection, name));
    return dw_reply(req, 201);
}

static int tell_uses(dw_call *c, void *question)
{
    dw_connection_uses *asked = question;
    const char *id, *name;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows, "SELECT id, name FROM desk_watches WHERE connection = $1 ORDER BY name",
                       asked->connection));
    while ((rc = dw_rows_next(rows, &id, &name)) > 0)
        DW_TRY(dw_connection_used(asked->out, .what = "watch", .id = id, .name = name, .count = 7));
    return rc;
}

static int on_deleted(dw_call *c, const dw_event *event)
{
    const char *connection;

    DW_TRY(dw_json_read(c, event->data, "connection!", &connection));
    int rc = dw_db_exec(c, "DELETE FROM desk_watches WHERE connection = $1", connection);
    return rc < 0 ? rc : 0;
}

static const dw_operation operations[] = { { "addWatch", add_watch }, { 0 } };
static const dw_hook hooks[] = { { "core.connection_uses", tell_uses, 50 }, { 0 } };
static const dw_subscription subscriptions[] = { { "core.connection.deleted", on_deleted }, { 0 } };

DOWEL_PLUGIN(.name = "desk", .version = "1.0.0", .summary = "A desk", .license = "MIT",
             .connectors = connectors, .inboxes = inboxes, .operations = operations, .hooks = hooks,
             .subscriptions = subscriptions);
