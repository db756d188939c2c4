#include "mapping_edit.h"

#include "common.h"

/* ---- the target ---- */

/* JSON, as what a visit makes in the call's memory ends with it. */
struct found {
    json_t *things; /* [id, name] */
    const char *name;
};

static int take(dw_call *c, const dw_thing *thing, void *ud)
{
    const struct found *found = ud;

    if (found->name && !same(thing->name, found->name))
        return 0;
    return json_array_append_new(found->things, json_pack("[ss]", thing->id, thing->name)) == 0
               ? 0
               : dw_fail(c, DW_ENOMEM, "out of memory");
}

static int ask(dw_call *c, dw_connection *target, const char *kind, const dw_thing_query *query,
               const char *name, json_t *out)
{
    struct found found = { out, name };
    int rc = dw_things_each(c, target, kind, query, take, &found);

    return rc < 0 ? rc : (int)json_array_size(out);
}

int mapping_find_target(dw_call *c, const struct sync *s, const char *kind, const char *text, bool by_name,
                        struct mapping_wanted *out)
{
    json_t *things = dw_json_own(c, json_array());
    dw_connection *target;
    int n;

    out->target = out->target_name = "";
    if (!*text)
        return 0;
    DW_TRY(dw_connection_open(c, s->target, &target));
    n = ask(c, target, kind, DW_STRUCT(dw_thing_query, .id = text, .inactive = true), NULL, things);
    if (n == 0 && by_name)
        n = ask(c, target, kind, DW_STRUCT(dw_thing_query, .name = text), text, things);
    DW_TRY(n);
    if (n == 0)
        return dw_fail_at(c, "/target", "is not there, or not to be seen with the connection's account");
    if (n > 1)
        return dw_fail_at(c, "/target", "is the name of several; say the id of one of them");
    out->target = own(c, json_string_value(json_array_get(json_array_get(things, 0), 0)));
    out->target_name = own(c, json_string_value(json_array_get(json_array_get(things, 0), 1)));
    return 0;
}

/* ---- the source ---- */

#define CALLED(column, name) \
    "SELECT max(" name "), count(*) FROM timesync_entries WHERE sync = $1 AND " column " = $2"
#define NAMED(column, is_named)                              \
    "SELECT count(DISTINCT " column "), max(" column         \
    ") FROM timesync_entries WHERE sync = $1 AND (" is_named \
    ") AND NOT EXISTS (SELECT 1 FROM timesync_entries WHERE sync = $1 AND " column " = $2)"

static const struct kind {
    const char *name, *called, *named;
    const char *listing; /* at the source */
} kinds[] = {
    { "activity", CALLED("activity", "activity_name"), NAMED("activity", "activity_name = $2"), "activity" },
    { "user", CALLED("agent", "agent_name"), NAMED("agent", "agent_name = $2 OR agent_email = $2"), "user" },
    { "customer", CALLED("customer", "customer_name"), NAMED("customer", "customer_name = $2"),
      "organization" },
    { "project", CALLED("ticket", "ticket_number"), NAMED("ticket", "ticket_number = $2"), "ticket" },
};

/* Who asks has checked the word. */
static const struct kind *kind_of(const char *name)
{
    size_t i = 0;

    while (i + 1 < sizeof(kinds) / sizeof(*kinds) && !same(kinds[i].name, name))
        i++;
    return &kinds[i];
}

static int called(dw_call *c, struct mapping_wanted *out, int64_t *entries)
{
    const char *name = NULL;

    DW_TRY(dw_db_get(c, DW_TO(&name, entries), kind_of(out->kind)->called, out->sync, out->source));
    out->source_name = or_empty(name);
    return 0;
}

int mapping_name_source(dw_call *c, struct mapping_wanted *out)
{
    int64_t entries;

    return called(c, out, &entries);
}

static int several(dw_call *c)
{
    return dw_fail_at(c, "/source", "is the name of several; say the id of one of them");
}

/* What no entry has yet. A source that lists no such things is believed. */
static int ask_source(dw_call *c, const struct sync *s, const char *text, struct mapping_wanted *out)
{
    const char *listing = kind_of(out->kind)->listing;
    json_t *things = dw_json_own(c, json_array());
    dw_connection *source;
    int n;

    DW_TRY(dw_connection_open(c, s->source, &source));
    n = ask(c, source, listing, DW_STRUCT(dw_thing_query, .id = text, .inactive = true), NULL, things);
    if (n == DW_ENOTFOUND)
        return 0;
    if (n == 0)
        n = ask(c, source, listing, DW_STRUCT(dw_thing_query, .name = text), text, things);
    DW_TRY(n);
    if (n == 0)
        return dw_fail_at(c, "/source", "is not there: no entry has it, and the source does not list it");
    if (n > 1)
        return several(c);
    out->source = own(c, json_string_value(json_array_get(json_array_get(things, 0), 0)));
    out->source_name = own(c, json_string_value(json_array_get(json_array_get(things, 0), 1)));
    return 0;
}

int mapping_find_source(dw_call *c, const struct sync *s, const char *text, struct mapping_wanted *out)
{
    const char *id = NULL;
    int64_t n = 0, entries = 0;

    DW_TRY(dw_db_get(c, DW_TO(&n, &id), kind_of(out->kind)->named, out->sync, text));
    if (n > 1)
        return several(c);
    out->source = n == 1 ? id : text;
    DW_TRY(called(c, out, &entries));
    return entries > 0 || !*text ? 0 : ask_source(c, s, text, out);
}

/* ---- making ---- */

int mapping_make(dw_call *c, const struct mapping_wanted *want, const char **id)
{
    *id = dw_id(c);
    int rc =
        dw_db_exec(c,
                   "INSERT INTO timesync_mappings (tenant_id, id, sync, kind, source, source_name, target,"
                   "  target_name, billable, made_by, version, created_at, changed_at)"
                   " VALUES (:tenant, $1, $2, $3, $4, $5, $6, $7, $8, coalesce(:me, ''), 1, :now, :now)",
                   *id, want->sync, want->kind, want->source, want->source_name, want->target,
                   want->target_name, (int64_t)want->billable);

    if (rc == DW_ECONFLICT)
        return dw_fail(c, rc, "this is mapped already; change that mapping", "source", want->source);
    DW_TRY(rc);
    return dw_audit(c, "timesync.mapping.created", *id, "kind", want->kind, "source", want->source, "target",
                    want->target);
}
