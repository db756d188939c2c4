#include "api/input.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/input_struct.h"

enum { DETAIL_MAX = 300 };

/* ---- faults ---- */

const char *api_place_of(enum api_in in)
{
    static const char *const places[] = {
        [API_IN_PATH] = "path",     [API_IN_QUERY] = "query", [API_IN_HEADER] = "header",
        [API_IN_COOKIE] = "cookie", [API_IN_BODY] = NULL,
    };
    return places[in];
}

/* A name in a JSON pointer (RFC 6901) in the fragment of a URI. */
static void add_name(struct buf *out, const char *name)
{
    static const char plain[] = "!$&'()*+,;=-._:@";

    buf_add_char(out, '/');
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '~')
            buf_add_text(out, "~0");
        else if (c == '/')
            buf_add_text(out, "~1");
        else if (is_plain || strchr(plain, c))
            buf_add_char(out, (char)c);
        else
            buf_add_format(out, "%%%02X", c);
    }
}

/* A pointer's names, which have their ~ and / escaped already. */
static void add_inside(struct buf *out, const char *inside)
{
    for (; *inside; inside++) {
        unsigned char c = (unsigned char)*inside;
        if (c <= ' ' || c >= 0x7f || strchr("\"%<>\\^`{|}#[]?", c))
            buf_add_format(out, "%%%02X", c);
        else
            buf_add_char(out, (char)c);
    }
}

static char *make_pointer(struct arena *arena, const char *place, const char *name, const char *inside)
{
    struct buf out = BUF_INIT;

    buf_add_char(&out, '#');
    if (place)
        add_name(&out, place);
    if (name)
        add_name(&out, name);
    add_inside(&out, inside);
    char *copy = buf_failed(&out) ? NULL : arena_copy(arena, buf_str(&out));
    buf_finish(&out);
    return copy;
}

void api_fault_at(struct api_input *in, struct api_faults *faults, const char *place, const char *name,
                  const char *inside, struct str detail)
{
    if (faults->n == API_FAULTS_MAX)
        return;
    if (!faults->v)
        faults->v = arena_alloc(in->arena, API_FAULTS_MAX * sizeof(*faults->v));
    char *pointer = make_pointer(in->arena, place, name, inside), *copy = arena_copy(in->arena, detail);
    if (faults->v && pointer && copy)
        faults->v[faults->n++] = (struct problem_error){ str_from(pointer), str_from(copy) };
    else
        in->out_of_memory = true;
}

void api_fault(struct api_input *in, struct api_faults *faults, const char *place, const char *name,
               const char *format, ...)
{
    char text[DETAIL_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), api_say(in, format), args);
    va_end(args);
    api_fault_at(in, faults, place, name, "", str_from(text));
}

/* ---- checking ---- */

static bool is_absent(const struct api_input *in, const struct api_field *field)
{
    if (field->in == API_IN_BODY && in->json)
        return json_object_get(in->json, field->name) == NULL;
    return !in->slots[field - in->op->fields].present;
}

/* What JSON content must have, its schema says. */
static bool is_required(const struct api_input *in, const struct api_field *field)
{
    if (field->in == API_IN_BODY && in->json && in->media->rules)
        return false;
    if (field->in == API_IN_BODY)
        return in->media && (field->required_bodies & (unsigned)in->media->body);
    return field->required;
}

static const struct api_field *check_required(struct api_input *in)
{
    const struct api_field *etag = NULL;

    for (size_t i = 0; i < in->op->fields_n; i++) {
        const struct api_field *field = &in->op->fields[i];
        if (!is_required(in, field) || !is_absent(in, field))
            continue;
        if (field->is_etag)
            etag = field;
        else
            api_fault(in, &in->invalid, api_place_of(field->in), field->sent_as,
                      "is missing, and is required");
    }
    return etag;
}

static int refuse(struct api_refusal *out, int status, const char *detail, const struct api_faults *faults)
{
    *out = (struct api_refusal){ .status = status, .detail = detail };
    if (faults) {
        out->errors = faults->v;
        out->errors_n = faults->n;
    }
    return -1;
}

static int judge(struct api_input *in, const struct api_field *missing_etag, struct api_refusal *refusal)
{
    if (in->out_of_memory)
        return refuse(refusal, 500, "The server is out of memory.", NULL);
    if (in->unreadable.n)
        return refuse(refusal, 400, "The request cannot be understood; errors says where.", &in->unreadable);
    if (in->invalid.n)
        return refuse(refusal, 422,
                      "The request has values that are not what they should be; errors says which.",
                      &in->invalid);
    if (missing_etag)
        return refuse(refusal, 428,
                      "Send If-Match with the ETag of what was read, so that nobody else's change is lost.",
                      NULL);
    return 0;
}

static int read_all(struct api_input *in, struct api_refusal *refusal)
{
    const struct api_field *missing_etag = NULL;

    if (api_read_content(in, refusal) != 0)
        return -1;
    api_read_parameters(in);
    if (!in->unreadable.n) { /* else what is missing may only be unread */
        missing_etag = check_required(in);
        api_check_rules(in);
    }
    return judge(in, missing_etag, refusal);
}

int api_input_check(struct http_exchange *x, const struct api_operation *op, struct api_input **out,
                    struct api_refusal *refusal)
{
    struct arena *arena = http_arena(x);
    struct api_input *in = arena_calloc(arena, sizeof(*in));
    struct api_slot *slots = arena_calloc(arena, (op->fields_n + 1) * sizeof(*slots));

    *out = NULL;
    if (!in || !slots)
        return refuse(refusal, 500, "The server is out of memory.", NULL);
    in->x = x;
    in->op = op;
    in->arena = arena;
    in->slots = slots;
    if (read_all(in, refusal) != 0) {
        api_input_finish(in);
        return -1;
    }
    *out = in;
    return 0;
}

void api_input_finish(struct api_input *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->op->fields_n; i++)
        json_decref(in->slots[i].value.json);
    json_decref(in->json);
    upload_finish(in->upload);
    in->json = NULL;
    in->upload = NULL;
}

int api_input_refuse(struct http_exchange *x, const struct api_refusal *refusal)
{
    if (http_replied(x))
        return -1;
    if (refusal->accept) /* a hint: without memory for it the refusal stands as well */
        http_reply_header(x, "Accept", str_from(refusal->accept));
    return http_reply_problem_with(x, refusal->status, refusal->detail, HTTP_WORDS_OURS, refusal->errors,
                                   refusal->errors_n);
}

/* ---- asking ---- */

int api_input_value(const struct api_input *in, const struct api_field *field, struct api_value *out)
{
    const struct api_slot *slot = &in->slots[field - in->op->fields];
    json_t *member = field->in == API_IN_BODY ? json_object_get(in->json, field->name) : NULL;

    if (member ? json_is_null(member) : !slot->present)
        return 0;
    *out = member ? api_value_of_json(member, field->type) : slot->value;
    return 1;
}

int api_input_find(const struct api_input *in, const char *name, struct api_value *out)
{
    const struct api_field *field = api_operation_field(in->op, name, NULL);
    return field ? api_input_value(in, field, out) : -1;
}

json_t *api_input_json(const struct api_input *in)
{
    return in->json;
}

const struct form *api_input_form(const struct api_input *in)
{
    return in->media && in->media->body == API_BODY_FORM ? &in->form : NULL;
}

const struct upload *api_input_upload(const struct api_input *in)
{
    return in->upload;
}
