#include "http/conditional.h"

#include "util/clock.h"

/* ---- entity tags ---- */

struct tag {
    struct str opaque; /* with its quotes */
    bool weak;
};

/* Cuts a tag off the beginning of *s. */
static bool take_tag(struct str *s, struct tag *out)
{
    size_t at = 0;

    out->weak = s->n > 2 && s->p[0] == 'W' && s->p[1] == '/';
    if (out->weak)
        at = 2;
    if (at >= s->n || s->p[at] != '"')
        return false;
    size_t n = str_find(str_make(s->p + at + 1, s->n - at - 1), '"');
    if (at + 1 + n == s->n)
        return false;
    out->opaque = str_make(s->p + at, n + 2);
    *s = str_make(s->p + at + n + 2, s->n - at - n - 2);
    return true;
}

static bool tags_match(const struct tag *a, const struct tag *b, bool strong)
{
    return !(strong && (a->weak || b->weak)) && str_equal(a->opaque, b->opaque);
}

bool etag_list_has(struct str list, struct str etag, bool strong)
{
    struct tag wanted, member;

    list = str_trim(list);
    if (!etag.p || !take_tag(&etag, &wanted))
        return false;
    if (str_equal(list, STR_OF("*")))
        return true;
    for (;;) {
        /* The list rule allows empty members. A tag may have commas inside, so it is read before one is looked for. */
        while (list.n && (list.p[0] == ',' || list.p[0] == ' ' || list.p[0] == '\t'))
            list = str_make(list.p + 1, list.n - 1);
        if (!take_tag(&list, &member))
            return false;
        if (tags_match(&member, &wanted, strong))
            return true;
        list = str_trim(list);
        if (list.n && list.p[0] != ',')
            return false;
    }
}

/* ---- preconditions ---- */

/* Seconds, or -1: none, or not understood. */
static int64_t date_of(struct str field)
{
    return field.n ? clock_parse_http(field.p, field.n) : -1;
}

static bool is_unchanged_for_writer(const struct condition_fields *f, const struct validators *have)
{
    if (f->if_match.p)
        return etag_list_has(f->if_match, have->etag, true);
    int64_t date = date_of(f->if_unmodified_since);
    return date < 0 || have->modified_s < 0 || have->modified_s <= date;
}

static bool is_known_to_reader(const struct condition_fields *f, const struct validators *have, bool is_read)
{
    if (f->if_none_match.p)
        return etag_list_has(f->if_none_match, have->etag, false);
    int64_t date = is_read ? date_of(f->if_modified_since) : -1;
    return date >= 0 && have->modified_s >= 0 && have->modified_s <= date;
}

enum condition condition_judge(const struct condition_fields *fields, const struct validators *have,
                               bool is_read)
{
    if (!is_unchanged_for_writer(fields, have))
        return CONDITION_FAILED;
    if (!is_known_to_reader(fields, have, is_read))
        return CONDITION_HOLDS;
    return is_read ? CONDITION_NOT_MODIFIED : CONDITION_FAILED;
}

/* ---- ranges ---- */

static bool if_range_holds(struct str field, const struct validators *have)
{
    struct tag given, present;
    struct str etag = have->etag;

    field = str_trim(field);
    if (take_tag(&field, &given))
        return field.n == 0 && etag.p && take_tag(&etag, &present) && tags_match(&given, &present, true);
    int64_t date = date_of(field);
    return date >= 0 && date == have->modified_s;
}

/* The text after "bytes=", one range: RANGE_WHOLE when it is malformed. */
static enum range judge_spec(struct str spec, uint64_t size, struct range_part *part)
{
    size_t dash = str_find(spec, '-');
    uint64_t first = 0, last = size - 1;

    if (dash == spec.n)
        return RANGE_WHOLE;
    struct str from = str_make(spec.p, dash), to = str_make(spec.p + dash + 1, spec.n - dash - 1);
    if (to.n && !str_to_uint(to, INT64_MAX, &last))
        return RANGE_WHOLE;
    if (from.n == 0) { /* the last so many bytes */
        if (to.n == 0 || (size == 0 && last > 0))
            return RANGE_WHOLE;
        if (last == 0)
            return RANGE_BEYOND;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else if (!str_to_uint(from, INT64_MAX, &first) || (to.n && last < first)) {
        return RANGE_WHOLE;
    }
    if (first >= size)
        return RANGE_BEYOND;
    if (last >= size)
        last = size - 1;
    *part = (struct range_part){ .offset = (off_t)first, .size = (off_t)(last - first + 1) };
    return RANGE_PART;
}

enum range range_judge(struct str range, struct str if_range, const struct validators *have, off_t size,
                       struct range_part *part)
{
    static const struct str unit = STR("bytes=");

    if (range.n <= unit.n || !str_equal_nocase(str_make(range.p, unit.n), unit))
        return RANGE_WHOLE;
    if (if_range.p && !if_range_holds(if_range, have))
        return RANGE_WHOLE;
    struct str spec = str_trim(str_make(range.p + unit.n, range.n - unit.n));
    if (str_find(spec, ',') < spec.n)
        return RANGE_WHOLE;
    return judge_spec(spec, (uint64_t)size, part);
}
