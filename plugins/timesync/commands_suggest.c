/* `dowel timesync suggest`: what nobody has mapped yet, with what looks like it at the target; and all of that mapped at once. */
#include "commands_edit.h"

#include "cases.h"
#include "common.h"
#include "mapping_edit.h"
#include "suggest.h"
#include "sync_find.h"

/* Customers and projects are found or made by the rules: who wants them mapped asks for them. */
static const char *const usual_kinds[] = { "activity", "user" };

/* JSON, as what a visit is given goes with it. */
struct collected {
    json_t *items;
    int64_t matches;
};

static int collect(dw_call *c, const struct suggestion *one, void *ud)
{
    struct collected *all = ud;
    json_t *item;

    if (one->by_address && one->cases == 0) /* it is found without */
        return 0;
    item = json_pack("{s:s, s:s, s:s, s:I, s:s?, s:s?}", "kind", one->kind, "source",
                     *one->source ? one->source : "-", /* as `map` wants it */
                     "source_name", one->source_name, "cases", (json_int_t)one->cases, "target", one->target,
                     "target_name", one->target_name);

    all->matches += one->target != NULL;
    return item && json_array_append_new(all->items, item) == 0 ? 0 : dw_fail(c, DW_ENOMEM, "out of memory");
}

/* ---- showing ---- */

#define COLUMNS                                                                                  \
    "SELECT value ->> 'kind' AS kind, value ->> 'source' AS source, value ->> 'source_name' AS " \
    "source_name, CAST(value ->> 'cases' AS BIGINT) AS cases, value ->> 'target' AS target,"     \
    " value ->> 'target_name' AS target_name FROM "

/* They were found at the target and not in a table, but a table is what people read. */
static int show(dw_call *c, dw_command_run *run, const json_t *items)
{
    const char *sql = dw_db_dialect(c) == DW_POSTGRES ? COLUMNS
                          "jsonb_array_elements(CAST($1 AS jsonb)) AS t(value)"
                                                      : COLUMNS "json_each($1)";
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows, sql, items));
    return dw_command_rows(run, rows);
}

/* ---- mapping ---- */

struct applying {
    const char *sync;
    const json_t *items;
    int64_t mapped, cases;
};

static const char *member(const json_t *item, const char *name)
{
    return json_string_value(json_object_get(item, name));
}

static int map_one(dw_call *c, struct applying *a, const json_t *item)
{
    const struct mapping_wanted want = { .sync = a->sync,
                                         .kind = member(item, "kind"),
                                         .source =
                                             same(member(item, "source"), "-") ? "" : member(item, "source"),
                                         .source_name = member(item, "source_name"),
                                         .target = member(item, "target"),
                                         .target_name = member(item, "target_name") };
    const char *id;
    json_t *runs;
    int64_t cases;

    DW_TRY(mapping_make(c, &want, &id));
    DW_TRY(case_explained(c, want.sync, want.kind, want.source, &cases));
    DW_TRY(case_settle_explained(c, want.sync, want.kind, want.source, &runs));
    a->mapped++;
    a->cases += cases;
    return 0;
}

static int map_all(dw_call *c, void *ud)
{
    struct applying *a = ud;

    a->mapped = a->cases = 0;
    for (size_t i = 0; i < json_array_size(a->items); i++) {
        const json_t *item = json_array_get(a->items, i);
        if (member(item, "target"))
            DW_TRY(map_one(c, a, item));
    }
    return 0;
}

static int apply(dw_call *c, dw_command_run *run, const char *sync, const struct collected *all)
{
    struct applying a = { .sync = sync, .items = all->items };

    if (all->matches > 0) {
        int yes = dw_command_ask(
            run, dw_format(c, "Map these %lld, and settle what that explains?", (long long)all->matches));
        if (yes <= 0)
            return yes;
    }
    DW_TRY(tx_do(c, map_all, &a));
    return dw_command_print(run, "mapped", "mapped", a.mapped, "settles", a.cases);
}

int command_suggest(dw_call *c, dw_command_run *run)
{
    struct collected all = { .items = dw_json_own(c, json_array()) };
    const char *name, *id, *kind = NULL;
    bool is_applied = false;
    struct sync s;

    DW_TRY(dw_command_read(run, "sync", &name, "kind", &kind, "apply", &is_applied));
    DW_TRY(sync_find(c, name, &id));
    DW_TRY(sync_load(c, id, &s));
    for (size_t i = 0; i < (kind ? 1 : sizeof(usual_kinds) / sizeof(*usual_kinds)); i++)
        DW_TRY(suggest_each(c, &s, kind ? kind : usual_kinds[i], collect, &all));
    DW_TRY(show(c, run, all.items));
    if (is_applied)
        return apply(c, run, id, &all);
    if (all.matches == 0)
        return 0;
    return dw_command_print(run, "--apply maps those that have a target; `dowel timesync map` any of them",
                            "matches", all.matches);
}

const dw_argument suggest_arguments[] = {
    { .name = "sync", .help = "its name or id" },
    { .name = "--kind",
      .value = "KIND",
      .help = "of what; activity and user without",
      .one_of = "activity user customer project" },
    { .name = "--apply", .help = "maps those that have a target, and settles what that explains" },
    { 0 },
};
