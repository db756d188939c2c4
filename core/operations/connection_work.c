#include "operations/connection_work.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <string.h>

#include "events/events.h"
#include "http/exchange.h"
#include "operations/connection_view.h"
#include "plugin/connection.h"
#include "util/clock.h"
#include "util/json.h"

/* Of those who wait for strangers; the others get a 429. */
enum { ASKED_AT_ONCE = 8 };

static _Atomic int under_way;

int connection_work_enter(struct connection_work *w)
{
    if (atomic_fetch_add(&under_way, 1) < ASKED_AT_ONCE)
        return 0;
    connection_work_leave();
    buf_add_text(w->why, "other connections are being asked just now; try again in a moment");
    return DW_ERATE;
}

void connection_work_leave(void)
{
    atomic_fetch_sub(&under_way, 1);
}

/* ---- what is kept ---- */

/* The column is a text. */
static int open_settings(json_t *row)
{
    struct json_fault fault;
    json_t *settings;
    const char *text = json_string_value(json_object_get(row, "settings"));

    if (json_strict_parse(str_from(text), 0, &settings, &fault) != 0)
        return fault.is_ours ? DW_ENOMEM : DW_EINTERNAL;
    return json_object_set_new(row, "settings", settings) == 0 ? 1 : DW_ENOMEM;
}

/* The row as it is, without secrets: 1, 0: there is none, or an error. */
static int read_row(struct connection_work *w, const char *tenant, const char *id, json_t **out)
{
    const struct connection_filter filter = { .tenant = tenant, .id = id };
    struct buf text = BUF_INIT;
    struct json_fault fault;
    struct db_rows *rows;

    *out = NULL;
    DW_TRY(connections_query(w->s, &rows, &filter));
    int rc = db_rows_next(rows);
    if (rc > 0 && (db_rows_write_json(rows, &text) != 0 || buf_failed(&text) ||
                   json_strict_parse(buf_str(&text), 0, out, &fault) != 0))
        rc = DW_ENOMEM;
    db_rows_close(rows);
    buf_finish(&text);
    if (rc > 0)
        rc = open_settings(*out);
    if (rc < 0) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}

int connection_work_find(struct connection_work *w, const char *tenant, const char *id)
{
    json_t *row;
    int rc = read_row(w, tenant, id, &row);

    json_decref(row);
    return rc == 0 ? DW_ENOTFOUND : rc < 0 ? rc : 0;
}

/* ---- before it is stored ---- */

/* What only says how it is called, how much it may be asked and whether it is used breaks nothing. */
static bool could_break(const struct connection_change *c)
{
    return c->draft->is_new || c->draft->changes_access || c->given->settings;
}

static int make_draft(struct connection_work *w, struct connection_change *c)
{
    const struct connection_given *g = c->given;

    if (g->id) {
        int rc = read_row(w, g->tenant, g->id, &c->before);
        if (rc <= 0)
            return rc == 0 ? DW_ENOTFOUND : rc;
    }
    DW_TRY(connection_draft_create(&c->draft, w->s, w->process->keyring, w->process->connectors, g, w->why));
    if (c->before && json_integer_value(json_object_get(c->before, "version")) != c->draft->is->version)
        return DW_EPRECONDITION; /* in between: what would be written down as old is older */
    return c->draft->faults_n > 0 ? c->draft->fault_code : 0;
}

static int test(struct connection_work *w, struct connection_change *c)
{
    DW_TRY(connection_work_enter(w));
    int rc = connection_check(w->process, c->draft, &w->who, &c->answer);
    connection_work_leave();
    c->was_tested = rc >= 0;
    return rc;
}

/* What of the given could make it work, or not, as it does otherwise. */
static bool is_as_kept(const struct connection_change *c)
{
    const struct connection_given *g = c->given;

    return c->before && !g->settings && !g->ca && !g->client_cert && !g->client_key && !g->proxy &&
           g->allow_private < 0;
}

static int note_health(struct connection_work *w, const struct connection_change *c)
{
    const char *error = c->answer.code == 0 ? NULL : c->answer.text;
    const struct connection_ref ref = { c->given->tenant, c->draft->is->id, c->draft->is->version };

    if (!c->was_tested)
        return 0;
    return connection_note_health(w->s, &ref, error, w->now_us);
}

int connection_change_prepare(struct connection_work *w, const struct connection_given *given, bool untested,
                              struct connection_change *out)
{
    *out = (struct connection_change){ .given = given };
    DW_TRY(make_draft(w, out));
    if (untested || !could_break(out))
        return 0;
    DW_TRY(test(w, out));
    return out->answer.code == 0 ? 0 : DW_EINVALID;
}

int connection_change_try(struct connection_work *w, const struct connection_given *given,
                          struct connection_change *out)
{
    *out = (struct connection_change){ .given = given };
    DW_TRY(make_draft(w, out));
    DW_TRY(test(w, out));
    return is_as_kept(out) ? note_health(w, out) : 0;
}

void connection_change_finish(struct connection_change *change)
{
    if (change->was_tested)
        connection_answer_finish(&change->answer);
    connection_draft_destroy(change->draft);
    json_decref(change->before);
    OPENSSL_cleanse(change->secret, sizeof(change->secret));
}

/* ---- what is written down: old and new values, but of what is secret only that it changed ---- */

/* {"from":...,"to":...}. Takes `to`. */
static int add_pair(json_t *changes, const char *name, json_t *from, json_t *to)
{
    bool same = json_equal(from, to);
    json_t *pair = same ? NULL : json_pack("{s:O?, s:O?}", "from", from, "to", to);

    json_decref(to);
    return same ? 0 : json_object_set_new(changes, name, pair);
}

/* Of each member of the settings that is another now: "settings.url". */
static int add_settings(json_t *changes, json_t *from, json_t *to)
{
    json_t *all = json_object(), *value;
    struct buf name = BUF_INIT;
    const char *key;
    int rc = all && json_object_update(all, from) == 0 && json_object_update(all, to) == 0 ? 0 : -1;

    json_object_foreach(all, key, value)
    {
        name.n = 0;
        buf_add_format(&name, "settings.%s", key);
        rc |= buf_failed(&name) ? -1
                                : add_pair(changes, buf_text(&name), json_object_get(from, key),
                                           json_incref(json_object_get(to, key)));
    }
    buf_finish(&name);
    json_decref(all);
    return rc;
}

/* A certificate is too long to be told twice, and a proxy's URL may have a password. */
static int add_whether(json_t *changes, const char *name, const json_t *from, const char *to)
{
    const char *was = json_string_value(from);

    return strcmp(was ? was : "", to) == 0 ? 0 : json_object_set_new(changes, name, json_string("changed"));
}

/* The names of the secrets that were given. */
static json_t *secrets_given(const struct connection_change *c)
{
    json_t *list = json_array();
    const struct config_item *item = c->draft->kind->table->items;

    for (; list && item->name; item++) {
        if (config_item_is_secret(item) && json_object_get(c->given->settings, item->name) &&
            json_array_append_new(list, json_string(item->name)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int add_secrets(json_t *changes, const struct connection_change *c)
{
    json_t *given = secrets_given(c);
    int rc = given ? 0 : -1;

    if (rc == 0 && c->given->client_key)
        rc = json_array_append_new(given, json_string("client_key"));
    if (rc == 0 && json_array_size(given) > 0)
        rc = json_object_set(changes, "given_anew", given);
    json_decref(given);
    return rc;
}

/* A new object; NULL when memory is out. */
static json_t *changes_of(const struct connection_change *c)
{
    const struct connection *is = c->draft->is;
    json_t *changes = json_object(), *was = c->before;
    int rc = changes ? 0 : -1;

    if (rc == 0)
        rc = add_pair(changes, "name", json_object_get(was, "name"), json_string(is->name)) |
             add_settings(changes, json_object_get(was, "settings"), is->settings) |
             add_pair(changes, "allow_private", json_object_get(was, "allow_private"),
                      json_boolean(is->allow_private)) |
             add_pair(changes, "parallel", json_object_get(was, "parallel"), json_integer(is->parallel)) |
             add_pair(changes, "enabled", json_object_get(was, "enabled"), json_boolean(is->enabled)) |
             add_whether(changes, "ca", json_object_get(was, "ca"), is->ca) |
             add_whether(changes, "client_cert", json_object_get(was, "client_cert"), is->client_cert) |
             add_whether(changes, "proxy", json_object_get(was, "proxy"), is->proxy) |
             add_secrets(changes, c);
    if (rc == 0)
        return changes;
    json_decref(changes);
    return NULL;
}

static int note_made(struct connection_work *w, const struct connection_change *c)
{
    const struct connection *is = c->draft->is;

    return w->note(w->note_ud, "core.connection.added", is->id,
                   DW_LIST("kind", is->kind, "name", is->name, "settings", is->settings, "allow_private",
                           is->allow_private, "enabled", is->enabled, "tested", c->was_tested));
}

/* ---- what is told ---- */

static int emit(struct connection_work *w, const char *tenant, const char *name, json_t *data)
{
    char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
    const struct event event = {
        .name = name, .data = text, .tenant = tenant, .principal = w->who.principal, .at_us = w->now_us
    };
    int rc = text ? events_emit(w->s, &event, NULL) : DW_ENOMEM;

    free(text);
    json_decref(data);
    return rc;
}

static int tell_made(struct connection_work *w, const struct connection_change *c)
{
    const struct connection *is = c->draft->is;

    return emit(w, c->given->tenant, "core.connection.created",
                json_pack("{s:s, s:s, s:s}", "connection", is->id, "kind", is->kind, "name", is->name));
}

/* Which, but not from what to what: who wants to know more may ask for it. */
static int tell_changed(struct connection_work *w, const char *tenant, const char *id, const json_t *changes)
{
    json_t *names = json_array(), *value;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)changes, name, value)
    {
        if (json_array_append_new(names, json_string(name)) != 0) {
            json_decref(names);
            return DW_ENOMEM;
        }
    }
    return emit(w, tenant, "core.connection.changed_settings",
                json_pack("{s:s, s:o}", "connection", id, "changed", names));
}

static int note_and_tell_changed(struct connection_work *w, const struct connection_change *c)
{
    const char *id = c->draft->is->id;
    json_t *changes = changes_of(c);
    int rc = changes ? 0 : DW_ENOMEM;

    if (rc == 0 && json_object_size(changes) > 0) {
        rc = w->note(w->note_ud, "core.connection.changed", id,
                     DW_LIST("name", c->draft->is->name, "changes", changes, "tested", c->was_tested));
        if (rc >= 0)
            rc = tell_changed(w, c->given->tenant, id, changes);
    }
    json_decref(changes);
    return rc < 0 ? rc : 0;
}

/* ---- the source of its webhooks ---- */

static struct inbox_source source_of(const char *tenant, const char *id)
{
    return (struct inbox_source){ tenant, NULL, id };
}

static int add_source(struct connection_work *w, const char *tenant, const char *id,
                      const struct connector_kind *kind, const char *given, char secret[INBOX_SECRET_SIZE])
{
    const dw_connector *k = kind->connector;
    char source_id[UUID_TEXT_SIZE];
    const struct inbox_source_new source = {
        .tenant = tenant,
        .plugin = kind->by->name,
        .name = id,
        .inbox = k->inbox,
        .verify = inbox_verify_from(k->inbox_verify ? k->inbox_verify : ""),
        .id_header = k->inbox_id_header ? k->inbox_id_header : "",
        .secret = given,
        .is_connection = true,
    };

    return inbox_source_add(w->s, w->process->keyring, &source, w->now_us, source_id, secret, w->why);
}

/* 0 also where it has none. */
static int enable_source(struct connection_work *w, const char *tenant, const char *id, bool enabled)
{
    const struct inbox_source source = source_of(tenant, id);
    int rc = inbox_source_enable(w->s, &source, enabled);

    return rc == DW_ENOTFOUND ? 0 : rc;
}

static int remove_source(struct connection_work *w, const char *tenant, const char *id)
{
    const struct inbox_source source = source_of(tenant, id);
    int rc = inbox_source_remove(w->s, &source);

    return rc == DW_ENOTFOUND ? 0 : rc;
}

/* The kind may have learned to send webhooks since the connection was made: then addConnectionSecret makes the source. */
static int store_source(struct connection_work *w, struct connection_change *c)
{
    const struct connection *is = c->draft->is;
    const char *tenant = c->given->tenant;

    if (!c->before && c->draft->kind->connector->inbox)
        DW_TRY(add_source(w, tenant, is->id, c->draft->kind, NULL, c->secret));
    return enable_source(w, tenant, is->id, is->enabled);
}

static int kind_of(struct connection_work *w, const char *tenant, const char *id,
                   const struct connector_kind **kind)
{
    json_t *row;
    int rc = read_row(w, tenant, id, &row);

    if (rc > 0)
        *kind = connectors_find(w->process->connectors, json_string_value(json_object_get(row, "kind")));
    json_decref(row);
    return rc == 0 ? DW_ENOTFOUND : rc < 0 ? rc : 0;
}

int connection_work_add_secret(struct connection_work *w, const char *tenant, const char *id,
                               const char *given, char secret[INBOX_SECRET_SIZE])
{
    const struct inbox_rotate rotate = { source_of(tenant, id), given, w->now_us };
    const struct connector_kind *kind = NULL;

    DW_TRY(kind_of(w, tenant, id, &kind));
    int rc = inbox_source_rotate(w->s, w->process->keyring, &rotate, secret, w->why);
    if (rc == DW_ENOTFOUND && kind && kind->connector->inbox)
        rc = add_source(w, tenant, id, kind, given, secret);
    if (rc == DW_ENOTFOUND) {
        buf_add_text(w->why, "no webhooks come for connections of this kind");
        return DW_ECONFLICT;
    }
    DW_TRY(rc);
    return w->note(w->note_ud, "core.connection.secret_added", id, (dw_list){ NULL, 0 });
}

int connection_work_drop_secrets(struct connection_work *w, const char *tenant, const char *id)
{
    const struct inbox_source source = source_of(tenant, id);

    DW_TRY(connection_work_find(w, tenant, id));
    DW_TRY(inbox_source_drop_secrets(w->s, &source));
    return w->note(w->note_ud, "core.connection.secrets_dropped", id, (dw_list){ NULL, 0 });
}

/* ---- stored ---- */

int connection_change_store(struct connection_work *w, struct connection_change *c)
{
    DW_TRY(connection_draft_save(c->draft, w->s, w->process->keyring, w->now_us, w->why));
    DW_TRY(note_health(w, c));
    DW_TRY(store_source(w, c));
    if (c->before)
        return note_and_tell_changed(w, c);
    DW_TRY(note_made(w, c));
    return tell_made(w, c);
}

void connection_change_committed(const struct connection_change *change)
{
    if (change->before && change->draft->changes_access)
        connection_gate_renew(change->draft->is->id);
}

int64_t connection_work_enable(struct connection_work *w, const struct connection_ref *ref, bool enabled)
{
    json_t *row, *changes;
    int rc = read_row(w, ref->tenant, ref->id, &row);
    bool was = json_is_true(json_object_get(row, "enabled"));

    json_decref(row);
    if (rc <= 0)
        return rc == 0 ? DW_ENOTFOUND : rc;
    int64_t version = connection_enable(w->s, ref, enabled, w->now_us);
    if (version < 0 || was == enabled)
        return version;
    DW_TRY(enable_source(w, ref->tenant, ref->id, enabled));
    DW_TRY(w->note(w->note_ud, enabled ? "core.connection.enabled" : "core.connection.disabled", ref->id,
                   (dw_list){ NULL, 0 }));
    changes = json_pack("{s:b}", "enabled", enabled);
    rc = changes ? tell_changed(w, ref->tenant, ref->id, changes) : DW_ENOMEM;
    json_decref(changes);
    return rc < 0 ? rc : version;
}

int connection_work_remove(struct connection_work *w, const struct connection_ref *ref, json_t *uses)
{
    json_t *row;
    int rc = read_row(w, ref->tenant, ref->id, &row);

    if (rc <= 0)
        return rc == 0 ? DW_ENOTFOUND : rc;
    rc = connection_remove(w->s, ref, w->now_us);
    if (rc >= 0)
        rc = remove_source(w, ref->tenant, ref->id);
    if (rc >= 0)
        rc = w->note(w->note_ud, "core.connection.removed", ref->id,
                     DW_LIST("kind", json_string_value(json_object_get(row, "kind")), "name",
                             json_string_value(json_object_get(row, "name")), "uses", uses));
    json_decref(row);
    return rc;
}

/* ---- what hangs on it ---- */

static enum http_language language_of(const struct connection_work *w)
{
    return w->who.asker ? http_request_language(w->who.asker) : HTTP_ENGLISH;
}

static int take_use(void *ud, const dw_connection_use *use, const char *plugin)
{
    return json_array_append_new(ud, connection_view_use(use, plugin)) == 0 ? 0 : DW_ENOMEM;
}

int connection_work_uses(struct connection_work *w, const char *id, json_t **out)
{
    struct connection_answer answer = { 0 };
    json_t *list = json_array();

    *out = NULL;
    if (!list)
        return DW_ENOMEM;
    int rc = connection_uses(w->process, id, &w->who, take_use, list, &answer);
    if (rc < 0 && answer.text)
        buf_add_format(w->why, http_say(language_of(w), "what uses it cannot be told: %s"),
                       answer.said && *answer.said ? answer.said : answer.text);
    connection_answer_finish(&answer);
    if (rc < 0)
        json_decref(list);
    else
        *out = list;
    return rc;
}
