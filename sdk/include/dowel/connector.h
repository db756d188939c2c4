/* connector.h - kinds of systems that admins connect to, and the roles that they play. Everything here is since ABI minor 2.
 *
 * A plugin declares a kind: its settings, how to see whether they work, what can be listed there, and its roles. Admins make
 * connections of that kind, as many as they like, each tested before it is kept. Whoever needs a role finds every connection
 * that plays it; nobody knows a connector by name.
 *
 *   static const dw_connector connectors[] = {
 *       { .name = "csv", .title = "CSV folder", .settings = DW_ITEMS(struct settings, settings), .check = check,
 *         .time_source = DW_ROLE(dw_time_source, .list = list) },
 *       { 0 },
 *   };
 *
 * The callbacks of a connector run in calls of its own plugin, in the tenant of whoever asks, and wait in straight code. What
 * they return is what who asked gets, its text and reason included. Secrets are kept sealed, and a connection belongs to one
 * tenant. */
#ifndef DOWEL_CONNECTOR_H
#define DOWEL_CONNECTOR_H

#include "call.h"
#include "conf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_connection dw_connection; /* one that an admin made; borrowed for the call */
typedef struct dw_checkup dw_checkup;       /* where check() puts what it found */
typedef struct dw_found dw_found;           /* where a list goes that a callback was asked for */

/* ---- what can be listed: whatever a person might point at ---- */

/* Only id and name are required. Texts are copied. */
typedef struct dw_thing {
    uint32_t struct_size;
    const char *id;     /* stable and unique among its kind in the connection */
    const char *name;   /* for people */
    const char *number; /* another name that people know it by: "TID-4711" */
    const char *email;  /* of a user */
    const char *parent; /* the id of what it is part of: a project's customer, an activity's project */
    bool inactive;      /* it is there for what is old */
    /* Of what is to be made: the caller has listed its parent's just now, it is not there, and nobody else makes it, so the
     * connector need not look once more. */
    bool looked;
} dw_thing;

/* All that is set has to fit. What is asked for may be given without looking closely: the host picks what fits. */
typedef struct dw_thing_query {
    uint32_t struct_size;
    const char *id, *number, *name, *email,
        *parent; /* exactly, but for the case of an e-mail address; NULL: whatever */
    const char
        *term; /* what a person typed: each word somewhere in name, number, email or id, in whatever case */
    bool inactive; /* those as well */
} dw_thing_query;

/* One kind of things. */
typedef struct dw_listing {
    const char *
        name; /* "user", "customer", "project", "activity", "ticket", "organization": what others call it as well */
    const char *title; /* "Projects" */
    int (*list)(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out);
    /* Makes one; what it became is in *made. NULL: cannot be done. DW_ECONFLICT: is there. */
    int (*make)(dw_call *c, dw_connection *conn, const dw_thing *wanted, dw_thing *made);
} dw_listing;

/* ---- a role: where time is booked ---- */

enum dw_unit { DW_UNIT_UNKNOWN = 0, DW_UNIT_SECONDS = 1, DW_UNIT_MINUTES = 2, DW_UNIT_HOURS = 3 };

/* A booking at its source. Only id, ticket, amount and one of begin, end and created are required; the rest helps mapping.
 * What is wrong with one (an amount that is no number) is for a person to decide, and no error. Texts are cut at 1 MiB, names at
 * 4,000 bytes; bytes that are no UTF-8 become U+FFFD. Ids have at most 200 bytes. */
typedef struct dw_entry {
    uint32_t struct_size;
    const char *id; /* stable and unique in the connection */
    const char *ticket, *ticket_number, *ticket_title;
    const char *customer, *customer_name; /* whom the ticket is for: an organisation, else a person */
    const char *agent, *agent_email, *agent_name;
    const char *activity, *activity_name;
    const char *text;
    const char *url;    /* where a person sees the ticket */
    const char *amount; /* an exact decimal: "7.25", also below zero */
    uint32_t unit;      /* enum dw_unit; UNKNOWN: the amount's unit is for the sync to say */
    dw_time begin, end, created, changed; /* 0: the source does not say */
    const char *merged_into;              /* the ticket that this one's was merged into; NULL: it was not */
    const char *
        wrong; /* why a person has to look at it before it is moved, in a sentence; NULL: nothing is wrong. The host says
                        * so itself of one whose ids are too long or no UTF-8, or that lacks what is required */
} dw_entry;

/* Which are wanted. */
typedef struct dw_entry_query {
    uint32_t struct_size;
    const char *ticket;    /* not NULL: all of this ticket, nothing else counts */
    dw_time changed_since; /* 0: all; more than asked for is welcome, less is not */
    dw_time until;         /* 0: up to now; those created later may be left out */
    bool ids_only;         /* id and ticket are enough */
} dw_entry_query;

/* Only a list that was completed (dw_found_complete) and returned 0 tells by what it lacks that something was deleted. An entry
 * that changes while the list is read may come twice: the later one counts. */
typedef struct dw_time_source {
    uint32_t struct_size;
    int (*list)(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out);
} dw_time_source;

/* ---- a role: where time is billed ---- */

enum dw_billable { DW_BILLABLE_UNSAID = 0, DW_BILLABLE_YES = 1, DW_BILLABLE_NO = 2 };

typedef struct dw_timesheet {
    uint32_t struct_size;
    const char *id;                 /* NULL in write: make one */
    const char *project, *activity; /* ids of things */
    const char *user;               /* of a thing; NULL in write: whoever the connection signs in as */
    const char *text;               /* its first line is the marker, which tells it among all others */
    dw_texts tags;                  /* made there if they are missing */
    dw_time begin, end;             /* end 0 in what was read: it still runs */
    int64_t seconds;                /* that the target counts; it need not be end - begin. Only read */
    uint32_t billable;              /* enum dw_billable */
    bool exported;                  /* it is billed already: hands off. Only read */
    bool tags_wanted;               /* in write: also an empty list of tags is meant */
} dw_timesheet;

/* All that is set has to fit, and those of all users count. */
typedef struct dw_timesheet_query {
    uint32_t struct_size;
    const char *id;               /* this one: at most one comes */
    const char *marker;           /* whose first line is exactly this */
    dw_time begin_from, begin_to; /* both inclusive; 0: open */
    dw_time changed_since;        /* 0: whenever */
    const char *tag;              /* who has it */
} dw_timesheet_query;

/* Reasons of refusals that whoever syncs understands (dw_err.reason, see dw_fail): "LOCKED_OR_EXPORTED", "LOCKDOWN", "OVERLAP",
 * "BUDGET", "FUTURE", "UNMAPPED_USER", "UNMAPPED_ACTIVITY", "PROJECT_OR_CUSTOMER_MISSING", "INVALID_AMOUNT". */
typedef struct dw_time_target {
    uint32_t struct_size;
    int (*list)(dw_call *c, dw_connection *conn, const dw_timesheet_query *query, dw_found *out);
    /* Makes or changes one, and says in *stored what the target made of it: rounded, say. In a change, what is NULL or 0
     * stays. DW_EUNKNOWN: it may have happened, or happen yet. DW_ENOTFOUND: there is none with that id. */
    int (*write)(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, dw_timesheet *stored);
    /* 0 also where it is gone already. */
    int (*remove)(dw_call *c, dw_connection *conn, const char *id);
    dw_span settle; /* how long after it a request whose outcome is unknown may still take effect; 0: 90 s */
} dw_time_target;

/* ---- the kind ---- */

typedef struct dw_connector {
    const char *name;    /* [a-z][a-z0-9_]*, one of its kind in a server: "zammad" */
    const char *title;   /* "Zammad" */
    const char *summary; /* a sentence: what one connects it for */
    dw_items settings;   /* one struct a connection */
    const char *
        address; /* which item is the URL that all of it is sent to; NULL: it speaks to nobody. See .connection in
                          * client.h */

    /* Before it is kept, and when an admin wants to know: can it work? What can not: dw_fail_at(c, "/token", "..."), with
     * what to do about it. What was looked at: dw_checked(). */
    int (*check)(dw_call *c, dw_connection *conn, dw_checkup *out);

    const dw_listing *listings;        /* ends with { 0 } */
    const dw_time_source *time_source; /* NULL: does not play this role */
    const dw_time_target *time_target;

    /* Webhooks that come for a connection: POST /api/v1/hooks/PLUGIN/CONNECTION, whose dw_delivery.source is the
     * connection's id. NULL: none. */
    const char *inbox;           /* a dw_inbox of the plugin */
    const char *inbox_verify;    /* "hub-sha1", "hub-sha256", "standard-webhooks" */
    const char *inbox_id_header; /* the field with the sender's own id; NULL: none */
} dw_connector;

/* .time_source = DW_ROLE(dw_time_source, .list = list) */
#define DW_ROLE(T, ...) DW_ARGS_(T, __VA_ARGS__)

/* A query, or what is wanted, where a pointer to one is taken: dw_timesheet_write(c, conn, DW_STRUCT(dw_timesheet, .project = p, ...),
 * &stored). Lives as long as the block in which it stands; in C++ as long as the statement. */
#define DW_STRUCT(T, ...) DW_ARGS_(T, __VA_ARGS__)

/* What would be left hanging if a connection went. */
typedef struct dw_connection_use {
    uint32_t struct_size;
    const char *what; /* "sync" */
    const char *id;
    const char *name; /* for people */
    int64_t count;    /* how many entries, or what else it holds; 0: not told */
} dw_connection_use;

/* The question of the hook "core.connection_uses", which a plugin answers that keeps something by a connection's id: it calls
 * dw_connection_used() for each, and returns 0, so that the next one is asked too. When a connection is gone, the event
 * "core.connection.deleted" {"connection": id} says so. */
typedef struct dw_connection_uses {
    uint32_t struct_size;
    const char *connection;
    dw_found *out;
} dw_connection_uses;

/* A setting that is secret. */
typedef struct dw_connection_secret {
    const char *item; /* "token" */
    dw_secret value;
} dw_connection_secret;

/* A connection to be made. Only kind and name are required. */
typedef struct dw_connection_wanted {
    uint32_t struct_size;
    const char *kind, *name;             /* "zammad", "Helpdesk" */
    const json_t *settings;              /* an object without what is secret; NULL: all as by default */
    const dw_connection_secret *secrets; /* ends with { 0 }; NULL: none */
    bool allow_private; /* its address may lie inside, as with `dowel connection add --allow-private yes` */
    bool disabled;
} dw_connection_wanted;

enum dw_check_state { DW_CHECK_GOOD = 1, DW_CHECK_WARNING = 2 };

typedef struct dw_connector_api {
    uint32_t struct_size;
    const char *(*id)(dw_connection *conn);
    const char *(*name)(dw_connection *conn);
    const char *(*kind)(dw_connection *conn);
    const void *(*settings)(dw_connection *conn);
    int (*open)(dw_call *c, const char *id, dw_connection **out);
    int (*each)(dw_call *c, const char *kind_or_role, int (*visit)(dw_call *, dw_connection *, void *),
                void *ud);
    void (*checked)(dw_checkup *out, int state, const char *name, dw_list text_and_pairs);
    int (*thing)(dw_found *out, const dw_thing *thing);
    int (*entry)(dw_found *out, const dw_entry *entry);
    int (*timesheet)(dw_found *out, const dw_timesheet *sheet);
    int (*used)(dw_found *out, const dw_connection_use *use);
    int (*complete)(dw_found *out);
    int (*changed)(dw_call *c, dw_connection *conn, const char *ticket);
    int (*things)(dw_call *c, dw_connection *conn, const char *listing, const dw_thing_query *query,
                  int (*visit)(dw_call *, const dw_thing *, void *), void *ud);
    int (*make)(dw_call *c, dw_connection *conn, const char *listing, const dw_thing *wanted,
                const dw_thing **made);
    int (*entries)(dw_call *c, dw_connection *conn, const dw_entry_query *query,
                   int (*visit)(dw_call *, const dw_entry *, void *), void *ud);
    int (*timesheets)(dw_call *c, dw_connection *conn, const dw_timesheet_query *query,
                      int (*visit)(dw_call *, const dw_timesheet *, void *), void *ud);
    int (*write)(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, const dw_timesheet **stored);
    int (*remove)(dw_call *c, dw_connection *conn, const char *id);
    dw_span (*settle)(dw_connection *conn);
    int (*try_out)(dw_call *c, const dw_connection_wanted *wanted);
    int (*connect)(dw_call *c, const char **id, const dw_connection_wanted *wanted);
    const char *(*address)(dw_connection *conn);
} dw_connector_api;

/* ---- connections ---- */

/* Its id, the name that its admin gave it, and its kind ("csv"). Borrowed as the connection. [call] */
static inline const char *dw_connection_id(dw_connection *conn) { return dw_host_->connector->id(conn); }
static inline const char *dw_connection_name(dw_connection *conn) { return dw_host_->connector->name(conn); }
static inline const char *dw_connection_kind(dw_connection *conn) { return dw_host_->connector->kind(conn); }

/* Where all of it is sent to, without a slash at its end: "https://desk.example.org/zammad"; "": it speaks to nobody. Ids that
 * were read over a connection mean what they did only as long as it is the same, or somebody says that it is the same system.
 * Borrowed as the connection. [call] */
static inline const char *dw_connection_address(dw_connection *conn)
{
    return dw_host_->connector->address(conn);
}

/* For the connector's own plugin: the struct of .settings as it is, or would be while it is tested. Immutable, borrowed as the
 * connection. NULL for another plugin, and logged: secrets are in it. [call] */
static inline const void *dw_connection_settings(dw_connection *conn)
{
    return dw_host_->connector->settings(conn);
}

/* One of the call's tenant; DW_ENOTFOUND; DW_ECONFLICT while it is disabled, or an admin has to give it other settings first;
 * DW_EUNAVAILABLE while its plugin is missing; DW_EMISUSE without a tenant.
 * Borrowed for the call. DW_ETX in a transaction of the caller, as for all below that speak to the outside. [call] */
static inline DW_MUST_CHECK int dw_connection_open(dw_call *c, const char *id, dw_connection **out)
{
    return dw_host_->connector->open(c, id, out);
}

/* Visits the tenant's enabled connections of a kind ("csv") or role ("time_source", "time_target"); stops at the first error and
 * returns it, else how many. One that cannot be opened is left out, with a warning in the log. Memory of a visit ends with it. [call] */
static inline DW_MUST_CHECK int dw_connections_each(dw_call *c, const char *kind_or_role,
                                                    int (*visit)(dw_call *c, dw_connection *conn, void *ud),
                                                    void *ud)
{
    return dw_host_->connector->each(c, kind_or_role, visit, ud);
}

/* ---- for the connector ---- */

/* dw_checked(out, DW_CHECK_GOOD, "version", "Zammad answers", "version", v): a line of what check() looked at. A warning is
 * what will be missed. [call] */
#define dw_checked(out, state, name, ...) \
    (dw_host_->connector->checked((out), (state), (name), DW_LIST(__VA_ARGS__)))

/* dw_thing_add(out, .id = id, .name = name), dw_entry_add(out, .id = id, .ticket = ticket, ...), dw_timesheet_add(out, ...):
 * hands over one; all of it is copied or used before it returns. An error means stop: return it. [call] */
#define dw_thing_add(out, ...) (dw_host_->connector->thing((out), DW_ARGS_(dw_thing, __VA_ARGS__)))
#define dw_entry_add(out, ...) (dw_host_->connector->entry((out), DW_ARGS_(dw_entry, __VA_ARGS__)))
#define dw_timesheet_add(out, ...) \
    (dw_host_->connector->timesheet((out), DW_ARGS_(dw_timesheet, __VA_ARGS__)))
#define dw_connection_used(out, ...) \
    (dw_host_->connector->used((out), DW_ARGS_(dw_connection_use, __VA_ARGS__)))

/* Says that everything which was asked for has been given: last in a list, and only if nothing was skipped. [call] */
static inline DW_MUST_CHECK int dw_found_complete(dw_found *out)
{
    return dw_host_->connector->complete(out);
}

/* Tells whoever syncs that this ticket (NULL: something) changed there: the event "core.connection.changed" {"connection": id,
 * "ticket": ticket}, if and only if the open transaction commits. [call] */
static inline DW_MUST_CHECK int dw_connection_changed(dw_call *c, dw_connection *conn, const char *ticket)
{
    return dw_host_->connector->changed(c, conn, ticket);
}

/* ---- the other side: whoever needs a role ---- */

/* Visits what fits the query (NULL: all); memory of a visit ends with it. How many; the first error of the list or of a visit.
 * A list that ended without dw_found_complete() is DW_EUPSTREAM. DW_ENOTFOUND: the connection has no such listing or role. [call] */
static inline DW_MUST_CHECK int dw_things_each(dw_call *c, dw_connection *conn, const char *listing,
                                               const dw_thing_query *query,
                                               int (*visit)(dw_call *c, const dw_thing *thing, void *ud),
                                               void *ud)
{
    return dw_host_->connector->things(c, conn, listing, query, visit, ud);
}
static inline DW_MUST_CHECK int dw_entries_each(dw_call *c, dw_connection *conn, const dw_entry_query *query,
                                                int (*visit)(dw_call *c, const dw_entry *entry, void *ud),
                                                void *ud)
{
    return dw_host_->connector->entries(c, conn, query, visit, ud);
}
static inline DW_MUST_CHECK int dw_timesheets_each(
    dw_call *c, dw_connection *conn, const dw_timesheet_query *query,
    int (*visit)(dw_call *c, const dw_timesheet *sheet, void *ud), void *ud)
{
    return dw_host_->connector->timesheets(c, conn, query, visit, ud);
}

/* Makes a thing of a listing; *made and *stored are the caller's call's. What they return is the connector's. [call] */
static inline DW_MUST_CHECK int dw_thing_make(dw_call *c, dw_connection *conn, const char *listing,
                                              const dw_thing *wanted, const dw_thing **made)
{
    return dw_host_->connector->make(c, conn, listing, wanted, made);
}
static inline DW_MUST_CHECK int dw_timesheet_write(dw_call *c, dw_connection *conn,
                                                   const dw_timesheet *wanted, const dw_timesheet **stored)
{
    return dw_host_->connector->write(c, conn, wanted, stored);
}
static inline DW_MUST_CHECK int dw_timesheet_remove(dw_call *c, dw_connection *conn, const char *id)
{
    return dw_host_->connector->remove(c, conn, id);
}

/* How long after a request whose outcome is unknown it may still take effect there. [call] */
static inline dw_span dw_connection_settle(dw_connection *conn) { return dw_host_->connector->settle(conn); }

/* ---- moving here from another system: connections that a plugin makes ---- */

/* dw_connection_make(c, &id, .kind = "zammad", .name = "Helpdesk", .settings = settings, .secrets = secrets): in the open
 * transaction (DW_ETX without one), untested, and audited as any other. 1; or 0 where the tenant has one of this kind and name:
 * that one is left as it is. *id is the caller's call's. Only what the machine itself does may make connections: a command, or a
 * job that nobody asked for (else DW_EDENIED). DW_EINVALID: what is wrong with the settings, all of it; DW_ECONFLICT: one of
 * another kind has the name; DW_EUNAVAILABLE: the kind's plugin is not running. [call] */
#define dw_connection_make(c, id, ...) \
    (dw_host_->connector->connect((c), (id), DW_ARGS_(dw_connection_wanted, __VA_ARGS__)))

/* dw_connection_try(c, .kind = "zammad", ...): what its connector's check() would say about such a connection, which is not kept:
 * 0, it works; or why not. As above, but outside of transactions. [call] */
#define dw_connection_try(c, ...) \
    (dw_host_->connector->try_out((c), DW_ARGS_(dw_connection_wanted, __VA_ARGS__)))

#ifdef __cplusplus
}
#endif
#endif
