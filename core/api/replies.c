#include "api/replies.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "util/json.h"

/* One media type of one response; or a response without content, whose type is NULL. */
struct answer {
    const struct api_operation *op;
    const char *status; /* "200", "2XX", "default" */
    const char *type;
    const struct schema *rules; /* NULL: none was given */
};

struct api_replies {
    struct schemas *schemas;
    const json_t *root;
    struct answer *v;
    size_t n, cap;
};

/* ---- reading them ---- */

/* What a $ref of the same document leads to; the document's own check has seen to it that there is something. */
static const json_t *follow(const struct api_replies *r, const json_t *node)
{
    enum { STEPS_MAX = 32 };

    for (int i = 0; i < STEPS_MAX; i++) {
        const char *reference = json_string_value(json_object_get(node, "$ref"));
        if (!reference || *reference != '#')
            return node;
        node = json_pointer(r->root, str_from(reference + 1));
    }
    return NULL;
}

static int add(struct api_replies *r, const struct answer *a)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 32;
        struct answer *larger = realloc(r->v, cap * sizeof(*larger));
        if (!larger)
            return -1;
        r->v = larger;
        r->cap = cap;
    }
    r->v[r->n++] = *a;
    return 0;
}

static int complain_memory(struct buf *why)
{
    buf_add_text(why, "out of memory");
    return -1;
}

static int read_content(struct api_replies *r, struct answer *a, json_t *content, struct buf *why)
{
    struct buf wrong = BUF_INIT;
    const char *type;
    json_t *media;

    json_object_foreach(content, type, media)
    {
        const json_t *schema = json_object_get(media, "schema");
        a->type = type;
        a->rules = schema ? schemas_compile_at(r->schemas, "", schema, &wrong) : NULL;
        if (schema && !a->rules) {
            buf_add_format(why, "api.yaml: %s: responses: %s: %s%s", a->op->id, a->status, type,
                           buf_text(&wrong));
            buf_finish(&wrong);
            return -1;
        }
        if (add(r, a) != 0)
            return complain_memory(why);
    }
    return 0;
}

static int read_operation(struct api_replies *r, const struct api_operation *op, const json_t *operation,
                          struct buf *why)
{
    json_t *responses = json_object_get(operation, "responses"), *response;
    const char *status;

    json_object_foreach(responses, status, response)
    {
        json_t *content = json_object_get(follow(r, response), "content");
        struct answer a = { .op = op, .status = status };
        if (json_object_size(content) == 0 && add(r, &a) != 0)
            return complain_memory(why);
        if (read_content(r, &a, content, why) != 0)
            return -1;
    }
    return 0;
}

static int read_all(struct api_replies *r, const struct api_document *d, struct buf *why)
{
    json_t *paths = json_object_get(r->root, "paths"), *path, *operation;
    const char *name, *method;

    json_object_foreach(paths, name, path)
    {
        json_object_foreach(path, method, operation)
        {
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            const struct api_operation *op = id ? api_document_find(d, id) : NULL;
            if (op && read_operation(r, op, operation, why) != 0)
                return -1;
        }
    }
    return 0;
}

int api_replies_create(struct api_replies **out, const struct api_document *d, struct buf *why)
{
    const struct schemas_options options = { .asserts_formats = true };
    struct api_replies *r = calloc(1, sizeof(*r));

    *out = NULL;
    if (!r || schemas_create(&r->schemas, &options) != 0) {
        free(r);
        return complain_memory(why);
    }
    r->root = api_document_json(d);
    if (schemas_add(r->schemas, "", (json_t *)(uintptr_t)r->root, SCHEMA_IN_DOCUMENT, why) != 0 ||
        read_all(r, d, why) != 0) {
        api_replies_destroy(r);
        return -1;
    }
    *out = r;
    return 0;
}

void api_replies_destroy(struct api_replies *r)
{
    if (!r)
        return;
    schemas_destroy(r->schemas);
    free(r->v);
    free(r);
}

/* ---- which one it is ---- */

/* 3: exactly this status; 2: its class; 1: default; 0: another one. */
static int fit_of_status(const char *declared, int status)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", status);
    if (strcmp(declared, "default") == 0)
        return 1;
    if (declared[0] == text[0] && strcasecmp(declared + 1, "XX") == 0)
        return 2;
    return strcmp(declared, text) == 0 ? 3 : 0;
}

/* "application/json; charset=utf-8" without what is behind it. */
static struct str plain_type(struct str type)
{
    return str_trim(str_make(type.p, str_find(type, ';')));
}

static bool fits_type(const char *declared, struct str type)
{
    struct str range = plain_type(str_from(declared));

    if (str_equal(range, STR_OF("*/*")))
        return true;
    if (str_ends_with(range, STR_OF("/*")))
        return type.n > range.n - 1 &&
               str_equal_nocase(str_make(type.p, range.n - 1), str_make(range.p, range.n - 1));
    return str_equal_nocase(range, type);
}

static int best_status(const struct api_replies *r, const struct api_operation *op, int status,
                       bool *says_any)
{
    int best = 0;

    *says_any = false;
    for (size_t i = 0; i < r->n; i++) {
        int fit = r->v[i].op == op ? fit_of_status(r->v[i].status, status) : 0;
        *says_any |= r->v[i].op == op;
        best = fit > best ? fit : best;
    }
    return best;
}

/* Of that status' media types the one that fits, exact ones first; NULL: none. *has_content: any is declared. */
static const struct answer *find_type(const struct api_replies *r, const struct api_operation *op, int status,
                                      int fit, struct str type, bool *has_content)
{
    const struct answer *found = NULL;

    *has_content = false;
    for (size_t i = 0; i < r->n; i++) {
        const struct answer *a = &r->v[i];
        if (a->op != op || fit_of_status(a->status, status) != fit || !a->type)
            continue;
        *has_content = true;
        if (fits_type(a->type, type) && (!found || !strchr(a->type, '*')))
            found = a;
    }
    return found;
}

/* ---- judging ---- */

static int tell(struct arena *arena, struct api_reply_faults *out, const char *format, ...) DW_PRINTF(3, 4);
static int tell(struct arena *arena, struct api_reply_faults *out, const char *format, ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    out->detail = arena_copy(arena, str_from(text));
    return out->detail ? 1 : -1;
}

static int tell_faults(struct arena *arena, const struct schema_report *report, struct api_reply_faults *out)
{
    struct buf text = BUF_INIT;
    int rc = report->is_out_of_memory ? -1 : 0;

    out->errors = arena_calloc(arena, report->n * sizeof(*out->errors));
    for (size_t i = 0; rc == 0 && out->errors && i < report->n; i++) {
        const char *pointer = arena_format(arena, "#%s", report->faults[i].place);
        text.n = 0;
        schema_fault_write(&text, &report->faults[i], SCHEMA_ENGLISH);
        const char *detail = buf_failed(&text) ? NULL : arena_copy(arena, buf_str(&text));
        if (!pointer || !detail)
            rc = -1;
        else
            out->errors[out->errors_n++] = (struct problem_error){ str_from(pointer), str_from(detail) };
    }
    buf_finish(&text);
    if (rc != 0 || !out->errors)
        return -1;
    return tell(arena, out, "The reply is not what its schema in api.yaml says; errors says where.");
}

static bool is_json(struct str type)
{
    return str_equal_nocase(type, STR_OF("application/json")) || str_ends_with(type, STR_OF("+json"));
}

static int check_body(const struct answer *a, const struct api_reply *reply, struct arena *arena,
                      struct api_reply_faults *out)
{
    struct schema_report report = { .arena = arena, .way = SCHEMA_IN_REPLY };
    struct json_fault wrong;
    json_t *json = NULL;

    if (!is_json(plain_type(reply->type)))
        return 0;
    if (json_strict_parse(reply->body, 0, &json, &wrong) != 0)
        return wrong.is_ours ? -1 : tell(arena, out, "The reply is no JSON: %s.", wrong.text);
    int rc = a->rules ? schema_check(a->rules, json, &report) : 0;
    if (rc != 0)
        rc = tell_faults(arena, &report, out);
    json_decref(json);
    return rc;
}

static bool is_problem(const struct api_reply *reply)
{
    return reply->status >= 400 && str_equal(plain_type(reply->type), STR_OF(PROBLEM_CONTENT_TYPE));
}

int api_reply_check(const struct api_replies *r, const struct api_operation *op,
                    const struct api_reply *reply, struct arena *arena, struct api_reply_faults *out)
{
    struct str type = plain_type(reply->type);
    bool says_any, has_content;
    int fit = best_status(r, op, reply->status, &says_any);

    *out = (struct api_reply_faults){ .detail = NULL };
    if (!says_any || is_problem(reply))
        return 0;
    if (fit == 0)
        return tell(arena, out, "The reply has the status %d, which its responses in api.yaml do not name.",
                    reply->status);
    const struct answer *a = find_type(r, op, reply->status, fit, type, &has_content);
    if (!has_content)
        return 0;
    if (reply->body.n == 0 && type.n == 0)
        return tell(arena, out, "The reply has no content, and its response %d in api.yaml has some.",
                    reply->status);
    if (!a)
        return tell(arena, out, "The reply is %.*s, which its response %d in api.yaml does not name.",
                    STR_ARG(type), reply->status);
    return check_body(a, reply, arena, out);
}
