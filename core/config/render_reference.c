/* render_reference.c - docs/configuration.md */
#include "config/render.h"
#include "config/typed.h"

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Made by `dowel config reference core`; change core/config/ and make it again. -->\n"
    "\n"
    "The server runs without any configuration. What should be different is written into files of\n"
    "the configuration directory (`--config DIR`; else `./conf.d` or `/etc/dowel/conf.d`), one file\n"
    "for the server and one for each plugin: `core.yaml` is the server's, `NAME.yaml` belongs to\n"
    "the plugin NAME. `dowel init` makes the directory with a `core.yaml` in which every item\n"
    "stands as a comment.\n"
    "\n"
    "```console\n"
    "$ dowel config check          # all that is wrong, with file and line; ends with 0 or 3\n"
    "$ dowel config show --origin  # every value, and where it comes from\n"
    "$ dowel config get log_level  # one value\n"
    "$ dowel reload                # checks, then applies to the running server\n"
    "```\n"
    "\n"
    "Changes take effect with `dowel reload` (or SIGHUP). It checks the new configuration and\n"
    "starts a new generation of the server with it, without losing a request; when something is\n"
    "wrong the old one stays, and the reason is told. Items that say so below need no new\n"
    "generation.\n"
    "\n"
    "## Where values come from\n"
    "\n"
    "The first of these that has the item decides. The others are checked all the same, so that\n"
    "no mistake waits for its day.\n"
    "\n"
    "| | source | for example |\n"
    "| --- | --- | --- |\n"
    "| 1 | command line | `dowel serve --listen 127.0.0.1:9000` |\n"
    "| 2 | environment | `DOWEL_CORE__LOG_LEVEL=debug` or `LOG_LEVEL=debug` |\n"
    "| 3 | a file that the environment names | `DOWEL_CORE__CLIENT_PROXY_FILE=/run/secrets/proxy` |\n"
    "| 4 | `.env` in the current directory | as in 2 and 3 |\n"
    "| 5 | configuration directory | `conf.d/core.yaml` |\n"
    "| 6 | default | |\n"
    "\n"
    "- Variables are called `DOWEL_<FILE>__<ITEM>`, in capitals, with two underscores between; `-`\n"
    "  in a plugin's name becomes `_`. Some items have a short name that everyone knows too. The\n"
    "  full name wins over the short one, and a short one that is empty counts as not set. A\n"
    "  variable that begins like ours and names no item is an error.\n"
    "- A list in a variable is separated by commas, or written as JSON: `[\"a\", \"b\"]`.\n"
    "- `<NAME>_FILE` works for every item; one line end at the end of the file is cut off. The file\n"
    "  of a secret must not be readable by everyone (Docker: `mode: 0400`, Kubernetes:\n"
    "  `defaultMode: 0440`).\n"
    "- `.env` is for development. Its lines are `NAME=value`, `NAME='as it stands'` or\n"
    "  `NAME=\"with \\n, \\\" and \\$\"`, with `export` in front if you like. Nothing is expanded, and the\n"
    "  environment is not changed.\n"
    "- A configuration file or directory that everyone may write to is refused.\n"
    "\n"
    "## How values are written\n"
    "\n"
    "Files are YAML 1.2 with the JSON schema, at most 1 MiB. What YAML readers disagree about is an\n"
    "error instead of a guess: `True`, `yes`, `~`, `0x1F`, `007`, a key without a value. So are\n"
    "anchors, aliases, tags, a key that stands twice, and a second document.\n"
    "\n"
    "| type | written as |\n"
    "| --- | --- |\n"
    "| true or false | `true`, `false` |\n"
    "| a whole number | `8` |\n"
    "| a number | `0.25` |\n"
    "| a text | plain words; in quotes where it looks like a number: `\"1234\"` |\n"
    "| a duration | `250ms`, `10s`, `5m`, `1h30m`, `7d` |\n"
    "| a size | bytes: `1000`; `64 KiB`, `1 MiB` (powers of 1024); `1 MB` (powers of 1000) |\n"
    "| a list of texts | `[a, b]`, a line `- a` each, or one text alone |\n"
    "\n"
    "A plugin's file has three items of the server's beside its own: `enabled: true` loads the\n"
    "plugin, `required: true` keeps the server from running without it, and `allow: [system]` lets it\n"
    "read and write the data of all tenants; each time that it does, the log says why.\n";

static void add_reference_default(struct buf *out, const struct config_item *item)
{
    if (!item->fallback)
        buf_add_text(out, "must be set");
    else if (strcmp(item->fallback, "\"\"") == 0)
        buf_add_text(out, "empty");
    else
        buf_add_format(out, "`%s`", item->fallback);
}

static void add_reference_names(struct buf *out, const struct config_table *table,
                                const struct config_item *item)
{
    struct str rest = str_from(item->aliases), alias;

    buf_add_text(out, "- Variable: `");
    render_variable_name(out, table->name, item->name);
    buf_add_char(out, '`');
    while (str_split(&rest, ' ', &alias))
        buf_add_format(out, ", `%.*s`", STR_ARG(alias));
    buf_add_char(out, '\n');
}

static void add_reference_item(struct buf *out, const struct config_table *table,
                               const struct config_item *item)
{
    if (item->section)
        buf_add_format(out, "\n### %s\n", item->section);
    buf_add_format(out, "\n#### `%s`\n\n%s.\n\n- Type: %s", item->name, item->help, typed_name(item->type));
    render_limits(out, item);
    buf_add_text(out, config_item_is_secret(item) ? "; secret, never shown\n- Default: " : "\n- Default: ");
    add_reference_default(out, item);
    buf_add_char(out, '\n');
    if (item->example)
        buf_add_format(out, "- Example: `%s: %s`\n", item->name, item->example);
    add_reference_names(out, table, item);
    if (!item->restart)
        buf_add_text(out, "- A change is applied to the running server\n");
}

void render_reference(struct buf *out, const struct config_table *const *tables, size_t n)
{
    buf_add_text(out, introduction);
    for (size_t i = 0; i < n; i++) {
        buf_add_format(out, "\n## `%s.yaml`: %s\n", tables[i]->name, tables[i]->summary);
        for (const struct config_item *it = tables[i]->items; it->name; it++)
            add_reference_item(out, tables[i], it);
    }
}
