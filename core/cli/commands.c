#include "cli/commands.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/command_pages.h"
#include "cli/table.h"
#include "config/nearest.h"
#include "supervise/lock.h"
#include "util/clock.h"

enum { PATIENCE_US = 60 * CLOCK_SECOND, PAUSE_MS = 100 };

/* ---- none of that name ---- */

/* What was probably meant by the first word, and by the first two. */
struct meant {
    struct nearest first, both;
    struct arena *arena;
};

static bool offer_words(const struct offer *offer, const dw_command *command, void *ud)
{
    struct meant *m = ud;
    const char *word = arena_copy(m->arena, command_first_word(command));
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
    offers_each(o, offer_words, &m);
    if (c->argc > 1 && m.both.name)
        buf_add_format(&text, "%s: unknown verb, did you mean %s?", both, m.both.name);
    else if (c->argc > 1 && m.first.name && strcmp(m.first.name, c->argv[0]) == 0)
        buf_add_format(&text, "%s: unknown verb; dowel %s --help has those that there are", both, c->argv[0]);
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

/* In the server that runs, or here where none does. False: a server starts, or another command has the data directory. */
static bool try_to_run(const struct cli_call *call, int *result, struct buf *why)
{
    bool again = false;
    int lock;

    why->n = 0;
    *result = command_remote(call, &again, why);
    if (*result != CLI_UNREACHABLE)
        return !again;
    why->n = 0;
    *result = CLI_FAILED;
    if (!may_run_here(call->c))
        return true;
    if (data_lock(call->c->data_dir, &lock, why) != 0)
        return false;
    *result = command_local(call);
    close(lock);
    return true;
}

static int run_somewhere(const struct cli_call *call)
{
    int64_t until_us = clock_monotonic_us() + PATIENCE_US;
    struct buf why = BUF_INIT;
    int result;

    while (!try_to_run(call, &result, &why) && clock_monotonic_us() < until_us)
        pause_a_little();
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
        if (terminal_read(&call->input, call->command, typed.values) == 0)
            result = run_somewhere(call);
        terminal_input_finish(&call->input);
        json_decref(typed.values);
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
        result = cli_command_help(command);
    } else if (command && !offer_is_working(offer)) {
        result = not_working(offer, command);
    } else if (command) {
        call.plugin = offer->name;
        result = run(&call);
    } else {
        result = cli_command_list(&o, c, help);
        if (result < 0)
            result = unknown(&o, c);
    }
    offers_close(&o);
    return result;
}
