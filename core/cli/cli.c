/* cli.c - from argv to a verb. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/own_commands.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "config/nearest.h"

const struct cli_verb *const cli_verbs[] = {
    &cli_verb_init,     &cli_verb_serve,      &cli_verb_config,
    &cli_verb_plugin,   &cli_verb_db,         &cli_verb_job,
    &cli_verb_schedule, &cli_verb_event,      &cli_verb_webhook,
    &cli_verb_inbox,    &cli_verb_backup,     &cli_verb_audit,
    &cli_verb_openapi,  &cli_verb_reload,     &cli_verb_doctor,
    &cli_verb_version,  &cli_verb_completion, NULL,
};

const struct cli_option cli_common_options[] = {
    { "config", "DIR", "configuration; see below for the default", false },
    { "data", "DIR", "data of the server; see below for the default", false },
    { "output", "text|json", "what standard output is: text for people, or one JSON document", false },
    { "help", NULL, "say how the verb is used", false },
    { NULL, NULL, NULL, false },
};

const char *const cli_exit_texts[] = {
    [CLI_OK] = "done",
    [CLI_FAILED] = "failed",
    [CLI_USAGE] = "wrong usage",
    [CLI_CONFIG] = "the configuration is wrong",
    [CLI_UNREACHABLE] = "no server reached",
    [CLI_BROKEN] = "what was verified is not as it should be",
};

const char *const *cli_verb_words(void)
{
    static const char *words[DW_COUNT_OF(cli_verbs) + OWN_WORDS_MAX + 1] = { "help" };
    size_t n = 1;

    for (size_t i = 0; cli_verbs[i]; i++)
        words[n++] = cli_verbs[i]->name;
    for (const struct own_word *own = own_words; own->word; own++)
        words[n++] = own->word;
    return words;
}

const struct cli_verb *cli_find_verb(const char *name)
{
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        if (strcmp((*v)->name, name) == 0)
            return *v;
    }
    return NULL;
}

const char *cli_option_value(const struct cli *c, const char *name, size_t i)
{
    for (size_t k = 0; k < c->given_n; k++) {
        if (strcmp(c->given[2 * k], name) == 0 && i-- == 0)
            return c->given[2 * k + 1];
    }
    return NULL;
}

/* ---- complaints ---- */

static void complain(const struct cli_verb *verb, const char *format, va_list args)
{
    fprintf(stderr, "dowel%s%s: ", verb ? " " : "", verb ? verb->name : "");
    vfprintf(stderr, format, args);
    if (verb)
        fprintf(stderr, "\nUsage: dowel %s%s%s [OPTION...]; see dowel %s --help\n", verb->name,
                verb->arguments[0] ? " " : "", verb->arguments, verb->name);
    else
        fputs("\nUsage: dowel VERB [OPTION...]; see dowel --help\n", stderr);
}

int cli_usage(const struct cli *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complain(c->verb, format, args);
    va_end(args);
    return CLI_USAGE;
}

static void offer_all(struct nearest *nearest, const struct cli_option *options)
{
    for (; options && options->name; options++)
        nearest_offer(nearest, options->name);
}

static int unknown_option(const struct cli *c, struct str name)
{
    struct nearest nearest = nearest_init(name);

    offer_all(&nearest, cli_common_options);
    offer_all(&nearest, c->verb ? c->verb->options : NULL);
    if (nearest.name)
        return cli_usage(c, "--%.*s: unknown option, did you mean --%s?", STR_ARG(name), nearest.name);
    return cli_usage(c, "--%.*s: unknown option", STR_ARG(name));
}

/* ---- parsing ---- */

struct parser {
    struct cli c;
    int argc;
    char **argv;
    int at;
    bool help, version;
    bool is_foreign;    /* the verb is none of ours: what stands behind it is read when its plugin is known */
    const char **given; /* room for all of argv */
};

static const struct cli_option *find_option(const struct cli_option *options, struct str name)
{
    for (; options && options->name; options++) {
        if (strlen(options->name) == name.n && strncmp(options->name, name.p, name.n) == 0)
            return options;
    }
    return NULL;
}

static int set_output(struct parser *p, const char *value)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): only the switch --help has no value */
    if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
        return cli_usage(&p->c, "--output %s: say text or json", value);
    p->c.json = value[0] == 'j';
    return CLI_OK;
}

static int set_common(struct parser *p, const char *name, const char *value)
{
    if (strcmp(name, "help") == 0)
        p->help = true;
    if (strcmp(name, "output") == 0)
        return set_output(p, value);
    if (strcmp(name, "data") == 0)
        p->c.data_dir = value;
    if (strcmp(name, "config") == 0) {
        p->c.config_dir = value;
        p->c.config_given = true;
    }
    return CLI_OK;
}

static int set_own(struct parser *p, const struct cli_option *option, const char *value)
{
    if (!option->repeatable && cli_option_value(&p->c, option->name, 0))
        return cli_usage(&p->c, "--%s is given twice", option->name);
    p->given[2 * p->c.given_n] = option->name;
    p->given[2 * p->c.given_n + 1] = value;
    p->c.given_n++;
    return CLI_OK;
}

static void keep_word(struct parser *p, char *word)
{
    p->c.argv[p->c.argc++] = word;
}

/* "--name value", "--name=value" or, for a switch, "--name". */
static int read_option(struct parser *p)
{
    struct str text = str_from(p->argv[p->at++] + 2);
    size_t equals = str_find(text, '=');
    struct str name = str_make(text.p, equals);
    const char *value = equals < text.n ? text.p + equals + 1 : NULL;
    const struct cli_option *common = find_option(cli_common_options, name);
    const struct cli_option *option =
        common ? common : find_option(p->c.verb ? p->c.verb->options : NULL, name);

    if (!p->c.verb && strcmp(text.p, "version") == 0) {
        p->version = true;
        return CLI_OK;
    }
    if (!option && p->is_foreign) {
        keep_word(p, p->argv[p->at - 1]);
        return CLI_OK;
    }
    if (!option)
        return unknown_option(&p->c, name);
    if (!option->argument && value)
        return cli_usage(&p->c, "--%s takes no value", option->name);
    if (option->argument && !value) {
        /* "--config --data x" is a slip; a value that does begin with dashes is written --config=--value. */
        if (p->at == p->argc || strncmp(p->argv[p->at], "--", 2) == 0)
            return cli_usage(&p->c, "--%s needs a value: %s", option->name, option->argument);
        value = p->argv[p->at++];
    }
    if (!value)
        value = ""; /* of a switch */
    if (option->argument && !*value)
        return cli_usage(&p->c, "--%s is empty: it needs %s", option->name, option->argument);
    return common ? set_common(p, option->name, value) : set_own(p, option, value);
}

static int read_word(struct parser *p)
{
    char *word = p->argv[p->at++];

    if (p->c.verb || p->is_foreign) {
        keep_word(p, word);
        return CLI_OK;
    }
    if (strcmp(word, "help") == 0) { /* "dowel help serve" is "dowel serve --help" */
        p->help = true;
        return CLI_OK;
    }
    p->c.verb = cli_find_verb(word);
    p->is_foreign = !p->c.verb;
    if (p->is_foreign)
        keep_word(p, word);
    return CLI_OK;
}

static int read_all(struct parser *p)
{
    bool options = true;
    int result = CLI_OK;

    while (result == CLI_OK && p->at < p->argc) {
        const char *text = p->argv[p->at];
        if (options && strcmp(text, "--") == 0) {
            options = false;
            p->at++;
            if (p->is_foreign)
                keep_word(p, p->argv[p->at - 1]);
        } else if (options && strcmp(text, "-h") == 0) {
            p->help = true;
            p->at++;
        } else if (options && strncmp(text, "--", 2) == 0) {
            result = read_option(p);
        } else if (options && text[0] == '-' && text[1] && !p->is_foreign) {
            result = cli_usage(&p->c, "%s: unknown option; all but -h are written out, as --data", text);
        } else {
            result = read_word(p);
        }
    }
    return result;
}

/* ---- running ---- */

const char cli_defaults[] =
    "Without --config: $DOWEL_CONFIG, else ./conf.d if it is there, else /etc/dowel/conf.d if it is there\n"
    "or you are root, else ./conf.d. Without --data: $DOWEL_DATA, ./var and /var/lib/dowel in the same "
    "way.\n";

/* Not the installed one where it would have to be made by somebody who may not. */
static const char *default_dir(const char *variable, const char *here, const char *installed)
{
    const char *value = getenv(variable);

    if (value && *value)
        return value;
    if (access(here, F_OK) == 0)
        return here;
    return access(installed, F_OK) == 0 || geteuid() == 0 ? installed : here;
}

static void take_defaults(struct cli *c)
{
    if (!c->config_dir) {
        c->config_dir = default_dir("DOWEL_CONFIG", "conf.d", "/etc/dowel/conf.d");
        c->config_given = c->config_dir == getenv("DOWEL_CONFIG");
    }
    if (!c->data_dir)
        c->data_dir = default_dir("DOWEL_DATA", "var", "/var/lib/dowel");
}

static int help(const struct cli *c)
{
    struct buf text = BUF_INIT;

    if (c->verb)
        cli_help_verb(&text, c->verb);
    else
        cli_help(&text, c);
    return cli_print(&text);
}

static int run(struct parser *p)
{
    if (p->version)
        return cli_verb_version.run(&p->c);
    take_defaults(&p->c);
    if (p->is_foreign)
        return cli_command(&p->c, p->help);
    if (p->help)
        return help(&p->c);
    if (!p->c.verb)
        return cli_usage(&p->c, "say what to do");
    if (!p->c.verb->arguments[0] && p->c.argc > 0)
        return cli_usage(&p->c, "%s: %s takes no arguments", p->c.argv[0], p->c.verb->name);
    return p->c.verb->run(&p->c);
}

int cli_main(int argc, char **argv)
{
    struct parser p = { .argc = argc, .argv = argv, .at = 1 };
    int result = CLI_FAILED;
    size_t room = (size_t)(argc > 0 ? argc : 1);

    p.c.program_argv = argv;
    p.given = calloc(2 * room, sizeof(*p.given));
    p.c.argv = calloc(room + 1, sizeof(*p.c.argv));
    p.c.given = p.given;
    if (!p.given || !p.c.argv) {
        fputs("dowel: out of memory\n", stderr);
        goto done;
    }
    result = read_all(&p);
    if (result == CLI_OK)
        result = run(&p);
done:
    free(p.given);
    free(p.c.argv);
    return result;
}
