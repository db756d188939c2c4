#include "commands_edit.h"

#include <stdlib.h>

#include "cases.h"
#include "common.h"
#include "mapping_edit.h"
#include "rewrites.h"
#include "sync_delete.h"
#include "sync_edit.h"
#include "sync_find.h"

/* ---- rules: "zero=move" as JSON ---- */

static const char *type_of(const json_t *table, const char *name)
{
    for (size_t i = 0; i < json_array_size(table); i++) {
        const json_t *rule = json_array_get(table, i);
        if (same(json_string_value(json_object_get(rule, "name")), name))
            return or_empty(json_string_value(json_object_get(rule, "type")));
    }
    return ""; /* whoever reads the rules says that there is none */
}

/* "dowel, zammad": a blank beside a comma is none of a tag's, which targets cut off. */
static json_t *words_of(const char *text)
{
    json_t *list = json_array();

    while (*text) {
        const size_t all = strcspn(text, ","), before = strspn(text, " ");
        size_t n = all;

        while (n > before && text[n - 1] == ' ')
            n--;
        json_array_append_new(list, json_stringn(text + before, n - before));
        text += all + (text[all] == ',');
    }
    return list;
}

/* What does not look like its type goes on as a text, and is refused as such. */
static json_t *value_of(const char *type, const char *text)
{
    char *end;
    const long long n = strtoll(text, &end, 10);

    if (same(type, "boolean") && is_one_of(text, "true", "false"))
        return json_boolean(*text == 't');
    if (same(type, "integer") && *text && !*end)
        return json_integer(n);
    return same(type, "texts") ? words_of(text) : json_string(text);
}

static int read_rules(dw_call *c, const json_t *given, json_t **out)
{
    const json_t *table = rules_table(c);

    *out = dw_json_own(c, json_object());
    for (size_t i = 0; i < json_array_size(given); i++) {
        const char *text = or_empty(json_string_value(json_array_get(given, i))), *is = strchr(text, '=');
        if (!is)
            return dw_fail(c, DW_EINVALID, "a rule is NAME=VALUE; `dowel timesync rules` lists them", "rule",
                           text);
        const char *name = dw_copy(c, (dw_str){ text, (size_t)(is - text) });
        json_t *value =
            is[1] ? value_of(type_of(table, name), is + 1) : json_null(); /* back to its default */
        if (json_object_set_new(*out, name, value) != 0)
            return dw_fail(c, DW_ENOMEM, "out of memory");
    }
    return 0;
}

/* All at once, as then they stand below each other. */
struct shown {
    dw_value v[2 * 64];
    size_t n;
};

static void add_shown(struct shown *all, const char *name, dw_value value)
{
    if (all->n + 2 > sizeof(all->v) / sizeof(*all->v))
        return; /* api.yaml: there are no more than 64 */
    all->v[all->n++] = DW(name);
    all->v[all->n++] = value;
}

static int show_rules_of(dw_call *c, dw_command_run *run, const char *name)
{
    struct shown all = { .n = 0 };
    const char *id, *rule;
    json_t *rules, *value;
    struct sync s;

    DW_TRY(sync_find(c, name, &id));
    DW_TRY(sync_load(c, id, &s));
    rules = rules_json(c, &s.rules, true);
    json_object_foreach(rules, rule, value)
    {
        add_shown(&all, rule, DW((const json_t *)value));
    }
    return dw_command_show_(run, (dw_list){ all.v, all.n });
}

int command_rules(dw_call *c, dw_command_run *run)
{
    const json_t *table = rules_table(c);
    struct shown all = { .n = 0 };
    const char *name = NULL;

    DW_TRY(dw_command_read(run, "sync", &name));
    if (name)
        return show_rules_of(c, run, name);
    for (size_t i = 0; i < json_array_size(table); i++) {
        const json_t *one = json_array_get(table, i);
        add_shown(&all, json_string_value(json_object_get(one, "name")),
                  DW(json_string_value(json_object_get(one, "help"))));
    }
    return dw_command_show_(run, (dw_list){ all.v, all.n });
}

/* ---- syncs ---- */

static int read_wanted(dw_call *c, dw_command_run *run, struct sync_wanted *want)
{
    json_t *list = NULL, *rules;

    DW_TRY(dw_command_read(run, "rule", &list, "zone", &want->zone, "schedule", &want->schedule,
                           "full-schedule", &want->full_schedule));
    DW_TRY(read_rules(c, list, &rules));
    want->rules = rules;
    want->schedule = same(want->schedule, "never") ? "" : want->schedule;
    want->full_schedule = same(want->full_schedule, "never") ? "" : want->full_schedule;
    return 0;
}

int command_add(dw_call *c, dw_command_run *run)
{
    const char *id, *source, *target;
    struct sync_wanted want = { 0 };

    DW_TRY(read_wanted(c, run, &want));
    DW_TRY(dw_command_read(run, "name", &want.name, "source", &source, "target", &target));
    DW_TRY(sync_connection(c, source, "time_source", "/source", &want.source));
    DW_TRY(sync_connection(c, target, "time_target", "/target", &want.target));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(sync_make(c, &want, &id));
    DW_TRY(dw_command_print(run, "added", "sync", id, "name", want.name));
    return dw_tx_commit(c);
}

/* Rules are for all that was ever booked: that a night's comparison would write to it is said now. */
static int print_changed(dw_command_run *run, const char *id, const struct rewrites *r, bool is_check)
{
    const char *what = is_check ? "may be changed so" : "changed";

    return r->sheets + r->billed > 0
               ? dw_command_print(run, what, "sync", id, "rewrites", r->sheets, "rewrites_billed", r->billed,
                                  "look",
                                  "dowel timesync plan --full shows what the next full comparison would do")
               : dw_command_print(run, what, "sync", id);
}

int command_edit(dw_call *c, dw_command_run *run)
{
    const char *id, *name, *enabled = NULL;
    struct sync_wanted want = { 0 };
    struct rewrites rewrites = { 0 };
    bool is_enabled, is_check = false;

    DW_TRY(read_wanted(c, run, &want));
    DW_TRY(dw_command_read(run, "sync", &name, "name", &want.name, "enabled", &enabled, "check", &is_check));
    DW_TRY(sync_find(c, name, &id));
    is_enabled = same(enabled, "yes");
    want.enabled = enabled ? &is_enabled : NULL;
    if (!want.name && !enabled && !want.zone && !want.schedule && !want.full_schedule &&
        json_object_size(want.rules) == 0)
        return dw_fail(c, DW_EINVALID, "nothing to change was given");
    if (json_object_size(want.rules) > 0)
        DW_TRY(rewrites_of(c, id, want.rules, &rewrites));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(sync_change(c, id, 0, &want));
    DW_TRY(print_changed(run, id, &rewrites, is_check));
    return is_check ? dw_tx_rollback(c) : dw_tx_commit(c);
}

int command_release(dw_call *c, dw_command_run *run)
{
    const char *id, *name, *held;

    DW_TRY(dw_command_read(run, "sync", &name));
    DW_TRY(sync_find(c, name, &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_get(c, DW_TO(&held), "SELECT held_reason FROM timesync_syncs WHERE id = $1", id));
    DW_TRY(sync_let_go_on(c, id));
    DW_TRY(dw_command_print(run, *held ? "released" : "it was not held", "sync", id, "held", held));
    return dw_tx_commit(c);
}

int command_delete(dw_call *c, dw_command_run *run)
{
    const char *id, *name;
    int64_t entries;
    int yes;

    DW_TRY(dw_command_read(run, "sync", &name));
    DW_TRY(sync_find(c, name, &id));
    DW_TRY(dw_db_get(c, DW_TO(&entries), "SELECT count(*) FROM timesync_entries WHERE sync = $1", id));
    yes = dw_command_ask(
        run, dw_format(c, "Forget %s, its %lld entries, runs, cases and mappings? Timesheets stay.", name,
                       (long long)entries));
    if (yes <= 0)
        return yes;
    DW_TRY(dw_tx_begin(c));
    DW_TRY(sync_delete(c, id));
    DW_TRY(dw_command_print(run, "deleted", "sync", id, "entries", entries));
    return dw_tx_commit(c);
}

/* ---- mappings ---- */

int command_map(dw_call *c, dw_command_run *run)
{
    struct mapping_wanted want = { 0 };
    const char *id, *name, *source, *target, *billable = "";
    json_t *runs;
    int64_t cases;
    struct sync s;

    DW_TRY(dw_command_read(run, "sync", &name, "kind", &want.kind, "source", &source, "target", &target,
                           "billable", &billable));
    DW_TRY(sync_find(c, name, &want.sync));
    DW_TRY(sync_load(c, want.sync, &s));
    want.billable = billable_from(billable);
    DW_TRY(mapping_find_source(c, &s, same(source, "-") ? "" : source, &want));
    DW_TRY(mapping_find_target(c, &s, want.kind, same(target, "-") ? "" : target, true, &want));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(mapping_make(c, &want, &id));
    DW_TRY(case_explained(c, want.sync, want.kind, want.source, &cases));
    DW_TRY(case_settle_explained(c, want.sync, want.kind, want.source, &runs));
    DW_TRY(dw_command_print(run, "mapped", "mapping", id, "source", want.source, "source_name",
                            want.source_name, "target", want.target, "target_name", want.target_name,
                            "settles", cases));
    return dw_tx_commit(c);
}

/* ---- what they take ---- */

#define SYNC_OPTIONS                                                                                         \
    { .name = "--rule",                                                                                      \
      .value = "NAME=VALUE",                                                                                 \
      .help = "a rule; with nothing behind the = its default",                                               \
      .many = true },                                                                                        \
        { .name = "--zone", .value = "ZONE", .help = "of schedules and of days in reports: Europe/Berlin" }, \
        { .name = "--schedule", .value = "WHEN", .help = "of polls: \"every 15m\", cron's, never" },         \
    {                                                                                                        \
        .name = "--full-schedule", .value = "WHEN", .help = "of full comparisons"                            \
    }

const dw_argument add_arguments[] = {
    { .name = "name", .help = "what it is called" },
    { .name = "source", .help = "the connection where time is booked, its name or id" },
    { .name = "target", .help = "the connection where it is billed" },
    SYNC_OPTIONS,
    { 0 },
};

const dw_argument edit_arguments[] = {
    { .name = "sync", .help = "its name or id" },
    { .name = "--name", .value = "NAME", .help = "what it is called from now on" },
    { .name = "--enabled", .value = "ANSWER", .help = "whether it begins by itself", .one_of = "yes no" },
    { .name = "--check", .help = "change nothing: say what would come of it" },
    SYNC_OPTIONS,
    { 0 },
};

const dw_argument sync_arguments[] = {
    { .name = "sync", .help = "its name or id" },
    { 0 },
};

const dw_argument rules_arguments[] = {
    { .name = "sync", .help = "as they are in this one; else what each is for", .optional = true },
    { 0 },
};

const dw_argument map_arguments[] = {
    { .name = "sync", .help = "its name or id" },
    { .name = "kind", .help = "of what", .one_of = "activity user customer project" },
    { .name = "source", .help = "its id or name at the source; -: entries without one" },
    { .name = "target", .help = "its id or name at the target; -: such time is never moved" },
    { .name = "--billable", .value = "ANSWER", .help = "whatever the rule says", .one_of = "yes no" },
    { 0 },
};
