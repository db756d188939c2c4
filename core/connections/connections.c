#include "connections/connections.h"

#include <stdlib.h>

#include "connections/seal.h"
#include "events/events.h"
#include "events/step.h"
#include "log/log.h"
#include "util/json.h"

/* No id is as good as none that is there; an engine may refuse to compare it. */
static bool is_id(const char *id)
{
    return uuid_parse(str_from(id), NULL) == 0;
}

static const char nobody[] = "00000000-0000-0000-0000-000000000000";

/* ---- lists ---- */

/* " zammad csv "; NULL: all. */
static const char *format_kinds(struct buf *text, const char *const *kinds)
{
    if (!kinds)
        return NULL;
    buf_add_char(text, ' ');
    for (size_t i = 0; kinds[i]; i++)
        buf_add_format(text, "%s ", kinds[i]);
    return buf_text(text);
}

int connections_query(struct db_session *s, struct db_rows **out, const struct connection_filter *filter)
{
    struct buf text = BUF_INIT;
    const char *kinds = format_kinds(&text, filter->kinds);
    const char *id = filter->id && !is_id(filter->id) ? nobody : filter->id;

    int rc = db_query(
        s, out, DB_BY_CORE,
        DW_LIST("SELECT id, kind, name, settings, secrets, allow_private, ca, client_cert, has_client_key,"
                " proxy, parallel, enabled, health, health_since, health_error, checked_at, version,"
                " created_at, changed_at"
                " FROM dowel_connections"
                " WHERE tenant_id = $1 AND (id = $2 OR $2 IS NULL) AND (name = $3 OR $3 IS NULL)"
                " AND (replace($4, ' ' || kind || ' ', '') <> $4 OR $4 IS NULL)"
                " AND (id > $5 OR $5 IS NULL) AND (enabled OR NOT $6)"
                " ORDER BY id LIMIT $7",
                filter->tenant, id, filter->name, kinds, filter->after, filter->enabled_only,
                filter->limit ? filter->limit : INT64_MAX));
    buf_finish(&text);
    return rc;
}

/* ---- one, in the open ---- */

/* A row as the database has it; texts last as long as the session's memory. */
struct row {
    const char *kind, *name, *settings, *secrets, *sealed, *ca, *client_cert, *proxy, *health;
    int64_t parallel, version;
    dw_time checked;
    bool has_client_key, allow_private, enabled;
};

static int read_row(struct db_session *s, const char *tenant, const char *id, struct row *r)
{
    int rc = db_find(s,
                     DW_TO(&r->kind, &r->name, &r->settings, &r->secrets, &r->has_client_key, &r->sealed,
                           &r->ca, &r->client_cert, &r->proxy, &r->parallel, &r->version, &r->allow_private,
                           &r->enabled, &r->health, &r->checked),
                     DB_BY_CORE,
                     DW_LIST("SELECT kind, name, settings, secrets, has_client_key, sealed, ca, client_cert, "
                             "proxy, parallel, version, allow_private,"
                             " enabled, health, checked_at"
                             " FROM dowel_connections WHERE tenant_id = $1 AND id = $2",
                             tenant, id));

    return rc == 0 ? DW_ENOTFOUND : rc < 0 ? rc : 0;
}

static const char *copy(struct connection *c, const char *text)
{
    return arena_copy(&c->arena, str_from(text));
}

static int take_row(struct connection *c, const struct row *r)
{
    struct json_fault fault;

    c->kind = copy(c, r->kind);
    c->name = copy(c, r->name);
    c->ca = copy(c, r->ca);
    c->client_cert = copy(c, r->client_cert);
    c->secret_names = copy(c, r->secrets);
    c->client_key = "";
    c->has_client_key = r->has_client_key;
    c->proxy = copy(c, r->proxy);
    c->health = copy(c, r->health);
    c->parallel = r->parallel;
    c->version = r->version;
    c->allow_private = r->allow_private;
    c->enabled = r->enabled;
    c->checked_us = r->checked.us;
    if (!c->kind || !c->name || !c->secret_names || !c->ca || !c->client_cert || !c->proxy || !c->health)
        return DW_ENOMEM;
    if (json_strict_parse(str_from(r->settings), 0, &c->settings, &fault) != 0)
        return fault.is_ours ? DW_ENOMEM : DW_EINTERNAL;
    return 0;
}

static int load(struct connection *c, struct db_session *s, const struct keyring *keyring, const char *tenant)
{
    struct row row = { 0 };
    int rc = read_row(s, tenant, c->id, &row);

    if (rc == 0)
        rc = take_row(c, &row);
    return rc == 0 ? connection_unseal(c, keyring, row.sealed) : rc;
}

int connection_load(struct connection **out, struct db_session *s, const struct keyring *keyring,
                    const char *tenant, const char *id)
{
    struct uuid parsed;
    int rc;

    *out = NULL;
    if (uuid_parse(str_from(id), &parsed) != 0)
        return DW_ENOTFOUND;
    struct connection *c = connection_create();
    if (!c)
        return DW_ENOMEM;
    uuid_format(&parsed, c->id);
    rc = load(c, s, keyring, tenant);
    if (rc == 0)
        *out = c;
    else
        connection_destroy(c);
    return rc;
}

struct connection *connection_create(void)
{
    struct connection *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    arena_init(&c->arena, NULL, 0, 0);
    c->kind = c->name = c->secret_names = c->ca = c->client_cert = c->client_key = c->proxy = "";
    c->health = "untested";
    c->enabled = true;
    c->parallel = CONNECTION_PARALLEL;
    return c;
}

void connection_destroy(struct connection *c)
{
    if (!c)
        return;
    secret_json_wipe(c->secrets);
    json_decref(c->secrets);
    json_decref(c->settings);
    secret_wipe(c->client_key);
    arena_finish(&c->arena);
    free(c);
}

/* ---- changes for which nothing has to be looked at ---- */

/* Nothing was changed: was it not there, or was it another version? */
static int why_not(struct db_session *s, const struct connection_ref *ref)
{
    int64_t version = 0;
    int rc = db_find(s, DW_TO(&version), DB_BY_CORE,
                     DW_LIST("SELECT version FROM dowel_connections WHERE tenant_id = $1 AND id = $2",
                             ref->tenant, ref->id));

    if (rc < 0)
        return rc;
    return rc == 0 ? DW_ENOTFOUND : DW_EPRECONDITION;
}

static int64_t enable(struct db_session *s, const struct connection_ref *ref, bool enabled, int64_t now_us)
{
    int64_t version = 0;
    int rc = db_find(s, DW_TO(&version), DB_BY_CORE,
                     DW_LIST("UPDATE dowel_connections SET enabled = $4,"
                             " version = version + CASE WHEN enabled = $4 THEN 0 ELSE 1 END,"
                             " changed_at = CASE WHEN enabled = $4 THEN changed_at ELSE $5 END"
                             " WHERE tenant_id = $1 AND id = $2 AND (version = $3 OR $3 = 0)"
                             " RETURNING version",
                             ref->tenant, ref->id, ref->version, enabled, ((dw_time){ now_us })));

    if (rc < 0)
        return rc;
    return rc > 0 ? version : why_not(s, ref);
}

int64_t connection_enable(struct db_session *s, const struct connection_ref *ref, bool enabled,
                          int64_t now_us)
{
    return is_id(ref->id) ? enable(s, ref, enabled, now_us) : DW_ENOTFOUND;
}

static int tell_removed(struct db_session *s, const struct connection_ref *ref, int64_t now_us)
{
    struct buf data = BUF_INIT;

    buf_add_format(&data, "{\"connection\":\"%s\"}", ref->id);
    const struct event e = {
        .name = "core.connection.deleted", .data = buf_text(&data), .tenant = ref->tenant, .at_us = now_us
    };
    int rc = buf_failed(&data) ? DW_ENOMEM : events_emit(s, &e, NULL);
    buf_finish(&data);
    return rc;
}

static int remove_row(struct db_session *s, const struct connection_ref *ref, int64_t now_us)
{
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("DELETE FROM dowel_connections WHERE tenant_id = $1 AND id = $2"
                                " AND (version = $3 OR $3 = 0)",
                                ref->tenant, ref->id, ref->version));

    if (n < 0)
        return (int)n;
    return n > 0 ? tell_removed(s, ref, now_us) : why_not(s, ref);
}

int connection_remove(struct db_session *s, const struct connection_ref *ref, int64_t now_us)
{
    char id[UUID_TEXT_SIZE];
    struct connection_ref canonical = *ref;
    struct uuid parsed;
    struct step step;

    if (uuid_parse(str_from(ref->id), &parsed) != 0)
        return DW_ENOTFOUND;
    uuid_format(&parsed, id);
    canonical.id = id;
    int rc = step_begin(&step, s);
    return rc < 0 ? rc : step_end(&step, remove_row(s, &canonical, now_us));
}

int connection_note_health(struct db_session *s, const struct connection_ref *ref, const char *error,
                           int64_t now_us)
{
    const char *health = error ? "failing" : "ok";

    if (!is_id(ref->id))
        return 0;
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("UPDATE dowel_connections SET"
                                " health_since = CASE WHEN health = $3 THEN health_since ELSE $5 END,"
                                " health = $3, health_error = $4, checked_at = $5"
                                " WHERE tenant_id = $1 AND id = $2 AND (version = $6 OR $6 = 0)",
                                ref->tenant, ref->id, health, error, ((dw_time){ now_us }), ref->version));
    return n < 0 ? (int)n : 0;
}
