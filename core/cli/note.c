#include "cli/note.h"

#include <stdio.h>

#include "audit/audit.h"
#include "cli/database.h"
#include "util/clock.h"

static int write_note(struct db_session *s, const struct cli_note *note)
{
    char account[AUDIT_TEXT_MAX + 1];
    const char *wrong;
    const struct audit_record record = {
        .actor = audit_machine(account),
        .tenant = note->tenant,
        .plugin = "core",
        .action = note->action,
        .target = note->target,
        .values = note->values,
        .at_us = clock_wall_us(),
    };
    int rc = audit_record(NULL, s, &record, &wrong);

    if (rc < 0 && wrong)
        fprintf(stderr, "%s: it cannot be written into the audit log: %s\n", note->action, wrong);
    return rc;
}

int cli_note_begin(struct db_session *s)
{
    return db_begin(s);
}

int cli_note_end(struct db_session *s, int rc, const struct cli_note *note)
{
    int done = rc;

    if (rc >= 0 && note)
        rc = write_note(s, note);
    if (rc >= 0)
        rc = db_commit(s);
    if (rc < 0)
        db_rollback(s); /* what failed first is what counts */
    return rc < 0 ? rc : done;
}

static int note_in(struct db *db, const struct cli_note *note, struct buf *why)
{
    const struct db_who who = { .owner = "core", .now_us = clock_wall_us() };
    struct db_session *s;

    if (db_session_create(&s, db, &who) != 0) {
        buf_add_text(why, "out of memory");
        return DW_ENOMEM;
    }
    int rc = db_begin(s);
    if (rc >= 0)
        rc = cli_note_end(s, rc, note);
    if (rc < 0)
        buf_add_text(why, db_error_of(s)->text);
    db_session_destroy(s);
    return rc;
}

void cli_note_alone(const struct core_config *core, const char *data_dir, const struct cli_note *note)
{
    struct database_place place;
    struct buf why = BUF_INIT;
    struct db *db = NULL;
    int rc;

    database_find(&place, core, data_dir);
    if (!database_exists(&place))
        return;
    rc = db_open(&db, &place.options, &why);
    if (rc == 0)
        rc = note_in(db, note, &why);
    if (rc < 0)
        fprintf(stderr, "this is not in the audit log, because it could not be written: %s\n",
                buf_text(&why));
    db_close(db);
    buf_finish(&why);
}
