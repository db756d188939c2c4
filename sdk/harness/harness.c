/* harness.c - the host around one plugin, without processes: what dowel/harness.h promises. */
#include <dowel/harness.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit.h"
#include "inside.h"
#include "jobs/jobs.h"
#include "jobs/schedule.h"
#include "log/log.h"
#include "plugin/connection.h"
#include "plugin/hooks.h"
#include "util/clock.h"
#include "util/json.h"

enum { PATIENCE_US = 10 * CLOCK_SECOND, GOODBYE_US = 2 * CLOCK_SECOND };

/* The log is the process's, and so is the address that a plugin knows its host by. */
static dw_harness *current;

/* Those that a failed test did not close, or that somebody may still write to: kept, and known, so that nobody takes them
 * for a leak of their own. */
static dw_harness *left_behind;

/* ---- time ---- */

/* Under the lock. */
static int64_t now_us(const dw_harness *h)
{
    return h->clock_stands ? h->now_us : clock_wall_us() + h->passed_us;
}

static int64_t wall_us(void *ud)
{
    dw_harness *h = ud;

    pthread_mutex_lock(&h->lock);
    int64_t now = now_us(h);
    pthread_mutex_unlock(&h->lock);
    return now;
}

/* What a peer asked for is over when the test says so. */
static int64_t peers_clock_us(void *ud)
{
    dw_harness *h = ud;

    pthread_mutex_lock(&h->lock);
    int64_t now = clock_monotonic_us() + h->passed_us;
    pthread_mutex_unlock(&h->lock);
    return now;
}

/* Who waits for a peer: on the client's thread. */
static void pass(int64_t us, void *ud)
{
    dw_harness *h = ud;

    pthread_mutex_lock(&h->lock);
    h->passed_us += us;
    h->now_us += us;
    pthread_mutex_unlock(&h->lock);
}

/* Under the lock. */
static void set_now(dw_harness *h, int64_t us)
{
    int64_t before = now_us(h);

    if (us > before)
        h->passed_us += us - before;
    h->now_us = us;
    h->clock_stands = true;
}

void dw_harness_set_now(dw_harness *h, dw_time now)
{
    pthread_mutex_lock(&h->lock);
    set_now(h, now.us);
    pthread_mutex_unlock(&h->lock);
}

void dw_harness_advance(dw_harness *h, dw_span by)
{
    pthread_mutex_lock(&h->lock);
    set_now(h, now_us(h) + by.us);
    pthread_mutex_unlock(&h->lock);
}

/* Who sleeps in a test wants time to pass, not to wait for it. */
static void sleep_us(void *ud, int64_t us)
{
    dw_harness_advance(ud, (dw_span){ us });
}

void dw_harness_set_patience(dw_harness *h, dw_span patience)
{
    h->patience_us = patience.us;
}

/* ---- life ---- */

static int fail(dw_harness *h, const char *text)
{
    buf_add_text(&h->why, text);
    return -1;
}

static int make_parts(dw_harness *h)
{
    /* Who tries again after a while does so at once. */
    const struct client_options options = { .user_agent = "dowel-harness",
                                            .retry_base_us = 1,
                                            .retry_cap_us = 1,
                                            .play = harness_play,
                                            .play_ud = h,
                                            .pass = pass,
                                            .clock_us = peers_clock_us,
                                            .clock_ud = h };

    if (router_create(&h->router) != 0 || channels_create(&h->channels) != 0 ||
        plugin_hooks_create(&h->hooks) != 0 || connectors_create(&h->connectors) != 0 ||
        client_create(&h->client, &options) != 0 || access_create(&h->access, 1) != 0 ||
        keyring_parse(&h->keyring, STR_OF(HARNESS_KEY), NULL) != NULL)
        return fail(h, "out of memory");
    h->process = (struct plugin_process){
        .tenant = h->process.tenant,
        .principal = h->process.principal,
        .connectors = h->connectors,
        .access = h->access,
        .says_who = true,
        .client = h->client,
        .keyring = h->keyring,
        .channels = h->channels,
        .hooks = h->hooks,
        .wall_us = wall_us,
        .clock_ud = h,
        .fault = harness_fault,
        .fault_ud = h,
        .spoils = harness_spoils,
        .sleep_us = sleep_us,
        .check_replies = true,
        .wrong_replies = &h->wrong_replies,
    };
    if (harness_open_database(h) != 0 || harness_make_jobs(h) != 0 || harness_make_audit(h) != 0)
        return -1;
    return harness_make_schedules(h);
}

/* Of a test that failed and was the last. */
static void remove_at_exit(void)
{
    if (current)
        harness_remove_database(current);
}

/* What a server does at its start, once in this process. */
static int start_process(void)
{
    static bool started;

    if (!started) {
        json_start();
        started = activity_use_private() == 0 && atexit(remove_at_exit) == 0;
    }
    return started ? 0 : -1;
}

static int open_plugins(dw_harness *h, const dw_harness_args *args)
{
    if (args->struct_size < offsetof(dw_harness_args, beside) + sizeof(args->beside) || !args->plugin)
        return fail(h, "dw_harness_open() needs .plugin = \"path/of/the.so\"");
    if (!h->database_url && args->struct_size >= offsetof(dw_harness_args, database) + sizeof(args->database))
        h->database_url = args->database;
    if (start_process() != 0 || harness_listen(h) != 0 || make_parts(h) != 0)
        return -1;
    for (const char *const *path = args->beside; path && *path; path++) {
        if (harness_load(h, *path, NULL) != 0)
            return -1;
    }
    if (harness_load(h, args->plugin, args->conf) != 0)
        return -1;
    if (memory_transport_create(&h->transport, h->router) != 0)
        return fail(h, "out of memory");
    return harness_start(h);
}

static void leave_behind(dw_harness *h)
{
    h->left_behind = left_behind;
    left_behind = h;
    harness_remove_database(h);
    if (current != h)
        return;
    log_set_fd(STDERR_FILENO);
    current = NULL;
}

static void take_along(dw_harness *h)
{
    for (dw_harness **at = &left_behind; *at; at = &(*at)->left_behind) {
        if (*at == h) {
            *at = h->left_behind;
            return;
        }
    }
}

/* ---- one after the other on one database ---- */

static const char *copy(dw_harness *h, const char *text)
{
    return text ? arena_copy(&h->arena, str_from(text)) : NULL;
}

static void take_over(dw_harness *h, dw_harness *before)
{
    h->database_folder = copy(h, before->database_folder);
    h->database_url = copy(h, before->database_name);
    h->process.tenant = copy(h, before->process.tenant);
    h->process.principal = copy(h, before->process.principal);
    h->clock_stands = before->clock_stands;
    h->now_us = before->now_us;
    h->passed_us = before->passed_us;
    h->connections_made = before->connections_made;
    before->database_folder = NULL; /* it stays where it is */
}

static dw_harness *before_of(const dw_harness_args *args)
{
    return args->struct_size >= offsetof(dw_harness_args, after) + sizeof(args->after) ? args->after : NULL;
}

int dw_harness_open_(dw_harness **out, const dw_harness_args *args)
{
    dw_harness *before = before_of(args), *h = *out = calloc(1, sizeof(*h));

    if (!h)
        return -1;
    h->log_fd = -1;
    h->patience_us = PATIENCE_US;
    h->answer = (dw_err){
        .struct_size = (uint32_t)sizeof(dw_err), .text = "", .detail = "", .said = "", .reason = ""
    };
    pthread_mutex_init(&h->lock, NULL);
    arena_init(&h->arena, NULL, 0, 0);
    arena_init(&h->peers, NULL, 0, 0);
    if (before) {
        take_over(h, before);
        dw_harness_close(before);
    }
    if (current) { /* a failed assertion jumps over the close */
        dw_harness_stop(current);
        leave_behind(current);
    }
    current = h;
    connection_gates_forget(); /* of the test before */
    return open_plugins(h, args);
}

const char *dw_harness_why(const dw_harness *h)
{
    return h && h->why.n ? buf_text((struct buf *)(uintptr_t)&h->why) : h ? "" : "out of memory";
}

struct harness_left harness_settle(dw_harness *h)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    int64_t until = clock_monotonic_us() + GOODBYE_US;

    for (;;) {
        unsigned exchanges = memory_transport_collect(h->transport);
        struct harness_left left = harness_left(h);
        if (left.calls + left.tokens + exchanges == 0 || clock_monotonic_us() >= until)
            return left;
        nanosleep(&pause, NULL);
    }
}

void dw_harness_stop(dw_harness *h)
{
    if (h->is_stopped)
        return;
    h->is_stopped = true;
    harness_stop(h);
    h->unanswered = harness_settle(h).tokens;
    harness_retire_tokens(h);
}

static void destroy(dw_harness *h)
{
    harness_fini(h);
    memory_transport_destroy(h->transport);
    channels_destroy(h->channels);
    client_destroy(h->client);
    harness_unload(h);
    schedules_destroy(h->process.schedules);
    jobs_destroy(h->process.jobs);
    harness_close_database(h);
    plugin_hooks_destroy(h->hooks);
    connectors_destroy(h->connectors);
    audit_destroy(h->process.audit);
    keyring_destroy(h->keyring);
    access_destroy(h->access);
    router_destroy(h->router);
    for (struct harness_json *kept = h->replies; kept; kept = kept->next)
        json_decref(kept->json);
    if (current == h) {
        log_set_fd(STDERR_FILENO);
        current = NULL;
    }
    if (h->log_fd >= 0)
        close(h->log_fd);
    buf_finish(&h->why);
    buf_finish(&h->log);
    arena_finish(&h->arena);
    arena_finish(&h->peers);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* On the standard error: the log goes with the harness. */
static void tell_left(const dw_harness *h, unsigned calls)
{
    if (current == h)
        log_set_fd(STDERR_FILENO);
    log_error("the plugin has left something open, or answered what its api.yaml does not say",
              LOG_TEXT("plugin", h->plugins ? h->plugins->descriptor->name : ""), LOG_NUMBER("calls", calls),
              LOG_NUMBER("unanswered", h->unanswered), LOG_NUMBER("wrong_replies", h->wrong_replies));
}

unsigned dw_harness_close(dw_harness *h)
{
    if (!h)
        return 0;
    while (h->followers)
        dw_harness_leave(h->followers);
    while (h->pending)
        dw_harness_abandon(h->pending);
    dw_harness_stop(h);
    unsigned calls = harness_settle(h).calls, left = calls + h->unanswered + h->wrong_replies;
    take_along(h);
    if (left > 0)
        tell_left(h, calls);
    if (calls > 0)
        leave_behind(h); /* somebody may still use what would be freed */
    else
        destroy(h);
    return left;
}
