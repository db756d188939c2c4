/* command_local.c - a plugin's verb that runs in this process, as no server does: with the same plugins, loaded, migrated and
 * started as in one, since what a command finds must not depend on where it runs; but without HTTP, and without an engine for
 * jobs and schedules: what is added waits in its rows for the server that runs later. The data directory's lock is held, so no
 * server begins meanwhile. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/audit.h"
#include "cli/audit_service.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/own_commands.h"
#include "cli/table.h"
#include "client/client.h"
#include "db/identity.h"
#include "db/migrate.h"
#include "db/migrations_core.h"
#include "log/log.h"
#include "operations/core_operations.h"
#include "plugin/access.h"
#include "plugin/call.h"
#include "plugin/channels.h"
#include "plugin/connectors.h"
#include "plugin/hooks.h"
#include "plugin/registry.h"
#include "secure/keyring.h"
#include "util/clock.h"
#include "util/thread.h"

enum { REMEMBERED_MAX = 16 }; /* of people who are let in: nobody comes */

struct local {
    const struct cli_call *call;
    const struct core_config *core;
    struct config *config;
    struct config_source source;
    struct plugin_process process;
    struct migrate_options migrate;
    struct registry *registry;
    struct api_document *contract; /* of the server's own operations, for their permissions */
    struct buf why;
};

/* ---- the parts of a server that plugins are lent ---- */

static int make_client(struct local *l)
{
    const struct core_config *c = l->core;
    const struct client_options options = {
        .ca_file = c->client_ca_file[0] ? c->client_ca_file : NULL,
        .proxy = c->client_proxy.hidden[0] ? c->client_proxy.hidden : NULL,
        .allow = c->client_networks.v,
        .allow_n = c->client_networks.n,
        .user_agent = "dowel/" DOWEL_VERSION,
    };

    if (client_create(&l->process.client, &options) == 0)
        return 0;
    buf_add_text(&l->why, "cannot make the client for outbound requests");
    return -1;
}

static int migrate_core(struct local *l)
{
    struct migrations migrations;
    struct migrate_history history;
    char id[UUID_TEXT_SIZE];
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    int result = migrations_of_core(&migrations, &arena, &l->why);
    if (result == 0)
        result = migrate_history_read(&history, &arena, l->process.db, &l->why);
    if (result == 0)
        result = migrate_up_if_needed(&l->migrate, &migrations, &history, &l->why);
    arena_finish(&arena);
    return result < 0 ? -1 : db_identify(l->process.db, id, &l->why);
}

static int open_database(struct local *l)
{
    struct database_place place;

    database_find(&place, l->core, l->call->c->data_dir);
    if (db_open(&l->process.db, &place.options, &l->why) != 0)
        return -1;
    l->migrate = (struct migrate_options){ .db = l->process.db };
    return migrate_core(l);
}

static int make_process(struct local *l)
{
    if (keyring_open(&l->process.keyring, str_from(l->core->secret_key.hidden), l->call->c->data_dir,
                     &l->why) != 0)
        return -1;
    if (channels_create(&l->process.channels) != 0 || plugin_hooks_create(&l->process.hooks) != 0 ||
        connectors_create(&l->process.connectors) != 0 ||
        access_create(&l->process.access, REMEMBERED_MAX) != 0 ||
        audit_service_create(&l->process, l->core) != 0) {
        buf_add_text(&l->why, "out of memory");
        return -1;
    }
    if (core_operations_read(&l->contract, &l->why) != 0 ||
        access_declare(l->process.access, "core", l->contract) != 0 || make_client(l) != 0)
        return -1;
    return open_database(l);
}

static int make_registry(struct local *l)
{
    size_t own_n;
    const dw_command *own = own_commands(&own_n);
    const struct registry_options options = {
        .catalog = l->call->view->settings.catalog,
        .data_dir = l->call->c->data_dir,
        .config = l->config,
        .source = &l->source,
        .process = &l->process,
        .migrate = &l->migrate,
        .words = cli_verb_words(),
        .own = own,
        .own_n = own_n,
        .is_passing = true,
    };

    if (registry_create(&l->registry, &options, &l->why) != 0)
        return -1;
    return registry_start(l->registry, &l->why);
}

/* In the order of who still needs whom; see cli/server.c. */
static void destroy(struct local *l)
{
    if (registry_stop(l->registry)) {
        channels_destroy(l->process.channels);
        client_destroy(l->process.client);
        registry_destroy(l->registry);
        plugin_hooks_destroy(l->process.hooks);
        connectors_destroy(l->process.connectors);
        audit_destroy(l->process.audit);
        keyring_destroy(l->process.keyring);
        db_close(l->process.db);
        access_destroy(l->process.access);
        api_document_destroy(l->contract);
    }
    config_drop(l->config);
    buf_finish(&l->why);
}

/* ---- Ctrl-C: cancels the call; a second one ends the process ---- */

static struct {
    pthread_mutex_t lock;
    dw_call *call;
    bool cancelled;
} interrupt = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *wait_for_signals(void *ud)
{
    sigset_t *set = ud;
    int number;

    for (int n = 0; sigwait(set, &number) == 0; n++) {
        if (n > 0)
            _exit(128 + number);
        pthread_mutex_lock(&interrupt.lock);
        interrupt.cancelled = true;
        if (interrupt.call)
            call_cancel(interrupt.call);
        pthread_mutex_unlock(&interrupt.lock);
    }
    return NULL;
}

/* Before there are other threads, which inherit that they do not get them. */
static void cancel_on_signals(void)
{
    static sigset_t set;
    pthread_t thread;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 &&
        thread_start(&thread, "signals", true, wait_for_signals, &set) != 0)
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void running(dw_call *c, void *ud)
{
    (void)ud;
    pthread_mutex_lock(&interrupt.lock);
    interrupt.call = c;
    if (c && interrupt.cancelled)
        call_cancel(c);
    pthread_mutex_unlock(&interrupt.lock);
}

/* ---- the command ---- */

static void write_output(struct str text, void *ud)
{
    bool *has_failed = ud;

    *has_failed |= !terminal_write(text);
}

static enum command_answer ask(const char *question, dw_call *c, void *ud)
{
    (void)c;
    (void)ud;
    return terminal_ask(question);
}

static void progress(int64_t done, int64_t total, const char *what, void *ud)
{
    (void)ud;
    terminal_progress(done, total, what);
}

static int carry_out(struct local *l, dw_instance *i, const struct command_request *request)
{
    bool has_failed = false;
    const struct command_sink sink = {
        .write = write_output, .ask = ask, .progress = progress, .running = running, .ud = &has_failed
    };
    struct command_outcome outcome = COMMAND_OUTCOME_INIT;
    int result;

    command_run(&outcome, i, request, &sink);
    result = command_exit(outcome.code);
    if (result != CLI_OK)
        command_failed(l->call, result, buf_text(&outcome.error));
    terminal_clear();
    command_outcome_finish(&outcome);
    return result == CLI_OK && has_failed ? CLI_FAILED : result;
}

static int run(struct local *l)
{
    const struct cli_call *call = l->call;
    struct command_request request = { .json = call->c->json,
                                       .secret = str_make(call->input.secret, call->input.secret_n),
                                       .input = buf_str(&call->input.all) };
    const char *const *argv = (const char *const *)call->c->argv;
    dw_instance *i;
    size_t words;
    int result;

    request.command = registry_command(l->registry, (size_t)call->c->argc, argv, &i, &words);
    if (!request.command) {
        command_not_there(&l->why, l->registry, call->plugin, call->command->name);
        return CLI_FAILED;
    }
    if (command_line_read(&request.typed, request.command, (size_t)call->c->argc - words, argv + words,
                          clock_wall_us(), &l->why) != 0)
        result = CLI_USAGE;
    else if (command_check_input(&request, &l->why) != 0)
        result = CLI_FAILED;
    else
        result = carry_out(l, i, &request);
    json_decref(request.typed.values);
    return result;
}

int command_local(const struct cli_call *call)
{
    struct local l = { .call = call, .source = cli_config_source(call->c, NULL, 0) };
    int result;

    log_set_level(LOG_WARN); /* what was done is the command's to say */
    result = cli_config_load(call->c, NULL, 0, &l.config, NULL);
    if (result != CLI_OK)
        return result;
    l.core = core_config(l.config);
    cancel_on_signals();
    result = make_process(&l) == 0 && make_registry(&l) == 0 ? run(&l) : CLI_FAILED;
    if (l.why.n > 0)
        fprintf(stderr, "%s\n", buf_text(&l.why));
    destroy(&l);
    return result;
}
