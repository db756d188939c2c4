/* completion.c - `dowel completion`: what shells and pages need to know, from the tables. */
#include <string.h>

#include "cli/command_pages.h"
#include "cli/settings.h"
#include "cli/table.h"

static void add_words(struct buf *out, const struct cli_option *options)
{
    for (; options && options->name; options++)
        buf_add_format(out, " --%s", options->name);
}

/* The plain words of "check | show [--origin] | get ITEM": those in small letters, outside of brackets. */
static void add_argument_words(struct buf *out, const char *arguments)
{
    struct str rest = str_from(arguments), word;

    while (str_split(&rest, ' ', &word)) {
        if (word.n > 0 && word.p[0] >= 'a' && word.p[0] <= 'z')
            buf_add_format(out, " %.*s", STR_ARG(word));
    }
}

static void bash(struct buf *out, const struct cli *c)
{
    buf_add_text(
        out, "# bash completion of dowel; load it with:  source <(dowel completion bash)\n"
             "_dowel() {\n"
             "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb= i words\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        case ${COMP_WORDS[i]} in\n"
             "        --config | --data | --output) i=$((i + 1)) ;;\n"
             "        -*) ;;\n"
             "        *) verb=${COMP_WORDS[i]} && break ;;\n"
             "        esac\n"
             "    done\n"
             "    case $before in\n"
             "    --config | --data) COMPREPLY=($(compgen -d -- \"$word\")) && return ;;\n"
             "    --output) COMPREPLY=($(compgen -W 'text json' -- \"$word\")) && return ;;\n"
             "    esac\n"
             "    case $verb in\n");
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        buf_add_format(out, "    %s) words='", (*v)->name);
        add_argument_words(out, (*v)->arguments);
        add_words(out, (*v)->options);
        add_words(out, cli_common_options);
        buf_add_text(out, "' ;;\n");
    }
    cli_command_completion(out, c);
    buf_add_text(out, "    *) words='");
    for (const struct cli_verb *const *v = cli_verbs; *v; v++)
        buf_add_format(out, "%s ", (*v)->name);
    cli_command_words(out, c);
    buf_add_text(out, "--help --version' ;;\n"
                      "    esac\n"
                      "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                      "}\n"
                      "complete -o default -F _dowel dowel\n");
}

/* The page is about this program alone, wherever it is made. */
static void markdown(struct buf *out, const struct cli *c)
{
    (void)c;
    cli_help_markdown(out);
}

static const struct {
    const char *name;
    void (*write)(struct buf *out, const struct cli *c);
} forms[] = { { "bash", bash }, { "markdown", markdown } };

static int run(const struct cli *c)
{
    struct buf text = BUF_INIT;

    if (c->argc > 1)
        return cli_usage(c, "%s: one argument too many", c->argv[1]);
    for (size_t i = 0; c->argc == 1 && i < DW_COUNT_OF(forms); i++) {
        if (strcmp(forms[i].name, c->argv[0]) == 0) {
            forms[i].write(&text, c);
            return cli_print(&text);
        }
    }
    return cli_usage(c, "%s%ssay what for: bash or markdown", c->argc ? c->argv[0] : "", c->argc ? ": " : "");
}

const struct cli_verb cli_verb_completion = {
    .name = "completion",
    .arguments = "bash | markdown",
    .summary = "Prints what makes a shell complete the command line, or the page about it",
    .help = "bash      a script: source <(dowel completion bash); it knows the verbs of plugins that are "
            "enabled now\n"
            "markdown  the page docs/cli.md\n",
    .run = run,
};
