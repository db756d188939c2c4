/* list.c - which timesheets there are. */
#include <string.h>

#include "ask.h"
#include "instant.h"
#include "pages.h"
#include "sheet.h"
#include "text.h"

#define DAY INT64_C(86400000000)

struct listing {
    const dw_timesheet_query *query;
    dw_found *out;
};

static bool has_tag(const dw_timesheet *sheet, const char *tag)
{
    return sheet_has_tags(sheet, (dw_texts){ &tag, 1 });
}

/* Kimai finds more than it is asked for: its clock is somebody's local one, its search is a LIKE. */
static bool fits(const dw_timesheet *sheet, const dw_timesheet_query *q)
{
    if (q->id && strcmp(q->id, sheet->id) != 0)
        return false;
    if (q->begin_from.us != 0 && sheet->begin.us < q->begin_from.us)
        return false;
    if (q->begin_to.us != 0 && sheet->begin.us > q->begin_to.us)
        return false;
    if (q->tag && !has_tag(sheet, q->tag))
        return false;
    return !q->marker || text_begins(sheet->text, q->marker);
}

static int hand_over(const dw_timesheet *sheet, const struct listing *l)
{
    if (!fits(sheet, l->query))
        return 0;
    return dw_timesheet_add(l->out, .id = sheet->id, .project = sheet->project, .activity = sheet->activity,
                            .user = sheet->user, .text = sheet->text, .tags = sheet->tags,
                            .begin = sheet->begin, .end = sheet->end, .seconds = sheet->seconds,
                            .billable = sheet->billable, .exported = sheet->exported);
}

static int take(dw_call *c, const json_t *row, void *ud)
{
    dw_timesheet sheet;

    DW_TRY(sheet_read(c, row, &sheet));
    return hand_over(&sheet, ud);
}

/* ---- one ---- */

static int list_one(dw_call *c, dw_connection *conn, const struct listing *l)
{
    dw_timesheet sheet;
    const int rc = sheet_get(c, conn, l->query->id, &sheet);

    if (rc != DW_ENOTFOUND) {
        DW_TRY(rc);
        DW_TRY(hand_over(&sheet, l));
    }
    return dw_found_complete(l->out);
}

/* ---- many ---- */

/* A query's begin and end are on the clock of the token's owner, wherever that hangs: no zone is a day away from UTC. NULL: open. */
static const char *about(dw_call *c, dw_time t, int64_t widened)
{
    char text[INSTANT_SIZE];

    if (t.us == 0)
        return NULL;
    instant_bare(t.us + widened, text);
    return dw_copy(c, (dw_str){ text, strlen(text) });
}

static const char *term_of(dw_call *c, const char *marker)
{
    char term[TERM_SIZE];

    if (!marker)
        return NULL;
    text_term(marker, term);
    return *term ? dw_copy(c, (dw_str){ term, strlen(term) }) : NULL;
}

/* Kimai refuses to look for a tag that is hidden or not there: then all that the rest of the query finds is looked through. */
static int tag_to_ask(dw_call *c, dw_connection *conn, const char *tag, const char **out)
{
    json_t *names = NULL;

    *out = NULL;
    if (!tag)
        return 0;
    DW_TRY(ask_list(c, conn, "/api/tags", DW_LIST("name", tag), &names));
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name && strcmp(name, tag) == 0)
            *out = tag;
    }
    return 0;
}

/* What is changed there now has a time that is over here, if Kimai's clock is behind: it is looked back so much further. A clock that is
 * ahead needs nothing. */
static int changed_after(dw_call *c, dw_connection *conn, dw_time since, const char **out)
{
    json_t *body = NULL;
    struct answer a;
    int64_t behind;

    *out = NULL;
    if (since.us == 0)
        return 0;
    DW_TRY(ask(c, conn, "/api/version", (dw_list){ 0 }, &body, &a));
    behind = dw_now(c).us - a.clock.us;
    *out = about(c, since, behind > DW_MINUTES(1).us ? -behind : 0);
    return 0;
}

int kimai_list(dw_call *c, dw_connection *conn, const dw_timesheet_query *query, dw_found *out)
{
    struct listing l = { query, out };
    const char *tag, *after;

    if (query->id)
        return list_one(c, conn, &l);
    DW_TRY(tag_to_ask(c, conn, query->tag, &tag));
    DW_TRY(changed_after(c, conn, query->changed_since, &after));
    DW_TRY(pages_each(c, conn,
                      DW_LIST("user", "all", "begin", about(c, query->begin_from, -DAY), "end",
                              about(c, query->begin_to, DAY), "modified_after", after, "term",
                              term_of(c, query->marker), "tags[]", tag),
                      take, &l));
    return dw_found_complete(out);
}
