#include "cli/server.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "api/pages.h"
#include "api/published.h"
#include "api/server_contract.h"
#include "cli/audit_service.h"
#include "cli/command_service.h"
#include "cli/database_start.h"
#include "cli/events_service.h"
#include "cli/own_commands.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/upkeep.h"
#include "client/client.h"
#include "config/core_config.h"
#include "db/db.h"
#include "http/operations.h"
#include "http/problem_pages.h"
#include "http/readiness.h"
#include "http/server.h"
#include "http/static.h"
#include "http/tls.h"
#include "jobs/jobs.h"
#include "jobs/schedule.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "operations/core_operations.h"
#include "plugin/access.h"
#include "plugin/channels.h"
#include "plugin/connection_watch.h"
#include "plugin/connectors.h"
#include "plugin/hooks.h"
#include "plugin/idempotency.h"
#include "plugin/registry.h"
#include "secure/keyring.h"
#include "supervise/activity.h"
#include "util/clock.h"

enum { STALLED_US = 2 * CLOCK_SECOND, COMMANDS_END_US = 2 * CLOCK_SECOND };

/* Of people and programs who were let in lately; about a kilobyte each. */
enum { REMEMBERED_MAX = 16384 };

/* Of loops, and of files for a moment; and what is tried even so. */
enum { DESCRIPTORS_TO_COME = 20, CONNECTIONS_LEAST = 8 };

struct server {
    struct generation *generation;
    const struct core_config *core;
    struct operations operations;
    struct catalog *catalog;
    struct plugin_process process;  /* what plugins are lent */
    struct migrate_options migrate; /* how theirs are carried out */
    struct registry *registry;
    struct router *router;
    struct static_site *site; /* NULL: no static_dir */
    struct tls_context *tls;
    struct http_server *http;
    struct upkeep *upkeep;
    struct events_service events;
    struct audit_service audit;
    struct connection_watch connections;
    struct command_service *commands;
    struct core_operations *own;    /* the server's own operations */
    struct api_document *described; /* what is only published */
    struct published *published;
    struct pages *pages; /* NULL: docs_pages is off */
    _Atomic bool stopping, http_drained;
    _Atomic bool walls_changed; /* a migration of another process made or dropped tables of tenants */
    char spool_dir[PATH_MAX];
};

/* ---- making it ---- */

static int make_spool_dir(struct server *s, const char *data_dir)
{
    int n = snprintf(s->spool_dir, sizeof(s->spool_dir), "%s/spool", data_dir);

    if (n < (int)sizeof(s->spool_dir) && (mkdir(s->spool_dir, 0700) == 0 || errno == EEXIST))
        return CLI_OK;
    return generation_fail(s->generation, CLI_FAILED, "cannot make %s/spool, where large contents wait: %s",
                           data_dir, strerror(errno));
}

static bool admits(struct http_exchange *x, const char *permission, void *ud)
{
    const struct server *s = ud;
    struct identity *who;
    bool is = access_admit(s->process.access, x, permission, &who) == 0;

    identity_drop(who);
    return is;
}

static int make_router(struct server *s)
{
    char why[ROUTER_WHY_SIZE] = "out of memory";

    const char *pages = s->core->static_dir;

    s->operations = (struct operations){
        .allow = s->core->metrics_networks.v,
        .allow_n = s->core->metrics_networks.n,
        .admits = admits,
        .admits_ud = s,
        .has_docs = s->core->docs_pages,
        .no_welcome = *pages != 0,
    };
    if (router_create(&s->router) == 0 && operations_mount(s->router, &s->operations, why) == 0 &&
        problem_pages_mount(s->router, why) == 0 &&
        events_service_mount(&s->events, &s->process, s->router, why) == 0 &&
        (!*pages || static_mount(&s->site, s->router, "/", pages, NULL, why) == 0))
        return CLI_OK;
    return generation_fail(s->generation, CLI_FAILED, "cannot make the routes: %s", why);
}

static rlim_t count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    rlim_t n = 0;

    while (folder && readdir(folder))
        n++;
    if (folder)
        closedir(folder);
    return n;
}

/* Where the machine allows fewer descriptors than connections_max wants, files must still find one, and who comes too
 * many be told so: a connection that cannot be accepted would only wait. */
static unsigned connections_that_fit(const struct core_config *c)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return (unsigned)c->connections_max;
    rlim_t half = limit.rlim_cur / 2, least = count_descriptors() + DESCRIPTORS_TO_COME;
    rlim_t beside = half < CLI_DESCRIPTORS_BESIDE ? half : CLI_DESCRIPTORS_BESIDE;
    if (beside < least) /* of a limit that is small, the database has taken a good part */
        beside = least;
    rlim_t room = limit.rlim_cur > beside + CONNECTIONS_LEAST ? limit.rlim_cur - beside : CONNECTIONS_LEAST;
    if ((rlim_t)c->connections_max <= room)
        return (unsigned)c->connections_max;
    log_warn("fewer connections than connections_max are taken: the limit of open files is too low for it; "
             "raise it (systemd: LimitNOFILE=, else: ulimit -Hn)",
             LOG_NUMBER("connections", room), LOG_NUMBER("connections_max", c->connections_max));
    return (unsigned)room;
}

static struct http_options options_of(const struct server *s)
{
    const struct core_config *c = s->core;

    return (struct http_options){
        .loops = (unsigned)c->loops,
        .workers = (unsigned)c->workers,
        .queue = (unsigned)c->queue,
        .body_max = (uint64_t)c->body_max.bytes,
        .connections_max = connections_that_fit(c),
        .connections_per_address = (unsigned)c->connections_per_address,
        .header_timeout_us = c->header_timeout.us,
        .idle_timeout_us = c->idle_timeout.us,
        .write_timeout_us = c->write_timeout.us,
        .request_timeout_us = c->request_timeout.us,
        .heartbeat_us = c->heartbeat.us,
        .body_min_rate = (uint64_t)c->body_min_rate.bytes,
        .stream_buffer = (size_t)c->stream_buffer.bytes,
        .spool_dir = s->spool_dir,
        .access_log = c->access_log,
        .no_compression = !c->compression,
        .trusted_proxies = c->trusted_networks.v,
        .trusted_proxies_n = c->trusted_networks.n,
        .cors_origins = c->cors_origins.v,
        .cors_origins_n = c->cors_origins.n,
        .rate_limit = c->rate_requests,
        .rate_window_us = c->rate_window_us,
        .rate_burst = (uint32_t)c->rate_burst,
        .no_route_limits = !c->route_limits,
    };
}

static int make_tls(struct server *s)
{
    char why[512];

    if (s->tls ||
        tls_context_create(&s->tls, s->core->tls_certificate, s->core->tls_key, why, sizeof(why)) == 0)
        return CLI_OK;
    return generation_fail(s->generation, CLI_CONFIG, "%s", why);
}

/* A set has as many sockets as there are processors when the supervisor began. With more loops than that, those that
 * have no socket of their own must be dealt connections by the others. */
static int listen_on(struct server *s, const struct generation_listener *l, unsigned loops)
{
    bool is_unix = listen_is_unix(&l->spec);
    char text[LISTEN_TEXT_SIZE];

    if (l->spec.tls && make_tls(s) != CLI_OK)
        return CLI_CONFIG;
    for (unsigned i = 0; i < l->n; i++) {
        if (http_server_listen(s->http, l->fds[i], is_unix ? HTTP_LISTEN_UNIX : HTTP_LISTEN_TCP, i,
                               l->n < loops, l->spec.tls ? s->tls : NULL) == 0)
            continue;
        listen_format(&l->spec, l->port, text);
        return generation_fail(s->generation, CLI_FAILED, "cannot accept on %s: %s", text, strerror(errno));
    }
    return CLI_OK;
}

static int make_http(struct server *s)
{
    struct http_options options = options_of(s);
    struct generation_listener listener;
    int result = CLI_OK;

    if (options.loops == 0)
        options.loops = socket_set_processors();
    if (http_server_create(&s->http, &options, s->router) != 0)
        return generation_fail(s->generation, CLI_FAILED, "cannot make the HTTP server: %s", strerror(errno));
    for (size_t i = 0; result == CLI_OK && i < generation_listeners(s->generation); i++) {
        generation_listener(s->generation, i, &listener);
        result = listen_on(s, &listener, options.loops);
    }
    return result;
}

static int start_http(struct server *s)
{
    int result = CLI_OK;

    if (http_server_start(s->http) != 0)
        result = generation_fail(s->generation, CLI_FAILED, "cannot start the HTTP server's threads: %s",
                                 strerror(errno));
    return result;
}

/* ---- plugins ---- */

static bool is_enabled(const char *name, void *ud)
{
    return plan_is_enabled(ud, name);
}

/* Its child must be made while this process has no other thread and knows no key. */
static int make_catalog(struct server *s, struct config *config, const char *data_dir)
{
    const struct catalog_options options = {
        .core = s->core, .data_dir = data_dir, .wanted = is_enabled, .wanted_ud = config
    };
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    if (catalog_create(&s->catalog, &options, &why) != 0)
        result = generation_fail(s->generation, CLI_FAILED, "cannot look for plugins: out of memory");
    else if (why.n > 0)
        log_warn("a directory of plugins cannot be used", LOG_STR("what", buf_str(&why)));
    buf_finish(&why);
    return result;
}

static int make_client(struct server *s)
{
    const struct core_config *c = s->core;
    const struct client_options options = {
        .ca_file = c->client_ca_file[0] ? c->client_ca_file : NULL,
        .proxy = c->client_proxy.hidden[0] ? c->client_proxy.hidden : NULL,
        .allow = c->client_networks.v,
        .allow_n = c->client_networks.n,
        .user_agent = "dowel/" DOWEL_VERSION,
    };

    if (client_create(&s->process.client, &options) == 0)
        return CLI_OK;
    return generation_fail(s->generation, CLI_FAILED, "cannot make the client for outbound requests: %s",
                           strerror(errno));
}

static int make_process(struct server *s, const char *data_dir)
{
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    if (keyring_open(&s->process.keyring, str_from(s->core->secret_key.hidden), data_dir, &why) != 0)
        result = generation_fail(s->generation, CLI_FAILED, "%s", buf_text(&why));
    else if (channels_create(&s->process.channels) != 0 || plugin_hooks_create(&s->process.hooks) != 0 ||
             connectors_create(&s->process.connectors) != 0 ||
             access_create(&s->process.access, REMEMBERED_MAX) != 0)
        result = generation_fail(s->generation, CLI_FAILED, "cannot make room for plugins: out of memory");
    else
        result = make_client(s);
    if (result == CLI_OK)
        result = database_start(&s->process.db, s->generation, s->core, data_dir);
    if (result == CLI_OK && audit_service_create(&s->process, s->core) != 0)
        result = generation_fail(s->generation, CLI_FAILED, "cannot keep an audit log: out of memory");
    s->process.check_replies = s->core->check_replies;
    s->migrate = database_migrate_options(s->generation, s->process.db);
    buf_finish(&why);
    return result;
}

/* A plugin that must be there and does not work is for whoever wrote the configuration to decide about. */
static int carry_out(struct server *s, int result, struct buf *why)
{
    if (result != 0)
        result = generation_fail(s->generation, CLI_CONFIG, "%s", buf_text(why));
    buf_finish(why);
    return result;
}

static int make_registry(struct server *s, struct config *config, const struct config_source *source,
                         const char *data_dir)
{
    size_t own_n;
    const dw_command *own = own_commands(&own_n);
    const struct registry_options options = {
        .catalog = s->catalog,
        .data_dir = data_dir,
        .config = config,
        .source = source,
        .process = &s->process,
        .migrate = &s->migrate,
        .words = cli_verb_words(),
        .own = own,
        .own_n = own_n,
        .may_refuse = generation_follows(s->generation),
    };
    struct buf why = BUF_INIT;

    return carry_out(s, registry_create(&s->registry, &options, &why), &why);
}

static int mount_own(struct server *s)
{
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    if (core_operations_mount(&s->own, &s->process, s->router, &why) != 0 ||
        server_contract_read(&s->described, &why) != 0 ||
        access_declare(s->process.access, "core", core_operations_contract(s->own)) != 0 ||
        published_mount(&s->published, s->router, &why) != 0 ||
        (s->core->docs_pages && pages_mount(&s->pages, s->router, NULL, &why) != 0))
        result = generation_fail(s->generation, CLI_FAILED, "cannot make the routes: %s", buf_text(&why));
    buf_finish(&why);
    return result;
}

static int mount_plugins(struct server *s)
{
    struct buf why = BUF_INIT;
    return carry_out(s, registry_mount(s->registry, s->router, &why), &why);
}

/* The server's own contract, and those of plugins that are there. */
static int publish(struct server *s)
{
    struct api_source *sources;
    struct arena arena;
    int result = -1;

    arena_init(&arena, NULL, 0, 0);
    int n = registry_contracts(s->registry, &arena, &sources);
    if (n >= 0) { /* there is room for ours */
        memmove(sources + REGISTRY_CONTRACTS_ROOM, sources, (size_t)n * sizeof(*sources));
        sources[0] = (struct api_source){ "core", "", core_operations_contract(s->own) };
        sources[1] = (struct api_source){ "server", "", s->described };
        result =
            published_set(s->published, sources, (size_t)n + REGISTRY_CONTRACTS_ROOM, s->core->compression);
    }
    arena_finish(&arena);
    return result == 0
               ? CLI_OK
               : generation_fail(s->generation, CLI_FAILED, "cannot publish /openapi.json: out of memory");
}

static int start_plugins(struct server *s)
{
    struct buf why = BUF_INIT;
    return carry_out(s, registry_start(s->registry, &why), &why);
}

/* ---- jobs ---- */

static int make_jobs(struct server *s, const char *data_dir)
{
    const struct jobs_options options = {
        .db = s->process.db,
        .data_dir = data_dir,
        .workers = (unsigned)s->core->job_workers,
        .keep_done_us = s->core->jobs_keep_done.us,
        .keep_dead_us = s->core->jobs_keep_dead.us,
        .server_died = idempotency_server_died,
    };

    idempotency_make_metrics();
    if (jobs_create(&s->process.jobs, &options) == 0)
        return CLI_OK;
    return generation_fail(s->generation, CLI_FAILED, "cannot make the workers for jobs: %s",
                           strerror(errno));
}

struct visit {
    int (*visit)(const char *tenant, void *ud);
    void *ud;
};

static int visit_tenant(void *ud, const char *tenant)
{
    const struct visit *v = ud;
    return v->visit(tenant, v->ud);
}

/* On the ticker's thread, which may wait for the authenticator. */
static int each_tenant(int (*visit)(const char *tenant, void *visit_ud), void *visit_ud, void *ud)
{
    const struct server *s = ud;
    struct visit v = { visit, visit_ud };

    return access_each_tenant(s->process.access, visit_tenant, &v);
}

static int make_schedules(struct server *s)
{
    const struct schedules_options options = {
        .db = s->process.db,
        .zone = s->core->time_zone,
        .tenants = each_tenant,
        .tenants_ud = s,
    };
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    if (schedules_create(&s->process.schedules, &options, &why) != 0)
        result = generation_fail(s->generation, CLI_FAILED, "schedules cannot be kept: %s", buf_text(&why));
    buf_finish(&why);
    return result;
}

/* What it is about may be a tenant, a new one or one that has gone. */
static void forget_access(struct server *s, const char *id)
{
    access_forget(s->process.access, id);
    schedules_tenants_notice(s->process.schedules);
}

static void notice(const char *channel, const char *text, void *ud)
{
    struct server *s = ud;

    if (strcmp(channel, "jobs") == 0)
        jobs_notice(s->process.jobs, text);
    else if (strcmp(channel, "schedules") == 0)
        schedules_notice(s->process.schedules);
    else if (strcmp(channel, ACCESS_CHANNEL) == 0)
        forget_access(s, text);
    else if (strcmp(channel, MIGRATE_WALLS_CHANNEL) == 0)
        atomic_store(&s->walls_changed, true);
}

static void notices_lost(void *ud)
{
    struct server *s = ud;

    access_forget(s->process.access, NULL);
    atomic_store(&s->walls_changed, true);
    jobs_notice(s->process.jobs, NULL);
    schedules_notice(s->process.schedules);
}

static void notices_heard(void *ud)
{
    const struct server *s = ud;

    access_heard(s->process.access);
}

/* Plugins have registered theirs. */
static int register_events(struct server *s)
{
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    if (events_service_register(&s->events, &s->process, s->registry, &why) != 0)
        result = generation_fail(s->generation, CLI_FAILED, "cannot send events: %s", buf_text(&why));
    buf_finish(&why);
    return result;
}

static int register_audit(struct server *s)
{
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    if (audit_service_register(&s->audit, &s->process, s->core, &why) != 0)
        result = generation_fail(s->generation, CLI_FAILED, "cannot seal the audit log: %s", buf_text(&why));
    buf_finish(&why);
    return result;
}

static int register_connections(struct server *s)
{
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    s->connections = (struct connection_watch){ &s->process, s->core->check_connections.us };
    if (connection_watch_register(&s->connections, s->process.jobs, &why) != 0)
        result = generation_fail(s->generation, CLI_FAILED, "cannot check connections: %s", buf_text(&why));
    buf_finish(&why);
    return result;
}

static int start_jobs(struct server *s)
{
    const struct db_listener listener = {
        .notice = notice, .lost = notices_lost, .alive = notices_heard, .ud = s
    };

    if (db_listen(s->process.db, &listener) != 0)
        log_warn("notices of other servers cannot be heard: what they add is seen a second later");
    if (jobs_start(s->process.jobs) == 0 && schedules_start(s->process.schedules) == 0 &&
        audit_service_start(&s->audit) == 0)
        return CLI_OK;
    return generation_fail(s->generation, CLI_FAILED, "cannot start the threads for jobs and schedules: %s",
                           strerror(errno));
}

/* ---- its life ---- */

static bool loops_go_round(char why[READINESS_WHY_SIZE], void *ud)
{
    const struct server *s = ud;
    int64_t stalled = http_server_stalled_us(s->http);

    snprintf(why, READINESS_WHY_SIZE, "a loop has stood still for %d ms", (int)(stalled / CLOCK_MS));
    return stalled < STALLED_US;
}

static bool is_staying(char why[READINESS_WHY_SIZE], void *ud)
{
    const struct server *s = ud;

    snprintf(why, READINESS_WHY_SIZE, "the server is stopping");
    return !s->stopping;
}

static int64_t stalled_us(void *ud)
{
    const struct server *s = ud;
    return http_server_stalled_us(s->http);
}

/* Requests and jobs; whichever is over last. */
static void tell_drained(struct server *s)
{
    if (s->http_drained && jobs_are_idle(s->process.jobs) && command_service_is_idle(s->commands))
        generation_drained(s->generation);
}

static void tick(void *ud)
{
    struct server *s = ud;
    struct activity_thread t;

    tell_drained(s);
    if (atomic_exchange(&s->walls_changed, false))
        upkeep_learn_walls(s->upkeep);
    upkeep_tick(s->upkeep);
    channels_tick(s->process.channels, clock_monotonic_us());
    if (activity_watch(s->core->watchdog_warn.us, s->core->watchdog_replace.us, &t))
        generation_stuck(s->generation, t.owner, t.what, clock_monotonic_us() - t.since_us);
}

static int make_upkeep(struct server *s, const char *data_dir)
{
    const struct upkeep_options options = {
        .jobs = s->process.jobs,
        .data_dir = data_dir,
        .tls = s->tls,
        .db = s->process.db,
    };

    if (upkeep_create(&s->upkeep, &options) == 0)
        return CLI_OK;
    return generation_fail(s->generation, CLI_FAILED, "cannot make the threads for upkeep: %s",
                           strerror(errno));
}

static void drained(void *ud)
{
    struct server *s = ud;
    s->http_drained = true;
    tell_drained(s);
}

/* Only when no other generation follows is the server not ready: without mercy for idle connections. */
static void drain(struct generation *g, int64_t idle_us, void *ud)
{
    struct server *s = ud;
    (void)g;
    s->stopping = idle_us == 0;
    schedules_drain(s->process.schedules);
    jobs_drain(s->process.jobs);
    command_service_drain(s->commands);
    http_server_drain(s->http, idle_us, drained, s);
}

static bool is_closed(void *ud)
{
    const struct server *s = ud;
    return http_server_is_closed(s->http);
}

static bool is_idle(void *ud)
{
    struct server *s = ud;
    struct http_server_counts counts;

    s->stopping = true;
    http_server_count(s->http, &counts);
    return counts.requests == 0 && jobs_are_idle(s->process.jobs) && command_service_is_idle(s->commands);
}

/* In the order of who still needs whom: a handler its plugin, a plugin's stop the loops that carry its last answers. */
static void destroy(struct server *s)
{
    http_server_stop(s->http);
    schedules_stop(s->process.schedules);
    audit_service_stop(&s->audit);
    bool ended = jobs_stop(s->process.jobs, 0);
    ended &= command_service_stop(s->commands, COMMANDS_END_US);
    ended &= registry_stop(s->registry);
    http_server_destroy(s->http);
    upkeep_destroy(s->upkeep);
    tls_context_destroy(s->tls);
    if (!ended)
        return;
    channels_destroy(s->process.channels);
    client_destroy(s->process.client);
    registry_destroy(s->registry);
    router_destroy(s->router);
    published_destroy(s->published);
    core_operations_destroy(s->own);
    pages_destroy(s->pages);
    api_document_destroy(s->described);
    static_destroy(s->site);
    plugin_hooks_destroy(s->process.hooks);
    connectors_destroy(s->process.connectors);
    audit_service_finish(&s->audit, &s->process);
    keyring_destroy(s->process.keyring);
    catalog_destroy(s->catalog);
    db_close(s->process.db); /* whose notices the jobs hear */
    access_destroy(s->process.access);
    schedules_destroy(s->process.schedules);
    jobs_destroy(s->process.jobs);
    events_service_finish(&s->events);
    command_service_destroy(s->commands);
}

static int make_commands(struct server *s)
{
    if (command_service_create(&s->commands) == 0)
        return CLI_OK;
    return generation_fail(s->generation, CLI_FAILED, "cannot make room for commands: out of memory");
}

/* A program that was called with a plugin's verb. */
static void take_client(int fd, void *ud)
{
    const struct server *s = ud;
    command_service_take(s->commands, fd);
}

static int make_all(struct server *s, struct config *config, const struct config_source *source,
                    const char *data_dir)
{
    int result = make_spool_dir(s, data_dir);

    if (result == CLI_OK)
        result = make_commands(s);

    if (result == CLI_OK)
        result = make_process(s, data_dir);
    if (result == CLI_OK)
        result = make_jobs(s, data_dir);
    if (result == CLI_OK)
        result = make_schedules(s);
    if (result == CLI_OK)
        result = make_registry(s, config, source, data_dir);
    if (result == CLI_OK)
        result = make_router(s);
    if (result == CLI_OK)
        result = mount_own(s);
    if (result == CLI_OK)
        result = mount_plugins(s);
    if (result == CLI_OK)
        result = make_http(s);
    if (result == CLI_OK)
        result = make_upkeep(s, data_dir);
    if (result == CLI_OK)
        result = start_plugins(s);
    if (result == CLI_OK)
        result = publish(s);
    if (result == CLI_OK)
        result = register_events(s);
    if (result == CLI_OK)
        result = register_audit(s);
    if (result == CLI_OK)
        result = register_connections(s);
    if (result == CLI_OK)
        result = start_jobs(s);
    if (result == CLI_OK)
        command_service_start(s->commands, s->registry);
    return result == CLI_OK ? start_http(s) : result;
}

int server_run(struct generation *g, struct config *config, const struct config_source *source,
               const char *data_dir)
{
    /* Not on the stack: a plugin's thread that does not end may use it until the process has gone. */
    static struct server s;
    const struct generation_hooks hooks = {
        .stalled_us = stalled_us,
        .tick = tick,
        .drain = drain,
        .is_closed = is_closed,
        .is_idle = is_idle,
        .client = take_client,
        .ud = &s,
    };

    s = (struct server){ .generation = g, .core = core_config(config) };
    int result = make_catalog(&s, config, data_dir);
    if (log_start() != 0)
        log_warn("the log has no thread of its own and is written directly");
    metric_set(
        metrics_gauge("dowel_generation", "How often the server process was replaced since start", NULL),
        (int64_t)generation_number(g) - 1);
    readiness_register("loops", loops_go_round, &s);
    readiness_register("server", is_staying, &s);
    if (result == CLI_OK)
        result = make_all(&s, config, source, data_dir);
    if (result == CLI_OK)
        generation_run(g, &hooks);
    destroy(&s);
    log_stop();
    return result;
}
