/* commands.c - the plugin's verbs of the command line, run on the test's own thread. */
#include "plugin/commands.h"

#include <string.h>

#include "inside.h"
#include "util/clock.h"

enum { ARGUMENTS_MAX = 64 };

/* A command line and what its command says. */
struct playing {
    dw_harness *h;
    const dw_harness_command_args *args;
    const char *argv[ARGUMENTS_MAX];
    size_t argc;
    struct buf output;
};

/* ---- what is typed ---- */

static int add(struct playing *p, const char *text)
{
    if (!text || p->argc == ARGUMENTS_MAX)
        return -1;
    p->argv[p->argc++] = text;
    return 0;
}

static int split(struct playing *p)
{
    struct str rest = str_from(p->args->line), word;
    int rc = 0;

    while (rc == 0 && str_split(&rest, ' ', &word)) {
        if (word.n > 0)
            rc = add(p, arena_copy(&p->h->arena, word));
    }
    for (const char *const *more = p->args->arguments; rc == 0 && more && *more; more++)
        rc = add(p, *more);
    return rc;
}

static const dw_command *find(const struct playing *p, dw_instance **i, size_t *words)
{
    const dw_command *command = NULL;

    for (const struct harness_plugin *one = p->h->plugins; one && !command; one = one->next) {
        *i = one->instance;
        command = command_find(one->instance, p->argc, p->argv, words);
    }
    return command;
}

static bool has_tenant(const struct playing *p)
{
    for (size_t i = 0; i < p->argc; i++) {
        if (strncmp(p->argv[i], "--tenant", strlen("--tenant")) == 0)
            return true;
    }
    return false;
}

/* The harness's, unless the line names another. */
static void add_tenant(struct playing *p, const dw_command *command)
{
    const char *tenant = p->h->process.tenant;

    if (tenant && (command->flags & (DW_COMMAND_TENANT | DW_COMMAND_MAY_TENANT)) && !has_tenant(p) &&
        add(p, "--tenant") == 0)
        add(p, tenant);
}

/* ---- who sits before it ---- */

static void write_output(struct str text, void *ud)
{
    struct playing *p = ud;
    buf_add_str(&p->output, text);
}

static enum command_answer ask(const char *question, dw_call *c, void *ud)
{
    const struct playing *p = ud;
    (void)question;
    (void)c;

    if (!p->args->answer)
        return COMMAND_NOBODY;
    return p->args->answer[0] == 'y' ? COMMAND_YES : COMMAND_NO;
}

static void progress(int64_t done, int64_t total, const char *what, void *ud)
{
    (void)done;
    (void)total;
    (void)what;
    (void)ud;
}

/* ---- the outcome ---- */

static const char *keep(dw_harness *h, struct buf *text)
{
    const char *copy = arena_copy(&h->arena, buf_str(text));
    return copy ? copy : "";
}

static const json_t *keep_json(dw_harness *h, const char *text)
{
    struct harness_json *kept = arena_alloc(&h->arena, sizeof(*kept));
    json_t *json = kept && *text ? json_loads(text, 0, NULL) : NULL;

    if (!json)
        return NULL;
    *kept = (struct harness_json){ h->replies, json };
    h->replies = kept;
    return json;
}

static int play(struct playing *p, struct buf *error)
{
    const struct command_sink sink = { .write = write_output, .ask = ask, .progress = progress, .ud = p };
    struct command_request request = { .json = p->args->json };
    struct command_outcome outcome = COMMAND_OUTCOME_INIT;
    dw_instance *i = NULL;
    size_t words = 0;
    int code = DW_EINVALID;

    if (split(p) != 0 || !(request.command = find(p, &i, &words))) {
        buf_add_format(error, "%s: no plugin of this harness has such a command", p->args->line);
        return code;
    }
    add_tenant(p, request.command);
    bool is_secret = request.command->input == DW_INPUT_PASSWORD || request.command->input == DW_INPUT_SECRET;
    *(is_secret ? &request.secret : &request.input) = str_from(p->args->input);
    if (command_line_read(&request.typed, request.command, p->argc - words, p->argv + words,
                          p->h->process.wall_us(p->h->process.clock_ud), error) == 0 &&
        command_check_input(&request, error) == 0) {
        command_run(&outcome, i, &request, &sink);
        code = outcome.code;
        buf_add_str(error, buf_str(&outcome.error));
    }
    command_outcome_finish(&outcome);
    json_decref(request.typed.values);
    return code;
}

dw_harness_outcome dw_harness_command_(dw_harness *h, const dw_harness_command_args *args)
{
    struct playing p = { .h = h, .args = args, .output = BUF_INIT };
    struct buf error = BUF_INIT;
    dw_harness_outcome out = { .struct_size = (uint32_t)sizeof(out), .output = "", .error = "" };

    out.code = play(&p, &error);
    out.output = keep(h, &p.output);
    out.error = keep(h, &error);
    out.json = args->json ? keep_json(h, out.output) : NULL;
    buf_finish(&p.output);
    buf_finish(&error);
    return out;
}
