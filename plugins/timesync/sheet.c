#include "sheet.h"

#include <stdlib.h>
#include <strings.h>

#include "common.h"

/* Targets round begin and end to minutes unless their admins want it otherwise. */
#define ROUNDING INT64_C(60000000)

enum {
    WATCH_TIME = 1 << 0,
    WATCH_PROJECT = 1 << 1,
    WATCH_ACTIVITY = 1 << 2,
    WATCH_USER = 1 << 3,
    WATCH_BILLABLE = 1 << 4,
    WATCH_TEXT = 1 << 5,
    WATCH_TAGS = 1 << 6,
};

static const struct {
    const char *name;
    unsigned bit;
} watches[] = {
    { "time", WATCH_TIME }, { "project", WATCH_PROJECT },   { "activity", WATCH_ACTIVITY },
    { "user", WATCH_USER }, { "billable", WATCH_BILLABLE }, { "text", WATCH_TEXT },
    { "tags", WATCH_TAGS },
};

unsigned sheet_watched(const struct rules *r)
{
    unsigned watched = 0;

    for (size_t i = 0; i < r->watched.n; i++)
        for (size_t k = 0; k < sizeof(watches) / sizeof(*watches); k++)
            if (same(r->watched.v[i], watches[k].name))
                watched |= watches[k].bit;
    return watched;
}

/* ---- copies ---- */

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

static dw_texts sorted(dw_call *c, const dw_texts *from)
{
    const char **copy = dw_alloc(c, (from->n + 1) * sizeof(*copy));

    for (size_t i = 0; i < from->n; i++)
        copy[i] = own(c, from->v[i]);
    qsort(copy, from->n, sizeof(*copy), by_text);
    return (dw_texts){ copy, from->n };
}

void sheet_copy(dw_call *c, const dw_timesheet *from, struct sheet *out)
{
    *out = (struct sheet){
        .id = own(c, from->id),
        .project = own(c, from->project),
        .activity = own(c, from->activity),
        .user = own(c, from->user),
        .text = own(c, from->text),
        .tags = sorted(c, &from->tags),
        .begin = from->begin,
        .end = from->end,
        .seconds = from->seconds,
        .billable = from->billable,
        .exported = from->exported,
    };
}

json_t *sheet_json(dw_call *c, const struct sheet *s)
{
    json_t *tags = dw_json_own(c, json_array());

    for (size_t i = 0; i < s->tags.n; i++)
        json_array_append_new(tags, json_string(s->tags.v[i]));
    return dw_json(c, "id", s->id, "project", s->project, "activity", s->activity, "user", s->user, "text",
                   s->text, "tags", tags, "begin", dw_time_format(c, s->begin), "end",
                   s->end.us ? dw_time_format(c, s->end) : NULL, "seconds", s->seconds, "billable",
                   billable_word(s->billable), "exported", s->exported);
}

static int read_time(dw_call *c, const char *text, dw_time *out)
{
    out->us = 0;
    return text ? dw_time_parse(c, text, out) : 0;
}

int sheet_read(dw_call *c, const json_t *json, struct sheet *out)
{
    const char *begin = NULL, *end = NULL, *billable = "";
    json_t *tags = NULL;
    dw_texts list = { NULL, 0 };
    const char **texts;

    *out = (struct sheet){ .id = "", .project = "", .activity = "", .user = "", .text = "" };
    DW_TRY(dw_json_read(c, json, "id", &out->id, "project", &out->project, "activity", &out->activity, "user",
                        &out->user, "text", &out->text, "tags", &tags, "begin", &begin, "end", &end,
                        "seconds", &out->seconds, "billable", &billable, "exported", &out->exported));
    out->billable = billable_from(billable);
    texts = dw_alloc(c, (json_array_size(tags) + 1) * sizeof(*texts));
    for (; list.n < json_array_size(tags); list.n++)
        texts[list.n] = or_empty(json_string_value(json_array_get(tags, list.n)));
    list.v = texts;
    out->tags = sorted(c, &list);
    DW_TRY(read_time(c, begin, &out->begin));
    return read_time(c, end, &out->end);
}

/* ---- comparing ---- */

int sheet_hash(dw_call *c, const struct sheet *s, unsigned watched, char out[DIGEST_HEX])
{
    struct digest d;

    digest_begin(&d);
    digest_int(&d, watched);
    digest_int(&d, watched & WATCH_TIME ? s->begin.us : 0);
    digest_int(&d, watched & WATCH_TIME ? s->end.us : 0);
    digest_int(&d, watched & WATCH_TIME ? s->seconds : 0);
    digest_text(&d, watched & WATCH_PROJECT ? s->project : "");
    digest_text(&d, watched & WATCH_ACTIVITY ? s->activity : "");
    digest_text(&d, watched & WATCH_USER ? s->user : "");
    digest_int(&d, watched & WATCH_BILLABLE ? s->billable : 0);
    digest_text(&d, watched & WATCH_TEXT ? s->text : "");
    for (size_t i = 0; watched & WATCH_TAGS && i < s->tags.n; i++)
        digest_text(&d, s->tags.v[i]);
    return digest_end_hex(&d, out) == 0 ? 0 : dw_fail(c, DW_ENOMEM, "there is no memory for a digest");
}

static bool same_tags(const dw_texts *a, const dw_texts *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!same(a->v[i], b->v[i]))
            return false;
    return true;
}

bool sheet_same_time(const struct sheet *a, const struct sheet *b)
{
    return a->begin.us == b->begin.us && a->end.us == b->end.us && a->seconds == b->seconds;
}

bool sheet_same(const struct sheet *a, const struct sheet *b, unsigned watched)
{
    return (!(watched & WATCH_TIME) || sheet_same_time(a, b)) &&
           (!(watched & WATCH_PROJECT) || same(a->project, b->project)) &&
           (!(watched & WATCH_ACTIVITY) || same(a->activity, b->activity)) &&
           (!(watched & WATCH_USER) || same(a->user, b->user)) &&
           (!(watched & WATCH_BILLABLE) || a->billable == b->billable) &&
           (!(watched & WATCH_TEXT) || same(a->text, b->text)) &&
           (!(watched & WATCH_TAGS) || same_tags(&a->tags, &b->tags));
}

/* All wanted tags are there; more do no harm. */
static bool has_tags(const struct sheet *s, const dw_texts *tags)
{
    for (size_t i = 0; i < tags->n; i++)
        if (!bsearch(&tags->v[i], s->tags.v, s->tags.n, sizeof(*s->tags.v), by_text))
            return false;
    return true;
}

bool sheet_is_placed(const struct sheet *s, const struct wanted *w)
{
    return (!w->project.id || same(s->project, w->project.id)) && same(s->activity, w->activity) &&
           (!w->user || same(s->user, w->user)) && (!w->billable || s->billable == w->billable);
}

bool sheet_is_but_time(const struct sheet *s, const struct wanted *w)
{
    return sheet_is_placed(s, w) && (s->exported || (same(s->text, w->text) && has_tags(s, &w->tags)));
}

bool sheet_is(const struct sheet *s, const struct wanted *w)
{
    return s->begin.us == w->begin.us && s->end.us == wanted_end(w).us && sheet_is_but_time(s, w);
}

bool sheet_is_on_minutes(const struct sheet *s)
{
    return s->begin.us % ROUNDING == 0 && s->end.us % ROUNDING == 0;
}

/* By itself a target rounds begin down and end up. */
bool sheet_is_rounded(const struct sheet *s, const struct wanted *w)
{
    const int64_t before = w->begin.us - s->begin.us, after = s->end.us - wanted_end(w).us;

    return sheet_is_on_minutes(s) && before >= 0 && before < ROUNDING && after >= 0 && after < ROUNDING &&
           sheet_is_but_time(s, w);
}

static bool is_near(int64_t a, int64_t b)
{
    return a - b < ROUNDING && b - a < ROUNDING;
}

bool sheet_is_near(const struct sheet *s, const struct wanted *w)
{
    return is_near(s->begin.us, w->begin.us) && is_near(s->end.us, wanted_end(w).us);
}

bool sheet_agrees(const struct sheet *s, const struct wanted *w, dw_time booked)
{
    /* Begin down and end up to the full minute: up to two minutes longer. */
    const int64_t longer = (s->seconds - w->seconds) * 1000000;

    return longer > -ROUNDING && longer < 2 * ROUNDING &&
           (is_near(s->begin.us, w->begin.us) || (booked.us && is_near(s->begin.us, booked.us)));
}

/* ---- writing ---- */

static bool has_tag(const dw_texts *tags, const char *tag)
{
    for (size_t i = 0; i < tags->n; i++)
        if (strcasecmp(tags->v[i], tag) == 0)
            return true;
    return false;
}

/* A target takes all tags or none, and what people put there is theirs: what is wanted comes to it. */
static dw_texts all_tags(dw_call *c, const dw_texts *there, const dw_texts *wanted)
{
    const char **all = dw_alloc(c, (there->n + wanted->n + 1) * sizeof(*all));
    size_t n = 0;

    for (size_t i = 0; i < there->n; i++)
        if (!has_tag(wanted, there->v[i]))
            all[n++] = there->v[i];
    for (size_t i = 0; i < wanted->n; i++)
        all[n++] = wanted->v[i];
    return (dw_texts){ all, n };
}

unsigned sheet_difference(dw_call *c, const struct sheet *s, const struct wanted *w, dw_timesheet *out)
{
    unsigned n = 0;

    *out = (dw_timesheet){ .struct_size = sizeof(*out), .id = s->id };
    /* Both or none: a begin alone may lie behind the end that is there. */
    if (s->begin.us != w->begin.us || s->end.us != wanted_end(w).us) {
        out->begin = w->begin;
        out->end = wanted_end(w);
        n++;
    }
    if (w->project.id && !same(s->project, w->project.id)) {
        out->project = w->project.id;
        n++;
    }
    /* An activity may be one of the old project's. */
    if (out->project || !same(s->activity, w->activity)) {
        out->activity = w->activity;
        n++;
    }
    if (w->user && !same(s->user, w->user)) {
        out->user = w->user;
        n++;
    }
    if (w->billable && s->billable != w->billable) {
        out->billable = w->billable;
        n++;
    }
    if (!same(s->text, w->text)) {
        out->text = w->text;
        n++;
    }
    if (!has_tags(s, &w->tags)) {
        out->tags = all_tags(c, &s->tags, &w->tags);
        out->tags_wanted = true;
        n++;
    }
    return n;
}

void sheet_with(const struct sheet *s, const dw_timesheet *what, struct sheet *out)
{
    *out = *s;
    if (what->project)
        out->project = what->project;
    if (what->activity)
        out->activity = what->activity;
    if (what->user)
        out->user = what->user;
    if (what->text)
        out->text = what->text;
    if (what->tags_wanted)
        out->tags = what->tags;
    if (what->billable || what->project || what->activity)
        out->billable = what->billable;
    if (what->begin.us) {
        out->begin = what->begin;
        out->end = what->end;
        out->seconds = (what->end.us - what->begin.us) / 1000000;
    }
}

void sheet_complete(struct sheet *sent, const struct sheet *found)
{
    if (!*sent->user)
        sent->user = found->user;
    if (!sent->billable)
        sent->billable = found->billable;
    if (has_tags(found, &sent->tags))
        sent->tags = found->tags;
}

void sheet_again(const struct sheet *s, dw_timesheet *out)
{
    *out = (dw_timesheet){
        .struct_size = sizeof(*out),
        .id = s->id,
        .project = s->project,
        .activity = s->activity,
        .user = s->user,
        .text = s->text,
        .tags = s->tags,
        .begin = s->begin,
        .end = s->end,
        .billable = s->billable,
        .tags_wanted = true,
    };
}
