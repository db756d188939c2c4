/* request_read.c - what a request brings, into a handler's variables. */
#include "plugin/request.h"

#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>

#include "api/input.h"
#include "http/percent.h"
#include "plugin/values.h"
#include "util/json.h"

/* ---- the content ---- */

/* The file stays the exchange's; what is read of it is borrowed until the call ends. */
static int map_file(struct request *r, int fd, off_t size, dw_bytes *out)
{
    if (size == 0)
        return 0;
    void *p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return call_fail(r->c, DW_EUNAVAILABLE, "the content of the request cannot be read from its file");
    *out = (dw_bytes){ p, (size_t)size };
    return 0;
}

/* Of x-body: stream, whose handler has asked for all of it. The transport bounds its size. */
static void read_stream(struct request *r)
{
    char piece[16 * 1024];
    ssize_t n;

    while ((n = http_request_read(r->x, piece, sizeof(piece))) > 0)
        buf_add(&r->streamed, piece, (size_t)n);
    if (buf_failed(&r->streamed))
        call_poison(r->c, "there is no memory for the content of the request");
    else if (n < 0)
        call_fail(r->c, DW_ECANCELLED, "the client sent only a part of the content");
    else
        r->content = (dw_bytes){ r->streamed.p, r->streamed.n };
}

dw_bytes request_body(struct request *r)
{
    off_t size = 0;

    if (r->body_read)
        return r->content;
    r->body_read = true;
    int fd = http_request_body_fd(r->x, &size);
    if (fd >= 0) {
        if (map_file(r, fd, size, &r->content) == 0) {
            r->mapped = (void *)(uintptr_t)r->content.p;
            r->mapped_n = r->content.n;
        }
    } else if (http_request_route(r->x)->body == HTTP_BODY_STREAM) {
        read_stream(r);
    } else {
        struct str body = http_request_body(r->x);
        r->content = (dw_bytes){ body.p, body.n };
    }
    return r->content;
}

json_t *request_json(struct request *r)
{
    struct json_fault fault;

    if (r->input && api_input_json(r->input))
        return api_input_json(r->input);
    if (r->route->operation || r->json_read)
        return r->json;
    r->json_read = true;
    dw_bytes body = request_body(r);
    if (body.n && json_strict_parse(str_make(body.p, body.n), 0, &r->json, &fault) != 0)
        call_refuse(r->c, fault.is_ours ? DW_ENOMEM : DW_EINVALID, "",
                    "the content is not valid JSON: line %u, column %u: %s", fault.line, fault.column,
                    fault.text);
    return r->json;
}

/* ---- values ---- */

static int store_integer(const dw_value *to, int64_t value, const char **expected)
{
    switch (to->type) {
    case DW_TO_INT64: *(int64_t *)to->as.to = value; return 0;
    case DW_TO_INT32:
        *expected = "a whole number of 32 bits";
        if (value < INT32_MIN || value > INT32_MAX)
            return -1;
        *(int *)to->as.to = (int)value;
        return 0;
    case DW_TO_REAL: *(double *)to->as.to = (double)value; return 0;
    default: *expected = NULL; return -1;
    }
}

static int undo_mapping(struct request *r, dw_bytes bytes);

static int store_file(struct request *r, const dw_value *to, const struct upload_part *file)
{
    dw_bytes bytes = { file->value.p, file->value.n };

    if (file->fd >= 0) {
        bytes = (dw_bytes){ NULL, 0 };
        DW_TRY(map_file(r, file->fd, file->size, &bytes));
        DW_TRY(undo_mapping(r, bytes));
    }
    *(dw_bytes *)to->as.to = bytes;
    return 0;
}

struct mapping {
    void *p;
    size_t n;
};

static void unmap(void *ud)
{
    struct mapping *m = ud;
    munmap(m->p, m->n);
}

static int undo_mapping(struct request *r, dw_bytes bytes)
{
    if (bytes.n == 0)
        return 0;
    struct mapping *m = call_alloc(r->c, sizeof(*m));
    *m = (struct mapping){ (void *)(uintptr_t)bytes.p, bytes.n };
    call_at_end(r->c, CALL_UNDO_MEMORY, unmap, m);
    return 0;
}

/* Does the target go with what api.yaml says of the field? If not the plugin is wrong, whatever the client sent. */
static bool fits_kind(const dw_value *to, enum api_value_kind kind)
{
    static const unsigned fits[] = {
        [API_VALUE_TEXT] = ~(1u << DW_TO_JSON), /* "5" may be read as a number, RFC 3339 as a time */
        [API_VALUE_INTEGER] = 1u << DW_TO_INT32 | 1u << DW_TO_INT64 | 1u << DW_TO_REAL,
        [API_VALUE_NUMBER] = 1u << DW_TO_REAL,
        [API_VALUE_BOOLEAN] = 1u << DW_TO_BOOL,
        [API_VALUE_JSON] = 1u << DW_TO_JSON,
        [API_VALUE_FILE] = 1u << DW_TO_BYTES,
    };

    return (fits[kind] & 1u << to->type) != 0;
}

static int store(struct request *r, const dw_value *to, const struct api_value *v, const char **expected)
{
    *expected = NULL;
    switch (v->kind) {
    case API_VALUE_TEXT: return value_store_text(to, v->text, expected);
    case API_VALUE_INTEGER: return store_integer(to, v->integer, expected);
    case API_VALUE_NUMBER: *(double *)to->as.to = v->number; return 0;
    case API_VALUE_BOOLEAN: *(bool *)to->as.to = v->boolean; return 0;
    case API_VALUE_JSON: *(json_t **)to->as.to = v->json; return 0;
    case API_VALUE_FILE: return store_file(r, to, v->file);
    }
    return -1;
}

static const char *pointer_of(struct request *r, const struct api_field *field, const char *name)
{
    static const char *const places[] = {
        [API_IN_PATH] = "/path/",     [API_IN_QUERY] = "/query/", [API_IN_HEADER] = "/header/",
        [API_IN_COOKIE] = "/cookie/", [API_IN_BODY] = "/",
    };
    const char *place = field ? places[field->in] : "/query/", *sent = field ? field->sent_as : name;
    size_t n = strlen(place) + strlen(sent) + 1;
    char *out = call_alloc(r->c, n);

    snprintf(out, n, "%s%s", place, sent);
    return out;
}

/* The client sent what its contract allows, but not what the handler can hold. */
static int fail_value(struct request *r, const struct api_field *field, const char *name,
                      const char *expected)
{
    enum http_language language = http_request_language(r->x);
    char text[160], said[200];

    expected = expected ? expected : "what this operation can read";
    snprintf(text, sizeof(text), "is not %s", expected);
    snprintf(said, sizeof(said), http_say(language, "is not %s"), http_say(language, expected));
    return call_fail_at_said(r->c, pointer_of(r, field, name), text, language == HTTP_GERMAN ? said : NULL);
}

static int fail_unknown(struct request *r, const char *name)
{
    const char *nearest = NULL;

    api_operation_field(r->route->operation, name, &nearest);
    return call_misuse(r->c, "%s: api.yaml knows no \"%s\" in this operation%s%s%s", "dw_request_read", name,
                       nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/* Any member of a JSON object may be taken as JSON. */
static bool store_member(const struct request *r, const struct api_field *field, const dw_value *to)
{
    json_t *object = field->in == API_IN_BODY ? api_input_json(r->input) : NULL;

    if (to->type != DW_TO_JSON || !object)
        return false;
    *(json_t **)to->as.to = json_object_get(object, field->name);
    return true;
}

static int read_field(struct request *r, const char *name, const dw_value *to)
{
    struct api_value v;
    const char *expected;
    const struct api_field *field = api_operation_field(r->route->operation, name, NULL);

    if (!field)
        return fail_unknown(r, name);
    if (api_input_value(r->input, field, &v) <= 0 || store_member(r, field, to))
        return 0;
    if (!fits_kind(to, v.kind) && field->type != API_ANY)
        return call_misuse(
            r->c, "dw_request_read: the variable for \"%s\" has another type than api.yaml says", name);
    if (!fits_kind(to, v.kind))
        return fail_value(r, field, name, NULL);
    if (store(r, to, &v, &expected) == 0)
        return 0;
    return v.kind == API_VALUE_FILE ? r->c->error.code : fail_value(r, field, name, expected);
}

/* ---- of .routes: the path and the query ---- */

static int find_parameter(struct request *r, const char *name, struct str *out)
{
    struct str query = http_request_query(r->x), value = http_request_param(r->x, name);
    char *room;

    *out = str_make(NULL, 0);
    if (!value.p) {
        room = call_alloc(r->c, query.n + 1);
        if (http_query_find(query, name, room, query.n, &value) != 0)
            return -1;
    }
    if (value.p)
        *out = str_make(call_copy(r->c, value), value.n);
    return 0;
}

static int read_parameter(struct request *r, const char *name, const dw_value *to)
{
    const char *expected = "percent-encoded UTF-8 without NUL";
    struct str value;

    if (find_parameter(r, name, &value) != 0)
        return fail_value(r, NULL, name, expected);
    if (!value.p || value_store_text(to, value, &expected) == 0)
        return 0;
    return fail_value(r, NULL, name, expected);
}

int request_read(struct request *r, dw_list pairs)
{
    const char *wrong = pairs_wrong(pairs);
    int rc = 0;

    for (size_t i = 0; !wrong && i < pairs.n; i += 2) {
        if (!value_is_target(&pairs.v[i + 1]) || !pairs.v[i + 1].as.to)
            wrong = "a value where the address of a variable is wanted";
    }
    if (wrong)
        return call_misuse(r->c, "dw_request_read: %s", wrong);
    /* All of them, so that the client is told of everything that is wrong. */
    for (size_t i = 0; i < pairs.n; i += 2) {
        const char *name = call_copy(r->c, value_text(&pairs.v[i]));
        int one = r->input ? read_field(r, name, &pairs.v[i + 1]) : read_parameter(r, name, &pairs.v[i + 1]);
        if (one < 0 && (rc == 0 || one != DW_EINVALID))
            rc = one;
    }
    return rc;
}
