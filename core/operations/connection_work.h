/* connection_work.h - what admins do with connections, over HTTP and on the command line alike: made, changed, enabled, removed,
 * with their test before and all that has to happen beside (the source of their webhooks, the audit log, events).
 *
 *   struct connection_work w = { .process = p, .s = s, .who = who, ... };
 *   struct connection_change change;
 *   rc = connection_change_prepare(&w, &given, untested, &change);   asks the outside: no transaction is open
 *   if (rc == 0) {
 *       DW_TRY(begin); rc = connection_change_store(&w, &change); reply; commit; connection_change_committed(&change);
 *   }
 *   connection_change_finish(&change);
 *
 * Results are 0 or more, or codes of enum dw_error, whose text is in *why, or else in db_error_of(). [a worker] */
#ifndef OPERATIONS_CONNECTION_WORK_H
#define OPERATIONS_CONNECTION_WORK_H

#include <jansson.h>

#include "connections/draft.h"
#include "events/inbox.h"
#include "plugin/connection_ask.h"
#include "plugin/connectors.h"

/* For whom and with what. All borrowed. */
struct connection_work {
    const struct plugin_process *process;
    struct db_session *s;
    struct call_options who; /* who asks connectors, and until when */
    int64_t now_us;
    struct buf *why;
    /* Into the audit log, in the open transaction. 0, or an error. */
    int (*note)(void *ud, const char *action, const char *target, dw_list values);
    void *note_ud;
};

/* ---- made or changed ---- */

struct connection_change {
    const struct connection_given *given;
    json_t *before; /* as it is kept; NULL: it is a new one */
    struct connection_draft *draft;
    struct connection_answer answer;
    bool was_tested;
    char secret[INBOX_SECRET_SIZE]; /* of its webhooks, to be shown once; "": none was made */
};

/* What it would be, tested unless nothing of it could break or `untested` says so. 0: it can be stored. DW_EINVALID or DW_EDENIED
 * with faults in out->draft: they say what is wrong with what was given. DW_EINVALID with out->answer.code < 0: it does not
 * work. Finish it in each case. */
int connection_change_prepare(struct connection_work *w, const struct connection_given *given, bool untested,
                              struct connection_change *out);

/* The same without ever being stored: always tested, 0 also when it does not work. Where nothing was given, and it is what is kept
 * that was tested, its health is noted, in a transaction of its own. */
int connection_change_try(struct connection_work *w, const struct connection_given *given,
                          struct connection_change *out);

/* In the open transaction. Afterwards change->draft->is has its id and version. */
int connection_change_store(struct connection_work *w, struct connection_change *change);

/* It was committed: what was known of the way there is over where that is another one now. */
void connection_change_committed(const struct connection_change *change);
void connection_change_finish(struct connection_change *change);

/* ---- for what nothing has to be looked at: in the open transaction ---- */

/* Its version. */
int64_t connection_work_enable(struct connection_work *w, const struct connection_ref *ref, bool enabled);

/* `uses` is what would be left hanging, for the audit log; NULL: nothing. */
int connection_work_remove(struct connection_work *w, const struct connection_ref *ref, json_t *uses);

/* Another secret for its webhooks; made unless it is given. DW_ECONFLICT: its kind has none. */
int connection_work_add_secret(struct connection_work *w, const char *tenant, const char *id,
                               const char *given, char secret[INBOX_SECRET_SIZE]);
int connection_work_drop_secrets(struct connection_work *w, const char *tenant, const char *id);

/* ---- asking: no transaction is open ---- */

/* DW_ENOTFOUND when the tenant has none of that id. */
int connection_work_find(struct connection_work *w, const char *tenant, const char *id);

/* A list of what would be left hanging, new; it is the caller's. An error: nobody knows. */
int connection_work_uses(struct connection_work *w, const char *id, json_t **out);

/* Few at a time, as each waits for a stranger and holds a worker meanwhile: 0, or DW_ERATE with a sentence. */
int connection_work_enter(struct connection_work *w);
void connection_work_leave(void);

#endif
