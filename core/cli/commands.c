#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/table.h"
#include "config/nearest.h"
#include "supervise/lock.h"
#include "util/clock.h"

enum { PATIENCE_US = 60 * CLOCK_SECOND, PAUSE_MS = 100 };

/* ---- which there are ---- */

/* The commands of one plugin. */
struct offer {
    const struct plan_plugin *plugin;
    const dw_command *commands;
    size_t n;
};

struct offers {
    struct plugin_view view;
    struct offer *v;
    size_t n;
    int result; /* of looking */
};

/* As the registry declines one that clashes. */
static void judge(struct offers *o, struct plan_plugin *p, const struct offer *offer)
{
    struct buf why = BUF_INIT;
    int result = commands_check_words(offer->commands, offer->n, cli_verb_words(), &why);

    for (const struct offer *other = o->v; other < offer && result == 0; other++)
        result = commands_check_beside(offer->commands, offer->n, other->plugin->name, other->commands,
                                       other->n, &why);
    if (result != 0)
        plan_decline(p, &o->view.arena, buf_str(&why));
    buf_finish(&why);
}

/* False: it has none. */
static bool add_offer(struct offers *o, const struct plan_plugin *p)
{
    struct offer *offer = &o->v[o->n];
    int n = 0;

    if (p->file && p->file->found)
        n = command_line_found(p->file->found, &o->view.arena, &offer->commands);
    offer->plugin = p;
    offer->n = n > 0 ? (size_t)n : 0;
    o->n += n > 0;
    return n > 0;
}

static bool has_offer(const struct offers *o, const struct plan_plugin *p)
{
    for (size_t i = 0; i < o->n; i++) {
        if (o->v[i].plugin == p)
            return true;
    }
    return false;
}

/* Those that will be loaded in their order, then those that could be if something were mended. */
static void offers_open(struct offers *o, const struct cli *c)
{
    struct plan *plan = &o->view.plan;

    *o = (struct offers){ .v = NULL };
    o->result = plugin_view_peek(&o->view, c);
    o->n = 0;
    o->v = calloc(plan->n + 1, sizeof(*o->v));
    if (o->result != CLI_OK || !o->v)
        return;
    for (size_t i = 0; i < plan->sequence_n; i++) {
        struct plan_plugin *p = plan->sequence[i];
        if (p->state == PLUGIN_LOADED && add_offer(o, p))
            judge(o, p, &o->v[o->n - 1]);
    }
    for (size_t i = 0; i < plan->n; i++) {
        if (!has_offer(o, &plan->plugins[i]))
            add_offer(o, &plan->plugins[i]);
    }
}

static void offers_close(struct offers *o)
{
    free(o->v);
    plugin_view_close(&o->view);
}

static bool is_working(const struct offer *offer)
{
    return offer->plugin->state == PLUGIN_LOADED;
}

/* Called with each command of a plugin that works, until it returns false. */
static void each_command(const struct offers *o,
                         bool (*visit)(const struct offer *offer, const dw_command *command, void *ud),
                         void *ud)
{
    for (size_t i = 0; i < o->n; i++) {
        for (size_t k = 0; is_working(&o->v[i]) && k < o->v[i].n; k++) {
            if (!visit(&o->v[i], &o->v[i].commands[k], ud))
                return;
        }
    }
}

static struct str first_word(const dw_command *command)
{
    return str_make(command->name, strcspn(command->name, " "));
}

/* ---- pages ---- */

/* The first words, each once, and what comes behind them. */
struct group {
    struct str word;
    const char *plugin;
    struct buf verbs, options;
};

struct groups {
    struct group *v;
    size_t n;
};

static bool add_to_group(const struct offer *offer, const dw_command *command, void *ud)
{
    struct groups *all = ud;
    struct str word = first_word(command);
    size_t i = 0;

    while (i < all->n && !str_equal(all->v[i].word, word))
        i++;
    if (i == all->n) {
        struct group *more = realloc(all->v, (all->n + 1) * sizeof(*more));
        if (!more)
            return false;
        all->v = more;
        all->v[all->n++] = (struct group){ .word = word, .plugin = offer->plugin->name };
    }
    struct group *g = &all->v[i];
    if (command->name[word.n])
        buf_add_format(&g->verbs, "%s%s", g->verbs.n ? "|" : "", command->name + word.n + 1);
    command_line_options(&g->options, command);
    return true;
}

static void with_groups(struct buf *out, const struct cli *c, const char *head,
                        void (*write)(struct buf *out, struct group *g))
{
    struct groups all = { NULL, 0 };
    struct offers o;

    offers_open(&o, c);
    each_command(&o, add_to_group, &all);
    if (all.n > 0)
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
    buf_add_format(out, "%s(%s)\n", *between ? " " : "", g->plugin);
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
    with_groups(out, c, "", write_word);
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
    with_groups(out, c, "", write_case);
}

static int print_help(const dw_command *command)
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

/* `dowel user`: CLI_OK; or -1: nothing begins so. */
static int list_group(const struct offers *o, const struct cli *c, bool help)
{
    struct listing l = { .c = c, .lines = BUF_INIT };
    int result = -1;

    each_command(o, list_command, &l);
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

/* ---- none of that name ---- */

/* What was probably meant by the first word, and by the first two. */
struct meant {
    struct nearest first, both;
    struct arena *arena;
};

static bool offer_words(const struct offer *offer, const dw_command *command, void *ud)
{
    struct meant *m = ud;
    const char *word = arena_copy(m->arena, first_word(command));
    (void)offer;

    if (word)
        nearest_offer(&m->first, word);
    nearest_offer(&m->both, command->name);
    return true;
}

/* A plugin that is enabled and cannot be looked into may be the one that has it. */
static void add_unknown_plugins(struct buf *out, const struct offers *o)
{
    if (o->result != CLI_OK)
        buf_add_text(out,
                     "\nwhat plugins have cannot be told, as the configuration is wrong: dowel config check");
    for (size_t i = 0; o->result == CLI_OK && i < o->view.plan.n; i++) {
        const struct plan_plugin *p = &o->view.plan.plugins[i];
        if (p->order && p->state != PLUGIN_LOADED && (!p->file || !p->file->found))
            buf_add_format(out, "\nwhat the plugin %s has cannot be told: %s", p->name, p->why);
    }
}

static int unknown(struct offers *o, const struct cli *c)
{
    const char *both = arena_format(&o->view.arena, "%s %s", c->argv[0], c->argc > 1 ? c->argv[1] : "");
    struct meant m = { nearest_init(str_from(c->argv[0])), nearest_init(str_from(both)), &o->view.arena };
    struct buf text = BUF_INIT;

    for (const struct cli_verb *const *v = cli_verbs; *v; v++)
        nearest_offer(&m.first, (*v)->name);
    each_command(o, offer_words, &m);
    if (c->argc > 1 && m.both.name)
        buf_add_format(&text, "%s: unknown verb, did you mean %s?", both, m.both.name);
    else if (m.first.name)
        buf_add_format(&text, "%s: unknown verb, did you mean %s?", c->argv[0], m.first.name);
    else
        buf_add_format(&text, "%s: unknown verb", c->argv[0]);
    add_unknown_plugins(&text, o);
    cli_usage(c, "%s", buf_text(&text));
    buf_finish(&text);
    return CLI_USAGE;
}

/* ---- running one ---- */

int command_exit(int code)
{
    return code == 0 ? CLI_OK : code == DW_EINVALID ? CLI_USAGE : CLI_FAILED;
}

void command_not_there(struct buf *out, const struct registry *registry, const char *plugin,
                       const char *command)
{
    const struct plan *plan = registry_plan(registry);

    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_plugin *p = &plan->plugins[i];
        if (strcmp(p->name, plugin) == 0 && p->order && p->state != PLUGIN_LOADED) {
            buf_add_format(out, "%s: the plugin %s, which has it, does not work: %s", command, plugin,
                           p->why);
            return;
        }
    }
    buf_add_format(
        out,
        "%s: the server that runs does not have this command, or another version of it; bring it up to "
        "what is installed: dowel reload",
        command);
}

int command_failed(const struct cli_call *call, int result, const char *text)
{
    struct buf usage = BUF_INIT;

    terminal_clear();
    if (*text)
        fprintf(stderr, "%s\n", text);
    if (result == CLI_USAGE) {
        command_line_usage(&usage, call->command);
        fprintf(stderr, "\nUsage: dowel %s; see dowel %s --help\n", buf_text(&usage), call->command->name);
        buf_finish(&usage);
    }
    return result;
}

/* The files that are made by whoever is called root could not be written by the server any more. */
static bool may_run_here(const struct cli *c)
{
    struct stat st;

    if (stat(c->data_dir, &st) != 0) {
        fprintf(
            stderr,
            "%s: the data directory is not there; name it with --data, or make it: dowel init --data %s\n",
            c->data_dir, c->data_dir);
        return false;
    }
    if (st.st_uid == geteuid())
        return true;
    fprintf(
        stderr,
        "no server can be reached on %s, which belongs to another user (%u): run this as that user, or start "
        "the server and be root\n",
        c->data_dir, (unsigned)st.st_uid);
    return false;
}

static void pause_a_little(void)
{
    const struct timespec pause = { .tv_nsec = (long)PAUSE_MS * 1000000 };

    nanosleep(&pause, NULL);
}

/* While a server starts, or another command has the data directory, it is tried again. */
static int run_somewhere(const struct cli_call *call)
{
    int64_t until_us = clock_monotonic_us() + PATIENCE_US;
    struct buf why = BUF_INIT;
    int lock = -1, result;

    for (;;) {
        bool again = false;
        why.n = 0;
        result = command_remote(call, &again, &why);
        if (result != CLI_UNREACHABLE && !again)
            break;
        if (result == CLI_UNREACHABLE) {
            if (!may_run_here(call->c)) {
                result = CLI_FAILED;
                why.n = 0;
                break;
            }
            why.n = 0;
            if (data_lock(call->c->data_dir, &lock, &why) == 0) {
                result = command_local(call);
                close(lock);
                break;
            }
        }
        result = CLI_FAILED;
        if (clock_monotonic_us() > until_us)
            break;
        pause_a_little();
    }
    if (why.n > 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
    return result;
}

static int run(struct cli_call *call)
{
    const struct cli *c = call->c;
    struct command_typed typed;
    struct buf why = BUF_INIT;
    int result = CLI_FAILED;

    if (command_line_read(&typed, call->command, (size_t)c->argc - call->words,
                          (const char *const *)c->argv + call->words, clock_wall_us(), &why) != 0) {
        result = command_failed(call, CLI_USAGE, buf_text(&why));
    } else {
        json_decref(typed.values);
        if (terminal_read(&call->input, call->command) == 0)
            result = run_somewhere(call);
        terminal_input_finish(&call->input);
    }
    buf_finish(&why);
    return result;
}

static int not_working(const struct offer *offer, const dw_command *command)
{
    const struct plan_plugin *p = offer->plugin;

    if (p->order)
        fprintf(stderr, "%s: the plugin %s, which has it, does not work: %s\n", command->name, p->name,
                p->why);
    else
        fprintf(stderr, "%s: the plugin %s, which has it, is not enabled: dowel plugin enable %s\n",
                command->name, p->name, p->name);
    return CLI_FAILED;
}

int cli_command(const struct cli *c, bool help)
{
    const dw_command *command = NULL;
    struct offers o;
    size_t words = 0, i = 0;
    int result;

    offers_open(&o, c);
    for (; !command && i < o.n; i++)
        command = command_line_find(o.v[i].commands, o.v[i].n, (size_t)c->argc, (const char *const *)c->argv,
                                    &words);
    const struct offer *offer = command ? &o.v[i - 1] : NULL;
    struct cli_call call = { .c = c, .command = command, .words = words, .view = &o.view };
    if (command && help) {
        result = print_help(command);
    } else if (command && !is_working(offer)) {
        result = not_working(offer, command);
    } else if (command) {
        call.plugin = offer->plugin->name;
        result = run(&call);
    } else {
        result = list_group(&o, c, help);
        if (result < 0)
            result = unknown(&o, c);
    }
    offers_close(&o);
    return result;
}
