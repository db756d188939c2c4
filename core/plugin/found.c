#include "plugin/found.h"

#include <string.h>

#include "log/log.h"
#include "plugin/call_db.h"
#include "plugin/kept.h"
#include "plugin/mend.h"
#include "supervise/activity.h"

/* Beyond these a text is cut, as whoever asked would have to keep it. */
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

static bool is_bad_id(const char *id)
{
    return mend_is_bad(id, ID_MAX) || (id && !*id);
}

static const char bad_id[] = "with an id that is not UTF-8 or longer than 200 bytes";

const char *thing_wrong(const dw_thing *t)
{
    if (!t->id || !*t->id)
        return "without an id";
    if (!t->name)
        return "without a name";
    return is_bad_id(t->id) || mend_is_bad(t->parent, ID_MAX) ? bad_id : NULL;
}

static const char *entry_wrong(const dw_entry *e)
{
    if (!e->id || !*e->id)
        return "without an id";
    return e->unit > DW_UNIT_HOURS ? "with a unit that is none of enum dw_unit" : NULL;
}

const char *timesheet_wrong(const dw_timesheet *s)
{
    if (!s->id || !*s->id)
        return "without an id";
    if (is_bad_id(s->id))
        return bad_id;
    if (s->tags.n > 0 && !s->tags.v)
        return "with a number of tags and none";
    for (size_t i = 0; i < s->tags.n; i++) {
        if (!s->tags.v[i])
            return "with a tag that is NULL";
    }
    return s->billable > DW_BILLABLE_NO ? "with a billable that is none of enum dw_billable" : NULL;
}

static const char *use_wrong(const dw_connection_use *u)
{
    if (!u->what || !u->id || !u->name)
        return "without what it is, its id or its name";
    return mend_is_bad(u->id, ID_MAX) ? bad_id : NULL;
}

/* ---- mending: what one of them has that nobody can keep is nobody's trouble but its own ---- */

static void mend_lines(dw_call *c, const char **const lines[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        *lines[i] = mend_text(c, *lines[i], LINE_MAX_BYTES);
}

void thing_mend(dw_call *c, dw_thing *t)
{
    const char **const lines[] = { &t->name, &t->number, &t->email };

    mend_lines(c, lines, DW_COUNT_OF(lines));
}

static int mend_ids(dw_call *c, const char **const ids[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!mend_is_bad(*ids[i], ID_MAX))
            continue;
        *ids[i] = mend_id(c, *ids[i]);
        if (!*ids[i])
            return call_fail(c, DW_ENOMEM, "there is no memory for an id");
    }
    return 0;
}

int timesheet_mend(dw_call *c, dw_timesheet *s)
{
    const char **const ids[] = { &s->project, &s->activity, &s->user };
    const char **tags = NULL;

    DW_TRY(mend_ids(c, ids, DW_COUNT_OF(ids)));
    s->text = mend_text(c, s->text, TEXT_MAX_BYTES);
    s->tags.n = s->tags.n < TAGS_MAX ? s->tags.n : TAGS_MAX;
    for (size_t i = 0; i < s->tags.n; i++) {
        const char *mended = mend_text(c, s->tags.v[i], LINE_MAX_BYTES);

        if (mended == s->tags.v[i])
            continue;
        if (!tags) {
            tags = call_alloc(c, s->tags.n * sizeof(*tags));
            memcpy(tags, s->tags.v, s->tags.n * sizeof(*tags));
            s->tags.v = tags;
        }
        tags[i] = mended;
    }
    return 0;
}

static void mend_use(dw_call *c, dw_connection_use *u)
{
    const char **const lines[] = { &u->what, &u->name };

    mend_lines(c, lines, DW_COUNT_OF(lines));
}

/* What it lacks that a connector has to say. */
static const char *lacking(const dw_entry *e)
{
    if (!e->ticket || !*e->ticket)
        return "its source says no ticket of it";
    if (!e->amount)
        return "its source says no amount of it";
    if (e->begin.us == 0 && e->end.us == 0 && e->created.us == 0)
        return "its source says no time of it: neither begin, end nor when it was booked";
    return NULL;
}

/* Of ids no letter can go: two might be one then. */
static int mend_entry(dw_call *c, dw_entry *e, const dw_entry_query *q)
{
    const char **const lines[] = { &e->ticket_number, &e->ticket_title, &e->customer_name,
                                   &e->agent_email,   &e->agent_name,   &e->activity_name,
                                   &e->url,           &e->amount,       &e->wrong };
    const char **const ids[] = { &e->id, &e->ticket, &e->customer, &e->agent, &e->activity, &e->merged_into };
    static const char *const said[] = {
        "its id is not UTF-8, or longer than 200 bytes",
        "the id of its ticket is not UTF-8, or longer than 200 bytes",
        "the id of its customer is not UTF-8, or longer than 200 bytes",
        "the id of its agent is not UTF-8, or longer than 200 bytes",
        "the id of its activity is not UTF-8, or longer than 200 bytes",
        "the id of the ticket that its own was merged into is not UTF-8, or longer than 200 bytes",
    };

    for (size_t i = DW_COUNT_OF(ids); i-- > 0;) {
        if (mend_is_bad(*ids[i], ID_MAX))
            e->wrong = said[i];
    }
    DW_TRY(mend_ids(c, ids, DW_COUNT_OF(ids)));
    mend_lines(c, lines, DW_COUNT_OF(lines));
    e->text = mend_text(c, e->text, TEXT_MAX_BYTES);
    e->ticket = e->ticket ? e->ticket : "";
    if (!e->wrong && !(q && q->ids_only))
        e->wrong = lacking(e);
    e->amount = e->amount ? e->amount : "";
    return 0;
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

static bool is_its_own(const char *wrong)
{
    return wrong == bad_id;
}

/* Nobody can point at it, and nothing that somebody points at is lacking without it: the list is as complete. */
static int leave_out(dw_found *out, const char *wrong)
{
    if (!out->left_out++)
        log_warn("a connector gives something that is left out", LOG_TEXT("step", step_of[out->of]),
                 LOG_TEXT("plugin", out->asked->instance->name), LOG_TEXT("why", wrong));
    return 0;
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
    dw_thing *thing = (void *)room.bytes;

    DW_TRY(check(out, FOUND_THINGS, given));
    found_take(&room, given, sizeof(*thing));
    const char *wrong = thing_wrong(thing);
    if (wrong)
        return is_its_own(wrong) ? leave_out(out, wrong) : refuse_value(out, thing->id, wrong);
    call_scope_begin(out->asked);
    thing_mend(out->asked, thing);
    int rc = thing_fits(thing, out->query) ? visit(out, thing) : 0;
    call_scope_end(out->asked);
    return rc;
}

int found_entry(dw_found *out, const dw_entry *given)
{
    union found_room room;
    dw_entry *entry = (void *)room.bytes;

    DW_TRY(check(out, FOUND_ENTRIES, given));
    found_take(&room, given, sizeof(*entry));
    const char *wrong = entry_wrong(entry);
    if (wrong)
        return refuse_value(out, entry->id, wrong);
    call_scope_begin(out->asked);
    int rc = mend_entry(out->asked, entry, out->query);
    if (rc == 0 && entry_fits(entry, out->query))
        rc = visit(out, entry);
    call_scope_end(out->asked);
    return rc;
}

int found_timesheet(dw_found *out, const dw_timesheet *given)
{
    union found_room room;
    dw_timesheet *sheet = (void *)room.bytes;

    DW_TRY(check(out, FOUND_TIMESHEETS, given));
    found_take(&room, given, sizeof(*sheet));
    const char *wrong = timesheet_wrong(sheet);
    if (wrong)
        return is_its_own(wrong) ? leave_out(out, wrong) : refuse_value(out, sheet->id, wrong);
    call_scope_begin(out->asked);
    int rc = timesheet_mend(out->asked, sheet);
    if (rc == 0 && timesheet_fits(sheet, out->query))
        rc = visit(out, sheet);
    call_scope_end(out->asked);
    return rc;
}

int found_use(dw_found *out, const dw_connection_use *given)
{
    union found_room room;
    dw_connection_use *use = (void *)room.bytes;

    DW_TRY(check(out, FOUND_USES, given));
    found_take(&room, given, sizeof(*use));
    const char *wrong = use_wrong(use);
    if (wrong)
        return refuse_value(out, use->id, wrong);
    call_scope_begin(out->asked);
    mend_use(out->asked, use);
    int rc = visit(out, use);
    call_scope_end(out->asked);
    return rc;
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
