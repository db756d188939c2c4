/* scribe - a plugin of the black-box tests: does over a connection what it is told, as a sync would, and says what came of it. */
#include <dowel/dowel.h>

#include <string.h>

struct job {
    dw_connection *conn;
    const json_t *what;
    const char *listing;
    json_t *items; /* what came */
};

static const char *const billable_words[] = { NULL, "yes", "no" };

/* ---- what comes ---- */

static int keep(dw_call *c, struct job *job, json_t *item)
{
    if (!item || json_array_append(job->items, item) != 0)
        return dw_fail(c, DW_ENOMEM, "no memory");
    return 0;
}

static int keep_sheet(dw_call *c, const dw_timesheet *s, void *ud)
{
    json_t *tags = dw_json_own(c, json_array());

    for (size_t i = 0; i < s->tags.n; i++)
        if (json_array_append_new(tags, json_string(s->tags.v[i])) != 0)
            return dw_fail(c, DW_ENOMEM, "no memory");
    return keep(c, ud,
                dw_json(c, "id", s->id, "project", s->project, "activity", s->activity, "user", s->user,
                        "text", s->text, "tags", tags, "begin", s->begin, "end", s->end, "seconds",
                        s->seconds, "billable", billable_words[s->billable], "exported", s->exported));
}

static int keep_thing(dw_call *c, const dw_thing *t, void *ud)
{
    return keep(c, ud,
                dw_json(c, "id", t->id, "name", t->name, "number", t->number, "email", t->email, "parent",
                        t->parent, "inactive", t->inactive));
}

/* ---- what is done ---- */

static int list_sheets(dw_call *c, struct job *job)
{
    dw_timesheet_query q = { .struct_size = sizeof(q) };

    DW_TRY(dw_json_read(c, job->what, "id", &q.id, "marker", &q.marker, "begin_from", &q.begin_from,
                        "begin_to", &q.begin_to, "changed_since", &q.changed_since, "tag", &q.tag));
    return dw_timesheets_each(c, job->conn, &q, keep_sheet, job);
}

static int read_tags(dw_call *c, const json_t *list, dw_timesheet *out)
{
    const char **v = dw_alloc(c, json_array_size(list) * sizeof(*v));

    for (size_t i = 0; i < json_array_size(list); i++)
        v[i] = json_string_value(json_array_get(list, i));
    out->tags = (dw_texts){ v, json_array_size(list) };
    out->tags_wanted = list != NULL;
    return 0;
}

static int write_sheet(dw_call *c, struct job *job)
{
    dw_timesheet sheet = { .struct_size = sizeof(sheet) };
    const dw_timesheet *stored;
    const json_t *billable = json_object_get(job->what, "billable");

    DW_TRY(dw_json_read(c, job->what, "id", &sheet.id, "project", &sheet.project, "activity", &sheet.activity,
                        "user", &sheet.user, "text", &sheet.text, "begin", &sheet.begin, "end", &sheet.end));
    DW_TRY(read_tags(c, json_object_get(job->what, "tags"), &sheet));
    if (billable)
        sheet.billable = json_is_true(billable) ? DW_BILLABLE_YES : DW_BILLABLE_NO;
    DW_TRY(dw_timesheet_write(c, job->conn, &sheet, &stored));
    return keep_sheet(c, stored, job);
}

static int remove_sheet(dw_call *c, struct job *job)
{
    const char *id;

    DW_TRY(dw_json_read(c, job->what, "id!", &id));
    return dw_timesheet_remove(c, job->conn, id);
}

static int list_things(dw_call *c, struct job *job)
{
    dw_thing_query q = { .struct_size = sizeof(q) };

    DW_TRY(dw_json_read(c, job->what, "id", &q.id, "number", &q.number, "name", &q.name, "email", &q.email,
                        "parent", &q.parent, "term", &q.term, "inactive", &q.inactive));
    return dw_things_each(c, job->conn, job->listing, &q, keep_thing, job);
}

static int make_thing(dw_call *c, struct job *job)
{
    dw_thing wanted = { .struct_size = sizeof(wanted) };
    const dw_thing *made;

    DW_TRY(
        dw_json_read(c, job->what, "name", &wanted.name, "number", &wanted.number, "parent", &wanted.parent));
    DW_TRY(dw_thing_make(c, job->conn, job->listing, &wanted, &made));
    return keep_thing(c, made, job);
}

static const struct {
    const char *name;
    int (*run)(dw_call *c, struct job *job);
} doings[] = { { "sheets", list_sheets },
               { "write", write_sheet },
               { "remove", remove_sheet },
               { "things", list_things },
               { "make", make_thing } };

static int run(dw_call *c, const char *doing, struct job *job)
{
    for (size_t i = 0; i < sizeof(doings) / sizeof(*doings); i++)
        if (strcmp(doings[i].name, doing) == 0)
            return doings[i].run(c, job);
    return dw_fail(c, DW_EINVALID, "it does not know how");
}

static int tell(dw_call *c, dw_request *req)
{
    struct job job = { .items = dw_json_own(c, json_array()) };
    const char *id, *doing;
    json_t *what = NULL;
    int rc;

    DW_TRY(dw_request_read(req, "connection", &id, "do", &doing, "what", &what, "listing", &job.listing));
    job.what = what;
    rc = dw_connection_open(c, id, &job.conn);
    if (rc == 0)
        rc = run(c, doing, &job);
    if (rc < 0)
        return dw_reply(req, 200, "code", rc, "text", dw_error_of(c)->text, "reason", dw_error_of(c)->reason);
    return dw_reply(req, 200, "code", 0, "items", job.items);
}

static const dw_operation operations[] = {
    { "tellScribe", tell },
    { 0 },
};

DOWEL_PLUGIN(.name = "scribe", .version = "0.1.0", .summary = "Does what the tests tell it", .license = "MIT",
             .operations = operations);
