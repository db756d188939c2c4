/* help.c - the pages, made of the tables. */
#include <string.h>

#include "cli/command_pages.h"
#include "cli/own_commands.h"
#include "cli/table.h"
#include "plugin/command_line.h"

enum { OPTION_COLUMN = 22 };

static const char purpose[] = "A small, fast server that loads integrations as plugins.\n";

static void add_option(struct buf *out, const struct cli_option *option)
{
    size_t start = out->n;

    buf_add_format(out, "  --%s%s%s", option->name, option->argument ? " " : "",
                   option->argument ? option->argument : "");
    int pad = OPTION_COLUMN - (int)(out->n - start);
    buf_add_format(out, "%*s  %s%s\n", pad > 0 ? pad : 0, "", option->help,
                   option->repeatable ? " (repeatable)" : "");
}

static void add_options(struct buf *out, const struct cli_option *options)
{
    for (; options && options->name; options++)
        add_option(out, options);
}

static void add_exit_codes(struct buf *out)
{
    buf_add_text(out, "\nExit codes:\n");
    for (int i = 0; i < CLI_EXITS; i++)
        buf_add_format(out, "  %d  %s\n", i, cli_exit_texts[i]);
}

static void add_call(struct buf *out, const struct cli_verb *verb)
{
    buf_add_format(out, "dowel %s%s%s [OPTION...]", verb->name, verb->arguments[0] ? " " : "",
                   verb->arguments);
}

void cli_help(struct buf *out, const struct cli *c)
{
    buf_add_format(out, "Usage: dowel VERB [OPTION...]\n\n%s\nVerbs:\n", purpose);
    for (const struct cli_verb *const *v = cli_verbs; *v; v++)
        buf_add_format(out, "  %-12s %s\n", (*v)->name, (*v)->summary);
    for (const struct own_word *own = own_words; own->word; own++)
        buf_add_format(out, "  %-12s %s\n", own->word, own->summary);
    cli_command_groups(out, c);
    buf_add_text(out, "\nOptions of every verb:\n");
    add_options(out, cli_common_options);
    buf_add_format(out, "\n%s", cli_defaults);
    add_exit_codes(out);
    buf_add_text(out, "\nMore about a verb: dowel VERB --help\n");
}

void cli_help_common(struct buf *out)
{
    add_options(out, cli_common_options);
    buf_add_format(out, "\n%s", cli_defaults);
    add_exit_codes(out);
}

void cli_help_verb(struct buf *out, const struct cli_verb *verb)
{
    buf_add_text(out, "Usage: ");
    add_call(out, verb);
    buf_add_format(out, "\n\n%s.\n", verb->summary);
    if (verb->help && verb->help[0])
        buf_add_format(out, "\n%s", verb->help);
    buf_add_text(out, "\nOptions:\n");
    add_options(out, verb->options);
    cli_help_common(out);
}

/* ---- docs/cli.md ---- */

static void add_markdown_options(struct buf *out, const struct cli_option *options)
{
    for (; options->name; options++)
        buf_add_format(out, "- `--%s%s%s`: %s%s\n", options->name, options->argument ? " " : "",
                       options->argument ? options->argument : "", options->help,
                       options->repeatable ? " (repeatable)" : "");
}

static void add_markdown_verb(struct buf *out, const struct cli_verb *verb)
{
    buf_add_format(out, "\n## dowel %s\n\n    ", verb->name);
    add_call(out, verb);
    buf_add_format(out, "\n\n%s.\n", verb->summary);
    if (verb->help && verb->help[0])
        buf_add_format(out, "\n```text\n%s```\n", verb->help);
    if (verb->options && verb->options->name) {
        buf_add_char(out, '\n');
        add_markdown_options(out, verb->options);
    }
}

static bool begins_with(const char *name, const char *word)
{
    size_t n = strlen(word);

    return strncmp(name, word, n) == 0 && (name[n] == ' ' || !name[n]);
}

/* Its help and the lines about its arguments, without what would be an empty heading. */
static void add_markdown_lines(struct buf *out, const dw_command *command)
{
    static const char nothing[] = "\nOptions:\n";
    struct buf lines = BUF_INIT;

    command_line_help(&lines, command);
    if (str_ends_with(buf_str(&lines), STR_OF(nothing)))
        lines.n -= sizeof(nothing) - 1;
    if (*command->help || lines.n > 0)
        buf_add_format(out, "\n```text\n%s%s%s```\n", command->help, *command->help ? "\n" : "",
                       buf_text(&lines) + (*command->help ? 0 : 1));
    buf_finish(&lines);
}

/* Each of its commands as its own help has it. */
static void add_markdown_own(struct buf *out, const struct own_word *own)
{
    size_t n;
    const dw_command *commands = own_commands(&n);

    buf_add_format(out, "\n## dowel %s\n\n%s.\n", own->word, own->summary);
    for (size_t i = 0; i < n; i++) {
        if (!begins_with(commands[i].name, own->word))
            continue;
        buf_add_format(out, "\n### %s\n\n    dowel ", commands[i].name);
        command_line_usage(out, &commands[i]);
        buf_add_format(out, "\n\n%s.\n", commands[i].summary);
        add_markdown_lines(out, &commands[i]);
    }
}

void cli_help_markdown(struct buf *out)
{
    buf_add_format(
        out,
        "# The command line\n\n"
        "This page is made from the program's own tables: `dowel completion markdown > docs/cli.md`.\n\n"
        "%s\n    dowel VERB [OPTION...]\n\nEvery verb takes\n\n",
        purpose);
    add_markdown_options(out, cli_common_options);
    buf_add_format(out, "\n%s", cli_defaults);
    buf_add_text(out, "\nPlugins bring further verbs: `dowel help` lists those that are enabled, see "
                      "[plugins.md](plugins.md#verbs-of-plugins).\n");
    buf_add_text(
        out,
        "\nAn option is written `--name value` or `--name=value`. What a verb has to say goes to standard\n"
        "output, what went wrong to standard error.\n\n| exit code | meaning |\n| --- | --- |\n");
    for (int i = 0; i < CLI_EXITS; i++)
        buf_add_format(out, "| %d | %s |\n", i, cli_exit_texts[i]);
    for (const struct cli_verb *const *v = cli_verbs; *v; v++)
        add_markdown_verb(out, *v);
    for (const struct own_word *own = own_words; own->word; own++)
        add_markdown_own(out, own);
}
