/* load_variables.c - which variable is which item. */
#include <stdio.h>

#include "config/file.h"
#include "config/load.h"
#include "config/nearest.h"

enum { NAME_SIZE = 200 };

static char upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c == '-' ? '_' : c;
}

static void add_upper(char **p, const char *end, const char *text)
{
    while (*text && *p < end)
        *(*p)++ = upper(*text++);
}

/* DOWEL_TABLE__ITEM; an empty item gives the prefix of all of them. */
static void full_name(char out[NAME_SIZE], const char *table, const char *item)
{
    char *p = out, *end = out + NAME_SIZE - 1;

    add_upper(&p, end, "dowel_");
    add_upper(&p, end, table);
    add_upper(&p, end, "__");
    add_upper(&p, end, item);
    *p = 0;
}

static void set_from_variable(const struct load *l, struct entry *e, const struct field *field,
                              struct variable *v)
{
    struct typed t = load_typed(l, e, field);
    load_note(field, typed_set_text(&t, v->value, v->place), v->place);
}

/* The file's content without its last line end, which editors and `echo` add. */
static struct str without_newline(struct str text)
{
    if (str_ends_with(text, STR_OF("\n")))
        text.n--;
    if (str_ends_with(text, STR_OF("\r")))
        text.n--;
    return text;
}

static void set_from_file(const struct load *l, struct entry *e, const struct field *field,
                          struct variable *v)
{
    enum config_file_kind kind = config_item_is_secret(field->item) ? CONFIG_FILE_SECRET : CONFIG_FILE_TEXT;
    struct typed t = load_typed(l, e, field);
    struct config_file_fault fault;
    struct buf text = BUF_INIT;
    bool set = false;

    if (config_file_read(&text, v->value.p, kind, NULL, &fault) == 0) {
        set = typed_set_text(&t, without_newline(buf_str(&text)), v->place);
    } else {
        struct config_problem problem = config_problem_at(v->place, e->table->name, field->item->name);
        problem.hint = fault.hint;
        config_problem_add(l->problems, problem, "%s %s", v->value.n ? v->value.p : "an empty path",
                           fault.text);
    }
    load_note(field, set, v->place);
    buf_finish(&text);
}

/* client_ca_file is an item of its own, not the file of client_ca. */
static bool is_other_item(struct entry *e, const char *item)
{
    char name[NAME_SIZE];
    struct field field;

    snprintf(name, sizeof(name), "%s_file", item);
    return entry_find(e, str_from(name), &field);
}

static void apply_name(const struct load *l, struct entry *e, const struct field *field,
                       const struct variables *vars, const char *name, bool file)
{
    char with_suffix[NAME_SIZE + 8];

    snprintf(with_suffix, sizeof(with_suffix), "%s%s", name, file ? "_FILE" : "");
    struct variable *v = variables_find(vars, str_from(with_suffix));
    if (!v)
        return;
    v->used = true;
    if (file)
        set_from_file(l, e, field, v);
    else
        set_from_variable(l, e, field, v);
}

/* An alias belongs to everyone: one that is set but empty says nothing to us. */
static void apply_aliases(const struct load *l, struct entry *e, const struct field *field,
                          const struct variables *vars, bool file)
{
    struct str rest = str_from(field->item->aliases), alias;
    char name[NAME_SIZE];

    while (str_split(&rest, ' ', &alias)) {
        snprintf(name, sizeof(name), "%.*s%s", STR_ARG(alias), file ? "_FILE" : "");
        const struct variable *v = variables_find(vars, str_from(name));
        if (!v || v->value.n == 0)
            continue;
        snprintf(name, sizeof(name), "%.*s", STR_ARG(alias));
        apply_name(l, e, field, vars, name, file);
    }
}

/* Later wins, so the weakest name comes first. */
static void apply_field(const struct load *l, struct entry *e, const struct field *field,
                        const struct variables *vars)
{
    char name[NAME_SIZE];

    full_name(name, e->table->name, field->item->name);
    apply_aliases(l, e, field, vars, true);
    if (!is_other_item(e, field->item->name))
        apply_name(l, e, field, vars, name, true);
    apply_aliases(l, e, field, vars, false);
    apply_name(l, e, field, vars, name, false);
}

static void apply_variables(const struct load *l, const struct variables *vars)
{
    struct field field;

    for (size_t k = 0; k < l->config->n; k++) {
        struct entry *e = &l->config->entries[k];
        for (size_t i = 0; entry_field(e, i, &field); i++)
            apply_field(l, e, &field, vars);
    }
}

/* ---- variables that nobody knows ---- */

static void report(const struct load *l, const struct variable *v, const char *table, bool warning,
                   const char *text, const char *hint)
{
    struct config_problem problem = config_problem_at(v->place, table, NULL);
    problem.warning = warning;
    problem.hint = hint;
    config_problem_add(l->problems, problem, "%s", text);
}

static void report_unknown_item(const struct load *l, struct entry *e, const struct variable *v,
                                struct str item)
{
    struct nearest best = nearest_init(item);
    struct field field;
    char name[NAME_SIZE], hint[NAME_SIZE + 20];

    if (str_ends_with(item, STR_OF("_FILE")))
        best.wanted.n -= 5;
    for (size_t i = 0; entry_field(e, i, &field); i++)
        nearest_offer(&best, field.item->name);
    full_name(name, e->table->name, best.name ? best.name : "");
    snprintf(hint, sizeof(hint), "did you mean %s?", name);
    report(l, v, e->table->name, false, "unknown item", best.name ? hint : NULL);
}

static void report_unknown_table(const struct load *l, const struct variable *v, struct str table)
{
    struct nearest best = nearest_init(table);
    char name[NAME_SIZE], hint[NAME_SIZE + 20];
    const char *text;

    snprintf(name, sizeof(name), "%.*s", STR_ARG(table));
    for (char *p = name; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    text = load_unknown_plugin(l, str_from(name));
    if (!text)
        return;
    for (size_t i = 0; i < l->config->n; i++)
        nearest_offer(&best, l->config->entries[i].table->name);
    full_name(name, best.name ? best.name : "", "");
    snprintf(hint, sizeof(hint), "did you mean %s...?", name);
    report(l, v, NULL, true, text, best.name ? hint : NULL);
}

/* DOWEL_CORE_LISTEN: one underscore short. Kubernetes makes variables of that form too, so only a name that is an
 * item's is told, and it is no error. */
static void report_single_underscore(const struct load *l, const struct variable *v)
{
    char name[NAME_SIZE], hint[NAME_SIZE + 20];
    struct field field;

    for (size_t k = 0; k < l->config->n; k++) {
        struct entry *e = &l->config->entries[k];
        struct str table = str_from(e->table->name), rest = str_make(v->name.p + 6, v->name.n - 6);
        if (rest.n <= table.n + 1 || rest.p[table.n] != '_' ||
            !str_equal_nocase(str_make(rest.p, table.n), table))
            continue;
        for (size_t i = 0; entry_field(e, i, &field); i++) {
            struct str item = str_make(rest.p + table.n + 1, rest.n - table.n - 1);
            if (!str_equal_nocase(item, str_from(field.item->name)))
                continue;
            full_name(name, e->table->name, field.item->name);
            snprintf(hint, sizeof(hint), "did you mean %s?", name);
            report(l, v, e->table->name, true, "is not read", hint);
        }
    }
}

static void judge_unknown(const struct load *l, const struct variable *v)
{
    char prefix[NAME_SIZE];
    const char *mark = v->name.n ? memmem(v->name.p, v->name.n, "__", 2) : NULL;

    if (v->used || !str_starts_with(v->name, STR_OF("DOWEL_")))
        return;
    if (!mark || mark < v->name.p + 6) {
        report_single_underscore(l, v);
        return;
    }
    for (size_t k = 0; k < l->config->n; k++) {
        struct entry *e = &l->config->entries[k];
        full_name(prefix, e->table->name, "");
        struct str start = str_from(prefix);
        if (str_starts_with(v->name, start)) {
            report_unknown_item(l, e, v, str_make(v->name.p + start.n, v->name.n - start.n));
            return;
        }
    }
    report_unknown_table(l, v, str_make(v->name.p + 6, (size_t)(mark - v->name.p) - 6));
}

static void apply_and_judge(const struct load *l, const struct variables *vars)
{
    apply_variables(l, vars);
    for (size_t i = 0; i < vars->n; i++)
        judge_unknown(l, &vars->list[i]);
}

void load_variables(const struct load *l)
{
    struct variables vars;
    struct arena *arena = &l->config->arena;

    if (l->source->env_file) {
        variables_from_file(arena, l->source->env_file, &vars, l->problems);
        apply_and_judge(l, &vars);
    }
    if (!l->source->environment)
        return;
    if (variables_from_process(arena, l->source->environment, &vars) == 0)
        apply_and_judge(l, &vars);
    else
        l->problems->out_of_memory = true;
}
