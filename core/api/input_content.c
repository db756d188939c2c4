/* The content of a request: is it what the operation takes, and what does it say? */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/input_struct.h"
#include "util/json.h"

static int refuse(struct api_refusal *out, int status, const char *detail)
{
    *out = (struct api_refusal){ .status = status, .detail = detail };
    return -1;
}

static int out_of_memory(struct api_refusal *out)
{
    return refuse(out, 500, "The server is out of memory.");
}

/* ---- which media type ---- */

/* "application/json" of "application/json; charset=utf-8". */
static struct str essence(struct str content_type)
{
    return str_trim(str_make(content_type.p, str_find(content_type, ';')));
}

/* How precisely a declared type names another: 0 not at all, 1 as one of all, 2 as one of its kind, 3 itself. */
static int precision(struct str declared, struct str given)
{
    struct str kind = str_make(declared.p, str_find(declared, '/') + 1);

    if (str_equal_nocase(declared, given))
        return 3;
    if (str_equal(declared, STR_OF("*/*")))
        return 1;
    bool is_range = str_ends_with(declared, STR_OF("/*"));
    return is_range && given.n > kind.n && str_equal_nocase(kind, str_make(given.p, kind.n)) ? 2 : 0;
}

static const struct api_media *choose_media(const struct api_operation *op, struct str type)
{
    const struct api_media *best = NULL;
    int best_precision = 0;

    for (size_t i = 0; type.n && i < op->media_n; i++) {
        int p = precision(op->media[i].type, type);
        if (p > best_precision) {
            best = &op->media[i];
            best_precision = p;
        }
    }
    return best;
}

static int refuse_media(struct api_input *in, struct api_refusal *refusal)
{
    struct buf accept = BUF_INIT;

    for (size_t i = 0; i < in->op->media_n; i++) {
        buf_add_text(&accept, i ? ", " : "");
        buf_add_str(&accept, in->op->media[i].type);
    }
    char *types = arena_copy(in->arena, str_from(buf_text(&accept)));
    char *detail =
        types ? arena_format(in->arena, api_say(in, "Send the content with Content-Type: %s."), types) : NULL;
    buf_finish(&accept);
    if (!detail)
        return out_of_memory(refusal);
    refuse(refusal, 415, detail);
    refusal->accept = types;
    return -1;
}

/* ---- JSON ---- */

static int read_fully(int fd, char *p, size_t n)
{
    size_t at = 0;

    while (at < n) {
        ssize_t got = pread(fd, p + at, n - at, (off_t)at);
        if (got <= 0)
            return -1;
        at += (size_t)got;
    }
    return 0;
}

/* Where forms with files are taken too, any content may have been spooled. *owned is to be freed. */
static int content_in_memory(struct http_exchange *x, struct str *out, char **owned)
{
    off_t size = 0;
    int fd = http_request_body_fd(x, &size);

    *owned = NULL;
    *out = http_request_body(x);
    if (fd < 0)
        return 0;
    *owned = malloc((size_t)size + 1);
    if (!*owned || read_fully(fd, *owned, (size_t)size) != 0)
        return -1;
    *out = str_make(*owned, (size_t)size);
    return 0;
}

static void check_member(struct api_input *in, const struct api_field *field)
{
    const json_t *member = json_object_get(in->json, field->name);

    if (!member || api_json_has_type(member, field->type) || (json_is_null(member) && field->nullable))
        return;
    api_fault(in, &in->invalid, NULL, field->name,
              json_is_null(member) ? "must be %s, not null" : "must be %s",
              api_say(in, api_type_words(field->type)));
}

static void check_members(struct api_input *in)
{
    bool has_members = false;

    for (size_t i = 0; i < in->op->fields_n; i++)
        has_members |= (in->op->fields[i].bodies & API_BODY_JSON) != 0;
    if (!has_members)
        return;
    if (!json_is_object(in->json)) {
        api_fault(in, &in->unreadable, NULL, NULL, "the content must be a JSON object");
        return;
    }
    for (size_t i = 0; i < in->op->fields_n && !in->media->rules; i++) {
        if (in->op->fields[i].bodies & API_BODY_JSON)
            check_member(in, &in->op->fields[i]);
    }
}

static void complain_json(struct api_input *in, const struct json_fault *fault)
{
    const char *text = api_say(in, fault->text);

    if (fault->line)
        api_fault(in, &in->unreadable, NULL, NULL,
                  "the content cannot be read as JSON: %s, at line %u, column %u", text, fault->line,
                  fault->column);
    else
        api_fault(in, &in->unreadable, NULL, NULL, "the content cannot be read as JSON: %s", text);
}

static int read_json(struct api_input *in, struct api_refusal *refusal)
{
    struct json_fault fault;
    struct str text;
    char *owned;
    int result = 0;

    if (content_in_memory(in->x, &text, &owned) != 0) {
        free(owned);
        return refuse(refusal, 500, "The server could not read the content again.");
    }
    if (json_strict_parse(text, text.n, &in->json, &fault) == 0)
        check_members(in);
    else if (fault.is_ours)
        result = out_of_memory(refusal);
    else
        complain_json(in, &fault);
    free(owned);
    return result;
}

/* ---- forms ---- */

/* NULL after a fault, or when the form may have fields that nobody declared. */
static const struct api_field *find_form_field(struct api_input *in, const char *name)
{
    const char *nearest = NULL;
    const struct api_field *field = api_operation_field(in->op, name, &nearest);

    if (field && (field->bodies & (unsigned)in->media->body))
        return field;
    if (in->media->open)
        return NULL;
    if (nearest)
        api_fault(in, &in->unreadable, NULL, name, "is not known, did you mean %s?", nearest);
    else
        api_fault(in, &in->unreadable, NULL, name, "is not known");
    return NULL;
}

static void put_form_field(struct api_input *in, const struct form_field *sent)
{
    char *name = arena_copy(in->arena, sent->name);

    if (!name) {
        in->out_of_memory = true;
        return;
    }
    const struct api_field *field = find_form_field(in, name);
    if (field)
        api_put_text(in, field, sent->value);
}

static int read_form(struct api_input *in, struct api_refusal *refusal)
{
    struct str text;
    char *owned;

    if (content_in_memory(in->x, &text, &owned) != 0) {
        free(owned);
        return refuse(refusal, 500, "The server could not read the content again.");
    }
    if (owned) { /* the form points into it */
        text.p = arena_copy(in->arena, text);
        free(owned);
        if (!text.p)
            return refuse(refusal, 413, "The form is too long.");
    }
    if (form_parse(text, in->arena, &in->form) != 0)
        return refuse(refusal, in->form.status, in->form.reason);
    for (size_t i = 0; i < in->form.fields; i++)
        put_form_field(in, &in->form.field[i]);
    return 0;
}

static void put_part(struct api_input *in, const struct upload_part *part)
{
    char *name = arena_copy(in->arena, part->name);

    if (!name) {
        in->out_of_memory = true;
        return;
    }
    const struct api_field *field = find_form_field(in, name);
    if (field && part->filename.p)
        api_put_file(in, field, part);
    else if (field)
        api_put_text(in, field, part->value);
}

static int feed_upload(struct http_exchange *x, struct upload *upload)
{
    off_t size = 0;
    int fd = http_request_body_fd(x, &size);
    int result = fd >= 0 ? upload_feed_file(upload, fd, size) : upload_feed(upload, http_request_body(x));

    return result == 0 ? upload_end(upload) : -1;
}

static int read_multipart(struct api_input *in, struct api_refusal *refusal)
{
    struct upload_options options = { .spool_dir = http_spool_dir(in->x) };

    in->upload = upload_begin(in->arena, http_request_header(in->x, "Content-Type"), &options);
    if (!in->upload)
        return out_of_memory(refusal);
    if (feed_upload(in->x, in->upload) != 0)
        return refuse(refusal, in->upload->status, in->upload->reason);
    for (const struct upload_part *part = in->upload->first; part; part = part->next)
        put_part(in, part);
    return 0;
}

/* ---- all ---- */

static bool has_content(const struct http_exchange *x)
{
    const struct http_head *head = http_request_head(x);
    off_t size = 0;

    if (!head->chunked)
        return head->length > 0;
    if (http_request_route(x)->body == HTTP_BODY_STREAM)
        return true;
    return http_request_body(x).n > 0 || http_request_body_fd(x, &size) >= 0;
}

static int refuse_none(const struct api_operation *op, struct api_refusal *refusal)
{
    if (!op->body_required)
        return 0;
    return refuse(refusal, 400, "The request has no content, and this operation needs some.");
}

int api_read_content(struct api_input *in, struct api_refusal *refusal)
{
    if (!has_content(in->x))
        return refuse_none(in->op, refusal);
    if (!in->op->bodies)
        return refuse(refusal, 400, "This operation takes no content; send the request without any.");
    in->media = choose_media(in->op, essence(http_request_header(in->x, "Content-Type")));
    if (!in->media)
        return refuse_media(in, refusal);
    switch (in->media->body) {
    case API_BODY_JSON: return read_json(in, refusal);
    case API_BODY_FORM: return read_form(in, refusal);
    case API_BODY_MULTIPART: return read_multipart(in, refusal);
    case API_BODY_NONE:
    case API_BODY_BYTES:
    case API_BODY_STREAM: return 0;
    }
    return 0;
}
