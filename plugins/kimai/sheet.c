#include "sheet.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ask.h"
#include "instant.h"
#include "text.h"

/* ---- reading ---- */

static int fail_sheet(dw_call *c, int64_t id)
{
    return dw_fail(c, DW_EUPSTREAM, "Kimai answered something that is no timesheet", "id", id);
}

/* A number, or with ?full=1 an object that has it. */
static const char *id_of(dw_call *c, const json_t *json)
{
    const json_t *id = json_is_object(json) ? json_object_get(json, "id") : json;

    return json_is_integer(id) ? dw_format(c, "%lld", (long long)json_integer_value(id)) : NULL;
}

static dw_texts read_tags(dw_call *c, const json_t *tags)
{
    const size_t n = json_array_size(tags);
    const char **v = dw_alloc(c, n * sizeof(*v));
    size_t used = 0;

    for (size_t i = 0; i < n; i++)
        if (json_is_string(json_array_get(tags, i)))
            v[used++] = json_string_value(json_array_get(tags, i));
    return (dw_texts){ v, used };
}

static bool read_times(const json_t *json, dw_timesheet *out)
{
    const json_t *end = json_object_get(json, "end");

    if (instant_parse(json_string_value(json_object_get(json, "begin")), &out->begin.us) != 0)
        return false;
    return !end || json_is_null(end) || instant_parse(json_string_value(end), &out->end.us) == 0;
}

static uint32_t read_billable(const json_t *json)
{
    const json_t *billable = json_object_get(json, "billable");

    if (!json_is_boolean(billable))
        return DW_BILLABLE_UNSAID;
    return json_is_true(billable) ? DW_BILLABLE_YES : DW_BILLABLE_NO;
}

int sheet_read(dw_call *c, const json_t *json, dw_timesheet *out)
{
    const json_t *exported = json_object_get(json, "exported");
    const json_int_t id = json_integer_value(json_object_get(json, "id"));

    *out = (dw_timesheet){ .struct_size = sizeof(*out) };
    if (id <= 0 || !json_is_boolean(exported) || !read_times(json, out))
        return fail_sheet(c, id);
    out->id = dw_format(c, "%lld", (long long)id);
    out->project = id_of(c, json_object_get(json, "project"));
    out->activity = id_of(c, json_object_get(json, "activity"));
    out->user = id_of(c, json_object_get(json, "user"));
    out->text = json_string_value(json_object_get(json, "description"));
    out->tags = read_tags(c, json_object_get(json, "tags"));
    out->seconds = json_integer_value(json_object_get(json, "duration"));
    out->billable = read_billable(json);
    out->exported = json_is_true(exported);
    return out->user ? 0 : fail_sheet(c, id);
}

int sheet_get(dw_call *c, dw_connection *conn, const char *id, dw_timesheet *out)
{
    json_t *body;
    int rc;

    if (!kimai_is_id(id))
        return dw_fail(c, DW_ENOTFOUND, "Kimai has no timesheet with this id", "id", id);
    rc = ask(c, conn, dw_format(c, "/api/timesheets/%s", id), (dw_list){ 0 }, &body, NULL);
    if (rc == DW_EDENIED)
        return dw_fail(c, rc,
                       "the token may not see this timesheet; give the role of its owner the permissions "
                       "view_other_timesheet and view_all_data",
                       "id", id);
    DW_TRY(rc);
    return sheet_read(c, body, out);
}

static bool has_tag(const dw_timesheet *sheet, const char *tag)
{
    for (size_t i = 0; i < sheet->tags.n; i++)
        if (strcasecmp(sheet->tags.v[i], tag) == 0)
            return true;
    return false;
}

bool sheet_has_tags(const dw_timesheet *sheet, dw_texts tags)
{
    for (size_t i = 0; i < tags.n; i++)
        if (!has_tag(sheet, tags.v[i]))
            return false;
    return true;
}

/* ---- writing ---- */

static bool differs(const char *wanted, const char *is)
{
    return wanted && (!is || strcmp(wanted, is) != 0);
}

static void set(json_t *body, const char *key, json_t *value, int *rc)
{
    if (json_object_set_new(body, key, value) != 0)
        *rc = -1;
}

static void set_id(json_t *body, const char *key, const char *wanted, const char *is, int *rc)
{
    if (differs(wanted, is))
        set(body, key, json_integer(strtoll(wanted, NULL, 10)), rc);
}

/* Both or none: Kimai refuses a begin that lies behind the end it still has. */
static void set_times(json_t *body, const dw_timesheet *wanted, const dw_timesheet *from, int *rc)
{
    const dw_time begin = wanted->begin.us || !from ? wanted->begin : from->begin;
    const dw_time end = wanted->end.us || !from ? wanted->end : from->end;
    char text[INSTANT_SIZE];

    if (from && begin.us == from->begin.us && end.us == from->end.us)
        return;
    instant_utc(begin.us, text);
    set(body, "begin", json_string(text), rc);
    if (end.us == 0)
        return; /* it still runs, and goes on */
    instant_utc(end.us, text);
    set(body, "end", json_string(text), rc);
}

static int set_text(dw_call *c, json_t *body, const dw_timesheet *wanted, const dw_timesheet *from, int *rc)
{
    ptrdiff_t n;

    if (!wanted->text)
        return 0;
    n = text_fitting(wanted->text, TEXT_MAX);
    if (n < 0)
        return dw_fail(c, DW_EINVALID, "the first line of the text is longer than Kimai can keep", "reason",
                       "CREATION_ERROR");
    while (n > 0 &&
           strchr(" \t\r\n", wanted->text[n - 1])) /* Kimai cuts them off, and they would differ for ever */
        n--;
    const char *text = dw_copy(c, (dw_str){ wanted->text, (size_t)n });
    if (!from || differs(text, from->text ? from->text : ""))
        set(body, "description", json_string(text), rc);
    return 0;
}

static void set_tags(dw_call *c, json_t *body, const dw_timesheet *wanted, const dw_timesheet *from, int *rc)
{
    dw_text *list;

    if (wanted->tags.n == 0 && !(from && wanted->tags_wanted))
        return;
    if (from && from->tags.n == wanted->tags.n && sheet_has_tags(from, wanted->tags))
        return;
    list = dw_text_new(c);
    for (size_t i = 0; i < wanted->tags.n; i++) {
        dw_text_add(list, i > 0 ? "," : NULL);
        dw_text_add(list, wanted->tags.v[i]);
    }
    set(body, "tags", json_string(dw_text_get(list).p), rc);
}

/* On the way out an id that is none is a mapping that is missing, which a person can settle. */
static int look_at_ids(dw_call *c, const dw_timesheet *wanted, bool is_new)
{
    if ((is_new || wanted->project) && !kimai_is_id(wanted->project))
        return dw_fail(c, DW_EINVALID, "this is no project of Kimai's", "project", wanted->project, "reason",
                       "PROJECT_OR_CUSTOMER_MISSING");
    if ((is_new || wanted->activity) && !kimai_is_id(wanted->activity))
        return dw_fail(c, DW_EINVALID, "this is no activity of Kimai's", "activity", wanted->activity,
                       "reason", "UNMAPPED_ACTIVITY");
    if (wanted->user && !kimai_is_id(wanted->user))
        return dw_fail(c, DW_EINVALID, "this is no user of Kimai's", "user", wanted->user, "reason",
                       "UNMAPPED_USER");
    return 0;
}

static int look_at_times(dw_call *c, const dw_timesheet *wanted, const dw_timesheet *from)
{
    const dw_time begin = wanted->begin.us || !from ? wanted->begin : from->begin;
    const dw_time end = wanted->end.us || !from ? wanted->end : from->end;

    if (!from &&
        (begin.us == 0 || end.us == 0)) /* without an end it would run, and stop what its user is at */
        return dw_fail(c, DW_EINVALID, "a timesheet needs a begin and an end", "reason", "INVALID_AMOUNT");
    if (end.us != 0 && end.us < begin.us)
        return dw_fail(c, DW_EINVALID, "the timesheet would end before it begins", "reason",
                       "INVALID_AMOUNT");
    return 0;
}

int sheet_body(dw_call *c, const dw_timesheet *wanted, const dw_timesheet *from, const char *owner,
               json_t **out)
{
    json_t *body = dw_json_own(c, json_object());
    int rc = body ? 0 : -1;

    DW_TRY(look_at_ids(c, wanted, !from));
    DW_TRY(look_at_times(c, wanted, from));
    set_times(body, wanted, from, &rc);
    set_id(body, "project", wanted->project, from ? from->project : NULL, &rc);
    set_id(body, "activity", wanted->activity, from ? from->activity : NULL, &rc);
    set_id(body, "user", wanted->user, from ? from->user : owner, &rc);
    DW_TRY(set_text(c, body, wanted, from, &rc));
    set_tags(c, body, wanted, from, &rc);
    if (wanted->billable != DW_BILLABLE_UNSAID && (!from || from->billable != wanted->billable))
        set(body, "billable", json_boolean(wanted->billable == DW_BILLABLE_YES), &rc);
    *out = body;
    return rc == 0 ? 0 : dw_fail(c, DW_ENOMEM, "no memory for a request, or a text that is not UTF-8");
}
