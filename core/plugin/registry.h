/* registry.h - the plugins of this process: loaded, started, stopped.
 *
 * What is wrong with one plugin declines that plugin, with a reason an admin understands; the others load. What became of
 * each is told to the log, /readyz, /metrics and DATA/plugins/state.json. [main thread] */
#ifndef PLUGIN_REGISTRY_H
#define PLUGIN_REGISTRY_H

#include "http/router.h"
#include "plugin/instance.h"
#include "plugin/plan.h"

struct registry_options {
    const struct catalog *catalog; /* in which the enabled ones were looked at */
    const char *data_dir;
    struct config *config; /* the server's snapshot: which are enabled; their files are still raw */
    const struct config_source *source; /* to read the configuration again with the plugins' tables */
    const struct plugin_process *process;
    const struct migrate_options *migrate; /* NULL: there is no database, and who needs it is declined */
    const char *const
        *words;            /* the server's own verbs: no command begins with one; NULL at the end, or NULL */
    const dw_command *own; /* those of them that are called as plugins' are; NULL: none */
    size_t own_n;
    bool is_passing; /* it lives for one command: what became of the plugins is not told */
    bool
        may_refuse; /* another process serves and goes on when this one does not: what works there must work here */
};

struct registry;

/* Opens the enabled ones, up to and with init and their migrations. All options are borrowed until registry_destroy(). 0; a plugin that conf.d
 * requires and that does not work makes -1 with everything that is wrong in why. */
int registry_create(struct registry **out, const struct registry_options *options, struct buf *why);

/* Mounts their routes; a clash declines the later one. As above. */
int registry_mount(struct registry *r, struct router *router, struct buf *why);

/* Calls start, in order; and then tells what became of each. As above; with may_refuse also -1 for an enabled plugin that
 * the process which serves has loaded, and that would be missing here. */
int registry_start(struct registry *r, struct buf *why);

/* Writes down that those are there who subscribe to events. After start: 0, or a code with its text in db_error_of().
 * [any thread] */
struct db_session;
int registry_announce(const struct registry *r, struct db_session *s, int64_t now_us);

/* The command whose words the texts begin with, its plugin and how many words those are; NULL: neither the server itself nor one of
 * the plugins that are well has it. After start. [any thread] */
const dw_command *registry_command(const struct registry *r, size_t argc, const char *const *argv,
                                   dw_instance **out, size_t *words);

/* When no handler runs any more: completes what they have detached, calls stop and fini, in reverse order. False when
 * threads of a plugin still hold calls, which the log has been told: then nothing that a plugin may use can be freed, and
 * the process should end as it is. True for NULL. */
bool registry_stop(struct registry *r);

/* After registry_stop() was true, and the server of the routes is gone. What was opened stays open. NULL is safe. */
void registry_destroy(struct registry *r);

/* The snapshot in which the plugins' items have been read as well. Borrowed. */
struct config *registry_config(struct registry *r);

/* The contracts of those that are well, in the arena, with room for some more: how many, or -1 when memory is out. After
 * mount. */
enum { REGISTRY_CONTRACTS_ROOM = 2 };
struct api_source;
int registry_contracts(const struct registry *r, struct arena *arena, struct api_source **out);

/* All that are known, sorted by name. Borrowed until destroy. */
const struct plan *registry_plan(const struct registry *r);

/* ---- DATA/plugins/state.json, for the command line ----
 *
 *   {"version": 1, "pid": 17, "plugins": [{"name": "notes", "version": "1.0.0", "summary": "", "path": "/...",
 *    "state": "loaded", "required": false, "why": "", "hash": "ab12..."}]} */

#define PLUGIN_STATE_FILE "state.json"

/* One line of it, or of what would be; a new object, NULL when memory is out. */
json_t *registry_describe(const struct plan_plugin *p);

#endif
