#include "refuse.h"

#include <string.h>

#include "instant.h"
#include "masters.h"
#include "refusal.h"
#include "sheet.h"

enum { SAID_SIZE = 600 };

/* A day is what dates of another zone may be off. */
#define DAY INT64_C(86400000000)

struct case_ {
    dw_call *c;
    dw_connection *conn;
    const struct attempt *a;
    const struct answer *answer;
    const char *said; /* Kimai's own words */
};

int refuse_exported(dw_call *c, const char *id)
{
    return dw_fail(c, DW_ECONFLICT, "this timesheet is exported, that is billed: it is not touched any more",
                   "timesheet", id, "reason", "LOCKED_OR_EXPORTED");
}

/* ---- sentences ---- */

static int refuse_project(const struct case_ *r)
{
    return dw_fail(
        r->c, DW_EINVALID,
        "Kimai does not take this project: it is hidden, ended, not begun, gone, or not open to the token",
        "project", r->a->sheet->project, "kimai", r->said, "reason", "PROJECT_OR_CUSTOMER_MISSING");
}

static int refuse_activity(const struct case_ *r)
{
    return dw_fail(
        r->c, DW_EINVALID,
        "Kimai does not take this activity: it is hidden, gone, of another project, or not open to the token",
        "activity", r->a->sheet->activity, "kimai", r->said, "reason", "UNMAPPED_ACTIVITY");
}

static int refuse_user(const struct case_ *r)
{
    return dw_fail(r->c, DW_EINVALID,
                   "Kimai does not take this user: disabled, gone, or not open to the token", "user",
                   r->a->sheet->user, "kimai", r->said, "reason", "UNMAPPED_USER");
}

static int refuse_budget(const struct case_ *r)
{
    return dw_fail(r->c, DW_ECONFLICT, "the budget is used up, and Kimai allows no overbooking", "kimai",
                   r->said, "reason", "BUDGET");
}

static int refuse_amount(const struct case_ *r)
{
    return dw_fail(r->c, DW_EINVALID, "Kimai takes no timesheet of this length", "kimai", r->said, "reason",
                   "INVALID_AMOUNT");
}

static int refuse_lockdown(const struct case_ *r)
{
    return dw_fail(r->c, DW_ECONFLICT, "the time lies in a period that is locked in Kimai", "kimai", r->said,
                   "reason", "LOCKDOWN");
}

static int refuse_otherwise(const struct case_ *r)
{
    return dw_fail(r->c, DW_EINVALID, "Kimai refuses the timesheet", "kimai", r->said, "status",
                   r->answer->status, "reason", "CREATION_ERROR");
}

/* ---- a member of the form ---- */

static int find_project(const struct case_ *r, const json_t **row)
{
    return master_find(r->c, r->conn, "/api/projects", r->a->sheet->project, row);
}

/* The project could be chosen now; and, if the time counts, for then. */
static int is_open(const struct case_ *r, const json_t *project)
{
    const json_t *customer;

    if (!project || !master_is_visible(project) || project_is_over(project, r->answer->clock))
        return 0;
    DW_TRY(master_find(r->c, r->conn, "/api/customers",
                       dw_format(r->c, "%lld", (long long)master_id(project, "customer")), &customer));
    return customer && master_is_visible(customer);
}

/* Its last day is over in UTC: where Kimai is it mostly is as well, and of one that may have ended its budget is not the news. */
static bool may_be_over(const struct case_ *r, const json_t *project)
{
    return project_is_over(project, (dw_time){ r->answer->clock.us + DAY });
}

/* A project that cannot be chosen, and one whose budget is used up, are refused at the same place. */
static int judge_project(const struct case_ *r)
{
    const json_t *project;
    int open;

    DW_TRY(find_project(r, &project));
    open = is_open(r, project);
    DW_TRY(open);
    if (!open || may_be_over(r, project) || refusal_names(r->answer->body, "activity"))
        return refuse_project(r);
    return refuse_budget(r);
}

static int judge_activity(const struct case_ *r)
{
    const json_t *activity, *project;
    int64_t of;

    DW_TRY(master_find(r->c, r->conn, "/api/activities", r->a->sheet->activity, &activity));
    if (!activity || !master_is_visible(activity))
        return refuse_activity(r);
    DW_TRY(find_project(r, &project));
    of = master_id(activity, "project");
    if (of != 0 ? of != master_id(project, "id")
                : json_is_false(json_object_get(project, "globalActivities")))
        return refuse_activity(r);
    return refuse_budget(r);
}

/* ---- the whole form ---- */

static bool was_sent(const struct case_ *r, const char *member)
{
    return json_object_get(r->a->body, member) && !refusal_knows(r->answer->body, member);
}

/* 0, or the refusal of a member that this token may not set. */
static int judge_extra(const struct case_ *r)
{
    if (was_sent(r, "user"))
        return dw_fail(r->c, DW_EDENIED,
                       "the token may not book for others; give the role of its owner the permission "
                       "create_other_timesheet",
                       "kimai", r->said, "reason", "CREATION_ERROR");
    if (was_sent(r, "billable"))
        return dw_fail(r->c, DW_EDENIED,
                       "the token may not say what is billable; give the role of its owner the permission "
                       "edit_billable_own_timesheet, or leave it to Kimai",
                       "kimai", r->said, "reason", "CREATION_ERROR");
    if (was_sent(r, "begin") || was_sent(r, "end"))
        return dw_fail(r->c, DW_EDENIED,
                       "Kimai lets this token set no times: its tracking mode is a punch clock; set the mode "
                       "to default, or give the role of its owner view_other_timesheet",
                       "kimai", r->said, "reason", "CREATION_ERROR");
    return 0;
}

static int judge_project_time(const struct case_ *r)
{
    const json_t *project;
    int open;

    DW_TRY(find_project(r, &project));
    open = is_open(r, project);
    DW_TRY(open);
    if (!open || !project_spans(project, r->a->sheet->begin) || !project_spans(project, r->a->sheet->end))
        return refuse_project(r);
    return 0;
}

static bool overlaps(const struct case_ *r, const json_t *row)
{
    const dw_timesheet *sheet = r->a->sheet;
    int64_t begin, end;

    if (instant_parse(json_string_value(json_object_get(row, "begin")), &begin) != 0)
        return false;
    if (instant_parse(json_string_value(json_object_get(row, "end")), &end) != 0)
        end = INT64_MAX; /* it runs */
    if (sheet->id && strcmp(sheet->id, dw_format(r->c, "%lld", (long long)master_id(row, "id"))) == 0)
        return false;
    return begin < sheet->end.us && end > sheet->begin.us;
}

/* One page of those that begin near it is enough to find one that is in the way. */
static int judge_overlap(const struct case_ *r)
{
    const dw_timesheet *sheet = r->a->sheet;
    char from[INSTANT_SIZE], to[INSTANT_SIZE];
    json_t *rows;

    instant_bare(sheet->begin.us - 3 * DAY, from);
    instant_bare(sheet->end.us + DAY, to);
    DW_TRY(ask_list(
        r->c, r->conn, "/api/timesheets",
        DW_LIST("user", sheet->user ? sheet->user : r->a->owner, "begin", from, "end", to, "size", 500),
        &rows));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (overlaps(r, row))
            return dw_fail(r->c, DW_ECONFLICT, "the user has a timesheet at this time already", "timesheet",
                           master_id(row, "id"), "kimai", r->said, "reason", "OVERLAP");
    }
    return 0;
}

/* Kimai's own settings: whether times may lie ahead, or over each other. */
static int judge_by_settings(const struct case_ *r)
{
    const dw_timesheet *sheet = r->a->sheet;
    bool future = true, overlapping = true;
    json_t *settings;

    DW_TRY(ask(r->c, r->conn, "/api/config/timesheet", (dw_list){ 0 }, &settings, NULL));
    DW_TRY(dw_json_read(r->c, settings, "isAllowFutureTimes", &future, "isAllowOverlapping", &overlapping));
    if (!future && (sheet->begin.us > r->answer->clock.us || sheet->end.us > r->answer->clock.us))
        return dw_fail(r->c, DW_ECONFLICT,
                       "the time lies ahead of Kimai's clock, and Kimai takes none that do", "kimai", r->said,
                       "reason", "FUTURE");
    return overlapping ? 0 : judge_overlap(r);
}

/* 1: Kimai refuses even a minute at that time. Asked with a form that cannot be stored, as there is no project 0; what is wrong with
 * the time is said all the same. */
static int is_time_refused(const struct case_ *r)
{
    const dw_time begin = r->a->sheet->begin;
    char from[INSTANT_SIZE], to[INSTANT_SIZE];
    struct answer a;
    int rc;

    instant_utc(begin.us, from);
    instant_utc(begin.us + INT64_C(60000000), to);
    rc = tell(
        r->c, r->conn, "POST", "/api/timesheets",
        dw_json(r->c, "begin", (const char *)from, "end", (const char *)to, "project", 0, "activity", 0), &a);
    if (a.status != 400 || !refusal_is_form(a.body))
        return rc < 0 ? rc : dw_fail(r->c, DW_EUPSTREAM, "Kimai took a timesheet without a project");
    return refusal_is_whole(a.body);
}

static int judge_whole(const struct case_ *r)
{
    const dw_timesheet *sheet = r->a->sheet;
    int refused;

    DW_TRY(judge_extra(r));
    if (sheet->begin.us / 1000000 == sheet->end.us / 1000000)
        return refuse_amount(r);
    DW_TRY(judge_by_settings(r));
    DW_TRY(judge_project_time(r));
    refused = is_time_refused(r);
    DW_TRY(refused);
    return refused ? refuse_lockdown(r) : refuse_amount(r);
}

/* ---- all of it ---- */

static int judge_form(const struct case_ *r)
{
    const json_t *body = r->answer->body;

    if (!refusal_is_form(body))
        return refuse_otherwise(r);
    if (refusal_is_whole(body)) /* before its members: a key too many makes them say little */
        return judge_whole(r);
    if (refusal_names(body, "user"))
        return refuse_user(r);
    if (refusal_names(body, "project"))
        return judge_project(r);
    return refusal_names(body, "activity") ? judge_activity(r) : refuse_otherwise(r);
}

/* The period is locked, or it is somebody else's. */
static int judge_right(const struct case_ *r)
{
    const char *user = r->a->sheet->user;
    const int refused = is_time_refused(r);
    const json_t *project;

    if (refused == 1)
        return refuse_lockdown(r);
    if (refused == DW_EDENIED)
        return dw_fail(r->c, DW_EDENIED,
                       "the token may write no timesheets; give the role of its owner the permission "
                       "create_own_timesheet",
                       "reason", "CREATION_ERROR");
    DW_TRY(refused);
    DW_TRY(find_project(r, &project));
    if (!project)
        return refuse_project(r);
    return dw_fail(r->c, DW_EDENIED,
                   "the token may not write this timesheet; for those of others the role of its owner needs "
                   "create_other_timesheet, edit_other_timesheet and delete_other_timesheet, and "
                   "view_all_data or the lead of their team",
                   "user", user ? user : r->a->owner, "reason", "CREATION_ERROR");
}

/* It was not exported, that was looked at; but may be since then. */
static int judge_forbidden(const struct case_ *r)
{
    dw_timesheet now = { 0 };

    if (r->a->sheet->id)
        DW_TRY(sheet_get(r->c, r->conn, r->a->sheet->id, &now));
    if (now.exported)
        return refuse_exported(r->c, now.id);
    return judge_right(r);
}

static int judge(const struct case_ *r, int rc)
{
    switch (r->answer->status) {
    case 400: return judge_form(r);
    case 403: return judge_forbidden(r);
    case 404:
        if (r->a->sheet->id)
            return dw_fail(r->c, DW_ENOTFOUND, "Kimai has no timesheet with this id", "id", r->a->sheet->id);
        return dw_fail(r->c, DW_EUPSTREAM,
                       "there is no Kimai at this address: it does not know what every Kimai has", "path",
                       "/api/timesheets");
    default: return rc;
    }
}

int refuse_sheet(dw_call *c, dw_connection *conn, const struct attempt *a, const struct answer *answer,
                 int rc)
{
    char said[SAID_SIZE] = "";
    const struct case_ r = { c, conn, a, answer, said };
    int why;

    if (rc == DW_EUNKNOWN || answer->status == 0 || answer->foreign)
        return rc;
    refusal_text(answer->body, said, sizeof(said));
    why = judge(&r, rc);
    /* What is asked on the way may fail as well; it stays refused, with what is known of it. */
    const bool is_refused = answer->status == 400 || answer->status == 403;
    if (is_refused && !*dw_error_of(c)->reason && why != DW_ECANCELLED && why != DW_ENOTFOUND)
        return refuse_otherwise(&r);
    return why;
}
