#include "operations/connection_view.h"

#include <string.h>

#include "config/config.h"
#include "config/typed.h"
#include "connections/connections.h"
#include "operations/core_page.h"
#include "plugin/connection.h"
#include "util/clock.h"
#include "util/json.h"

/* ---- a kind's settings ---- */

static const struct {
    const char *field, *schema; /* the type's name for a form, and in JSON Schema */
} types[CONFIG_TYPES] = {
    [CONFIG_BOOL] = { "boolean", "boolean" }, [CONFIG_INT] = { "integer", "integer" },
    [CONFIG_REAL] = { "number", "number" },   [CONFIG_TEXT] = { "text", "string" },
    [CONFIG_SPAN] = { "span", "string" },     [CONFIG_SIZE] = { "text", "string" },
    [CONFIG_SECRET] = { "text", "string" },   [CONFIG_LIST] = { "list", "array" },
};

/* The names of the two limits in JSON Schema; NULL: it has none for what is meant. */
static const char *const limits[CONFIG_TYPES][2] = {
    [CONFIG_INT] = { "minimum", "maximum" },      [CONFIG_REAL] = { "minimum", "maximum" },
    [CONFIG_TEXT] = { "minLength", "maxLength" }, [CONFIG_SECRET] = { "minLength", "maxLength" },
    [CONFIG_LIST] = { "minItems", "maxItems" },
};

static json_t *words_of(const char *text)
{
    json_t *list = json_array();
    struct str rest = str_from(text), word;

    while (list && str_split(&rest, ' ', &word)) {
        if (word.n > 0 && json_array_append_new(list, json_stringn(word.p, word.n)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *sentence(const char *help)
{
    size_t n = strlen(help);

    return json_sprintf("%s%s", help, n > 0 && help[n - 1] != '.' ? "." : "");
}

/* The fallback as a value: what stands in YAML is no JSON. A new reference; null without one, NULL when memory is out. */
static json_t *default_of(const struct config_table *table, const struct config_item *item)
{
    struct config_problems problems;
    struct buf text = BUF_INIT;
    struct json_fault fault;
    json_t *value = NULL;
    struct arena arena;

    if (!item->fallback || config_item_is_secret(item))
        return json_null();
    arena_init(&arena, NULL, 0, 0);
    config_problems_init(&problems);
    const struct typed typed = { table, item, arena_calloc(&arena, table->size + 1), &arena, &problems };
    if (typed.values)
        typed_set_fallback(&typed); /* of "" it makes nothing, and the empty text is there before */
    if (typed.values && !config_problems_any(&problems))
        typed_format_json(&text, item, typed.values);
    if (text.n == 0 || buf_failed(&text) || json_strict_parse(buf_str(&text), 0, &value, &fault) != 0)
        value = NULL;
    buf_finish(&text);
    config_problems_finish(&problems);
    arena_finish(&arena);
    return value;
}

static json_t *limit_of(const struct config_item *item, bool is_upper)
{
    bool has = item->min != 0 || item->max != 0;

    if (!has || (is_upper && item->max == 0))
        return json_null();
    return json_integer(is_upper ? item->max : item->min);
}

static json_t *field_of(const struct config_table *table, const struct config_item *item)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:s?}", "name", item->name, "type",
                     types[item->type].field, "secret", config_item_is_secret(item), "required",
                     !item->fallback, "default", default_of(table, item), "help", sentence(item->help),
                     "one_of", words_of(item->one_of), "min", limit_of(item, false), "max",
                     limit_of(item, true), "pattern", item->pattern);
}

/* What JSON Schema can say of a form: the rest stands in the field. */
static int add_pattern(json_t *schema, const struct config_item *item)
{
    static const struct {
        const char *name, *format;
    } formats[] = { { "url", "uri" }, { "email", "email" } };
    struct str p = str_from(item->pattern);

    if (p.n > 2 && p.p[0] == '/')
        return json_object_set_new(schema, "pattern", json_stringn(p.p + 1, p.n - 2));
    for (size_t i = 0; p.n > 0 && i < DW_COUNT_OF(formats); i++) {
        if (strcmp(item->pattern, formats[i].name) == 0)
            return json_object_set_new(schema, "format", json_string(formats[i].format));
    }
    return 0;
}

static int add_limits(json_t *schema, const struct config_item *item)
{
    int rc = 0;

    for (int i = 0; i < 2 && limits[item->type][i]; i++) {
        json_t *limit = limit_of(item, i == 1);
        if (json_is_integer(limit))
            rc |= json_object_set(schema, limits[item->type][i], limit);
        json_decref(limit);
    }
    return rc;
}

static json_t *schema_of(const struct config_table *table, const struct config_item *item)
{
    json_t *schema =
               json_pack("{s:s, s:o}", "type", types[item->type].schema, "description", sentence(item->help)),
           *value = default_of(table, item);
    int rc = schema && value ? 0 : -1;

    if (rc == 0 && !json_is_null(value))
        rc = json_object_set(schema, "default", value);
    if (rc == 0 && config_item_is_secret(item))
        rc = json_object_set_new(schema, "writeOnly", json_true());
    if (rc == 0 && item->type == CONFIG_LIST)
        rc = json_object_set_new(schema, "items", json_pack("{s:s}", "type", "string"));
    if (rc == 0 && item->one_of && *item->one_of && item->type == CONFIG_TEXT)
        rc = json_object_set_new(schema, "enum", words_of(item->one_of));
    if (rc == 0)
        rc = add_limits(schema, item);
    if (rc == 0 && item->type != CONFIG_LIST)
        rc = add_pattern(schema, item);
    json_decref(value);
    if (rc == 0)
        return schema;
    json_decref(schema);
    return NULL;
}

static json_t *settings_of(const struct config_table *table)
{
    json_t *properties = json_object(), *required = json_array();
    int rc = properties && required ? 0 : -1;

    for (const struct config_item *item = table->items; rc == 0 && item->name; item++) {
        rc = json_object_set_new(properties, item->name, schema_of(table, item));
        if (rc == 0 && !item->fallback)
            rc = json_array_append_new(required, json_string(item->name));
    }
    if (rc == 0)
        return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                         required, "additionalProperties", false);
    json_decref(properties);
    json_decref(required);
    return NULL;
}

static json_t *fields_of(const struct config_table *table)
{
    json_t *list = json_array();

    for (const struct config_item *item = table->items; list && item->name; item++) {
        if (json_array_append_new(list, field_of(table, item)) == 0)
            continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

/* ---- the rest of a kind ---- */

static json_t *roles_of(const struct connector_kind *kind)
{
    json_t *list = json_array();
    const char *role;

    for (size_t i = 0; list && (role = connector_role_at(i)); i++) {
        if (connector_plays(kind, role) && json_array_append_new(list, json_string(role)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *listings_of(const struct connector_kind *kind)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < kind->listings_n; i++) {
        const dw_listing *l = &kind->connector->listings[i];
        json_t *one =
            json_pack("{s:s, s:s, s:b}", "name", l->name, "title", l->title, "can_make", l->make != NULL);
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static json_t *webhook_of(const struct connector_kind *kind)
{
    if (!kind->connector->inbox)
        return json_null();
    return json_pack("{s:s, s:s}", "verify", or_empty(kind->connector->inbox_verify), "id_header",
                     or_empty(kind->connector->inbox_id_header));
}

json_t *connection_view_kind(const struct connector_kind *kind)
{
    const dw_connector *c = kind->connector;

    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:s?, s:o, s:o, s:o, s:o}", "name", kind->name, "title",
                     c->title, "summary", c->summary, "plugin", kind->by->name, "available",
                     !atomic_load(&kind->by->missing), "roles", roles_of(kind), "address",
                     kind->address ? kind->address->name : NULL, "settings", settings_of(kind->table),
                     "fields", fields_of(kind->table), "listings", listings_of(kind), "webhook",
                     webhook_of(kind));
}

/* ---- a connection ---- */

static const struct core_member members[] = {
    { .column = "id" },
    { .column = "kind" },
    { .column = "name" },
    { .column = "enabled" },
    { .column = "settings", .kind = CORE_RAW },
    { .column = "allow_private" },
    { .column = "ca" },
    { .column = "client_cert" },
    { .column = "has_client_key" },
    { .column = "proxy" },
    { .column = "parallel" },
    { .column = "version" },
    { .column = "created_at" },
    { .column = "changed_at" },
    { 0 },
};

static const struct core_member health_members[] = {
    { .column = "health", .name = "state" },
    { .column = "health_since", .name = "since" },
    { .column = "health_error", .name = "error" },
    { .column = "checked_at" },
    { 0 },
};

/* "" where there is no such column. */
static struct str text_of(struct db_rows *rows, const char *column)
{
    struct db_cell cell;

    for (size_t i = 0; i < db_rows_columns(rows); i++) {
        if (strcmp(db_rows_name(rows, i), column) == 0)
            return db_rows_cell(rows, i, &cell) == 0 && cell.type != DB_NULL ? cell.text : STR_OF("");
    }
    return STR_OF("");
}

static bool has_word(struct str words, const char *name)
{
    struct str word;

    while (str_split(&words, ' ', &word)) {
        if (str_equal(word, str_from(name)))
            return true;
    }
    return false;
}

static void add_secret(struct buf *out, struct str name, bool is_kept)
{
    buf_add_text(out, out->n > 0 && out->p[out->n - 1] == '{' ? "" : ",");
    buf_add_json(out, name);
    buf_add_text(out, is_kept ? ":true" : ":false");
}

/* Of a kind that is missing only those are known that are kept. */
static void add_secrets(struct buf *out, struct str kept, const struct connector_kind *kind)
{
    const struct config_item *item = kind ? kind->table->items : NULL;
    struct str rest = kept, word;

    buf_add_text(out, ",\"secrets\":{");
    for (; item && item->name; item++) {
        if (config_item_is_secret(item))
            add_secret(out, str_from(item->name), has_word(kept, item->name));
    }
    while (!kind && str_split(&rest, ' ', &word)) {
        if (word.n > 0)
            add_secret(out, word, true);
    }
    buf_add_char(out, '}');
}

void connection_view_path(struct buf *out, const struct connector_kind *kind, const char *id)
{
    buf_add_format(out, "/api/v1/hooks/%s/%s", kind->by->name, id);
}

/* To the second: how long it is, is no more exact. */
static void add_pause(struct buf *out, const char *id)
{
    char until[CLOCK_RFC3339_SIZE];
    struct connection_health health;

    buf_add_text(out, ",\"paused_until\":");
    if (connection_gate_health(id, &health) != 0 || health.closed_us <= 0) {
        buf_add_text(out, "null");
        return;
    }
    clock_format_rfc3339((clock_wall_us() + health.closed_us) / CLOCK_SECOND * CLOCK_SECOND, until);
    buf_add_format(out, "\"%s\"", until);
}

static int add_health(struct buf *out, struct db_rows *rows, const char *id)
{
    buf_add_text(out, ",\"health\":");
    DW_TRY(core_row_write(out, rows, health_members));
    out->n--; /* the brace at its end */
    add_pause(out, id);
    buf_add_char(out, '}');
    return 0;
}

static void add_webhook(struct buf *out, const char *id, const struct connector_kind *kind)
{
    buf_add_text(out, ",\"webhook\":");
    if (!kind || !kind->connector->inbox) {
        buf_add_text(out, "null");
        return;
    }
    buf_add_text(out, "{\"path\":\"");
    connection_view_path(out, kind, id); /* nothing in it has to be escaped */
    buf_add_text(out, "\",\"verify\":");
    buf_add_json(out, str_from(or_empty(kind->connector->inbox_verify)));
    buf_add_text(out, ",\"id_header\":");
    buf_add_json(out, str_from(or_empty(kind->connector->inbox_id_header)));
    buf_add_char(out, '}');
}

int connection_view_row(struct buf *out, struct db_rows *rows, const struct connectors *kinds)
{
    char name[CONNECTION_NAME_MAX + 1];
    struct str kind_name = text_of(rows, "kind"), id_text = text_of(rows, "id");
    const struct connector_kind *kind = NULL;
    char id[UUID_TEXT_SIZE] = "";

    if (kind_name.n < sizeof(name)) {
        memcpy(name, kind_name.p, kind_name.n);
        name[kind_name.n] = '\0';
        kind = connectors_find(kinds, name);
    }
    if (id_text.n < sizeof(id))
        memcpy(id, id_text.p, id_text.n);
    DW_TRY(core_row_write(out, rows, members));
    out->n--; /* the brace at its end */
    buf_add_text(out, ",\"plugin\":");
    if (kind && !atomic_load(&kind->by->missing))
        buf_add_json(out, str_from(kind->by->name));
    else
        buf_add_text(out, "null");
    add_secrets(out, text_of(rows, "secrets"), kind);
    DW_TRY(add_health(out, rows, id));
    add_webhook(out, id, kind);
    buf_add_char(out, '}');
    return buf_failed(out) ? DW_ENOMEM : 0;
}

/* ---- what was found ---- */

static const char *said_or(const char *said, const char *text)
{
    return said && *said ? said : text;
}

static json_t *errors_of(const struct connection_answer *a)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < a->errors_n; i++) {
        const struct problem_error *e = &a->errors[i];
        json_t *one = json_pack("{s:s%, s:s%}", "pointer", e->pointer.p, e->pointer.n, "detail", e->detail.p,
                                e->detail.n);
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *check_of(const struct connection_checked *c)
{
    struct json_fault fault;
    json_t *pairs = NULL;

    if (!c->pairs || json_strict_parse(str_from(c->pairs), 0, &pairs, &fault) != 0)
        pairs = json_object();
    return json_pack("{s:s, s:s, s:s, s:o}", "state", c->state == DW_CHECK_WARNING ? "warning" : "good",
                     "name", c->name, "text", said_or(c->said, c->text), "values", pairs);
}

static json_t *checks_of(const struct connection_answer *a)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < a->checks_n; i++) {
        if (json_array_append_new(list, check_of(&a->checks[i])) == 0)
            continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

json_t *connection_view_answer(const struct connection_answer *a)
{
    bool works = a->code == 0;

    return json_pack("{s:b, s:s?, s:s?, s:o, s:o, s:I}", "works", works, "error",
                     works ? NULL : said_or(a->said, a->text), "reason",
                     works || !a->reason || !*a->reason ? NULL : a->reason, "errors", errors_of(a), "checks",
                     checks_of(a), "took_ms", (json_int_t)(a->took_us / CLOCK_MS));
}

json_t *connection_view_use(const dw_connection_use *use, const char *plugin)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "plugin", plugin, "what", or_empty(use->what), "id",
                     or_empty(use->id), "name", or_empty(use->name), "count",
                     use->count ? json_integer(use->count) : json_null());
}

json_t *connection_view_thing(const dw_thing *t)
{
    return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:b}", "id", t->id, "name", t->name, "number", t->number,
                     "email", t->email, "parent", t->parent, "inactive", t->inactive);
}
