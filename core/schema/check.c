/* A value against a schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/inside.h"

enum { DEPTH_MAX = 500 };

/* The way into the value, the newest step first. */
struct step {
    const struct step *parent;
    const char *name; /* of a member; NULL: */
    size_t index;     /* of an item */
};

/* The resources that references led through, the newest first: where $dynamicRef looks. */
struct scope {
    const struct scope *outer;
    const struct resource *resource;
};

/* What some schema has had to say about, for unevaluatedProperties and unevaluatedItems: names of members, and items by
 * their number plus one. */
struct marks {
    uintptr_t *v;
    size_t n, cap;
    bool all;
};

struct check {
    struct schema_report *report; /* NULL: nobody asks why */
    const struct step *step;
    const struct scope *scope;
    unsigned depth;
    bool out_of_memory;
    enum schema_way way;
};

static bool check(struct check *c, const struct schema *s, const json_t *value, struct marks *marks);

/* ---- saying what is wrong ---- */

static size_t write_place(char *out, const struct step *step)
{
    if (!step)
        return 0;
    size_t n = write_place(out, step->parent);
    char digits[24];
    const char *text = step->name;

    if (!text) {
        snprintf(digits, sizeof(digits), "%zu", step->index);
        text = digits;
    }
    if (out)
        out[n] = '/';
    n++;
    for (; *text; text++) {
        bool is_escaped = *text == '~' || *text == '/';
        if (out && is_escaped)
            memcpy(out + n, *text == '~' ? "~0" : "~1", 2);
        else if (out)
            out[n] = *text;
        n += is_escaped ? 2 : 1;
    }
    return n;
}

static const char *place_of(struct check *c, const struct step *step)
{
    size_t n = write_place(NULL, step);
    char *out = arena_alloc(c->report->arena, n + 1);

    if (!out)
        return NULL;
    write_place(out, step);
    out[n] = '\0';
    return out;
}

static bool make_room(struct schema_report *r)
{
    if (!r->max)
        r->max = SCHEMA_FAULTS_MAX;
    if (!r->faults)
        r->faults = arena_calloc(r->arena, r->max * sizeof(*r->faults));
    return r->faults != NULL;
}

/* Always false. */
static bool fault_at(struct check *c, const struct step *at, struct schema_fault what)
{
    struct schema_report *r = c->report;

    if (!r || !r->arena || (r->max && r->n == r->max))
        return false;
    const struct step member = { at, what.name, 0 };
    bool is_about_member = what.rule == SCHEMA_REQUIRED || what.rule == SCHEMA_DEPENDENT_REQUIRED;
    what.place = make_room(r) ? place_of(c, is_about_member ? &member : at) : NULL;
    if (what.place)
        r->faults[r->n++] = what;
    else
        r->is_out_of_memory = true;
    return false;
}

static bool fault(struct check *c, struct schema_fault what)
{
    return fault_at(c, c->step, what);
}

#define FAULT(c, s, ...) fault((c), (struct schema_fault){ .schema = (s), .rule = __VA_ARGS__ })

/* Nobody asks for more: the first fault decides. */
static bool is_enough(const struct check *c)
{
    return !c->report || !c->report->arena;
}

/* ---- marks ---- */

static void mark(struct check *c, struct marks *marks, uintptr_t what)
{
    if (!marks || marks->all)
        return;
    if (marks->n == marks->cap) {
        size_t cap = marks->cap ? marks->cap * 2 : 16;
        uintptr_t *v = realloc(marks->v, cap * sizeof(*v));
        if (!v) {
            c->out_of_memory = true;
            return;
        }
        marks->v = v;
        marks->cap = cap;
    }
    marks->v[marks->n++] = what;
}

static bool is_marked(const struct marks *marks, uintptr_t what)
{
    for (size_t i = 0; i < marks->n && !marks->all; i++) {
        if (marks->v[i] == what)
            return true;
    }
    return marks->all;
}

/* What a part that failed has marked does not count. */
static bool check_apart(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    struct marks before = marks ? *marks : (struct marks){ 0 };
    bool result = check(c, s, value, marks);

    if (!result && marks) {
        marks->n = before.n;
        marks->all = before.all;
    }
    return result;
}

/* Without being told why not. */
static bool fits(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    struct schema_report *report = c->report;

    c->report = NULL;
    bool result = check_apart(c, s, value, marks);
    c->report = report;
    return result;
}

static bool check_member(struct check *c, const struct schema *s, const char *name, const json_t *value)
{
    const struct step step = { c->step, name, 0 };

    c->step = &step;
    bool result = check(c, s, value, NULL);
    c->step = step.parent;
    return result;
}

static bool check_item(struct check *c, const struct schema *s, size_t i, const json_t *value)
{
    const struct step step = { c->step, NULL, i };

    c->step = &step;
    bool result = check(c, s, value, NULL);
    c->step = step.parent;
    return result;
}

/* ---- numbers and texts ---- */

static bool check_number(struct check *c, const struct schema *s, const json_t *value)
{
    if (s->maximum && value_compare_numbers(value, s->maximum) > 0)
        return FAULT(c, s, SCHEMA_MAXIMUM);
    if (s->exclusive_maximum && value_compare_numbers(value, s->exclusive_maximum) >= 0)
        return FAULT(c, s, SCHEMA_EXCLUSIVE_MAXIMUM);
    if (s->minimum && value_compare_numbers(value, s->minimum) < 0)
        return FAULT(c, s, SCHEMA_MINIMUM);
    if (s->exclusive_minimum && value_compare_numbers(value, s->exclusive_minimum) <= 0)
        return FAULT(c, s, SCHEMA_EXCLUSIVE_MINIMUM);
    return !s->multiple_of || value_is_multiple(value, s->multiple_of) || FAULT(c, s, SCHEMA_MULTIPLE_OF);
}

static bool check_string(struct check *c, const struct schema *s, const json_t *value)
{
    struct str text = str_make(json_string_value(value), json_string_length(value));
    size_t n = s->max_length < SIZE_MAX || s->min_length > 0 ? value_characters(value) : 0;

    if (n > s->max_length)
        return FAULT(c, s, SCHEMA_MAX_LENGTH, .found = n);
    if (n < s->min_length)
        return FAULT(c, s, SCHEMA_MIN_LENGTH, .found = n);
    if (s->pattern && !pattern_matches(s->pattern, text))
        return FAULT(c, s, SCHEMA_PATTERN);
    return !s->format || s->format(text) || FAULT(c, s, SCHEMA_FORMAT);
}

/* ---- lists ---- */

static bool check_contains(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    size_t found = 0, n = json_array_size(value);

    if (!s->contains)
        return true;
    for (size_t i = 0; i < n; i++) {
        if (!fits(c, s->contains, json_array_get(value, i), NULL))
            continue;
        found++;
        mark(c, marks, i + 1);
    }
    if (found < s->min_contains)
        return FAULT(c, s, SCHEMA_CONTAINS, .found = found);
    return found <= s->max_contains || FAULT(c, s, SCHEMA_MAX_CONTAINS, .found = found);
}

static bool check_items(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    size_t n = json_array_size(value);
    bool result = true;

    for (size_t i = 0; i < n && (result || !is_enough(c)); i++) {
        const struct schema *item = i < s->prefix.n ? s->prefix.v[i] : s->items;
        if (!item)
            break;
        result = check_item(c, item, i, json_array_get(value, i)) && result;
        mark(c, marks, i + 1);
    }
    return result;
}

static bool check_unevaluated_items(struct check *c, const struct schema *s, const json_t *value,
                                    struct marks *marks)
{
    bool result = true;

    for (size_t i = 0; i < json_array_size(value) && (result || !is_enough(c)); i++) {
        if (!is_marked(marks, i + 1))
            result = check_item(c, s->unevaluated_items, i, json_array_get(value, i)) && result;
    }
    if (result)
        marks->all = true;
    return result;
}

static bool check_array(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    size_t n = json_array_size(value);

    if (n > s->max_items)
        return FAULT(c, s, SCHEMA_MAX_ITEMS, .found = n);
    if (n < s->min_items)
        return FAULT(c, s, SCHEMA_MIN_ITEMS, .found = n);
    bool result = check_items(c, s, value, marks);
    if (!result && is_enough(c))
        return false;
    result = check_contains(c, s, value, marks) && result;
    int different = s->unique && result ? value_all_different(value) : 1;
    c->out_of_memory |= different < 0;
    return different == 1 ? result : FAULT(c, s, SCHEMA_UNIQUE_ITEMS);
}

/* ---- objects ---- */

/* Itself, or what it refers to. */
static bool goes_wrong_way(const struct check *c, const struct schema *s)
{
    for (unsigned i = 0; s && i < DEPTH_MAX; i++, s = s->reference) {
        if (c->way == SCHEMA_IN_REQUEST ? s->is_read_only : s->is_write_only)
            return true;
    }
    return false;
}

/* A form that is read and written requires what only one of both has. */
static bool may_be_missing(const struct check *c, const struct schema *s, struct str name)
{
    const struct member *known = c->way ? member_find(s->members, s->members_n, name) : NULL;
    return known && goes_wrong_way(c, known->schema);
}

static bool check_required(struct check *c, const struct schema *s, const json_t *value)
{
    bool result = true;

    for (size_t i = 0; i < s->required_n && (result || !is_enough(c)); i++) {
        if (!json_object_get(value, s->required[i].p) && !may_be_missing(c, s, s->required[i]))
            result = FAULT(c, s, SCHEMA_REQUIRED, .name = s->required[i].p);
    }
    for (size_t i = 0; i < s->wanted_n && (result || !is_enough(c)); i++) {
        const struct wanted *w = &s->wanted[i];
        for (size_t k = 0; json_object_get(value, w->name.p) && k < w->n; k++) {
            if (!json_object_get(value, w->names[k].p))
                result = FAULT(c, s, SCHEMA_DEPENDENT_REQUIRED, .name = w->names[k].p);
        }
    }
    return result;
}

static bool refuse_member(struct check *c, const struct schema *s, const char *name)
{
    const struct step step = { c->step, name, 0 };

    return fault_at(c, &step, (struct schema_fault){ .schema = s, .rule = SCHEMA_UNKNOWN, .name = name });
}

static bool check_additional(struct check *c, const struct schema *s, const struct schema *rule,
                             const char *name, const json_t *member)
{
    return rule->is_never ? refuse_member(c, s, name) : check_member(c, rule, name, member);
}

static bool check_one(struct check *c, const struct schema *s, const char *name, const json_t *member,
                      struct marks *marks)
{
    struct str text = str_from(name);
    const struct member *known = member_find(s->members, s->members_n, text);
    bool is_known = known != NULL, result = true;

    if (known)
        result = check_member(c, known->schema, name, member);
    for (size_t i = 0; i < s->matched_n && (result || !is_enough(c)); i++) {
        if (!pattern_matches(s->matched[i].pattern, text))
            continue;
        is_known = true;
        result = check_member(c, s->matched[i].schema, name, member) && result;
    }
    if (!is_known && s->additional) {
        result = check_additional(c, s, s->additional, name, member);
        is_known = true;
    }
    if (is_known)
        mark(c, marks, (uintptr_t)name);
    return result;
}

static bool check_name(struct check *c, const struct schema *s, const char *name)
{
    json_t *text = json_string_nocheck(name);
    const struct step step = { c->step, name, 0 };

    if (!text) {
        c->out_of_memory = true;
        return false;
    }
    c->step = &step;
    bool result = check(c, s, text, NULL);
    c->step = step.parent;
    json_decref(text);
    return result;
}

static bool check_members(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    json_t *object = (json_t *)(uintptr_t)value, *member;
    const char *name;
    bool result = true;

    if (s->members_n == 0 && s->matched_n == 0 && !s->additional && !s->names)
        return true;
    json_object_foreach(object, name, member)
    {
        if (s->names)
            result = check_name(c, s->names, name) && result;
        result = check_one(c, s, name, member, marks) && result;
        if (!result && is_enough(c))
            return false;
    }
    return result;
}

static bool check_unevaluated_members(struct check *c, const struct schema *s, const json_t *value,
                                      struct marks *marks)
{
    json_t *object = (json_t *)(uintptr_t)value, *member;
    const char *name;
    bool result = true;

    json_object_foreach(object, name, member)
    {
        if (!is_marked(marks, (uintptr_t)name))
            result = check_additional(c, s, s->unevaluated_members, name, member) && result;
        if (!result && is_enough(c))
            return false;
    }
    if (result)
        marks->all = true;
    return result;
}

static bool check_object(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    size_t n = json_object_size(value);

    if (n > s->max_properties)
        return FAULT(c, s, SCHEMA_MAX_PROPERTIES, .found = n);
    if (n < s->min_properties)
        return FAULT(c, s, SCHEMA_MIN_PROPERTIES, .found = n);
    bool result = check_required(c, s, value);
    if (!result && is_enough(c))
        return false;
    result = check_members(c, s, value, marks) && result;
    for (size_t i = 0; i < s->dependent_n && (result || !is_enough(c)); i++) {
        if (json_object_get(value, s->dependent[i].name.p))
            result = check_apart(c, s->dependent[i].schema, value, marks) && result;
    }
    return result;
}

/* ---- schemas made of schemas ---- */

/* Of several forms that are allowed, the one that was probably meant: the only one of the value's type. */
static const struct schema *likely(const struct schema_list *list, const json_t *value)
{
    const struct schema *found = NULL;

    for (size_t i = 0; i < list->n; i++) {
        const struct schema *s = list->v[i];
        while (s->reference && !s->dynamic && !s->types)
            s = s->reference;
        if (s->is_never || (s->types && !(s->types & value_types(value))))
            continue;
        if (found)
            return NULL;
        found = list->v[i];
    }
    return found;
}

static bool none_fits(struct check *c, const struct schema *s, const struct schema_list *list,
                      enum schema_rule rule, const json_t *value)
{
    const struct schema *meant = is_enough(c) ? NULL : likely(list, value);

    if (meant && meant != s && !check(c, meant, value, NULL))
        return false;
    return FAULT(c, s, rule);
}

static bool check_any_of(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    bool result = s->any_of.n == 0;

    for (size_t i = 0; i < s->any_of.n && (!result || marks); i++)
        result = fits(c, s->any_of.v[i], value, marks) || result;
    return result || none_fits(c, s, &s->any_of, SCHEMA_ANY_OF, value);
}

static bool check_one_of(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    size_t found = 0;

    if (s->one_of.n == 0)
        return true;
    for (size_t i = 0; i < s->one_of.n && found < 2; i++)
        found += fits(c, s->one_of.v[i], value, marks);
    if (found == 0)
        return none_fits(c, s, &s->one_of, SCHEMA_ONE_OF, value);
    return found == 1 || FAULT(c, s, SCHEMA_ONE_OF, .found = found);
}

static bool check_all_of(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    bool result = true;

    for (size_t i = 0; i < s->all_of.n && (result || !is_enough(c)); i++)
        result = check_apart(c, s->all_of.v[i], value, marks) && result;
    return result;
}

/* A question about the value, which is not what goes: who asks is not refused for it. */
static bool holds(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    enum schema_way way = c->way;

    c->way = SCHEMA_ANY_WAY;
    bool result = fits(c, s, value, marks);
    c->way = way;
    return result;
}

static bool check_condition(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    if (!s->condition)
        return true;
    const struct schema *next = holds(c, s->condition, value, marks) ? s->then : s->otherwise;
    return !next || check_apart(c, next, value, marks);
}

/* The outermost resource on the way here that has such an anchor. */
static const struct schema *dynamic_target(const struct check *c, const struct schema *s)
{
    const struct schema *target = s->reference;

    for (const struct scope *scope = c->scope; scope; scope = scope->outer) {
        for (const struct anchor *a = scope->resource->anchors; a; a = a->next) {
            if (a->is_dynamic && a->schema && strcmp(a->name, s->dynamic) == 0)
                target = a->schema;
        }
    }
    return target;
}

static bool check_reference(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    if (!s->reference)
        return true;
    return check_apart(c, s->dynamic ? dynamic_target(c, s) : s->reference, value, marks);
}

static bool check_parts(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    bool result = check_reference(c, s, value, marks);

    if (result || !is_enough(c))
        result = check_all_of(c, s, value, marks) && result;
    if (result || !is_enough(c))
        result = check_any_of(c, s, value, marks) && result;
    if (result || !is_enough(c))
        result = check_one_of(c, s, value, marks) && result;
    if ((result || !is_enough(c)) && s->negated && holds(c, s->negated, value, NULL))
        result = FAULT(c, s, SCHEMA_NOT);
    if (result || !is_enough(c))
        result = check_condition(c, s, value, marks) && result;
    return result;
}

/* ---- a schema ---- */

static bool is_in(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (value_equal(json_array_get(list, i), value))
            return true;
    }
    return false;
}

/* What holds for every kind of value. */
static bool check_itself(struct check *c, const struct schema *s, const json_t *value)
{
    if (c->way == SCHEMA_IN_REQUEST && s->is_read_only)
        return FAULT(c, s, SCHEMA_READ_ONLY);
    if (c->way == SCHEMA_IN_REPLY && s->is_write_only)
        return FAULT(c, s, SCHEMA_WRITE_ONLY);
    if (s->types && !(s->types & value_types(value)))
        return FAULT(c, s, SCHEMA_TYPE, .found = (size_t)json_typeof(value));
    if (s->enumeration && !is_in(s->enumeration, value))
        return FAULT(c, s, SCHEMA_ENUM);
    return !s->constant || value_equal(s->constant, value) || FAULT(c, s, SCHEMA_CONST);
}

static bool check_kind(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return !s->has_object_rules || check_object(c, s, value, marks);
    case JSON_ARRAY: return !s->has_array_rules || check_array(c, s, value, marks);
    case JSON_STRING: return !s->has_string_rules || check_string(c, s, value);
    case JSON_INTEGER:
    case JSON_REAL: return !s->has_number_rules || check_number(c, s, value);
    default: return true;
    }
}

static bool check_unevaluated(struct check *c, const struct schema *s, const json_t *value,
                              struct marks *marks)
{
    if (s->unevaluated_members && json_is_object(value))
        return check_unevaluated_members(c, s, value, marks);
    return !s->unevaluated_items || !json_is_array(value) || check_unevaluated_items(c, s, value, marks);
}

/* One that asks for what is left counts for itself, and tells whoever contains it. */
static bool check_counting(struct check *c, const struct schema *s, const json_t *value, struct marks *outer)
{
    struct marks own = { NULL, 0, 0, false };
    bool result = check_kind(c, s, value, &own);

    if (result || !is_enough(c))
        result = check_parts(c, s, value, &own) && result;
    if (result)
        result = check_unevaluated(c, s, value, &own);
    for (size_t i = 0; i < own.n && result; i++)
        mark(c, outer, own.v[i]);
    if (own.all && outer)
        outer->all = true;
    free(own.v);
    return result;
}

static bool check_rules(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    if (!check_itself(c, s, value))
        return false;
    if (s->unevaluated_members || s->unevaluated_items)
        return check_counting(c, s, value, marks);
    bool result = check_kind(c, s, value, marks);
    return (result || !is_enough(c)) && check_parts(c, s, value, marks) && result;
}

static bool check(struct check *c, const struct schema *s, const json_t *value, struct marks *marks)
{
    const struct scope *outer = c->scope, scope = { outer, s->resource };

    if (s->is_never)
        return FAULT(c, s, SCHEMA_NEVER);
    if (c->depth == DEPTH_MAX || c->out_of_memory)
        return FAULT(c, s, SCHEMA_TOO_DEEP);
    c->depth++;
    if (!outer || outer->resource != s->resource)
        c->scope = &scope;
    bool result = check_rules(c, s, value, marks);
    c->scope = outer;
    c->depth--;
    return result;
}

int schema_check(const struct schema *schema, const json_t *value, struct schema_report *report)
{
    struct check c = { .report = report, .way = report ? report->way : SCHEMA_ANY_WAY };

    if (check(&c, schema, value, NULL) && !c.out_of_memory)
        return 0;
    if (report)
        report->is_out_of_memory |= c.out_of_memory;
    return 1;
}

/* ---- defaults ---- */

static int fill(const struct schema *s, json_t *value, unsigned depth)
{
    if (depth == DEPTH_MAX || s->is_never)
        return 0;
    if (s->reference)
        DW_TRY(fill(s->reference, value, depth + 1));
    for (size_t i = 0; i < s->all_of.n; i++)
        DW_TRY(fill(s->all_of.v[i], value, depth + 1));
    for (size_t i = 0; json_is_object(value) && i < s->members_n; i++) {
        const struct schema *member = s->members[i].schema;
        json_t *there = json_object_get(value, s->members[i].name.p);
        if (!there && member->fallback) {
            json_t *copy = json_deep_copy(member->fallback);
            if (!copy || json_object_set_new(value, s->members[i].name.p, copy) != 0)
                return -1;
        } else if (there) {
            DW_TRY(fill(member, there, depth + 1));
        }
    }
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        const struct schema *item = i < s->prefix.n ? s->prefix.v[i] : s->items;
        if (item)
            DW_TRY(fill(item, json_array_get(value, i), depth + 1));
    }
    return 0;
}

const json_t *schema_default(const struct schema *schema)
{
    const struct schema *s = schema;

    for (unsigned i = 0; s->reference && !s->fallback && i < DEPTH_MAX; i++)
        s = s->reference;
    return s->fallback;
}

int schema_fill_defaults(const struct schema *schema, json_t *value)
{
    return fill(schema, value, 0);
}
