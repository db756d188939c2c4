#include "plugin/command_line.h"

#include "config/nearest.h"
#include "config/units.h"
#include "plugin/values.h"
#include "secure/uuid.h"
#include "util/clock.h"
#include "util/compiler.h"

enum { OPTION_COLUMN = 22 };

struct reader {
    const dw_command *command;
    struct command_typed *out;
    int64_t now_us;
    struct buf *why;
    size_t places; /* that have been filled */
};

static const dw_argument of_tenant = { .name = "--tenant",
                                       .value = "ID",
                                       .help = "for which tenant, by its id; needed where there are several",
                                       .type = DW_ARGUMENT_ID };
static const dw_argument of_any_tenant = {
    .name = "--tenant", .value = "ID", .help = "for which tenant, by its id", .type = DW_ARGUMENT_ID
};
static const dw_argument of_yes = { .name = "--yes", .help = "does not ask" };

static int DW_PRINTF(2, 3) refuse(struct reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_add_format_list(r->why, format, args);
    va_end(args);
    return -1;
}

/* ---- the host's own options ---- */

static bool takes_tenant(const dw_command *command)
{
    return command->flags & (DW_COMMAND_TENANT | DW_COMMAND_MAY_TENANT);
}

static bool asks(const dw_command *command)
{
    return command->flags & DW_COMMAND_ASKS;
}

/* All options, declared and the host's, one after the other: NULL after the last. */
static const dw_argument *option_at(const dw_command *command, size_t i)
{
    const dw_argument *a = command->arguments;

    for (; a->name; a++) {
        if (argument_is_option(a) && i-- == 0)
            return a;
    }
    if (takes_tenant(command) && i-- == 0)
        return command->flags & DW_COMMAND_TENANT ? &of_tenant : &of_any_tenant;
    return asks(command) && i == 0 ? &of_yes : NULL;
}

static const dw_argument *place_at(const dw_command *command, size_t i)
{
    const dw_argument *a = command->arguments;

    for (; a->name; a++) {
        if (!argument_is_option(a) && i-- == 0)
            return a;
    }
    return NULL;
}

/* ---- values ---- */

static bool is_one_of(const char *list, const char *value)
{
    struct str rest = str_from(list), word;

    while (str_split(&rest, ' ', &word)) {
        if (str_equal(word, str_from(value)))
            return true;
    }
    return false;
}

/* Its text for the values, or NULL when it is none; *wanted says what would be one. */
static json_t *read_typed(const dw_argument *a, const char *text, int64_t now_us, const char **wanted)
{
    char time[CLOCK_RFC3339_SIZE];
    const char *ignored;
    int64_t whole, us;
    double real;
    dw_value to_whole = DW(&whole), to_real = DW(&real);

    switch (a->type) {
    case DW_ARGUMENT_INT:
        *wanted = "say a whole number";
        if (value_store_text(&to_whole, str_from(text), &ignored) != 0)
            return NULL;
        return a->many ? json_integer(whole) : json_string(text);
    case DW_ARGUMENT_REAL:
        *wanted = "say a number, such as 1.5";
        if (value_store_text(&to_real, str_from(text), &ignored) != 0)
            return NULL;
        return a->many ? json_real(real) : json_string(text);
    case DW_ARGUMENT_TIME:
        *wanted = "say when, as 2026-11-21T08:05:00Z, or how long ago, as 2h or 7d";
        if (!clock_parse_rfc3339(str_from(text), &us)) {
            if (units_parse_span(str_from(text), &us) || us > now_us)
                return NULL;
            us = now_us - us;
        }
        clock_format_rfc3339(us, time);
        return json_string(time);
    case DW_ARGUMENT_ID:
        *wanted = "say an id, a UUID such as 0190a0a0-0000-7000-8000-00000000000a";
        return uuid_parse(str_from(text), NULL) == 0 ? json_string(text) : NULL;
    default: *wanted = "it is not UTF-8"; return json_string(text);
    }
}

static int keep(struct reader *r, const dw_argument *a, json_t *value)
{
    const char *key = argument_key(a);
    json_t *list = json_object_get(r->out->values, key);

    if (!a->many)
        return json_object_set_new(r->out->values, key, value);
    if (!list && json_object_set_new(r->out->values, key, list = json_array()) != 0) {
        json_decref(value);
        return -1;
    }
    return json_array_append_new(list, value);
}

static int take(struct reader *r, const dw_argument *a, const char *text)
{
    const char *wanted = "";

    if (!*text)
        return refuse(r, "%s is empty: it needs %s", a->name, a->value ? a->value : "a text");
    if (a->one_of && *a->one_of && !is_one_of(a->one_of, text))
        return refuse(r, "%s %s: say one of: %s", a->name, text, a->one_of);
    json_t *value = read_typed(a, text, r->now_us, &wanted);
    if (!value)
        return refuse(r, "%s %s: %s", a->name, str_is_utf8(str_from(text)) ? text : "...", wanted);
    if (a == &of_tenant || a == &of_any_tenant)
        r->out->tenant = text;
    return keep(r, a, value) == 0 ? 0 : refuse(r, "out of memory");
}

/* ---- options ---- */

static const dw_argument *find_option(const dw_command *command, struct str name)
{
    const dw_argument *a;

    for (size_t i = 0; (a = option_at(command, i)); i++) {
        if (str_equal(str_from(a->name), name))
            return a;
    }
    return NULL;
}

static int unknown_option(struct reader *r, struct str name)
{
    struct nearest nearest = nearest_init(name);
    const dw_argument *a;

    for (size_t i = 0; (a = option_at(r->command, i)); i++)
        nearest_offer(&nearest, a->name);
    if (nearest.name)
        return refuse(r, "%.*s: unknown option, did you mean %s?", STR_ARG(name), nearest.name);
    return refuse(r, "%.*s: unknown option", STR_ARG(name));
}

/* "--name value", "--name=value" or, for a switch, "--name". How many texts that were; -1 when it is wrong. */
static int read_option(struct reader *r, size_t argc, const char *const *argv)
{
    struct str text = str_make(argv[0], strlen(argv[0]));
    size_t equals = str_find(text, '=');
    struct str name = str_make(text.p, equals);
    const char *value = equals < text.n ? text.p + equals + 1 : NULL;
    const dw_argument *a = find_option(r->command, name);
    int used = 1;

    if (!a)
        return unknown_option(r, name);
    if (!a->many && json_object_get(r->out->values, argument_key(a)))
        return refuse(r, "%s is given twice", a->name);
    if (!a->value) {
        r->out->yes |= a == &of_yes;
        if (value)
            return refuse(r, "%s takes no value", a->name);
        return keep(r, a, json_true()) == 0 ? used : refuse(r, "out of memory");
    }
    if (!value) {
        /* A value that does begin with dashes is written --role=--value. */
        if (argc < 2 || strncmp(argv[1], "--", 2) == 0)
            return refuse(r, "%s needs a value: %s", a->name, a->value);
        value = argv[1];
        used = 2;
    }
    return take(r, a, value) == 0 ? used : -1;
}

/* ---- places ---- */

static int read_place(struct reader *r, const char *text)
{
    const dw_argument *a = place_at(r->command, r->places);

    if (!a)
        return refuse(r, "%s: one argument too many", text);
    r->places += !a->many;
    return take(r, a, text);
}

static int check_missing(struct reader *r)
{
    const dw_argument *a = r->command->arguments;

    for (; a->name; a++) {
        bool must = argument_is_option(a) ? a->required : !a->optional;
        if (must && !json_object_get(r->out->values, argument_key(a)))
            return refuse(r, "%s is missing%s%s", a->name, *a->help ? ": " : "", a->help);
    }
    return 0;
}

static int read_all(struct reader *r, size_t argc, const char *const *argv)
{
    bool options = true;
    size_t i = 0;

    while (i < argc) {
        int used = 1;
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && strncmp(argv[i], "--", 2) == 0)
            used = read_option(r, argc - i, argv + i);
        else if (options && argv[i][0] == '-' && argv[i][1] && !(argv[i][1] >= '0' && argv[i][1] <= '9'))
            used = refuse(r, "%s: unknown option; all but -h are written out, as --data", argv[i]);
        else if (read_place(r, argv[i]) != 0)
            used = -1;
        if (used < 0)
            return -1;
        i += (size_t)used;
    }
    return check_missing(r);
}

int command_line_read(struct command_typed *out, const dw_command *command, size_t argc,
                      const char *const *argv, int64_t now_us, struct buf *why)
{
    struct reader r = { .command = command, .out = out, .now_us = now_us, .why = why };

    *out = (struct command_typed){ .values = json_object() };
    if (!out->values)
        return refuse(&r, "out of memory");
    if (read_all(&r, argc, argv) == 0)
        return 0;
    json_decref(out->values);
    *out = (struct command_typed){ .values = NULL };
    return -1;
}

/* ---- help ---- */

/* "EMAIL" of "email". */
static void add_place(struct buf *out, const dw_argument *a)
{
    buf_add_text(out, a->optional ? " [" : " ");
    for (const char *p = a->name; *p; p++)
        buf_add_char(out, (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p));
    buf_add_text(out, a->many ? "..." : "");
    buf_add_text(out, a->optional ? "]" : "");
}

void command_line_usage(struct buf *out, const dw_command *command)
{
    const dw_argument *a;

    buf_add_text(out, command->name);
    for (size_t i = 0; (a = place_at(command, i)); i++)
        add_place(out, a);
    for (size_t i = 0; (a = option_at(command, i)); i++) {
        if (a->required)
            buf_add_format(out, " %s %s", a->name, a->value);
    }
    buf_add_text(out, " [OPTION...]");
}

static void add_line(struct buf *out, const dw_argument *a)
{
    size_t start = out->n;

    buf_add_text(out, " ");
    if (argument_is_option(a))
        buf_add_format(out, " %s%s%s", a->name, a->value ? " " : "", a->value ? a->value : "");
    else
        add_place(out, a);
    int pad = OPTION_COLUMN - (int)(out->n - start);
    buf_add_format(out, "%*s  %s", pad > 0 ? pad : 0, "", a->help);
    if (a->one_of && *a->one_of)
        buf_add_format(out, "%sone of: %s", *a->help ? "; " : "", a->one_of);
    buf_add_text(out, a->many && argument_is_option(a) ? " (repeatable)\n" : "\n");
}

void command_line_help(struct buf *out, const dw_command *command)
{
    const dw_argument *a;

    if (place_at(command, 0))
        buf_add_text(out, "\nArguments:\n");
    for (size_t i = 0; (a = place_at(command, i)); i++)
        add_line(out, a);
    buf_add_text(out, "\nOptions:\n");
    for (size_t i = 0; (a = option_at(command, i)); i++)
        add_line(out, a);
}

void command_line_options(struct buf *out, const dw_command *command)
{
    const dw_argument *a;

    for (size_t i = 0; (a = option_at(command, i)); i++)
        buf_add_format(out, " %s", a->name);
}

/* ---- which ---- */

/* How many of the texts are the words of the name; 0: they are others. */
static size_t match(const char *name, size_t argc, const char *const *argv)
{
    struct str rest = str_from(name), word;
    size_t n = 0;

    while (str_split(&rest, ' ', &word)) {
        if (n == argc || !str_equal(word, str_from(argv[n])))
            return 0;
        n++;
    }
    return n;
}

const dw_command *command_line_find(const dw_command *commands, size_t n, size_t argc,
                                    const char *const *argv, size_t *words)
{
    for (size_t i = 0; i < n; i++) {
        if ((*words = match(commands[i].name, argc, argv)) > 0)
            return &commands[i];
    }
    *words = 0;
    return NULL;
}

/* ---- from the probe ---- */

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static const char *text_or_empty(const json_t *object, const char *name)
{
    const char *text = text_of(object, name);
    return text ? text : "";
}

static uint32_t number_of(const json_t *object, const char *name)
{
    return (uint32_t)json_integer_value(json_object_get(object, name));
}

static const dw_argument *found_arguments(const json_t *list, struct arena *arena)
{
    dw_argument *all = arena_calloc(arena, (json_array_size(list) + 1) * sizeof(*all));
    const json_t *one;
    size_t i, n = 0;

    if (!all)
        return NULL;
    json_array_foreach(list, i, one)
    {
        if (text_of(one, "name"))
            all[n++] = (dw_argument){ .name = text_of(one, "name"),
                                      .value = text_of(one, "value"),
                                      .help = text_or_empty(one, "help"),
                                      .one_of = text_of(one, "one_of"),
                                      .type = number_of(one, "type"),
                                      .optional = json_is_true(json_object_get(one, "optional")),
                                      .required = json_is_true(json_object_get(one, "required")),
                                      .many = json_is_true(json_object_get(one, "many")) };
    }
    return all;
}

int command_line_found(const json_t *found, struct arena *arena, const dw_command **out)
{
    const json_t *list = json_object_get(found, "commands"), *one;
    dw_command *all = arena_calloc(arena, (json_array_size(list) + 1) * sizeof(*all));
    size_t i;
    int n = 0;

    *out = all;
    if (!all)
        return -1;
    json_array_foreach(list, i, one)
    {
        if (!text_of(one, "name"))
            continue;
        all[n] = (dw_command){ .name = text_of(one, "name"),
                               .summary = text_or_empty(one, "summary"),
                               .help = text_or_empty(one, "help"),
                               .arguments = found_arguments(json_object_get(one, "arguments"), arena),
                               .input = number_of(one, "input"),
                               .flags = number_of(one, "flags"),
                               .timeout = text_of(one, "timeout") };
        if (!all[n++].arguments)
            return -1;
    }
    return n;
}
