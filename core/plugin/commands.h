/* commands.h - a plugin's verb of the command line, carried out: one call, as the machine.
 *
 *   struct command_request request = { .command = command, .typed = typed, .json = true };
 *   struct command_outcome outcome = COMMAND_OUTCOME_INIT;
 *   command_run(&outcome, instance, &request, &sink);
 *   ... outcome.code, outcome.error ...
 *   command_outcome_finish(&outcome);
 */
#ifndef PLUGIN_COMMANDS_H
#define PLUGIN_COMMANDS_H

#include "plugin/command_line.h"
#include "plugin/instance.h"

enum { COMMAND_INPUT_MAX = 32 << 20, COMMAND_SECRET_MAX = 1024 };

/* What the server's own verbs read beside what plugins' do: a JSON object of texts, made by the program that was called. "secrets"
 * has what was typed unseen, or a line of standard input, for each --secret NAME; "files" the content of each file that an
 * option of that type names. */
enum { COMMAND_INPUT_PARTS = 5, COMMAND_ARGUMENT_FILE = 5 };

/* What was typed, and what came in beside it. All borrowed. */
struct command_request {
    const dw_command *command; /* of the instance's descriptor */
    struct command_typed typed;
    bool json;
    struct str secret; /* terminated; n 0: none */
    struct str input;
};

enum command_answer { COMMAND_NO = 0, COMMAND_YES = 1, COMMAND_NOBODY = -1 };

/* Where it goes. Called on the thread of command_run(). */
struct command_sink {
    void (*write)(struct str text, void *ud);
    enum command_answer (*ask)(const char *question, dw_call *c,
                               void *ud); /* returns early when c is cancelled */
    void (*progress)(int64_t done, int64_t total, const char *what, void *ud);
    /* The call, for whoever cancels it; NULL when it ends. May be NULL. */
    void (*running)(dw_call *c, void *ud);
    void *ud;
};

struct command_outcome {
    int code;         /* 0, or an enum dw_error */
    struct buf error; /* for people: a line or more, without the last newline */
};

#define COMMAND_OUTCOME_INIT \
    {                        \
        0, BUF_INIT          \
    }

/* Is what came in beside the arguments what the command reads? 0, or -1 with a sentence in why. [any thread] */
int command_check_input(const struct command_request *request, struct buf *why);

/* Those of its descriptor may be run from now on. 0, or -1 with a sentence in why. [main thread] */
int commands_register(dw_instance *i, struct buf *why);

/* The one whose words the texts begin with, or NULL. */
const dw_command *command_find(const dw_instance *i, size_t argc, const char *const *argv, size_t *words);

/* Runs it, again where the database wants it. [any thread but a loop] */
void command_run(struct command_outcome *out, dw_instance *i, const struct command_request *request,
                 const struct command_sink *sink);
void command_outcome_finish(struct command_outcome *o);

/* ---- for host_command.c ---- */

struct command_output;

/* What a dw_command_run points to. Never unmapped: one that is used after its callback is found out. */
struct command_handle {
    struct command_handle *next; /* in the list of free ones */
    dw_call *c;                  /* NULL: nobody's */
    const struct command_request *request;
    const struct command_sink *sink;
    struct command_output *output;
    int64_t told_us; /* when progress was last told */
};

/* 0, or what to return. */
int command_handle_check(dw_command_run *run, const char *step, struct command_handle **out);

#endif
