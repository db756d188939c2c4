/* timesync - booked time arrives where it is billed, exactly once. README.md says where what is. */
#include "timesync.h"

#include "api.h"
#include "commands.h"
#include "runs.h"

static const dw_item items[] = {
    DW_ITEM(struct timesync_conf, keep_runs, .fallback = "90d",
            .help = "How long runs, and what they did step by step, are kept; 0: for ever"),
    DW_ITEM(struct timesync_conf, settle, .fallback = "0s", .max = 3600000000,
            .help = "How long after a request whose end is not known it may still take effect at the target: "
                    "longer than every "
                    "limit of the servers and proxies on its way, else timesheets may be doubled; 0: what "
                    "the connector says, 90s"),
    DW_ITEM(struct timesync_conf, second_look, .fallback = "10s", .max = 3600000000,
            .help =
                "How long after a notice of which nothing came its ticket is read once more: a source may "
                "tell of what it does not show yet"),
    { 0 },
};

static const dw_job_kind jobs[] = {
    { .name = "run", .run = run_job, .dead = run_dead, .timeout = "6h", .parallel = 32 },
    { .name = "work", .run = run_work_job, .dead = run_dead, .timeout = "6h", .parallel = 16 },
    { .name = "tick", .run = run_tick_job },
    { 0 },
};

static const dw_schedule schedules[] = {
    { .name = "tick", .job = "tick", .when = "every 1m" },
    { 0 },
};

static const dw_subscription subscriptions[] = {
    { "core.connection.changed", run_changed },
    { "core.connection.deleted", run_gone },
    { 0 },
};

static const dw_hook hooks[] = {
    { "core.connection_uses", run_uses, 50 },
    { 0 },
};

DOWEL_PLUGIN(.name = "timesync", .version = "0.1.0",
             .summary = "Booked time arrives where it is billed, exactly once", .license = "MIT",
             .conf = DW_ITEMS(struct timesync_conf, items), .jobs = jobs, .schedules = schedules,
             .subscriptions = subscriptions, .hooks = hooks, .operations = timesync_operations,
             .commands = timesync_commands);
