/* command_pages.c - the help of plugins' verbs, and what a shell completes. */
#include "cli/command_pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"

/* ---- first words ---- */

/* The first words, each once, and what comes behind them. */
struct group {
    struct str word;
    const char *plugin;
    const char *summary; /* of the word alone, where it is a verb by itself; NULL */
    struct buf verbs, options;
};

struct groups {
    struct group *v;
    size_t n;
    bool has_own; /* the server's own stand elsewhere in the help */
};

static bool add_to_group(const struct offer *offer, const dw_command *command, void *ud)
{
    struct groups *all = ud;
    struct str word = command_first_word(command);
    size_t i = 0;

    if (!offer->plugin && !all->has_own)
        return true;
    while (i < all->n && !str_equal(all->v[i].word, word))
        i++;
    if (i == all->n) {
        struct group *more = realloc(all->v, (all->n + 1) * sizeof(*more));
        if (!more)
            return false;
        all->v = more;
        all->v[all->n++] = (struct group){ .word = word, .plugin = offer->name };
    }
    struct group *g = &all->v[i];
    if (command->name[word.n])
        buf_add_format(&g->verbs, "%s%s", g->verbs.n ? "|" : "", command->name + word.n + 1);
    else
        g->summary = command->summary;
    command_line_options(&g->options, command);
    return true;
}

/* head NULL: of all verbs, without one. */
static void with_groups(struct buf *out, const struct cli *c, const char *head,
                        void (*write)(struct buf *out, struct group *g))
{
    struct groups all = { NULL, 0, !head };
    struct offers o;

    offers_open(&o, c);
    offers_each(&o, add_to_group, &all);
    if (all.n > 0 && head)
        buf_add_text(out, head);
    for (size_t i = 0; i < all.n; i++) {
        write(out, &all.v[i]);
        buf_finish(&all.v[i].verbs);
        buf_finish(&all.v[i].options);
    }
    free(all.v);
    offers_close(&o);
}

static void write_group(struct buf *out, struct group *g)
{
    struct str rest = buf_str(&g->verbs), verb;
    const char *between = "";

    buf_add_format(out, "  %-12.*s ", STR_ARG(g->word));
    while (g->verbs.n > 0 && str_split(&rest, '|', &verb)) {
        buf_add_format(out, "%s%.*s", between, STR_ARG(verb));
        between = ", ";
    }
    if (g->verbs.n == 0 && g->summary)
        buf_add_text(out, g->summary);
    buf_add_format(out, " (%s)\n", g->plugin);
}

void cli_command_groups(struct buf *out, const struct cli *c)
{
    with_groups(out, c, "\nVerbs of plugins:\n", write_group);
}

static void write_word(struct buf *out, struct group *g)
{
    buf_add_format(out, "%.*s ", STR_ARG(g->word));
}

void cli_command_words(struct buf *out, const struct cli *c)
{
    with_groups(out, c, NULL, write_word);
}

static void write_case(struct buf *out, struct group *g)
{
    buf_add_format(out, "    %.*s) words='", STR_ARG(g->word));
    for (size_t i = 0; i < g->verbs.n; i++)
        buf_add_char(out, g->verbs.p[i] == '|' ? ' ' : g->verbs.p[i]);
    buf_add_str(out, buf_str(&g->options));
    for (const struct cli_option *common = cli_common_options; common->name; common++)
        buf_add_format(out, " --%s", common->name);
    buf_add_text(out, "' ;;\n");
}

void cli_command_completion(struct buf *out, const struct cli *c)
{
    with_groups(out, c, NULL, write_case);
}

/* ---- one ---- */

int cli_command_help(const dw_command *command)
{
    struct buf text = BUF_INIT;

    buf_add_text(&text, "Usage: dowel ");
    command_line_usage(&text, command);
    buf_add_format(&text, "\n\n%s.\n", command->summary);
    if (*command->help)
        buf_add_format(&text, "\n%s%s", command->help,
                       command->help[strlen(command->help) - 1] == '\n' ? "" : "\n");
    command_line_help(&text, command);
    cli_help_common(&text);
    return cli_print(&text);
}

/* ---- a group ---- */

struct listing {
    const struct cli *c;
    struct buf lines;
};

static bool begins_with_words(const char *name, int argc, char *const *argv)
{
    struct str rest = str_from(name), word;

    for (int i = 0; i < argc; i++) {
        if (!str_split(&rest, ' ', &word) || !str_equal(word, str_from(argv[i])))
            return false;
    }
    return true;
}

static bool list_command(const struct offer *offer, const dw_command *command, void *ud)
{
    struct listing *l = ud;
    (void)offer;

    if (!begins_with_words(command->name, l->c->argc, l->c->argv))
        return true;
    size_t start = l->lines.n;
    buf_add_text(&l->lines, "  dowel ");
    command_line_usage(&l->lines, command);
    l->lines.n -= strlen(" [OPTION...]");
    int pad = 44 - (int)(l->lines.n - start);
    buf_add_format(&l->lines, "%*s  %s\n", pad > 0 ? pad : 0, "", command->summary);
    return true;
}

int cli_command_list(const struct offers *o, const struct cli *c, bool help)
{
    struct listing l = { .c = c, .lines = BUF_INIT };
    int result = -1;

    offers_each(o, list_command, &l);
    if (l.lines.n > 0 && help) {
        buf_add_format(&l.lines, "\nMore about one: dowel %s VERB --help\n", c->argv[0]);
        return cli_print(&l.lines);
    }
    if (l.lines.n > 0) {
        fprintf(stderr, "%s: say what to do:\n%s", c->argv[0], buf_text(&l.lines));
        result = CLI_USAGE;
    }
    buf_finish(&l.lines);
    return result;
}
