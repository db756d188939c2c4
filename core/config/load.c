/* load.c - config_load(): sources one after the other, later ones over earlier ones. */
#include "config/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/directory.h"
#include "config/file.h"
#include "config/nearest.h"

enum { SNAPSHOT_MEMORY = 64 << 20 };

struct typed load_typed(const struct load *l, const struct entry *e, const struct field *field)
{
    return (struct typed){ .table = e->table,
                           .item = field->item,
                           .values = field->values,
                           .arena = &l->config->arena,
                           .problems = l->problems };
}

void load_note(const struct field *field, bool set, struct config_place place)
{
    if (set)
        field->slot->place = place;
    else
        field->slot->broken = true;
}

/* ---- the tables and their defaults ---- */

static size_t count_items(const struct config_item *items)
{
    size_t n = 0;
    while (items[n].name)
        n++;
    return n;
}

static int prepare_entry(struct config *c, struct entry *e, const struct config_table *table)
{
    e->table = table;
    e->n = count_items(table->items);
    e->values = arena_calloc(&c->arena, table->size ? table->size : 1);
    e->slots = arena_calloc(&c->arena, (e->n + SWITCHES) * sizeof(*e->slots));
    return e->values && e->slots ? 0 : -1;
}

static int prepare(struct load *l)
{
    struct config *c = l->config;

    c->entries = arena_calloc(&c->arena, (l->source->tables_n + 1) * sizeof(*c->entries));
    if (!c->entries)
        return -1;
    for (size_t i = 0; i < l->source->tables_n; i++) {
        if (prepare_entry(c, &c->entries[i], l->source->tables[i]) != 0)
            return -1;
        c->n++;
    }
    return 0;
}

struct complaint {
    struct config_problems *problems;
    const char *source, *table;
    const char *item; /* that all of the text is of; NULL: the parser says */
    bool has_lines;
};

static void complain(unsigned line, const char *item, const char *text, const char *hint, void *ud)
{
    const struct complaint *c = ud;
    struct config_place place = { c->source, c->has_lines ? line : 0 };
    struct config_problem problem = config_problem_at(place, c->table, c->item ? c->item : item);

    problem.hint = hint;
    config_problem_add(c->problems, problem, "%s", text);
}

static void set_fallback(const struct load *l, const struct entry *e, const struct field *field)
{
    struct typed t = load_typed(l, e, field);
    int rc = typed_set_fallback(&t);

    if (rc != 0)
        load_note(field, rc > 0, (struct config_place){ TYPED_FALLBACK, 0 });
}

static void load_fallbacks(const struct load *l)
{
    struct field field;

    for (size_t k = 0; k < l->config->n; k++) {
        struct entry *e = &l->config->entries[k];
        for (size_t i = 0; entry_field(e, i, &field); i++)
            set_fallback(l, e, &field);
    }
}

/* ---- conf.d ---- */

static void report_unknown_item(const struct load *l, struct entry *e, const struct yaml_node *node)
{
    struct config_problem problem =
        config_problem_at((struct config_place){ e->path, node->key_line }, e->table->name, node->key.p);
    struct nearest best = nearest_init(node->key);
    struct field field;
    char hint[100];

    for (size_t i = 0; entry_field(e, i, &field); i++)
        nearest_offer(&best, field.item->name);
    snprintf(hint, sizeof(hint), "did you mean %s?", best.name ? best.name : "");
    problem.hint = best.name ? hint : NULL;
    config_problem_add(l->problems, problem, "unknown item");
}

static void apply_map(const struct load *l, struct entry *e, const struct yaml_node *root)
{
    struct field field;

    for (const struct yaml_node *it = root->first; it; it = it->next) {
        if (!entry_find(e, it->key, &field)) {
            report_unknown_item(l, e, it);
            continue;
        }
        struct typed t = load_typed(l, e, &field);
        load_note(&field, typed_set_node(&t, it, e->path), (struct config_place){ e->path, it->key_line });
    }
}

static bool is_empty(const struct field *field)
{
    struct buf text = BUF_INIT;

    typed_format(&text, field->item, field->values, ",");
    bool empty = text.n == 0;
    buf_finish(&text);
    return empty;
}

static void warn_about_readable_secrets(const struct load *l, struct entry *e)
{
    struct field field;

    for (size_t i = 0; entry_field(e, i, &field); i++) {
        struct config_place place = field.slot->place;
        if (!config_item_is_secret(field.item) || place.source != e->path || is_empty(&field))
            continue;
        struct config_problem problem = config_problem_at(place, e->table->name, field.item->name);
        problem.warning = true;
        problem.hint = "take the right away: chmod o-r";
        config_problem_add(l->problems, problem, "everyone may read this file and it holds a secret");
    }
}

const char *load_unknown_plugin(const struct load *l, struct str name)
{
    if (!l->source->unknown_plugin)
        return "no plugin of that name is installed";
    return l->source->unknown_plugin(name, l->source->unknown_plugin_ud);
}

/* Says why a file that nothing reads may not be what was meant. */
static void judge_unknown_file(const struct load *l, const struct config_file *file)
{
    struct config_problem problem =
        config_problem_at((struct config_place){ file->path, 0 }, file->name, NULL);
    struct nearest best = nearest_init(str_from(file->name));
    const char *text = load_unknown_plugin(l, str_from(file->name));
    char hint[100];

    if (!text)
        return;
    for (size_t i = 0; i < l->config->n; i++)
        nearest_offer(&best, l->config->entries[i].table->name);
    snprintf(hint, sizeof(hint), "did you mean %s.yaml?", best.name ? best.name : "");
    problem.hint = best.name ? hint : NULL;
    problem.warning = true;
    if (file->enabled)
        config_problem_add(l->problems, problem, "%s", text);
    else if (best.name)
        config_problem_add(l->problems, problem, "nothing reads this file");
}

/* Of a file that no table is for: what every plugin's file may say. */
static bool read_switch(const struct load *l, const struct config_file *file, const char *name)
{
    const struct yaml_node *node = yaml_find(file->root, str_from(name));

    if (!node || node->refused)
        return false;
    if (node->kind != YAML_BOOL)
        config_problem_add(
            l->problems, config_problem_at((struct config_place){ file->path, node->line }, file->name, name),
            "must be true or false, found %s", yaml_kind_name(node->kind));
    return node->kind == YAML_BOOL && str_equal(node->text, STR_OF("true"));
}

static void keep_unknown_file(const struct load *l, const struct directory_file *file,
                              const struct yaml_node *root)
{
    struct config_file *kept = &l->config->files[l->config->files_n++];

    *kept = (struct config_file){ .name = file->name, .path = file->path, .root = root };
    kept->enabled = read_switch(l, kept, "enabled");
    kept->required = read_switch(l, kept, "required");
    judge_unknown_file(l, kept);
}

static void report_file_fault(const struct load *l, const struct directory_file *file,
                              const struct config_file_fault *fault)
{
    struct config_problem problem =
        config_problem_at((struct config_place){ file->path, fault->line }, file->name, NULL);
    problem.hint = fault->hint;
    config_problem_add(l->problems, problem, "%s", fault->text);
}

static void load_file(const struct load *l, const struct directory_file *file)
{
    struct complaint complaint = { l->problems, file->path, file->name, NULL, true };
    struct entry *e = config_entry(l->config, str_from(file->name));
    struct config_file_fault fault;
    struct buf text = BUF_INIT;
    struct yaml_node *root = NULL;
    bool everyone_reads = false;

    if (config_file_read(&text, file->path, CONFIG_FILE_TEXT, &everyone_reads, &fault) != 0) {
        report_file_fault(l, file, &fault);
        goto done;
    }
    yaml_parse(&l->config->arena, buf_str(&text), &root, complain, &complaint);
    if (root && root->kind != YAML_MAP) {
        complain(root->line, NULL, "must hold lines of the form: item: value", NULL, &complaint);
        goto done;
    }
    if (!e) {
        keep_unknown_file(l, file, root);
        goto done;
    }
    e->path = file->path;
    if (root)
        apply_map(l, e, root);
    if (everyone_reads)
        warn_about_readable_secrets(l, e);
done:
    buf_finish(&text);
}

static void load_directory(const struct load *l)
{
    struct config *c = l->config;
    struct directory directory;

    directory_read(&c->arena, l->source->dir, l->source->dir_required, &directory, l->problems);
    c->files = arena_calloc(&c->arena, (directory.n + 1) * sizeof(*c->files));
    if (!c->files) {
        l->problems->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < directory.n; i++)
        load_file(l, &directory.files[i]);
}

/* ---- the command line ---- */

static void load_override(const struct load *l, const struct config_override *o)
{
    struct entry *e = config_entry(l->config, str_from(o->table));
    struct config_place place = { arena_format(&l->config->arena, "command line %s", o->option), 0 };
    struct field field;

    if (o->n == 0)
        return;
    if (!place.source) {
        l->problems->out_of_memory = true;
    } else if (!e || !entry_find(e, str_from(o->item), &field)) {
        config_problem_add(l->problems, config_problem_at(place, o->table, o->item), "unknown item");
    } else {
        struct typed t = load_typed(l, e, &field);
        load_note(&field, typed_set_texts(&t, o->values, o->n, place), place);
    }
}

/* ---- the whole ---- */

static void require_item(const struct load *l, const struct entry *e, const struct field *field)
{
    struct config_problem problem =
        config_problem_at((struct config_place){ e->path, 0 }, e->table->name, field->item->name);
    char hint[300];

    if (field->slot->place.source || field->slot->broken)
        return;
    snprintf(hint, sizeof(hint),
             "write it into %s/%s.yaml; `dowel config env` lists the variables that do the same",
             l->source->dir, e->table->name);
    problem.hint = hint;
    config_problem_add(l->problems, problem, "must be set");
}

static void require_items(const struct load *l)
{
    struct field field;

    for (size_t k = 0; k < l->config->n; k++) {
        struct entry *e = &l->config->entries[k];
        if (!e->table->always && !e->switches.enabled)
            continue;
        for (size_t i = 0; entry_field(e, i, &field); i++)
            require_item(l, e, &field);
    }
}

struct config_check {
    const struct load *load;
    struct entry *entry;
};

struct arena *config_check_arena(struct config_check *check)
{
    return &check->load->config->arena;
}

void config_check_out_of_memory(struct config_check *check)
{
    check->load->problems->out_of_memory = true;
}

/* False when the complaint would only follow from another one. */
static bool aim(const struct config_check *check, const char *items, struct config_problem *out)
{
    struct str rest = str_from(items), name;
    struct field field;

    *out = config_problem_at((struct config_place){ NULL, 0 }, check->entry->table->name, NULL);
    while (str_split(&rest, ' ', &name)) {
        if (!entry_find(check->entry, name, &field))
            continue;
        if (field.slot->broken)
            return false;
        if (out->item)
            continue;
        out->item = field.item->name;
        out->place = field.slot->place;
    }
    return true;
}

static DW_PRINTF(5, 0) void check_add(struct config_check *check, const char *items, const char *hint,
                                      bool warning, const char *format, va_list args)
{
    struct config_problem problem;
    char text[500];

    if (!aim(check, items, &problem))
        return;
    vsnprintf(text, sizeof(text), format, args);
    problem.hint = hint;
    problem.warning = warning;
    config_problem_add(check->load->problems, problem, "%s", text);
}

void config_check_wrong(struct config_check *check, const char *items, const char *hint, const char *format,
                        ...)
{
    va_list args;
    va_start(args, format);
    check_add(check, items, hint, false, format, args);
    va_end(args);
}

void config_check_warn(struct config_check *check, const char *items, const char *hint, const char *format,
                       ...)
{
    va_list args;
    va_start(args, format);
    check_add(check, items, hint, true, format, args);
    va_end(args);
}

static void check_tables(const struct load *l)
{
    for (size_t i = 0; i < l->config->n; i++) {
        struct config_check check = { l, &l->config->entries[i] };
        if (check.entry->table->check)
            check.entry->table->check(check.entry->values, &check);
    }
}

static void load_all(struct load *l)
{
    load_fallbacks(l);
    load_directory(l);
    load_variables(l);
    for (size_t i = 0; i < l->source->overrides_n; i++)
        load_override(l, &l->source->overrides[i]);
    require_items(l);
    check_tables(l);
}

static bool is_about_plugin(const struct config_source *source, const struct config_problem *problem)
{
    for (size_t i = 1; problem->table && i < source->tables_n; i++) {
        if (strcmp(source->tables[i]->name, problem->table) == 0)
            return true;
    }
    return false;
}

static bool fails(const struct config_source *source, const struct config_problems *problems)
{
    bool any = config_problems_any(problems);

    if (!any || !source->is_second || problems->out_of_memory || problems->left_out)
        return any;
    for (const struct config_problem *p = problems->first; p; p = p->next) {
        if (!p->warning && is_about_plugin(source, p))
            return true;
    }
    return false;
}

int config_load(struct config **out, const struct config_source *source, struct config_problems *problems)
{
    struct load l = { .problems = problems, .source = source };

    *out = NULL;
    l.config = calloc(1, sizeof(*l.config));
    if (!l.config) {
        problems->out_of_memory = true;
        return -1;
    }
    atomic_init(&l.config->references, 1);
    arena_init(&l.config->arena, NULL, 0, SNAPSHOT_MEMORY);
    if (prepare(&l) == 0)
        load_all(&l);
    else
        problems->out_of_memory = true;
    if (fails(source, problems)) {
        config_drop(l.config);
        return -1;
    }
    *out = l.config;
    return 0;
}
