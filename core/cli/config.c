/* config.c - `dowel config`: what is wrong, what holds, and the pages that follow from the tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/settings.h"
#include "config/render.h"
#include "config/typed.h"

static const char hidden[] = "***";

/* ---- check ---- */

static int check(const struct cli *c)
{
    struct config_problems problems;
    struct cli_settings settings;
    struct buf text = BUF_INIT;

    config_problems_init(&problems);
    int result = cli_settings_load(&settings, c, CLI_PLUGINS_CONFIGURED, &problems);
    if (c->json) {
        config_problems_json(&text, &problems);
    } else {
        struct buf wrong = BUF_INIT;
        config_problems_format(&wrong, &problems);
        fputs(buf_text(&wrong), stderr);
        buf_finish(&wrong);
        buf_add_format(&text, "%s: %zu errors, %zu warnings\n", c->config_dir, problems.errors,
                       problems.warnings);
    }
    if (cli_print(&text) != CLI_OK)
        result = CLI_FAILED;
    config_problems_finish(&problems);
    cli_settings_finish(&settings);
    return result;
}

/* ---- show ---- */

/* Whether a text can stand in YAML as it is; on the safe side. */
static bool needs_no_quotes(struct str text)
{
    const char *hint;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("/._-", c);
        if (!plain || (i == 0 && c == '-'))
            return false;
    }
    return text.n > 0 && yaml_plain_kind(text) == YAML_TEXT && !yaml_plain_trap(text, &hint);
}

static bool is_set(const struct config_field *field)
{
    struct buf text = BUF_INIT;

    typed_format(&text, field->item, field->values, ",");
    bool set = text.n > 0;
    buf_finish(&text);
    return set;
}

static void add_value(struct buf *out, const struct config_field *field)
{
    struct buf text = BUF_INIT;

    if (config_item_is_secret(field->item)) {
        buf_add_text(out, is_set(field) ? hidden : "\"\"");
        return;
    }
    typed_format(&text, field->item, field->values, ",");
    if (field->item->type == CONFIG_LIST ||
        (field->item->type == CONFIG_TEXT && !needs_no_quotes(buf_str(&text))))
        typed_format_json(out, field->item, field->values);
    else
        buf_add_str(out, buf_str(&text));
    buf_finish(&text);
}

static int longest(const struct config *config, bool values)
{
    struct config_field field;
    struct buf text = BUF_INIT;
    size_t most = 0;

    for (size_t at = 0; config_next(config, &at, &field);) {
        text.n = 0;
        if (values)
            add_value(&text, &field);
        else
            buf_add_text(&text, field.item->name);
        if (text.n > most && text.n <= 60)
            most = text.n;
    }
    buf_finish(&text);
    return (int)most;
}

static void add_line(struct buf *out, const struct config_field *field, int names, int values, bool origin)
{
    struct buf value = BUF_INIT;

    add_value(&value, field);
    buf_add_format(out, "  %s:%*s", field->item->name, names + 1 - (int)strlen(field->item->name), "");
    if (origin) {
        buf_add_format(out, "%-*s  # ", values, buf_text(&value));
        config_place_format(out, field->place);
    } else {
        buf_add_str(out, buf_str(&value));
    }
    buf_add_char(out, '\n');
    buf_finish(&value);
}

static void add_text(struct buf *out, const struct config *config, bool origin)
{
    int names = longest(config, false), values = longest(config, true);
    const struct config_table *table = NULL;
    struct config_field field;

    for (size_t at = 0; config_next(config, &at, &field);) {
        if (field.table != table)
            buf_add_format(out, "%s:\n", field.table->name);
        table = field.table;
        add_line(out, &field, names, values, origin);
    }
}

/* "value" and "origin", without the braces around them. */
static void add_json_field(struct buf *out, const struct config_field *field)
{
    buf_add_text(out, "\"value\":");
    if (config_item_is_secret(field->item))
        buf_add_json(out, str_from(is_set(field) ? hidden : ""));
    else
        typed_format_json(out, field->item, field->values);
    buf_add_text(out, ",\"origin\":");
    struct buf origin = BUF_INIT;
    config_place_format(&origin, field->place);
    buf_add_json(out, buf_str(&origin));
    buf_finish(&origin);
}

static void add_json(struct buf *out, const struct config *config)
{
    const struct config_table *table = NULL;
    struct config_field field;

    buf_add_char(out, '{');
    for (size_t at = 0; config_next(config, &at, &field);) {
        bool first = field.table != table;
        if (first)
            buf_add_format(out, "%s\"%s\":{", table ? "}," : "", field.table->name);
        table = field.table;
        buf_add_format(out, "%s\"%s\":{", first ? "" : ",", field.item->name);
        add_json_field(out, &field);
        buf_add_char(out, '}');
    }
    buf_add_text(out, table ? "}}\n" : "}\n");
}

static int show(const struct cli *c)
{
    struct cli_settings settings;
    struct buf text = BUF_INIT;
    int result = cli_settings_load(&settings, c, CLI_PLUGINS_CONFIGURED, NULL);

    if (result == CLI_OK) {
        if (c->json)
            add_json(&text, settings.config);
        else
            add_text(&text, settings.config, cli_option_value(c, "origin", 0));
        result = cli_print(&text);
    }
    cli_settings_finish(&settings);
    return result;
}

/* ---- get ---- */

static int find(const struct config *config, const char *name, struct config_field *field)
{
    const char *nearest = NULL;
    int found = config_find(config, name, field, &nearest);

    if (found == -2)
        fprintf(stderr, "%s: several have an item of that name, write it as NAME.%s\n", name, name);
    else if (found != 0)
        fprintf(stderr, "%s: unknown item%s%s%s\n", name, nearest ? ", did you mean " : "",
                nearest ? nearest : "", nearest ? "?" : "; `dowel config show` lists them");
    return found;
}

static int print_field(const struct cli *c, const struct config_field *field)
{
    struct buf text = BUF_INIT;

    if (config_item_is_secret(field->item)) {
        fprintf(stderr,
                "%s.%s: is secret and never shown; `dowel config show --origin` says where it is set\n",
                field->table->name, field->item->name);
        return CLI_FAILED;
    }
    if (c->json) {
        buf_add_format(&text, "{\"item\":\"%s.%s\",", field->table->name, field->item->name);
        add_json_field(&text, field);
        buf_add_char(&text, '}');
    } else {
        typed_format(&text, field->item, field->values, "\n");
    }
    buf_add_char(&text, '\n');
    return cli_print(&text);
}

static int get(const struct cli *c)
{
    struct cli_settings settings;
    struct config_field field;
    int result = cli_settings_load(&settings, c, CLI_PLUGINS_CONFIGURED, NULL);

    if (result == CLI_OK)
        result = find(settings.config, c->argv[1], &field) == 0 ? print_field(c, &field) : CLI_FAILED;
    cli_settings_finish(&settings);
    return result;
}

/* ---- pages ---- */

typedef void page_writer(struct buf *out, const struct config_table *const *tables, size_t n);

/* Of all tables, or of the one that is named: whatever is wrong with the values makes no difference. */
static int print_page(const struct cli *c, page_writer *write)
{
    struct config_problems ignored;
    struct cli_settings settings;
    struct buf text = BUF_INIT;
    size_t first = 0, n = 0;

    config_problems_init(&ignored);
    int result = cli_settings_load(&settings, c, CLI_PLUGINS_ALL, &ignored);
    config_problems_finish(&ignored);
    if (result == CLI_FAILED)
        goto done;
    n = settings.tables_n;
    while (c->argc > 1 && first < n && strcmp(settings.tables[first]->name, c->argv[1]) != 0)
        first++;
    if (first == n) {
        fprintf(stderr, "%s: no plugin of that name can be used; `dowel plugin list` lists them\n",
                c->argv[1]);
        result = CLI_FAILED;
        goto done;
    }
    write(&text, settings.tables + first, c->argc > 1 ? 1 : n);
    result = cli_print(&text);
done:
    cli_settings_finish(&settings);
    return result;
}

static int reference(const struct cli *c)
{
    return print_page(c, render_reference);
}

static int env(const struct cli *c)
{
    return print_page(c, render_env);
}

/* ---- the verb ---- */

static const struct action {
    const char *name;
    int least, most; /* arguments behind the name */
    int (*run)(const struct cli *c);
} actions[] = {
    { "check", 0, 0, check },         { "show", 0, 0, show }, { "get", 1, 1, get },
    { "reference", 0, 1, reference }, { "env", 0, 1, env },
};

static int run(const struct cli *c)
{
    if (c->argc == 0)
        return cli_usage(c, "say what to do: check, show, get, reference or env");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        if (strcmp(c->argv[0], actions[i].name) != 0)
            continue;
        if (c->argc - 1 > actions[i].most)
            return cli_usage(c, "%s: one argument too many", c->argv[actions[i].most + 1]);
        if (c->argc - 1 < actions[i].least)
            return cli_usage(c, "config %s: the name of an item is missing", actions[i].name);
        return actions[i].run(c);
    }
    return cli_usage(c, "%s: config cannot do that", c->argv[0]);
}

static const struct cli_option options[] = {
    { "origin", NULL, "show: where each value comes from", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_config = {
    .name = "config",
    .arguments = "check | show [--origin] | get ITEM | reference [NAME] | env [NAME]",
    .summary = "Checks and shows the configuration",
    .help = "check      says everything that is wrong, each with file and line; ends with 3 when there is "
            "something\n"
            "show       all values as they hold; secrets are masked; with --origin where each comes from\n"
            "get ITEM   one value, plain, a line for each entry of a list; ITEM is `log_level` or "
            "`core.log_level`\n"
            "reference  the page of all items, or of those of the plugin NAME; `core` is the server\n"
            "           (docs/configuration.md)\n"
            "env        the same as variables (.env.example)\n"
            "\n"
            "Read are the files of --config, .env in the current directory, and the environment.\n",
    .options = options,
    .run = run,
};
