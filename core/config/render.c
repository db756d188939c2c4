#include "config/render.h"

#include "config/pattern.h"
#include "config/typed.h"
#include "util/compiler.h"

enum { COMMENT_WIDTH = 100 };

void render_variable_name(struct buf *out, const char *table, const char *item)
{
    const char *const parts[] = { "dowel_", table, "__", item };

    for (size_t i = 0; i < DW_COUNT_OF(parts); i++) {
        for (const char *p = parts[i]; *p; p++) {
            char c = *p == '-' ? '_' : *p;
            buf_add_char(out, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
        }
    }
}

/* Words in lines that begin with "# ". */
static void add_comment(struct buf *out, struct str words)
{
    struct str word;
    size_t column = 0;

    while (str_split(&words, ' ', &word)) {
        if (column && column + 1 + word.n > COMMENT_WIDTH) {
            buf_add_char(out, '\n');
            column = 0;
        }
        buf_add_text(out, column ? " " : "# ");
        buf_add_str(out, word);
        column += word.n + (column ? 1 : 2);
    }
    buf_add_char(out, '\n');
}

/* "; 1 to 64 entries", "; one of: text json" and the like. */
static void add_limits(struct buf *out, const struct config_item *item)
{
    struct buf range = BUF_INIT;

    typed_format_range(&range, item);
    if (range.n) {
        buf_add_text(out, ", ");
        buf_add_str(out, buf_str(&range));
    }
    if (item->one_of) {
        struct str rest = str_from(item->one_of), word;
        const char *before = ", one of ";
        while (str_split(&rest, ' ', &word)) {
            buf_add_format(out, "%s`%.*s`", before, STR_ARG(word));
            before = ", ";
        }
    }
    if (item->pattern && pattern_words(item->pattern))
        buf_add_format(out, item->type == CONFIG_LIST ? ", each %s" : ", %s", pattern_words(item->pattern));
    buf_finish(&range);
}

static void add_item_comment(struct buf *out, const struct config_item *item)
{
    struct buf words = BUF_INIT;

    buf_add_format(&words, "%s. (%s", item->help, typed_name(item->type));
    add_limits(&words, item);
    if (item->example)
        buf_add_format(&words, "; for example %s", item->example);
    buf_add_char(&words, ')');
    add_comment(out, buf_str(&words));
    out->failed |= words.failed;
    buf_finish(&words);
}

static void add_section(struct buf *out, const struct config_item *item)
{
    if (item->section)
        buf_add_format(out, "\n# ---- %s ----\n", item->section);
}

void render_yaml(struct buf *out, const struct config_table *table)
{
    buf_add_format(out, "# %s.\n#\n", table->summary);
    buf_add_text(
        out, "# Every item stands here with its default; remove the # in front of one to change it.\n"
             "# `dowel config check` says what is wrong, `dowel reload` applies it to a running server.\n");
    if (!table->always)
        buf_add_text(out, "\nenabled: true\n");
    for (const struct config_item *it = table->items; it->name; it++) {
        add_section(out, it);
        buf_add_char(out, '\n');
        add_item_comment(out, it);
        buf_add_format(out, "#%s: %s\n", it->name,
                       it->fallback  ? it->fallback
                       : it->example ? it->example
                                     : "");
    }
}

/* ---- .env.example ---- */

/* A YAML text as a variable holds it: without its quotes. */
static void add_bare(struct buf *out, const char *yaml)
{
    struct str s = str_from(yaml);

    if (str_equal(s, STR_OF("[]")))
        return;
    if (s.n >= 2 && s.p[0] == '"')
        s = str_make(s.p + 1, s.n - 2);
    if (s.n && s.p[0] == '[')
        buf_add_format(out, "'%.*s'", STR_ARG(s));
    else
        buf_add_str(out, s);
}

static void add_env_item(struct buf *out, const struct config_table *table, const struct config_item *item)
{
    buf_add_char(out, '\n');
    add_item_comment(out, item);
    if (item->aliases)
        buf_add_format(out, "# Also read: %s\n", item->aliases);
    buf_add_char(out, '#');
    render_variable_name(out, table->name, item->name);
    buf_add_char(out, '=');
    if (item->fallback)
        add_bare(out, item->fallback);
    buf_add_char(out, '\n');
}

void render_env(struct buf *out, const struct config_table *const *tables, size_t n)
{
    buf_add_text(
        out, "# Copy this file to .env in the directory where the server is started; meant for development.\n"
             "# A variable of the process wins over a line here, a line here wins over conf.d.\n"
             "# NAME_FILE instead of NAME takes the value from the file that it names.\n");
    for (size_t i = 0; i < n; i++) {
        for (const struct config_item *it = tables[i]->items; it->name; it++) {
            add_section(out, it);
            add_env_item(out, tables[i], it);
        }
    }
}

/* ---- docs/configuration.md ---- */

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Made by `dowel config reference`; change core/config/ and make it again. -->\n"
    "\n"
    "The server runs without any configuration. What should be different is written into files of the "
    "configuration\n"
    "directory (`--config DIR`, `conf.d` where the server is started), one file for the server and one for "
    "each plugin:\n"
    "`core.yaml` is the server's, `NAME.yaml` belongs to the plugin NAME. `dowel init` makes the directory "
    "with a\n"
    "`core.yaml` in which every item stands as a comment.\n"
    "\n"
    "```console\n"
    "$ dowel config check           # everything that is wrong, with file and line; ends with 0, or 3 when "
    "there is\n"
    "$ dowel config show --origin   # every value, and where it comes from\n"
    "$ dowel config get log_level   # one value\n"
    "$ dowel reload                 # checks, then applies to the running server; else keeps the old and "
    "says why\n"
    "```\n"
    "\n"
    "## Where values come from\n"
    "\n"
    "The first of these that has the item decides. The others are checked all the same, so that no mistake "
    "waits for\n"
    "its day.\n"
    "\n"
    "| | source | for example |\n"
    "| --- | --- | --- |\n"
    "| 1 | command line | `dowel serve --listen 127.0.0.1:9000` |\n"
    "| 2 | environment | `DOWEL_CORE__LOG_LEVEL=debug`, or one of the names that everyone knows: "
    "`LOG_LEVEL=debug` |\n"
    "| 3 | file named by the environment | `DOWEL_CORE__CLIENT_PROXY_FILE=/run/secrets/proxy` |\n"
    "| 4 | `.env` in the current directory | the same names as in 2 and 3 |\n"
    "| 5 | configuration directory | `conf.d/core.yaml` |\n"
    "| 6 | default | |\n"
    "\n"
    "- Variables are called `DOWEL_<FILE>__<ITEM>`, in capitals, two underscores between; `-` in a plugin's "
    "name becomes\n"
    "  `_`. The full name wins over a short one. A short one that is empty counts as not set. A variable "
    "that begins like\n"
    "  ours and names no item is an error.\n"
    "- A list in a variable is separated by commas, or written as JSON: `[\"a\", \"b\"]`.\n"
    "- `<NAME>_FILE` works for every item; one line end at the end of the file is cut off. The file of a "
    "secret must not\n"
    "  be readable by everyone (Docker: `mode: 0400`, Kubernetes: `defaultMode: 0440`).\n"
    "- `.env` is for development. Its lines are `NAME=value`, `NAME='as it stands'` or `NAME=\"with \\n and "
    "\\\" and \\$\"`,\n"
    "  `export` in front is allowed, nothing is expanded, and it does not change the environment.\n"
    "- A configuration file or directory that everyone may write to is refused.\n"
    "\n"
    "## How values are written\n"
    "\n"
    "Files are YAML 1.2 with the JSON schema, at most 1 MiB. What YAML readers disagree about is an error "
    "instead of a\n"
    "guess: `True`, `yes`, `~`, `0x1F`, `007`, a key without a value. So are anchors, aliases, tags, a key "
    "that stands\n"
    "twice and a second document.\n"
    "\n"
    "| type | written as |\n"
    "| --- | --- |\n"
    "| true or false | `true`, `false` |\n"
    "| a whole number | `8` |\n"
    "| a number | `0.25` |\n"
    "| a text | `plain words`, or in quotes where it looks like a number or a truth value: `\"1234\"` |\n"
    "| a duration | `250ms`, `10s`, `5m`, `1h30m`, `7d` |\n"
    "| a size | bytes: `1000`; `64 KiB`, `1 MiB` (powers of 1024); `1 MB` (powers of 1000) |\n"
    "| a list of texts | `[a, b]`, a line `- a` each, or one text alone |\n"
    "\n"
    "A plugin's file has two items of the server's beside its own: `enabled: true` loads the plugin, "
    "`required: true`\n"
    "keeps the server from running without it.\n";

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
    add_limits(out, item);
    buf_add_text(out, config_item_is_secret(item) ? "; secret, never shown\n- Default: " : "\n- Default: ");
    add_reference_default(out, item);
    buf_add_char(out, '\n');
    if (item->example)
        buf_add_format(out, "- Example: `%s: %s`\n", item->name, item->example);
    add_reference_names(out, table, item);
    buf_add_text(out, item->restart
                          ? "- A change takes a new generation of the server, which `dowel reload` starts\n"
                          : "- A change is applied at once by `dowel reload`\n");
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
