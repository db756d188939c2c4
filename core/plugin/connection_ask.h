/* connection_ask.h - the core itself asks connectors and whoever uses connections: for admins, in a call that it opens for that.
 *
 * `who` says for whom and until when: tenant, principal, identity, asker, is_asked, request_id, deadline_us; the rest is filled in
 * here. No transaction may be open. [a worker] */
#ifndef PLUGIN_CONNECTION_ASK_H
#define PLUGIN_CONNECTION_ASK_H

#include "connections/draft.h"
#include "plugin/call.h"

/* ---- can it work? ---- */

struct connection_checked {
    int state;                      /* enum dw_check_state */
    const char *name, *text, *said; /* said: in the language of who asks */
    const char *pairs;              /* a JSON object */
};

/* What came of a question; its memory ends with connection_answer_finish(). */
struct connection_answer {
    int code;           /* 0: it works */
    const char *text;   /* why not; never NULL */
    const char *said;   /* the same in the language of who asks */
    const char *reason; /* "" or a word for machines */
    const char *detail;
    struct problem_error *errors; /* "#/settings/token": what is wrong there, in the language of who asks */
    size_t errors_n;
    struct connection_checked *checks; /* what was looked at, in its order */
    size_t checks_n;
    int64_t took_us;
    struct arena arena;
};

/* Runs the connector's check() over a draft without faults, saved or not. 0, or DW_ENOMEM, DW_EUNAVAILABLE: then nothing was asked. What
 * was found is in the answer. Notes the health where the draft is what is kept: do it yourself after you have saved it. */
int connection_check(const struct plugin_process *process, const struct connection_draft *draft,
                     const struct call_options *who, struct connection_answer *out);
void connection_answer_finish(struct connection_answer *a);

/* ---- what can be listed there ---- */

/* dw_things_each() for the console: take(ud, thing) for each that fits, at most `limit`; more than 0 stops, less is an error.
 * How many, or the error, with all else in the answer. */
struct connection_list {
    const char *id, *listing;
    const dw_thing_query *query; /* NULL: all */
    int64_t limit;               /* 0: all */
};
int connection_things(const struct plugin_process *process, const struct connection_list *list,
                      const struct call_options *who, int (*take)(void *ud, const dw_thing *thing), void *ud,
                      struct connection_answer *out);

/* ---- what hangs on it ---- */

/* Asks the hook "core.connection_uses": take(ud, use, plugin) for each. How many, or an error: then nobody knows what hangs on it. */
int connection_uses(const struct plugin_process *process, const char *id, const struct call_options *who,
                    int (*take)(void *ud, const dw_connection_use *use, const char *plugin), void *ud,
                    struct connection_answer *out);

#endif
