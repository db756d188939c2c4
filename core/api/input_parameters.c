/* What a request brings beside its content: path, query, header fields, cookies. */
#include "api/input_struct.h"
#include "http/percent.h"

/* ---- path ---- */

static void read_path(struct api_input *in, const struct api_field *field)
{
    struct str value = http_request_param(in->x, field->name);

    if (value.p)
        api_put_text(in, field, value);
}

/* ---- query ---- */

/* Memory is only taken where there is something to decode. False after a fault; name NULL: it is the name itself. */
static bool decode(struct api_input *in, struct str raw, const char *name, struct str *out)
{
    bool is_plain = str_find(raw, '%') == raw.n && str_find(raw, '+') == raw.n;
    char *room = is_plain ? NULL : arena_alloc(in->arena, raw.n);

    if (!is_plain && !room) {
        in->out_of_memory = true;
        return false;
    }
    if (http_query_decode(raw, room, is_plain ? 0 : raw.n, out) == 0)
        return true;
    api_fault(in, &in->unreadable, "query", name,
              name ? "has a broken %%-escape, is not UTF-8, or has a NUL character"
                   : "a name has a broken %%-escape, is not UTF-8, or has a NUL character");
    return false;
}

static const struct api_field *find_query_field(struct api_input *in, const char *name)
{
    const char *nearest = NULL;
    const struct api_field *field = api_operation_field(in->op, name, &nearest);

    if (field && field->in == API_IN_QUERY)
        return field;
    if (field)
        api_fault(in, &in->unreadable, "query", name, "belongs into %s",
                  api_say(in, api_in_words(field->in)));
    else if (nearest)
        api_fault(in, &in->unreadable, "query", name, "is not known, did you mean %s?", nearest);
    else
        api_fault(in, &in->unreadable, "query", name, "is not known");
    return NULL;
}

static void read_pair(struct api_input *in, struct str raw_name, struct str raw_value)
{
    struct str name, value;

    if (!decode(in, raw_name, NULL, &name))
        return;
    char *terminated = arena_copy(in->arena, name);
    if (!terminated) {
        in->out_of_memory = true;
        return;
    }
    const struct api_field *field = find_query_field(in, terminated);
    if (field && decode(in, raw_value, field->name, &value))
        api_put_text(in, field, value);
}

static void read_query(struct api_input *in)
{
    struct str rest = http_request_query(in->x), name, value;

    while (http_query_next(&rest, &name, &value))
        read_pair(in, name, value);
}

/* ---- header ---- */

static void read_header(struct api_input *in, const struct api_field *field)
{
    const struct http_head *head = http_request_head(in->x);
    struct str value;
    uint16_t at = 0;

    while ((value = http_head_next(head, str_from(field->sent_as), &at)).p)
        api_put_text(in, field, value);
}

/* Browsers send the cookie of the closest path first, and may send another one of the same name behind it. */
static void read_cookie(struct api_input *in, const struct api_field *field)
{
    struct str cookies = http_request_header(in->x, "Cookie"), pair;

    while (cookies.p && str_split(&cookies, ';', &pair)) {
        pair = str_trim(pair);
        size_t equals = str_find(pair, '=');
        if (equals == pair.n || !str_equal(str_make(pair.p, equals), str_from(field->name)))
            continue;
        api_put_text(in, field, str_make(pair.p + equals + 1, pair.n - equals - 1));
        return;
    }
}

/* ---- all ---- */

void api_read_parameters(struct api_input *in)
{
    read_query(in);
    for (size_t i = 0; i < in->op->fields_n; i++) {
        const struct api_field *field = &in->op->fields[i];
        switch (field->in) {
        case API_IN_PATH: read_path(in, field); break;
        case API_IN_HEADER: read_header(in, field); break;
        case API_IN_COOKIE: read_cookie(in, field); break;
        case API_IN_QUERY:
        case API_IN_BODY: break;
        }
    }
}
