/* note.h - what an admin does at the command line is written into the audit log: as done by the machine, under the name of
 * the account of the operating system. */
#ifndef CLI_NOTE_H
#define CLI_NOTE_H

#include "config/core_config.h"
#include "db/db.h"

struct cli_note {
    const char *action; /* "core.webhook.removed" */
    const char *tenant; /* NULL: none */
    const char *target; /* or NULL */
    dw_list values;
};

/* Around what the verb does, so that one is not there without the other:
 *
 *   int rc = cli_note_begin(session);
 *   if (rc >= 0)
 *       rc = webhook_remove(session, id);
 *   rc = cli_note_end(session, rc, &note);
 *
 * end rolls back when rc is an error, and writes nothing when the note is NULL; returns rc, or why it did not work. */
int cli_note_begin(struct db_session *s);
int cli_note_end(struct db_session *s, int rc, const struct cli_note *note);

/* For what is done outside of the database, afterwards: opens it. Where there is none yet, nothing is written; what goes
 * wrong is said, as a warning. */
void cli_note_alone(const struct core_config *core, const char *data_dir, const struct cli_note *note);

#endif
