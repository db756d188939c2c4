/* cli.h - the verbs of the `dowel` command: one table, one file a verb.
 *
 * Exit codes are part of the interface: 0 done, 1 failed, 2 wrong usage, 3 configuration is wrong, 4 no server reached,
 * 5 what was verified is not as it should be.
 * What a verb has to say goes to standard output (with --output json as one JSON document), what went wrong to standard
 * error. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_CONFIG = 3,
    CLI_UNREACHABLE = 4,
    CLI_BROKEN = 5,
    CLI_EXITS
};

/* An option of a verb, beside those that every verb takes (--config, --data, --output, --help). */
struct cli_option {
    const char *name;     /* without the dashes */
    const char *argument; /* "ADDR:PORT"; NULL: a switch */
    const char *help;
    bool repeatable;
};

/* What the command line said, checked against the verb's tables. Borrowed from argv. */
struct cli {
    const struct cli_verb *verb;
    const char *config_dir; /* never NULL */
    bool config_given;      /* by --config or DOWEL_CONFIG: then the directory must be there */
    const char *data_dir;   /* never NULL */
    bool json;
    int argc; /* what is left: positional arguments */
    char **argv;
    char **program_argv;      /* main()'s, for executing the program again */
    const char *const *given; /* name, value pairs of the verb's own options */
    size_t given_n;
};

struct cli_verb {
    const char *name;
    const char *arguments;            /* "check | show [--origin] | get ITEM"; "" when there are none */
    const char *summary;              /* a line for the list of verbs */
    const char *help;                 /* the paragraphs of --help */
    const struct cli_option *options; /* ends with { 0 }; may be NULL */
    int (*run)(const struct cli *c);  /* a cli_exit */
};

/* The value of the i-th --name given, or NULL; a switch that was given has the value "". */
const char *cli_option_value(const struct cli *c, const char *name, size_t i);

/* Says what is wrong and how the verb is called; returns CLI_USAGE. */
int cli_usage(const struct cli *c, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));

int cli_main(int argc, char **argv);

/* The verbs; table in cli.c. */
extern const struct cli_verb cli_verb_init, cli_verb_serve, cli_verb_config, cli_verb_plugin, cli_verb_db,
    cli_verb_job, cli_verb_schedule, cli_verb_event, cli_verb_webhook, cli_verb_inbox, cli_verb_reload,
    cli_verb_version, cli_verb_doctor, cli_verb_completion, cli_verb_backup, cli_verb_openapi, cli_verb_audit;

#endif
