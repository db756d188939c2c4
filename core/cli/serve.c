/* serve.c - `dowel serve`: the supervisor, and what it reads from the configuration. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/server.h"
#include "cli/settings.h"
#include "config/core_config.h"
#include "log/log.h"
#include "plugin/quarantine.h"
#include "supervise/activity.h"
#include "supervise/supervisor.h"

enum { LISTEN_OPTIONS_MAX = 32 };

struct serve {
    const struct cli *cli;
    const char *listen[LISTEN_OPTIONS_MAX];
    size_t listen_n;
    bool introduced; /* the log has said what is started, and with what */
};

/* ---- the configuration, again and again ---- */

static void use_log_settings(const struct core_config *core)
{
    bool json = strcmp(core->log_format, "json") == 0 ||
                (strcmp(core->log_format, "auto") == 0 && !isatty(STDERR_FILENO));

    log_set_format(json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
    log_set_level((enum log_level)log_level_from_text(core->log_level));
}

static int make_setup(struct supervisor_setup *out, struct config *config)
{
    const struct core_config *core = core_config(config);

    out->listen = calloc(core->listeners_n, sizeof(*out->listen));
    if (!out->listen)
        return -1;
    for (size_t i = 0; i < core->listeners_n; i++)
        listen_from(&core->listeners[i], &out->listen[i]);
    out->listen_n = core->listeners_n;
    out->idle_us = core->idle_timeout.us;
    out->drain_us = core->drain_timeout.us > 0 ? core->drain_timeout.us : 1;
    out->config = config;
    return 0;
}

/* Whoever gave no directories learns here which ones were taken. */
static void introduce(struct serve *s)
{
    bool configured = access(s->cli->config_dir, F_OK) == 0;

    if (!s->introduced)
        log_info("starting", LOG_TEXT("version", DOWEL_VERSION),
                 LOG_TEXT("config", configured ? s->cli->config_dir : "none, all items have their defaults"),
                 LOG_TEXT("data", s->cli->data_dir));
    s->introduced = true;
}

static struct config_override listen_option(const struct serve *s)
{
    return (struct config_override){
        .option = "--listen", .table = "core", .item = "listen", .values = s->listen, .n = s->listen_n
    };
}

static int load(struct supervisor_setup *out, struct buf *why, void *ud)
{
    struct serve *s = ud;
    const struct config_override listen = listen_option(s);
    struct config_problems problems;
    struct config *config = NULL;
    struct buf text = BUF_INIT;

    config_problems_init(&problems);
    int result = cli_config_load(s->cli, &listen, s->listen_n > 0, &config, &problems);
    config_problems_format(&text, &problems);
    struct str told = str_make(text.p, text.n > 0 ? text.n - 1 : 0); /* without the last newline */
    if (result == CLI_OK && make_setup(out, config)) {
        result = CLI_FAILED;
        buf_add_text(why, "out of memory");
        config_drop(config);
    } else if (result != CLI_OK) {
        buf_add_str(why, told);
    } else {
        use_log_settings(core_config(config));
        introduce(s);
        if (told.n > 0)
            log_warn("the configuration has something to think about", LOG_STR("what", told));
    }
    buf_finish(&text);
    config_problems_finish(&problems);
    return result;
}

static void unload(struct supervisor_setup *setup, void *ud)
{
    (void)ud;
    free(setup->listen);
    config_drop(setup->config);
}

static int generation(struct generation *g, void *config, void *ud)
{
    const struct serve *s = ud;
    const struct config_override listen = listen_option(s);
    const struct config_source source = cli_config_source(s->cli, &listen, s->listen_n > 0);

    return server_run(g, config, &source, s->cli->data_dir);
}

/* What the supervisor calls an owner of work is a plugin here. */
static void crashed(const struct supervisor_crash *crash, void *ud)
{
    const struct serve *s = ud;
    struct buf why = BUF_INIT;
    char command[sizeof("dowel plugin clear ") + ACTIVITY_OWNER_SIZE];

    if (!crash->owner)
        return;
    snprintf(command, sizeof(command), "dowel plugin clear %s", crash->owner);
    int result =
        quarantine_record(s->cli->data_dir, crash->owner, crash->what, crash->note ? crash->note : "",
                          quarantine_is_exempt(crash->config, crash->owner), &why);
    if (result < 0)
        log_error("a plugin's crash is not counted", LOG_TEXT("why", buf_text(&why)));
    else if (result > 0)
        log_error("a plugin is quarantined, the server goes on without it: it crashed three times within ten "
                  "minutes",
                  LOG_TEXT("plugin", crash->owner), LOG_TEXT("what", crash->what),
                  LOG_TEXT("note", crash->note ? crash->note : "none"), LOG_TEXT("when_repaired", command));
    buf_finish(&why);
}

/* ---- the process ---- */

/* A connection is a descriptor: as many as the administrator of the machine allows. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int make_data_dir(const char *path)
{
    struct stat st;

    if (cli_make_parents(path) == 0 && (mkdir(path, 0700) == 0 || errno == EEXIST) && stat(path, &st) == 0 &&
        (S_ISDIR(st.st_mode) || (errno = ENOTDIR, false)) && access(path, R_OK | W_OK | X_OK) == 0)
        return 0;
    fprintf(
        stderr,
        "dowel serve: the data directory %s cannot be used: %s; make it for this user, or choose another one "
        "with --data\n",
        path, strerror(errno));
    return -1;
}

static int take_options(struct serve *s, const struct cli *c)
{
    struct core_listener ignored;
    const char *text;

    s->cli = c;
    while ((text = cli_option_value(c, "listen", s->listen_n)) != NULL) {
        const char *wrong = core_listener_parse(str_from(text), &ignored);
        if (wrong)
            return cli_usage(c, "--listen %s: %s", text, wrong);
        if (s->listen_n == LISTEN_OPTIONS_MAX)
            return cli_usage(c, "--listen is given more than %d times", LISTEN_OPTIONS_MAX);
        s->listen[s->listen_n++] = text;
    }
    return CLI_OK;
}

static int run(const struct cli *c)
{
    struct serve s = { 0 };
    const struct supervisor_options options = {
        .data_dir = c->data_dir,
        .load = load,
        .unload = unload,
        .generation = generation,
        .crashed = crashed,
        .ud = &s,
        .argv = c->program_argv,
    };
    int result = take_options(&s, c);

    if (result != CLI_OK)
        return result;
    umask(027);
    raise_descriptor_limit();
    if (make_data_dir(c->data_dir) != 0)
        return CLI_FAILED;
    return supervisor_run(&options);
}

static const struct cli_option options[] = {
    { "listen", "ADDR:PORT", "listen there instead of where the configuration says; port 0 takes a free one",
      true },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "Runs the server until it is told to stop",
    .help =
        "For each address a line \"listening on http://ADDR:PORT\" is written to standard output as soon as\n"
        "requests are accepted; the log goes to standard error. --listen also takes https://ADDR:PORT and\n"
        "unix:PATH.\n"
        "\n"
        "SIGTERM, SIGINT  end when the requests in flight are answered; a second SIGINT: at once\n"
        "SIGQUIT          end at once\n"
        "SIGHUP           read the configuration again, as `dowel reload`\n"
        "SIGUSR2          change to the program that is now installed, as `dowel reload --upgrade`\n",
    .options = options,
    .run = run,
};
