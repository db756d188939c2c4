/* inside.h - the harness's own state, shared by its files. */
#ifndef HARNESS_INSIDE_H
#define HARNESS_INSIDE_H

#include <dowel/harness.h>

#include "api/document.h"
#include "client/client.h"
#include "plugin/access.h"
#include "plugin/call.h"
#include "plugin/channels.h"
#include "plugin/connectors.h"
#include "plugin/descriptor.h"
#include "plugin/hooks.h"
#include "plugin/instance.h"
#include "plugin/library.h"
#include "plugin/routes.h"
#include "secure/keyring.h"
#include "transport.h"

/* What is sealed in one test can be unsealed in the next: a fixed key, which protects nothing. */
#define HARNESS_KEY "aGFybmVzcyBrZXksIG9mIG5vIHVzZSBlbHNld2hlcmU="

/* One plugin that was loaded, newest first. */
struct harness_plugin {
    struct harness_plugin *next;
    struct library *library;
    struct plugin_descriptor *descriptor;
    struct config *config;
    dw_instance *instance;
    struct api_document *document;
    struct plugin_routes *routes;
    bool has_init, has_started; /* so fini and stop are due */
};

/* JSON of a reply, kept until the harness closes. */
struct harness_json {
    struct harness_json *next;
    json_t *json;
};

/* A service or an answer that the test plays: an instance without a plugin. */
struct harness_stand_in {
    struct harness_stand_in *next;
    dw_instance *instance;
};

struct dw_harness {
    struct arena arena;
    struct buf why, log;
    int log_fd;

    struct plugin_process process;
    struct client *client;
    struct keyring *keyring;
    const char *database_url; /* NULL: SQLite in a folder of its own. Borrowed until it is open */
    struct address peer;      /* where requests come from */
    struct access *access;    /* knows the permissions that plugins declare */
    struct channels *channels;
    struct plugin_hooks *hooks;
    struct connectors *connectors;
    unsigned connections_made;
    struct router *router;
    struct memory_transport *transport;
    struct harness_plugin *plugins;
    struct harness_stand_in *stand_ins;
    struct harness_json *replies;
    dw_harness_follower *followers;
    dw_harness_pending *pending;
    dw_instance *asker; /* who asks in dw_harness_ask(); made when first needed */
    dw_err answer;      /* why it failed last */
    dw_harness *left_behind;
    const char *database_folder; /* NULL: none, or gone */
    const char *database_name;   /* its URL, also when it is open */
    int64_t patience_us;
    bool is_stopped;
    _Atomic unsigned wrong_replies;
    unsigned unanswered; /* tokens, when it was stopped */

    /* Guards what follows: the plugin's threads and the client's take steps and look at the clock too. */
    pthread_mutex_t lock;
    bool clock_stands;
    int64_t now_us, passed_us; /* passed: since it was opened, beside what really did */
    unsigned steps, fail_at;
    int fail_with;
    unsigned commits, repeat_at;
    unsigned crash_in; /* so many steps; 0: never */
    bool has_crashed;
    const char *failed_step;
    struct arena peers;            /* what upstream.c keeps */
    struct harness_canned *canned; /* in the order in which they were given */
    struct harness_asked *asked;   /* oldest first */
};

/* ---- harness.c ---- */

struct harness_left {
    unsigned calls, tokens;
};

/* Waits a little for the plugin's threads to let go of what they hold; what they keep is left. */
struct harness_left harness_settle(dw_harness *h);

/* ---- faults.c ---- */

int harness_fault(dw_call *c, const char *step, void *ud);

bool harness_spoils(dw_call *c, void *ud);

/* ---- database.c ---- */

/* 0, or -1 with h->why. Before the first plugin. */
int harness_open_database(dw_harness *h);

/* Applies what the plugin brings. 0, or -1 with h->why. */
int harness_migrate(dw_harness *h, const struct plugin_descriptor *d);

/* No call is open any more. remove: the files alone, of a harness that is left behind. */
void harness_close_database(dw_harness *h);
void harness_remove_database(dw_harness *h);

/* ---- upstream.c ---- */

bool harness_play(const struct client_asked *asked, struct client_played *out, void *ud);

/* ---- jobs.c ---- */

int harness_make_jobs(dw_harness *h);
int harness_make_schedules(dw_harness *h);

/* ---- audit.c ---- */

int harness_make_audit(dw_harness *h);

/* ---- load.c ---- */

/* Up to and with init; 0, or -1 with h->why. conf may be NULL. */
int harness_load(dw_harness *h, const char *path, const char *conf);
int harness_start(dw_harness *h);

/* The way back. */
void harness_stop(dw_harness *h);
void harness_retire_tokens(dw_harness *h);
void harness_fini(dw_harness *h);
void harness_unload(dw_harness *h);
struct harness_left harness_left(const dw_harness *h);

/* ---- stand_in.c ---- */

/* A call of the test's own, for the harness's tenant; what stays in its memory lives until the harness closes. NULL: out of memory. end
 * keeps why it failed, and returns rc. */
dw_call *harness_question_begin(dw_harness *h);
int harness_question_end(dw_harness *h, dw_call *c, int rc);

/* The test plays these, which end with { 0 }; *host is set for its functions. 0, or -1 with h->why. */
int harness_join_connectors(dw_harness *h, const dw_connector *connectors, const dw_host **host);

/* ---- said.c ---- */

/* The log goes into a file without a name from here on. 0 or -1. */
int harness_listen(dw_harness *h);

/* ---- request.c ---- */

/* NULL: it cannot be sent. */
struct memory_exchange *harness_send(dw_harness *h, const dw_harness_request_args *args);

#endif
