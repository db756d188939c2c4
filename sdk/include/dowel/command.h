/* command.h - verbs of the command line: `dowel notes import --author ann <notes.txt`. Since ABI minor 2.
 *
 *   static const dw_argument add_arguments[] = {
 *       { .name = "email", .help = "the address to sign in with" },
 *       { .name = "--role", .value = "ROLE", .help = "a role to begin with", .many = true },
 *       { 0 },
 *   };
 *   static const dw_command commands[] = {
 *       { .name = "user add", .summary = "Adds a user", .arguments = add_arguments,
 *         .input = DW_INPUT_PASSWORD, .run = user_add },
 *       { 0 },
 *   };
 *
 *   static int user_add(dw_call *c, dw_command_run *run)
 *   {
 *       const char *email;
 *       json_t *roles = NULL;
 *
 *       DW_TRY(dw_command_read(run, "email", &email, "role", &roles));
 *       DW_TRY(dw_tx_begin(c));
 *       ...
 *       DW_TRY(dw_command_print(run, "added", "email", email));
 *       return dw_tx_commit(c);
 *   }
 *
 * Where a server runs on the data, the command runs in it; else in the program that was called, with the same plugins, all of
 * them started, but without HTTP, jobs and schedules. Nobody needs to know which. It acts as the machine, and without a tenant
 * unless it wants one. Whoever may call it is the user that the server runs as, or root: no permission is asked for.
 *
 * What is printed in a transaction is shown when that has committed, and never if it has not; what is printed outside of one,
 * at the latest when run returns. Nothing is shown twice, should the database want the callback repeated. The text of an error
 * is what the user reads, and DW_EINVALID means that the call was wrong: say what to do instead. */
#ifndef DOWEL_COMMAND_H
#define DOWEL_COMMAND_H

#include "call.h"
#include "db.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_command_run dw_command_run;

/* What the text of an argument has to be; looked at before run. */
enum dw_argument_type {
    DW_ARGUMENT_TEXT = 0,
    DW_ARGUMENT_INT = 1,
    DW_ARGUMENT_REAL = 2,
    DW_ARGUMENT_TIME = 3, /* "2026-11-21T08:05:00Z", or how long ago: "2h", "7d" */
    DW_ARGUMENT_ID = 4    /* a UUID */
};

/* One place behind the words, or one option. --config, --data, --output, --help, and where its flag is set --yes and --tenant,
 * are the host's. Options may be left out, places may not, unless the last two say otherwise. */
typedef struct dw_argument {
    const char *name;   /* "email": a place, in this order; "--role": an option */
    const char *value;  /* of an option: "ROLE", how the help names what follows; NULL: a switch */
    const char *help;   /* half a sentence, without a full stop */
    const char *one_of; /* "asc desc"; NULL: anything */
    uint32_t type;      /* enum dw_argument_type */
    bool many;          /* a list: an option again and again, or the last place */
    bool optional;      /* of a place; only such follow it */
    bool required;      /* of an option with a value */
} dw_argument;

/* What a command reads beside its arguments. A password is never one of these: other users see them, and shells keep them. */
enum dw_command_input {
    DW_INPUT_NONE = 0,
    DW_INPUT_PASSWORD = 1, /* typed twice, unseen, where standard input is a terminal; else its first line */
    DW_INPUT_SECRET = 2,   /* the same, typed once: a key from elsewhere */
    DW_INPUT_TEXT = 3,     /* standard input to its end, at most 32 MiB of UTF-8 without NUL */
    DW_INPUT_BYTES = 4     /* the same, whatever it is */
};

enum dw_command_flag {
    DW_COMMAND_ASKS = 1, /* it uses dw_command_ask(): takes --yes */
    DW_COMMAND_TENANT =
        2, /* it is for one tenant, and runs in it: wants --tenant, but where the server has one only */
    DW_COMMAND_MAY_TENANT = 4, /* takes --tenant, and runs without one otherwise */
};

typedef struct dw_command {
    const char *name;             /* "user add": one to three words, [a-z][a-z0-9-]* each */
    const char *summary;          /* "Adds a user": no full stop */
    const char *help;             /* further lines, each at most 100 characters; NULL: none */
    const dw_argument *arguments; /* ends with { 0 }; NULL: none */
    uint32_t input;               /* enum dw_command_input */
    uint32_t flags;               /* enum dw_command_flag */
    const char *timeout; /* "1h"; NULL: "10m"; then the call is cancelled. Waiting for an answer counts */
    int (*run)(dw_call *c, dw_command_run *run); /* 0, or an error; Ctrl-C cancels the call */
} dw_command;

typedef struct dw_command_api {
    uint32_t struct_size;
    int (*read)(dw_command_run *run, dw_list pairs);
    dw_secret (*secret)(dw_command_run *run);
    dw_bytes (*input)(dw_command_run *run);
    int (*print)(dw_command_run *run, dw_list text_and_pairs);
    int (*show)(dw_command_run *run, dw_list pairs);
    int (*row)(dw_command_run *run, dw_rows *rows);
    int (*rows)(dw_command_run *run, dw_rows *rows);
    int (*ask)(dw_command_run *run, const char *question);
    int (*progress)(dw_command_run *run, int64_t done, int64_t total, const char *what);
} dw_command_api;

static inline DW_MUST_CHECK int dw_command_read_(dw_command_run *run, dw_list pairs)
{
    return dw_host_->command->read(run, pairs);
}
static inline DW_MUST_CHECK int dw_command_print_(dw_command_run *run, dw_list text_and_pairs)
{
    return dw_host_->command->print(run, text_and_pairs);
}
static inline DW_MUST_CHECK int dw_command_show_(dw_command_run *run, dw_list pairs)
{
    return dw_host_->command->show(run, pairs);
}

/* dw_command_read(run, "email", &email, "role", &roles): places and options by name (an option's without its dashes) and
 * target type. What was not given leaves its target untouched; a switch is a bool; what may stand there many times a list,
 * json_t *. DW_EMISUSE for a name that is not declared. Texts are borrowed for the call. [call] */
#define dw_command_read(run, ...) dw_command_read_((run), DW_LIST(__VA_ARGS__))

/* What DW_INPUT_PASSWORD or DW_INPUT_SECRET gave; never empty. hidden is NULL for other commands. Borrowed for the call.
 * [call] */
static inline dw_secret dw_command_secret(dw_command_run *run) { return dw_host_->command->secret(run); }

/* What DW_INPUT_TEXT or DW_INPUT_BYTES gave; empty for other commands. Borrowed for the call. [call] */
static inline dw_bytes dw_command_bytes(dw_command_run *run) { return dw_host_->command->input(run); }
static inline dw_str dw_command_text(dw_command_run *run)
{
    dw_bytes input = dw_host_->command->input(run);
    dw_str text = { (const char *)input.p, input.n };
    return text;
}

/* ---- what is shown: for people as text, and with --output json as one object ---- */

/* dw_command_print(run, "added", "email", email): the line "added (email: ann@example.org)". In JSON the line is left out
 * and each pair is a member of the object. [call] */
#define dw_command_print(run, ...) dw_command_print_((run), DW_LIST(__VA_ARGS__))

/* dw_command_show(run, "id", id, "key", key): each on a line of its own, to be copied. JSON: members. [call] */
#define dw_command_show(run, ...) dw_command_show_((run), DW_LIST(__VA_ARGS__))

/* The next row, a line a column. JSON: its columns are members. Without a row: DW_ENOTFOUND. [call] */
static inline DW_MUST_CHECK int dw_command_row(dw_command_run *run, dw_rows *rows)
{
    return dw_host_->command->row(run, rows);
}

/* All rows that are left, as a table whose head are the columns' names; "none" where there is no row. JSON: the member
 * "items", a list; so once in a run. More than 10000 are DW_ETOOLARGE: an option had better say how many. [call] */
static inline DW_MUST_CHECK int dw_command_rows(dw_command_run *run, dw_rows *rows)
{
    return dw_host_->command->rows(run, rows);
}

/* ---- while it runs ---- */

/* dw_command_ask(run, "Delete all notes of ann?"): "Delete all notes of ann? [y/N] ". 1: yes, or --yes was given; 0: no, and
 * the user has been told that nothing was done. DW_EINVALID where nobody can answer: standard input is no terminal. DW_ETX in a
 * transaction, DW_EMISUSE without DW_COMMAND_ASKS. [call] */
static inline DW_MUST_CHECK int dw_command_ask(dw_command_run *run, const char *question)
{
    return dw_host_->command->ask(run, question);
}

/* How far it is, on a terminal: "12 of 40 what". total 0: not known. Cheap enough for every item of a loop. DW_ECANCELLED when
 * it is time to stop. [call] */
static inline DW_MUST_CHECK int dw_command_progress(dw_command_run *run, int64_t done, int64_t total,
                                                    const char *what)
{
    return dw_host_->command->progress(run, done, total, what);
}

#ifdef __cplusplus
}
#endif
#endif
