/* fit.c - of what a connector gave, what was asked for. */
#include <string.h>

#include "plugin/found.h"

/* ---- texts ---- */

static bool equals(const char *wanted, const char *has)
{
    return !wanted || (has && strcmp(wanted, has) == 0);
}

/* One character of UTF-8, and how long it is; what is no UTF-8 is taken byte by byte. */
static uint32_t decode(const unsigned char *p, size_t *n)
{
    if (p[0] >= 0xc2 && p[0] < 0xe0 && (p[1] & 0xc0) == 0x80) {
        *n = 2;
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    }
    *n = 1;
    return p[0];
}

/* Small letters of the scripts that most of our users write in: Latin, Greek, Cyrillic. All of theirs take one or two bytes. */
static uint32_t fold(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7))
        return c + 32;
    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177))
        return c | 1;
    if (c >= 0x139 && c <= 0x148)
        return c + (c & 1);
    if (c >= 0x391 && c <= 0x3a9)
        return c + 32;
    if (c >= 0x410 && c <= 0x42f)
        return c + 32;
    return c >= 0x400 && c <= 0x40f ? c + 80 : c;
}

/* Does `text` begin with the n bytes of `word`, whatever the case? */
static bool begins(const char *text, const char *word, size_t n)
{
    const unsigned char *t = (const unsigned char *)text, *w = (const unsigned char *)word;
    const unsigned char *end = w + n;
    size_t tn, wn;

    while (w < end) {
        if (fold(decode(t, &tn)) != fold(decode(w, &wn)))
            return false;
        t += tn;
        w += wn;
    }
    return true;
}

static bool contains(const char *text, const char *word, size_t n)
{
    for (; text && *text; text++) {
        if (begins(text, word, n))
            return true;
    }
    return false;
}

static bool equals_nocase(const char *wanted, const char *has)
{
    size_t n = wanted ? strlen(wanted) : 0;

    return !wanted || (has && strlen(has) == n && begins(has, wanted, n));
}

/* ---- things ---- */

/* Each word of what was typed is somewhere in it. */
static bool has_term(const dw_thing *t, const char *term)
{
    while (term && *(term += strspn(term, " \t"))) {
        size_t n = strcspn(term, " \t");
        if (!contains(t->name, term, n) && !contains(t->number, term, n) && !contains(t->email, term, n) &&
            !contains(t->id, term, n))
            return false;
        term += n;
    }
    return true;
}

bool thing_fits(const dw_thing *t, const dw_thing_query *q)
{
    return !q || (equals(q->id, t->id) && equals(q->number, t->number) && equals(q->name, t->name) &&
                  equals_nocase(q->email, t->email) && equals(q->parent, t->parent) &&
                  (q->inactive || !t->inactive) && has_term(t, q->term));
}

/* ---- entries: more than asked for is welcome, but of another ticket ---- */

bool entry_fits(const dw_entry *entry, const dw_entry_query *q)
{
    return !q || equals(q->ticket, entry->ticket);
}

/* ---- timesheets ---- */

static bool has_marker(const char *marker, const char *text)
{
    size_t n;

    if (!marker)
        return true;
    n = strlen(marker);
    /* The line may end as it does on another system. */
    return text && strncmp(text, marker, n) == 0 && (text[n] == 0 || text[n] == '\n' || text[n] == '\r');
}

static bool has_tag(const char *tag, const dw_texts *tags)
{
    for (size_t i = 0; tag && i < tags->n; i++) {
        if (strcmp(tags->v[i], tag) == 0)
            return true;
    }
    return !tag;
}

bool timesheet_fits(const dw_timesheet *s, const dw_timesheet_query *q)
{
    return !q || (equals(q->id, s->id) && has_marker(q->marker, s->text) &&
                  (q->begin_from.us == 0 || s->begin.us >= q->begin_from.us) &&
                  (q->begin_to.us == 0 || s->begin.us <= q->begin_to.us) && has_tag(q->tag, &s->tags));
}
