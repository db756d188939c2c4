/* instance.h - one loaded plugin, and what all plugins of a process share. For the modules of core/plugin. */
#ifndef PLUGIN_INSTANCE_H
#define PLUGIN_INSTANCE_H

#include <dowel/dowel.h>
#include <jansson.h>
#include <stdatomic.h>

#include "config/config.h"
#include "util/buf.h"

struct access;
struct activity;
struct audit;
struct channels;
struct client;
struct command_entry;
struct connectors;
struct counters;
struct db;
struct instance_label;
struct jobs;
struct keyring;
struct metric;
struct plugin_descriptor;
struct plugin_hooks;
struct schedules;

/* What the process lends its plugins. All borrowed; a NULL part answers DW_EUNAVAILABLE. The clocks are the harness's
 * way to set the time. */
struct plugin_process {
    struct access *access; /* who asks, and what they may */
    struct client *client;
    struct keyring *keyring;
    struct channels *channels;
    struct plugin_hooks *hooks;    /* who answers and serves what */
    struct connectors *connectors; /* the kinds of connections that there are */
    struct db *db;
    struct audit *audit;
    struct jobs *jobs;
    struct schedules *schedules;
    int64_t (*wall_us)(void *ud);           /* NULL: clock_wall_us */
    int64_t (*monotonic_us)(void *ud);      /* NULL: clock_monotonic_us */
    void (*sleep_us)(void *ud, int64_t us); /* instead of waiting in dw_sleep; NULL: waits */
    void *clock_ud;
    bool
        says_who; /* nobody is asked who asks: the harness says so here. permissions: NULL: all; ends with NULL */
    const char *tenant, *principal;
    const char *const *permissions;
    /* Asked before each step that can fail: an error is what the step then returns. NULL but in the harness. */
    int (*fault)(dw_call *c, const char *step, void *ud);
    void *fault_ud;
    /* Asked before a commit: true rolls back, as if the engine wanted the transaction repeated. NULL but in the harness;
     * gets fault_ud. */
    bool (*spoils)(dw_call *c, void *ud);
    /* Sees every log line of a plugin before it is written. NULL but in the harness. */
    void (*logged)(dw_instance *instance, int level, const char *text, dw_list pairs, void *ud);
    void *logged_ud;
    bool check_replies;              /* each reply of an operation is held against its api.yaml */
    _Atomic unsigned *wrong_replies; /* counted where they are; NULL but in the harness */
    size_t call_memory_max;          /* bytes of one call; 0: 64 MiB */
    int64_t
        token_grace_us; /* after a detached request's deadline, until its token is told to be lost; 0: 10 s */
};

/* Who may be asked for it: see dowel/call.h. Made by the registry before init; over after fini, but its memory stays: a
 * plugin is never unloaded, and a thread that it forgot may come with it at any time. */
struct dw_instance {
    _Atomic uint32_t magic;
    const char *name;                           /* the descriptor's */
    const struct plugin_descriptor *descriptor; /* host-sized copies */
    const struct plugin_process *process;
    void *self;                          /* descriptor->self_size zeroed bytes, or NULL */
    struct config *config;               /* held */
    const void *conf;                    /* the plugin's struct in it, or NULL */
    json_t *german;                      /* see words.h; NULL: it speaks English only */
    _Atomic unsigned calls;              /* open now */
    _Atomic bool stopping;               /* no new calls for its own threads */
    _Atomic bool missing;                /* it was quarantined or stopped: nobody may ask it any more */
    _Atomic size_t memory_peak;          /* of one call, bytes */
    _Atomic int64_t stray_told_us;       /* when the log last told of a misused call */
    _Atomic(struct counters *) counters; /* of dw_count; NULL: none yet */
    struct {
        struct metric *memory_peak, *calls, *failures, *misuses, *tokens_lost, *system_calls, *repeats;
    } metrics; /* labelled plugin="name" */
    struct {
        _Atomic(struct instance_label *) first;
        _Atomic unsigned n;
    } labels;                       /* of instance_label() */
    struct command_entry *commands; /* of commands_register(), one for each of the descriptor's; NULL: none */
    dw_instance *older;             /* of those that are over */
};

enum { INSTANCE_MAGIC = 0x64776931, INSTANCE_OVER = 0x64776930, INSTANCE_LABELS_MAX = 64 };

/* Makes the state of a plugin whose descriptor was read, and gives the plugin its tables; none of its code runs. The
 * descriptor and the process are borrowed. 0, or -1 when memory is out. [main thread, as all below] */
int instance_create(dw_instance **out, const struct plugin_descriptor *d,
                    const struct plugin_process *process);

/* Takes a snapshot in which the plugin's items have been read, under its name. */
void instance_configure(dw_instance *i, struct config *config);

/* Runs the descriptor's callback of that name, if there is one, in a call of its own. 0, or -1 with what the plugin said
 * about it added to why: "init: cannot open the folder (folder: /srv/in)". Its check is settings_check()'s. */
enum instance_step { INSTANCE_INIT, INSTANCE_START, INSTANCE_STOP, INSTANCE_FINI };
int instance_run(dw_instance *i, enum instance_step step, struct buf *why);

/* The label (supervise/activity.h) of what the plugin's own thread says that it does. All plugins share one table of them,
 * so one that says something else each time has only INSTANCE_LABELS_MAX of its own; the rest is its "own thread". Without
 * a lock for what was said before. [any thread] */
uint32_t instance_label(dw_instance *i, const char *what);

/* No callback of the plugin runs any more. NULL is safe. */
void instance_destroy(dw_instance *i);

#endif
