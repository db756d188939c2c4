/* clerk - asks time sources for what is booked, and hears what changed: stands where a sync would stand. */
#include <dowel/dowel.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TICKETS_MAX = 1000 };

struct clerk {
    pthread_mutex_t lock;
    char tickets[TICKETS_MAX][24]; /* "": it was not said which */
    size_t n;
};

/* ---- entries ---- */

struct writing {
    dw_out *out;
    bool count_only;
};

static int write_entry(dw_call *c, const dw_entry *e, void *ud)
{
    const struct writing *w = ud;
    dw_out *o = w->out;

    (void)c;
    if (w->count_only)
        return 0;
    dw_out_object(o, NULL);
    dw_out_set(o, "id", e->id);
    dw_out_set(o, "ticket", e->ticket);
    dw_out_set(o, "ticket_number", e->ticket_number);
    dw_out_set(o, "ticket_title", e->ticket_title);
    dw_out_set(o, "customer", e->customer);
    dw_out_set(o, "customer_name", e->customer_name);
    dw_out_set(o, "agent", e->agent);
    dw_out_set(o, "agent_email", e->agent_email);
    dw_out_set(o, "agent_name", e->agent_name);
    dw_out_set(o, "activity", e->activity);
    dw_out_set(o, "activity_name", e->activity_name);
    dw_out_set(o, "url", e->url);
    dw_out_set(o, "amount", e->amount);
    dw_out_set(o, "created", e->created);
    dw_out_set(o, "changed", e->changed);
    dw_out_set(o, "merged_into", e->merged_into);
    dw_out_end(o);
    return dw_out_error(o);
}

static int ask_entries(dw_call *c, dw_request *req)
{
    dw_entry_query query = { .struct_size = sizeof(query) };
    struct writing w = { 0 };
    const char *connection;
    dw_connection *conn;
    int n;

    DW_TRY(dw_request_read(req, "connection", &connection, "ticket", &query.ticket, "since",
                           &query.changed_since, "bare", &query.ids_only, "count", &w.count_only));
    DW_TRY(dw_connection_open(c, connection, &conn));
    w.out = dw_reply_open(req, 200);
    dw_out_array(w.out, "entries");
    DW_TRY(n = dw_entries_each(c, conn, &query, write_entry, &w));
    dw_out_end(w.out);
    dw_out_set(w.out, "n", n);
    return dw_reply_close(req);
}

/* ---- what changed ---- */

static int hear(dw_call *c, const dw_event *event)
{
    struct clerk *k = dw_self(c);
    const char *ticket = "";

    DW_TRY(dw_json_read(c, event->data, "ticket", &ticket));
    pthread_mutex_lock(&k->lock);
    if (k->n < TICKETS_MAX)
        strncpy(k->tickets[k->n++], ticket, sizeof(k->tickets[0]) - 1);
    pthread_mutex_unlock(&k->lock);
    return 0;
}

static int list_changed(dw_call *c, dw_request *req)
{
    struct clerk *k = dw_self(c);
    dw_out *o = dw_reply_open(req, 200);

    dw_out_array(o, "tickets");
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < k->n; i++)
        dw_out_add(o, (const char *)(k->tickets[i][0] ? k->tickets[i] : NULL));
    pthread_mutex_unlock(&k->lock);
    dw_out_end(o);
    return dw_reply_close(req);
}

static int init(dw_call *c)
{
    struct clerk *k = dw_self(c);

    pthread_mutex_init(&k->lock, NULL);
    return 0;
}

static const dw_operation operations[] = { { "askEntries", ask_entries },
                                           { "listChanged", list_changed },
                                           { 0 } };
static const dw_subscription subscriptions[] = { { "core.connection.changed", hear }, { 0 } };

DOWEL_PLUGIN(.name = "clerk", .version = "1.0.0", .summary = "Asks what is booked", .license = "MIT",
             .self_size = sizeof(struct clerk), .init = init, .operations = operations,
             .subscriptions = subscriptions);
