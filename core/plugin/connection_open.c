#include "plugin/connection_open.h"

#include "connections/seal.h"
#include "connections/settings.h"
#include "log/log.h"
#include "plugin/call_db.h"
#include "plugin/kept.h"
#include "util/clock.h"

/* What a connection in a call consists of; the secrets in it are wiped at its end. */
struct opened {
    dw_connection conn;
    struct connection *row; /* NULL: the draft's, who wipes it */
    const struct connector_kind *kind;
    struct arena arena;
};

static struct kept_pool opened_pool = KEPT_POOL(struct opened);
static struct kept_pool lent_pool = KEPT_POOL(dw_connection);

static void close_opened(void *ud)
{
    struct opened *o = ud;

    connection_gate_drop(o->conn.route.gate);
    connection_destroy(o->row);
    arena_finish(&o->arena);
    kept_give(&opened_pool, o);
}

static struct opened *make(dw_call *c)
{
    struct opened *o = kept_take(&opened_pool);

    if (!o) {
        call_fail(c, DW_ENOMEM, "a connection cannot be opened: out of memory");
        return NULL;
    }
    arena_init(&o->arena, NULL, 0, 0);
    call_at_end(c, CALL_UNDO_MEMORY, close_opened, o);
    return o;
}

/* ---- how its requests go out ---- */

/* "https://desk.example.org/zammad/" -> without the slash; NULL: it speaks to nobody. */
static int set_address(struct opened *o, const void *settings)
{
    struct str s;

    if (!o->kind->address)
        return 0;
    s = str_from(connection_settings_text(settings, o->kind->address));
    while (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    o->conn.route.address = arena_copy(&o->arena, s);
    return o->conn.route.address ? 0 : DW_ENOMEM;
}

/* "": the server's; "none": straight. */
static const char *proxy_of(const struct connection *row)
{
    if (!*row->proxy)
        return NULL;
    return strcmp(row->proxy, "none") == 0 ? "" : row->proxy;
}

static int fill(struct opened *o, dw_call *c, const struct connection *row, const void *settings,
                bool is_gated)
{
    o->conn = (dw_connection){
        .c = c,
        .id = row->id,
        .name = row->name,
        .kind = o->kind->name,
        .owner = o->kind->by,
        .connector = o->kind->connector,
        .settings = settings,
        .route = {
            .allow_private = row->allow_private,
            .ca_pem = str_from(row->ca),
            .cert_pem = str_from(row->client_cert),
            .key_pem = str_from(row->client_key),
            .proxy = proxy_of(row),
            .gate = is_gated ? connection_gate_of(row->id, (unsigned)row->parallel) : NULL,
        },
    };
    int rc = set_address(o, settings);
    if (rc == 0 && is_gated && !o->conn.route.gate)
        rc = DW_ENOMEM;
    return rc == 0 ? 0 : call_fail(c, rc, "a connection cannot be opened: out of memory");
}

dw_connection *connection_lend(const dw_connection *conn, dw_call *child)
{
    dw_connection *lent = kept_take(&lent_pool);

    if (!lent)
        return NULL;
    *lent = *conn;
    lent->c = child;
    return lent;
}

void connection_take_back(dw_connection *lent)
{
    kept_give(&lent_pool, lent);
}

/* ---- health ---- */

/* What says something about the other side or the way to it; what who asked did wrong does not. */
static bool tells_of_peer(int rc)
{
    switch (rc) {
    case DW_EAUTH:
    case DW_EDENIED:
    case DW_EUPSTREAM:
    case DW_EUNAVAILABLE: return true;
    default: return rc >= 0;
    }
}

static bool is_news(const struct connection *row, bool works, int64_t now_us)
{
    if (strcmp(row->health, works ? "ok" : "failing") != 0)
        return true;
    return now_us - row->checked_us > CONNECTION_HEALTH_EVERY_S * (int64_t)CLOCK_SECOND;
}

/* In a session of its own: that the plugin has committed something must not be said of this. */
static int keep_health(const dw_call *c, const struct connection *row, const char *error, int64_t now_us)
{
    const struct connection_ref ref = { c->tenant, row->id, row->version };
    const struct db_who who = { .owner = "core", .tenant = c->tenant, .now_us = now_us };
    struct db_session *s;
    int rc;

    if (db_session_create(&s, c->instance->process->db, &who) != 0)
        return DW_ENOMEM;
    rc = connection_note_health(s, &ref, error, now_us);
    db_session_destroy(s);
    return rc;
}

/* Why it fails is what the call says. */
static void note(const dw_call *c, struct connection *row, bool works)
{
    int64_t now_us = call_wall_us(c);

    if (!is_news(row, works, now_us))
        return;
    row->health = works ? "ok" : "failing";
    row->checked_us = now_us;
    if (keep_health(c, row, works ? NULL : c->error.text, now_us) < 0)
        log_warn("the health of a connection could not be kept", LOG_TEXT("connection", row->id));
}

void connection_note(dw_call *c, const dw_connection *conn, int rc)
{
    struct opened *o = (struct opened *)(uintptr_t)conn; /* it is its first member */

    if (o->row && tells_of_peer(rc))
        note(c, o->row, rc >= 0);
}

/* ---- what is kept ---- */

static int load(dw_call *c, const char *step, const char *id, struct opened *o)
{
    struct db_session *s;

    DW_TRY(call_session(c, step, &s));
    int rc = connection_load(&o->row, s, c->instance->process->keyring, c->tenant, id);
    if (rc == DW_ENOTFOUND)
        return call_refuse(c, rc, "", "there is no connection with this id");
    return rc < 0 ? call_session_result(c, step, rc) : 0;
}

static int check_usable(dw_call *c, struct opened *o)
{
    const struct connection *row = o->row;

    if (!row->enabled)
        return call_refuse(c, DW_ECONFLICT, "disabled", "the connection %s is disabled", row->name);
    o->kind = connectors_find(c->instance->process->connectors, row->kind);
    if (!o->kind || atomic_load(&o->kind->by->missing))
        return call_refuse(c, DW_EUNAVAILABLE, "missing",
                           "the connection %s is of the kind %s, whose plugin is not running", row->name,
                           row->kind);
    if (row->unreadable)
        return call_refuse(
            c, DW_ECONFLICT, "sealed",
            "the secrets of the connection %s were sealed with a key that this server does not have; give "
            "it the key, or set the secrets of the connection anew",
            row->name);
    return 0;
}

/* The plugin has been updated since, and wants other settings now. */
static int refuse_settings(dw_call *c, const struct opened *o, const struct config_problems *problems)
{
    const struct config_problem *p = problems->first;

    if (!p || problems->out_of_memory)
        return call_fail(c, DW_ENOMEM, "a connection cannot be opened: out of memory");
    return call_refuse(c, DW_ECONFLICT, "settings",
                       "the settings of the connection %s no longer fit, change them: %s: %s", o->row->name,
                       p->item ? p->item : "", p->text);
}

static int read_settings(dw_call *c, struct opened *o, const void **out)
{
    struct config_problems problems;
    int rc = 0;

    config_problems_init(&problems);
    *out = connection_settings_read(o->kind->table, o->row->settings, o->row->secrets, &o->arena, &problems);
    if (config_problems_any(&problems))
        rc = refuse_settings(c, o, &problems);
    config_problems_finish(&problems);
    return rc;
}

int connection_open_kept(dw_call *c, const char *step, const char *id, dw_connection **out)
{
    const void *settings = NULL;
    struct opened *o;

    *out = NULL;
    if (!c->tenant)
        return call_misuse(
            c, "%s: connections belong to tenants, and this call has none: dw_call_as_tenant() first", step);
    if (!id)
        return call_misuse(c, "%s: without an id", step);
    o = make(c);
    if (!o)
        return DW_ENOMEM;
    DW_TRY(load(c, step, id, o));
    int rc = check_usable(c, o);
    if (rc == 0)
        rc = read_settings(c, o, &settings);
    if (rc == DW_ECONFLICT && o->row->enabled) /* an admin has to do something about it */
        note(c, o->row, false);
    DW_TRY(rc);
    DW_TRY(fill(o, c, o->row, settings, true));
    *out = &o->conn;
    return 0;
}

/* ---- what was typed ---- */

/* What would be asked otherwise than it is kept neither waits for what the peer asked of that, nor speaks for it. */
int connection_open_draft(dw_call *c, const struct connection_draft *draft, dw_connection **out)
{
    struct opened *o = make(c);

    *out = NULL;
    if (!o)
        return DW_ENOMEM;
    o->kind = draft->kind;
    DW_TRY(fill(o, c, draft->is, draft->settings, *draft->is->id && !draft->changes_access));
    *out = &o->conn;
    return 0;
}

const struct connector_kind *connection_kind(const dw_connection *conn)
{
    return conn ? connectors_find(conn->owner->process->connectors, conn->kind) : NULL;
}
