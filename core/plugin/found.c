#include "plugin/found.h"

#include <string.h>

#include "plugin/call_db.h"
#include "plugin/kept.h"
#include "supervise/activity.h"

/* Beyond these a text is taken for a mistake: whoever asked would have to keep it. */
enum { ID_MAX = 200, LINE_MAX_BYTES = 4000, TEXT_MAX_BYTES = 1 << 20, TAGS_MAX = 1000 };

static const char *const step_of[] = {
    [FOUND_THINGS] = "dw_thing_add",
    [FOUND_ENTRIES] = "dw_entry_add",
    [FOUND_TIMESHEETS] = "dw_timesheet_add",
    [FOUND_USES] = "dw_connection_used",
};

/* ---- one list ---- */

static struct kept_pool pool = KEPT_POOL(dw_found);

dw_found *found_open(enum found_of of, dw_call *asker)
{
    dw_found *f = kept_take(&pool);

    if (!f)
        return NULL;
    f->of = of;
    f->asker = asker;
    return f;
}

void found_close(dw_found *f)
{
    kept_give(&pool, f);
}

/* ---- sizes ---- */

void found_take(union found_room *room, const void *from, size_t size)
{
    uint32_t has = 0;

    memset(room, 0, sizeof(*room));
    if (from)
        memcpy(&has, from, sizeof(has));
    if (has > 0)
        memcpy(room, from, has < size ? has : size);
    has = (uint32_t)size;
    memcpy(room, &has, sizeof(has));
}

/* ---- what is wrong with one ---- */

/* Too long, or nothing that a database or JSON takes. */
static bool is_bad(const char *text, size_t max)
{
    size_t n = text ? strnlen(text, max + 1) : 0;

    return n > max || !str_is_utf8(str_make(text ? text : "", n));
}

static bool is_bad_id(const char *id)
{
    return is_bad(id, ID_MAX) || (id && !*id);
}

static bool any_is_bad(const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_bad(texts[i], LINE_MAX_BYTES))
            return true;
    }
    return false;
}

static const char bad_text[] =
    "with a text that is not UTF-8 or too long: ids have at most 200 bytes, names 4,000, texts 1 MiB";

const char *thing_wrong(const dw_thing *t)
{
    const char *const lines[] = { t->name, t->number, t->email };

    if (!t->id || !*t->id)
        return "without an id";
    if (!t->name)
        return "without a name";
    if (is_bad_id(t->id) || is_bad(t->parent, ID_MAX) || any_is_bad(lines, DW_COUNT_OF(lines)))
        return bad_text;
    return NULL;
}

static const char *entry_wrong(const dw_entry *e, const dw_entry_query *q)
{
    const char *const lines[] = { e->ticket_number, e->ticket_title,  e->customer_name, e->agent_email,
                                  e->agent_name,    e->activity_name, e->url,           e->amount };

    if (!e->id || !*e->id)
        return "without an id";
    if (!e->ticket || !*e->ticket)
        return "without a ticket";
    if (is_bad_id(e->id) || is_bad_id(e->ticket) || is_bad(e->customer, ID_MAX) || is_bad(e->agent, ID_MAX) ||
        is_bad(e->activity, ID_MAX) || is_bad(e->merged_into, ID_MAX) ||
        any_is_bad(lines, DW_COUNT_OF(lines)) || is_bad(e->text, TEXT_MAX_BYTES))
        return bad_text;
    if (q && q->ids_only)
        return NULL;
    if (!e->amount)
        return "without an amount";
    if (e->begin.us == 0 && e->end.us == 0 && e->created.us == 0)
        return "without a time: one of begin, end and created is needed";
    return e->unit > DW_UNIT_HOURS ? "with a unit that is none of enum dw_unit" : NULL;
}

const char *timesheet_wrong(const dw_timesheet *s)
{
    if (!s->id || !*s->id)
        return "without an id";
    if (is_bad_id(s->id) || is_bad(s->project, ID_MAX) || is_bad(s->activity, ID_MAX) ||
        is_bad(s->user, ID_MAX) || is_bad(s->text, TEXT_MAX_BYTES))
        return bad_text;
    if (s->tags.n > TAGS_MAX || (s->tags.n > 0 && !s->tags.v))
        return "with more than 1,000 tags, or a number of tags and none";
    for (size_t i = 0; i < s->tags.n; i++) {
        if (!s->tags.v[i] || is_bad(s->tags.v[i], LINE_MAX_BYTES))
            return "with a tag that is NULL or too long";
    }
    return s->billable > DW_BILLABLE_NO ? "with a billable that is none of enum dw_billable" : NULL;
}

static const char *use_wrong(const dw_connection_use *u)
{
    const char *const lines[] = { u->what, u->name };

    if (!u->what || !u->id || !u->name)
        return "without what it is, its id or its name";
    return is_bad(u->id, ID_MAX) || any_is_bad(lines, DW_COUNT_OF(lines)) ? bad_text : NULL;
}

/* ---- handing over ---- */

static int refuse(dw_found *out, int rc)
{
    if (out->refused == 0)
        out->refused = rc;
    return rc;
}

/* May anything be handed over now? 0, or what to return. */
static int check(dw_found *out, enum found_of of, const void *value)
{
    const char *step = step_of[of];
    dw_call *c = out ? out->asked : NULL;

    if (!c)
        return call_stray(NULL, step);
    int rc = call_check(c, step);
    if (rc == 0 && out->of != of)
        rc = call_misuse(c, "%s: this list takes what %s gives", step, step_of[out->of]);
    if (rc == 0 && !value)
        rc = call_misuse(c, "%s: without anything", step);
    if (rc == 0 && out->is_complete)
        rc = call_misuse(c, "%s: after dw_found_complete()", step);
    if (rc == 0)
        rc = call_refuse_in_transaction(c, step);
    if (rc != 0)
        return refuse(out, rc);
    if (out->stopped != 0)
        return call_fail(c, out->stopped, "%s: who asked wants no more", step);
    return 0;
}

static int refuse_value(dw_found *out, const char *id, const char *wrong)
{
    return refuse(out,
                  call_misuse(out->asked, "%s: \"%.*s\" %s", step_of[out->of], ID_MAX, id ? id : "", wrong));
}

/* The visitor's own work is not the connector's: a crash or a hang in it has another name. */
static uint32_t label_of(const dw_call *c)
{
    while (c->parent && !c->label)
        c = c->parent;
    return c->label;
}

static int visit_one(dw_found *out, const void *value)
{
    dw_call *c = out->asker;

    switch (out->of) {
    case FOUND_THINGS: return out->visit.thing(c, value, out->ud);
    case FOUND_ENTRIES: return out->visit.entry(c, value, out->ud);
    case FOUND_TIMESHEETS: return out->visit.timesheet(c, value, out->ud);
    default: return out->visit.use(c, value, out->ud);
    }
}

static int visit_in_scope(dw_found *out, const void *value)
{
    dw_call *c = out->asker;
    struct activity_frame outer;

    activity_enter(&outer, label_of(c));
    call_scope_begin(c);
    int rc = visit_one(out, value);
    if (call_in_transaction(c)) {
        rc = call_misuse(c, "a visit of %s ended with a transaction open, which was rolled back",
                         step_of[out->of]);
        call_session_end(c);
    }
    call_scope_end(c);
    activity_leave(&outer);
    return rc;
}

static int visit(dw_found *out, const void *value)
{
    int rc = visit_in_scope(out, value);

    if (rc >= 0) {
        out->n++;
        return 0;
    }
    out->stopped = rc >= DW_EINTERNAL
                       ? rc
                       : call_fail(out->asker, DW_EINTERNAL, "a visit returned %d, which means nothing", rc);
    return call_fail(out->asked, out->stopped, "%s: who asked wants no more", step_of[out->of]);
}

int found_thing(dw_found *out, const dw_thing *given)
{
    union found_room room;
    const dw_thing *thing = (const void *)room.bytes;

    DW_TRY(check(out, FOUND_THINGS, given));
    found_take(&room, given, sizeof(*thing));
    const char *wrong = thing_wrong(thing);
    if (wrong)
        return refuse_value(out, thing->id, wrong);
    return thing_fits(thing, out->query) ? visit(out, thing) : 0;
}

int found_entry(dw_found *out, const dw_entry *given)
{
    union found_room room;
    const dw_entry *entry = (const void *)room.bytes;

    DW_TRY(check(out, FOUND_ENTRIES, given));
    found_take(&room, given, sizeof(*entry));
    const char *wrong = entry_wrong(entry, out->query);
    if (wrong)
        return refuse_value(out, entry->id, wrong);
    return entry_fits(entry, out->query) ? visit(out, entry) : 0;
}

int found_timesheet(dw_found *out, const dw_timesheet *given)
{
    union found_room room;
    const dw_timesheet *sheet = (const void *)room.bytes;

    DW_TRY(check(out, FOUND_TIMESHEETS, given));
    found_take(&room, given, sizeof(*sheet));
    const char *wrong = timesheet_wrong(sheet);
    if (wrong)
        return refuse_value(out, sheet->id, wrong);
    return timesheet_fits(sheet, out->query) ? visit(out, sheet) : 0;
}

int found_use(dw_found *out, const dw_connection_use *given)
{
    union found_room room;
    const dw_connection_use *use = (const void *)room.bytes;

    DW_TRY(check(out, FOUND_USES, given));
    found_take(&room, given, sizeof(*use));
    const char *wrong = use_wrong(use);
    return wrong ? refuse_value(out, use->id, wrong) : visit(out, use);
}

int found_complete(dw_found *out)
{
    static const char step[] = "dw_found_complete";
    dw_call *c = out ? out->asked : NULL;

    if (!c)
        return call_stray(NULL, step);
    DW_TRY(call_check(c, step));
    if (out->refused != 0)
        return call_misuse(c, "%s: after something was refused, which is missing now", step);
    if (out->stopped != 0)
        return call_fail(c, out->stopped, "%s: who asked wants no more", step);
    out->is_complete = true;
    return 0;
}

/* ---- copies ---- */

static const char *copy(dw_call *c, const char *text)
{
    return text ? call_copy(c, str_from(text)) : NULL;
}

dw_thing *thing_copy(dw_call *c, const dw_thing *t)
{
    dw_thing *to = call_alloc(c, sizeof(*to));

    *to = *t;
    to->struct_size = sizeof(*to);
    to->id = copy(c, t->id);
    to->name = copy(c, t->name);
    to->number = copy(c, t->number);
    to->email = copy(c, t->email);
    to->parent = copy(c, t->parent);
    return to;
}

dw_timesheet *timesheet_copy(dw_call *c, const dw_timesheet *s)
{
    dw_timesheet *to = call_alloc(c, sizeof(*to));
    const char **tags = call_alloc(c, (s->tags.n + 1) * sizeof(*tags));

    *to = *s;
    to->struct_size = sizeof(*to);
    to->id = copy(c, s->id);
    to->project = copy(c, s->project);
    to->activity = copy(c, s->activity);
    to->user = copy(c, s->user);
    to->text = copy(c, s->text);
    for (size_t i = 0; i < s->tags.n; i++)
        tags[i] = copy(c, s->tags.v[i]);
    to->tags.v = tags;
    return to;
}
