#include "wanted.h"

#include <string.h>

#include "common.h"
#include "decimal.h"
#include "marker.h"

/* A timesheet of more than a year is a slip of the source's. */
#define LONGEST (INT64_C(366) * 24 * 3600)

/* Targets keep 64 KB, some less; nobody reads more. */
enum { TEXT_MOST = 10000 };

static int refuse(struct wanted *w, enum reason reason, const char *detail)
{
    w->reason = reason;
    w->detail = detail;
    return 1;
}

static int skip(struct wanted *w, enum reason reason)
{
    w->is_skipped = true;
    return refuse(w, reason, "");
}

/* ---- templates ---- */

struct word {
    const char *name, *value;
};

static const struct word *word_of(const struct word *words, const char *p, size_t n)
{
    for (; words->name; words++)
        if (strlen(words->name) == n && memcmp(words->name, p, n) == 0)
            return words;
    return NULL;
}

/* {name} becomes its value; another {word} stays as it is. */
static const char *fill(dw_call *c, const char *pattern, const struct word *words)
{
    dw_text *out = dw_text_new(c);

    while (*pattern) {
        const size_t plain = strcspn(pattern, "{");
        const char *end = strchr(pattern + plain, '}');
        const struct word *word;

        dw_text_add(out, dw_copy(c, (dw_str){ pattern, plain }));
        pattern += plain;
        if (!*pattern)
            break;
        word = end ? word_of(words, pattern + 1, (size_t)(end - pattern - 1)) : NULL;
        if (word) {
            dw_text_add(out, word->value);
            pattern = end + 1;
        } else {
            dw_text_add(out, "{");
            pattern++;
        }
    }
    return dw_text_get(out).p;
}

/* Without blanks at its end, and not longer than targets take; cut between two letters. */
static const char *tidy(dw_call *c, const char *text)
{
    size_t n = strlen(text);

    if (n > TEXT_MOST)
        for (n = TEXT_MOST; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;)
            n--;
    while (n > 0 && strchr(" \t\r\n", text[n - 1]))
        n--;
    return dw_copy(c, (dw_str){ text, n });
}

/* ---- one question after the other: 1 when it cannot be moved ---- */

/* Its source, or whoever read it there, says that something is wrong with it. */
static int ask_itself(const struct entry *e, struct wanted *w)
{
    return *e->wrong ? refuse(w, REASON_OTHER, e->wrong) : 0;
}

static int ask_amount(const struct sync *s, const struct entry *e, struct wanted *w)
{
    const struct rules *r = &s->rules;
    const bool unsaid = e->unit == DW_UNIT_UNKNOWN;
    const int64_t each = e->unit == DW_UNIT_SECONDS ? 1 : e->unit == DW_UNIT_HOURS ? 3600 : 60;
    int64_t seconds;

    if (decimal_seconds(e->amount, unsaid ? r->minutes_per_unit : "1", each, &seconds) != 0 ||
        seconds > LONGEST || seconds < -LONGEST)
        return refuse(w, REASON_INVALID_AMOUNT, e->amount);
    w->seconds = seconds;
    if (seconds < 0)
        return r->negative == AMOUNT_SKIP ? skip(w, REASON_NEGATIVE_AMOUNT)
                                          : refuse(w, REASON_NEGATIVE_AMOUNT, e->amount);
    if (seconds == 0 && r->zero == AMOUNT_SKIP)
        return skip(w, REASON_ZERO_AMOUNT);
    if (seconds == 0 && r->zero == AMOUNT_DECIDE)
        return refuse(w, REASON_INVALID_AMOUNT, e->amount);
    return 0;
}

/* The second in which it was booked means nothing, and targets that round outwards would bill a minute more for it. */
static int64_t whole_minute(int64_t us)
{
    return us - us % 60000000;
}

static int ask_time(const struct sync *s, const struct entry *e, struct wanted *w)
{
    const int64_t length = (w->seconds > 0 ? w->seconds : 0) * 1000000;
    int64_t at;

    if (e->begin.us)
        at = e->begin.us;
    else if (e->end.us)
        at = e->end.us - length;
    else if (e->booked.us)
        at = whole_minute(e->booked.us) - (s->rules.anchor == ANCHOR_BEGINS ? 0 : length);
    else
        return refuse(w, REASON_OTHER, "the source says neither when it began nor when it was booked");
    /* Whole seconds: no target knows parts of one, and what it cuts off would look like an edit. */
    w->begin.us = at - at % 1000000;
    return s->rules.first_day.us && w->begin.us < s->rules.first_day.us ? skip(w, REASON_BEFORE_START) : 0;
}

static int ask_user(const struct sync *s, const struct mappings *m, const struct entry *e, struct wanted *w)
{
    const struct mapping *mapped = *e->agent ? mappings_get(m, "user", e->agent) : NULL;

    w->email = e->agent_email;
    if (mapped && !*mapped->target)
        return skip(w, REASON_MAPPED_TO_NOTHING);
    if (mapped)
        w->user = mapped->target;
    else if (!*e->agent_email && s->rules.user == USER_DECIDE)
        return refuse(w, REASON_UNMAPPED_USER, *e->agent_name ? e->agent_name : e->agent);
    else if (!*e->agent_email && s->rules.user == USER_SKIP)
        return skip(w, REASON_UNMAPPED_USER);
    return 0;
}

static uint32_t billable_by_rule(const struct rules *r)
{
    return r->billable == BILLABLE_ALWAYS  ? DW_BILLABLE_YES
           : r->billable == BILLABLE_NEVER ? DW_BILLABLE_NO
                                           : DW_BILLABLE_UNSAID;
}

static int ask_activity(const struct sync *s, const struct mappings *m, const struct entry *e,
                        struct wanted *w)
{
    const struct mapping *mapped = mappings_get(m, "activity", e->activity);

    w->billable = mapped && mapped->billable ? mapped->billable : billable_by_rule(&s->rules);
    if (mapped && !*mapped->target)
        return skip(w, REASON_MAPPED_TO_NOTHING);
    if (mapped) {
        w->activity = mapped->target;
        w->activity_name = mapped->target_name;
    } else if (s->rules.activity == UNMAPPED_DEFAULT)
        w->activity = s->rules.default_activity;
    else if (s->rules.activity == UNMAPPED_SKIP)
        return skip(w, REASON_UNMAPPED_ACTIVITY);
    else
        return refuse(w, REASON_UNMAPPED_ACTIVITY, *e->activity_name ? e->activity_name : e->activity);
    return 0;
}

static int ask_customer(dw_call *c, const struct sync *s, const struct mappings *m, const struct entry *e,
                        struct wanted *w)
{
    const struct rules *r = &s->rules;
    const struct mapping *mapped = mappings_get(m, "customer", e->customer);
    const struct word words[] = { { "id", e->customer }, { "mark", s->mark }, { NULL, NULL } };

    if (mapped && !*mapped->target)
        return skip(w, REASON_MAPPED_TO_NOTHING);
    if (mapped)
        w->customer.id = mapped->target;
    else if (r->customer == CUSTOMER_FIXED || (!*e->customer && *r->fixed_customer))
        w->customer.id = r->fixed_customer;
    else if (!*e->customer)
        return refuse(w, REASON_PROJECT_OR_CUSTOMER_MISSING, "the ticket belongs to no organisation");
    w->customer.key = e->customer;
    w->customer.number = fill(c, r->customer_number, words);
    w->customer.name = *e->customer_name ? e->customer_name : w->customer.number;
    w->customer.can_make = r->customer == CUSTOMER_CREATE;
    return 0;
}

static int ask_project(dw_call *c, const struct sync *s, const struct mappings *m, const struct entry *e,
                       struct wanted *w)
{
    const struct rules *r = &s->rules;
    const struct mapping *mapped = mappings_get(m, "project", e->ticket);
    const bool of_customer = r->project == PROJECT_OF_CUSTOMER;
    const struct word words[] = {
        { "id", of_customer ? e->customer : e->ticket },
        { "mark", s->mark },
        { "number", *e->ticket_number ? e->ticket_number : e->ticket },
        { "title", e->ticket_title },
        { "customer", e->customer_name },
        { NULL, NULL },
    };

    if (mapped && !*mapped->target)
        return skip(w, REASON_MAPPED_TO_NOTHING);
    if (mapped)
        w->project.id = mapped->target;
    else if (r->project == PROJECT_FIXED)
        w->project.id = r->fixed_project;
    if (w->project.id)
        return 0;
    w->project.key = of_customer ? dw_format(c, "customer:%s", e->customer) : e->ticket;
    w->project.number = fill(c, of_customer ? r->customer_number : r->project_number, words);
    w->project.name = of_customer ? (*e->customer_name ? e->customer_name : w->project.number)
                                  : fill(c, r->project_name, words);
    w->project.can_make = r->create_projects;
    return ask_customer(c, s, m, e, w);
}

static int ask_text(dw_call *c, const struct sync *s, const struct entry *e, struct wanted *w)
{
    const struct word words[] = {
        { "number", *e->ticket_number ? e->ticket_number : e->ticket },
        { "title", e->ticket_title },
        { "url", e->url },
        { "note", e->note },
        { "customer", e->customer_name },
        { "agent", *e->agent_name ? e->agent_name : e->agent_email },
        { "activity", e->activity_name },
        { "amount", e->amount },
        { NULL, NULL },
    };
    char marker[MARKER_SIZE];
    const char *first = e->marker;

    if (!*first) {
        if (marker_write(e->ticket, e->source_id, s->mark, marker) != 0)
            return refuse(w, REASON_OTHER, "its id or its ticket's is empty, or too long for a marker");
        first = marker;
    }
    w->text = tidy(c, dw_format(c, "%s\n%s", first, fill(c, s->rules.description, words)));
    w->tags = s->rules.tags;
    return 0;
}

/* ---- the recipe ---- */

static void digest_place(struct digest *d, const struct wanted_place *p)
{
    digest_text(d, p->id);
    digest_text(d, p->id ? "" : p->key);
    digest_text(d, p->id ? "" : p->number);
}

static int write_recipe(dw_call *c, struct wanted *w)
{
    struct digest d;

    digest_begin(&d);
    digest_int(&d, w->reason);
    digest_int(&d, w->is_skipped);
    digest_int(&d, w->begin.us);
    digest_int(&d, w->seconds);
    digest_text(&d, w->user);
    digest_text(&d, w->user ? "" : w->email);
    digest_text(&d, w->activity);
    digest_place(&d, &w->customer);
    digest_place(&d, &w->project);
    digest_text(&d, w->text + marker_line(w->text)); /* a ticket that moves keeps its marker */
    for (size_t i = 0; i < w->tags.n; i++)
        digest_text(&d, w->tags.v[i]);
    digest_int(&d, w->billable);
    return digest_end_hex(&d, w->recipe) == 0 ? 0 : dw_fail(c, DW_ENOMEM, "there is no memory for a digest");
}

int wanted_make(dw_call *c, const struct sync *s, const struct mappings *mappings, const struct entry *e,
                struct wanted *out)
{
    *out = (struct wanted){ .detail = "", .email = "", .activity = "", .text = "", .seconds = -1 };
    if (!ask_itself(e, out) && !ask_amount(s, e, out) && !ask_time(s, e, out) &&
        !ask_user(s, mappings, e, out) && !ask_activity(s, mappings, e, out) &&
        !ask_project(c, s, mappings, e, out))
        ask_text(c, s, e, out);
    if (out->reason != REASON_NONE && !out->begin.us)
        out->begin = e->begin.us ? e->begin : e->booked; /* for lists of what waits */
    return write_recipe(c, out);
}

json_t *wanted_json(dw_call *c, const struct wanted *w)
{
    json_t *tags = dw_json_own(c, json_array());

    for (size_t i = 0; i < w->tags.n; i++)
        json_array_append_new(tags, json_string(w->tags.v[i]));
    return dw_json(c, "project", w->project.id, "project_name", w->project.id ? NULL : w->project.name,
                   "project_number", w->project.id ? NULL : w->project.number, "customer", w->customer.id,
                   "customer_name", w->project.id || w->customer.id ? NULL : w->customer.name, "activity",
                   w->activity, "user", w->user, "email", w->user ? NULL : w->email, "begin",
                   dw_time_format(c, w->begin), "end", dw_time_format(c, wanted_end(w)), "seconds",
                   w->seconds, "text", w->text, "tags", tags, "billable", billable_word(w->billable));
}
