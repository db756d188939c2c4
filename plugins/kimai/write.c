/* write.c - making, changing and removing timesheets. */
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "known.h"
#include "refuse.h"
#include "sheet.h"
#include "tags.h"

/* No rounding moves a begin by an hour, and no zone is nearer to UTC than that. */
#define MISREAD INT64_C(3600000000)

/* ---- after writing ---- */

static int send_sheet(dw_call *c, dw_connection *conn, const struct attempt *a, dw_timesheet *stored)
{
    const char *id = a->sheet->id;
    const char *path = id ? dw_format(c, "/api/timesheets/%s", id) : "/api/timesheets";
    struct answer answer;
    const int rc = tell(c, conn, id ? "PATCH" : "POST", path, a->body, &answer);

    if (rc < 0)
        return refuse_sheet(c, conn, a, &answer, rc);
    if (sheet_read(c, answer.body, stored) < 0)
        return dw_fail(c, DW_EUNKNOWN,
                       "Kimai answered something that is no timesheet, and may have stored one; look there "
                       "before it is tried again",
                       "request", path);
    return 0;
}

/* Whatever it says, what was stored may still be there. */
static int take_back(dw_call *c, dw_connection *conn, const char *id)
{
    struct answer answer;
    const int rc = tell(c, conn, "DELETE", dw_format(c, "/api/timesheets/%s", id), NULL, &answer);

    if (rc == 0 || rc == DW_ENOTFOUND)
        return 0;
    return dw_fail(
        c, DW_EUNKNOWN,
        "Kimai stored another time than it was told, and does not take the timesheet back; remove it "
        "there",
        "timesheet", id, "why", dw_error_of(c)->text);
}

/* Times that Kimai read on a clock of its own would go wrong one after the other: the first one is taken back. */
static int check_times(dw_call *c, dw_connection *conn, const dw_timesheet *wanted,
                       const dw_timesheet *stored)
{
    if (wanted->begin.us == 0 || llabs(stored->begin.us - wanted->begin.us) < MISREAD)
        return 0;
    if (!wanted->id)
        DW_TRY(take_back(c, conn, stored->id));
    return dw_fail(c, DW_EUPSTREAM,
                   "Kimai stored another time than it was told, so it does not understand times with a Z; "
                   "nothing more can be written to this version",
                   "told", wanted->begin, "stored", stored->begin, "reason", "CREATION_ERROR");
}

/* Tags that somebody removed after this process had seen them. The timesheet is there in any case, and says what it has. */
static void complete_tags(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, dw_timesheet *stored)
{
    const dw_timesheet tags = { .tags = wanted->tags, .tags_wanted = wanted->tags_wanted };
    struct attempt a = { .sheet = stored, .owner = stored->user };
    json_t *body = NULL;
    dw_timesheet again;
    int rc;

    if (sheet_has_tags(stored, wanted->tags))
        return;
    rc = tags_make_again(c, conn, wanted->tags);
    if (rc == 0)
        rc = sheet_body(c, &tags, stored, stored->user, &body);
    a.body = body;
    if (rc == 0)
        rc = send_sheet(c, conn, &a, &again);
    if (rc == 0)
        *stored = again;
    if (rc < 0 || !sheet_has_tags(stored, wanted->tags))
        dw_warn(c, "Kimai dropped tags of a timesheet", "timesheet", stored->id, "why",
                rc < 0 ? dw_error_of(c)->text : "they are not in its answer");
}

/* ---- making ---- */

static int make(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, const char *owner,
                dw_timesheet *stored)
{
    struct attempt a = { .sheet = wanted, .owner = owner };
    json_t *body;

    DW_TRY(sheet_body(c, wanted, NULL, owner, &body));
    a.body = body;
    DW_TRY(not_yet(c, tags_make(c, conn, wanted->tags)));
    DW_TRY(send_sheet(c, conn, &a, stored));
    DW_TRY(check_times(c, conn, wanted, stored));
    complete_tags(c, conn, wanted, stored);
    return 0;
}

/* ---- changing ---- */

/* What it will be, for whoever has to say why it cannot. */
static dw_timesheet merge(const dw_timesheet *wanted, const dw_timesheet *from)
{
    dw_timesheet sheet = *from;

    sheet.project = wanted->project ? wanted->project : from->project;
    sheet.activity = wanted->activity ? wanted->activity : from->activity;
    sheet.user = wanted->user ? wanted->user : from->user;
    sheet.begin = wanted->begin.us ? wanted->begin : from->begin;
    sheet.end = wanted->end.us ? wanted->end : from->end;
    return sheet;
}

static int change(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, const char *owner,
                  dw_timesheet *stored)
{
    dw_timesheet from, sheet;
    struct attempt a = { .owner = owner };
    json_t *body;

    DW_TRY(not_yet(c, sheet_get(c, conn, wanted->id, &from)));
    if (from.exported)
        return refuse_exported(c, from.id);
    DW_TRY(sheet_body(c, wanted, &from, owner, &body));
    *stored = from;
    if (json_object_size(body) == 0)
        return 0;
    DW_TRY(not_yet(c, tags_make(c, conn, wanted->tags)));
    sheet = merge(wanted, &from);
    a.sheet = &sheet;
    a.body = body;
    DW_TRY(send_sheet(c, conn, &a, stored));
    if (stored->exported)
        dw_error(c, "a timesheet was exported in the moment in which it was changed", "timesheet",
                 stored->id);
    DW_TRY(check_times(c, conn, wanted, stored));
    complete_tags(c, conn, wanted, stored);
    return 0;
}

int kimai_write(dw_call *c, dw_connection *conn, const dw_timesheet *wanted, dw_timesheet *stored)
{
    const char *owner;

    DW_TRY(not_yet(c, known_owner(c, conn, &owner)));
    return wanted->id ? change(c, conn, wanted, owner, stored) : make(c, conn, wanted, owner, stored);
}

/* ---- removing ---- */

int kimai_remove(dw_call *c, dw_connection *conn, const char *id)
{
    dw_timesheet sheet;
    struct attempt a = { .sheet = &sheet };
    struct answer answer;
    int rc = not_yet(c, sheet_get(c, conn, id, &sheet));

    if (rc == DW_ENOTFOUND)
        return 0;
    DW_TRY(rc);
    if (sheet.exported)
        return refuse_exported(c, id);
    DW_TRY(not_yet(c, known_owner(c, conn, &a.owner)));
    rc = tell(c, conn, "DELETE", dw_format(c, "/api/timesheets/%s", id), NULL, &answer);
    if (rc == DW_ENOTFOUND)
        return 0; /* somebody was quicker, or our own first try */
    return rc < 0 ? refuse_sheet(c, conn, &a, &answer, rc) : 0;
}
