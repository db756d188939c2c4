#include "http/form.h"

#include "http/percent.h"

static int fail(struct form *out, int status, const char *reason)
{
    out->fields = 0;
    out->status = status;
    out->reason = reason;
    return -1;
}

/* Stops above the limit. */
static size_t count_pairs(struct str body)
{
    size_t n = 0;
    struct str rest = body, name, value;

    while (n <= FORM_FIELDS_MAX && http_query_next(&rest, &name, &value))
        n++;
    return n;
}

/* Decodes into the arena if there is anything to decode. 0, or the status that says why not. */
static int decode(struct str raw, struct arena *a, struct str *out)
{
    bool is_plain = str_find(raw, '%') == raw.n && str_find(raw, '+') == raw.n;
    char *room = is_plain ? NULL : arena_alloc(a, raw.n);

    if (!is_plain && !room)
        return 500;
    return http_query_decode(raw, room, is_plain ? 0 : raw.n, out) == 0 ? 0 : 400;
}

int form_parse(struct str body, struct arena *a, struct form *out)
{
    *out = (struct form){ .fields = 0 };
    size_t n = count_pairs(body);
    if (n > FORM_FIELDS_MAX)
        return fail(out, 413, "The form has more than 1000 fields.");
    struct form_field *field = arena_alloc(a, n * sizeof(*field));
    if (!field)
        return fail(out, 500, "The server is out of memory.");

    struct str name, value;
    for (size_t i = 0; i < n && http_query_next(&body, &name, &value); i++) {
        int status = decode(name, a, &field[i].name);
        if (status == 0)
            status = decode(value, a, &field[i].value);
        if (status == 500)
            return fail(out, 500, "The server is out of memory.");
        if (status != 0)
            return fail(out, 400, "A field of the form is not valid UTF-8, or has a broken %-escape.");
        if (field[i].name.n > FORM_NAME_MAX)
            return fail(out, 413, "The name of a form field is longer than 1024 bytes.");
    }
    out->field = field;
    out->fields = n;
    return 0;
}

struct str form_find(const struct form *form, const char *name)
{
    struct str wanted = str_from(name);

    for (size_t i = 0; i < form->fields; i++) {
        if (str_equal(form->field[i].name, wanted))
            return form->field[i].value;
    }
    return str_make(NULL, 0);
}
