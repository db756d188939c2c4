/* The names of an operation: each is known once, whichever part of the request brings it. */
#include <strings.h>

#include "api/reader.h"
#include "config/nearest.h"

const char *api_in_words(enum api_in in)
{
    static const char *const words[] = {
        [API_IN_PATH] = "the path",      [API_IN_QUERY] = "the query",  [API_IN_HEADER] = "the header",
        [API_IN_COOKIE] = "the cookies", [API_IN_BODY] = "the content",
    };
    return words[in];
}

static bool has_room(struct api_reader *r, struct api_fields *fields)
{
    if (fields->n < fields->cap)
        return true;
    size_t cap = fields->cap ? fields->cap * 2 : 8;
    struct api_field *v = arena_alloc(r->arena, cap * sizeof(*v));
    if (!v) {
        api_complain_memory(r);
        return false;
    }
    if (fields->n)
        memcpy(v, fields->v, fields->n * sizeof(*v));
    fields->v = v;
    fields->cap = cap;
    return true;
}

/* The same member of the next media type: a handler must find the same thing, whichever was sent. */
static void join_bodies(struct api_reader *r, struct api_field *known, const struct api_field *field)
{
    if (known->type != field->type)
        api_complain(r, field->line, "give both the same type",
                     "%s is %s in one media type and %s in another (line %u)", field->name,
                     api_type_words(field->type), api_type_words(known->type), known->line);
    known->bodies |= field->bodies;
}

static void complain_twice(struct api_reader *r, const struct api_field *known, const struct api_field *field)
{
    if (known->in == field->in)
        api_complain(r, field->line, "remove one", "%s stands twice in %s, first in line %u", field->name,
                     api_in_words(field->in), known->line);
    else
        api_complain(r, field->line, "a handler asks by the name alone: give one of them another",
                     "%s is in %s and also in %s (line %u)", field->name, api_in_words(field->in),
                     api_in_words(known->in), known->line);
}

void api_fields_add(struct api_reader *r, struct api_fields *fields, const struct api_field *field)
{
    for (size_t i = 0; i < fields->n; i++) {
        struct api_field *known = &fields->v[i];
        bool both_headers = known->in == API_IN_HEADER && field->in == API_IN_HEADER;
        if (strcmp(known->name, field->name) != 0 &&
            !(both_headers && strcasecmp(known->sent_as, field->sent_as) == 0))
            continue;
        if (known->in == API_IN_BODY && field->in == API_IN_BODY)
            join_bodies(r, known, field);
        else
            complain_twice(r, known, field);
        return;
    }
    if (has_room(r, fields))
        fields->v[fields->n++] = *field;
}

const struct api_field *api_operation_field(const struct api_operation *op, const char *name,
                                            const char **nearest)
{
    struct nearest near = nearest_init(str_from(name));

    for (size_t i = 0; i < op->fields_n; i++) {
        if (strcmp(op->fields[i].name, name) == 0)
            return &op->fields[i];
    }
    for (size_t i = 0; nearest && i < op->fields_n; i++)
        nearest_offer(&near, op->fields[i].name);
    if (nearest)
        *nearest = near.name;
    return NULL;
}
