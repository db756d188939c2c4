#include "owner.h"

#include "common.h"
#include "marker.h"

static bool is_line(const char *text, const char *line)
{
    const size_t n = marker_line(text);

    return n > 0 && strlen(line) == n && memcmp(text, line, n) == 0;
}

/* As it was first written or adopted; else, of one that is found without that being known, what it would be, whatever its ticket is by now. */
static bool is_its_marker(const struct work *w, const struct entry *e, const char *text,
                          const struct marker *m)
{
    return is_line(text, e->marker) || (same(m->mark, w->sync.mark) && same(m->entry, e->source_id));
}

bool owner_is_named(const struct work *w, const struct entry *e, const struct sheet *s)
{
    struct marker m;

    (void)w;
    return (marker_read(s->text, &m) && (is_line(s->text, e->marker) || same(m.entry, e->source_id))) ||
           (marker_read_tags(s->tags.v, s->tags.n, &m) && same(m.entry, e->source_id));
}

bool owner_is_another(const struct work *w, const struct entry *e, const struct sheet *s)
{
    struct marker m;

    return marker_read(s->text, &m) && !is_its_marker(w, e, s->text, &m) && !same(m.entry, e->source_id);
}

int owner_lets(dw_call *c, const struct work *w, const struct entry *e, const struct sheet *s)
{
    struct marker m;
    struct sheet base;

    if (marker_read(s->text, &m))
        return is_its_marker(w, e, s->text, &m);
    if (w->action == ACTION_UPDATE)
        return 1;
    if (!e->base || !same(e->sheet, s->id))
        return 0;
    DW_TRY(sheet_read(c, e->base, &base));
    return sheet_same(&base, s, ~0U);
}

bool owner_is_ours(const struct work *w, const struct sheet *s)
{
    struct marker m;

    return marker_read(s->text, &m) ? !*m.mark || same(m.mark, w->sync.mark)
                                    : marker_read_tags(s->tags.v, s->tags.n, &m) != 0;
}
