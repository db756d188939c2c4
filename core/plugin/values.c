#include "plugin/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "secure/base64.h"
#include "util/clock.h"

/* ---- what is what ---- */

bool value_is_target(const dw_value *v)
{
    return v->type >= DW_TO_BOOL && v->type <= DW_TO_JSON && v->as.to;
}

struct str value_text(const dw_value *v)
{
    const char *p = v->as.p;

    if (v->type != DW_TEXT || !p)
        return str_make(NULL, 0);
    return str_make(p, v->n == SIZE_MAX ? strlen(p) : v->n);
}

const char *value_wrong(const dw_value *v)
{
    if (v->type > DW_TO_JSON)
        return "something that was not made by DW()";
    if (v->type > DW_JSON)
        return "a target where a value is wanted";
    if (v->type == DW_NULL && v->as.p)
        return "a void *, which says nothing about what it points to";
    if (v->type == DW_TEXT && !str_is_utf8(value_text(v)))
        return "a text that is not UTF-8 or has a NUL inside";
    return NULL;
}

const char *values_wrong(dw_list values)
{
    const char *wrong = NULL;

    for (size_t i = 0; i < values.n && !wrong; i++)
        wrong = value_wrong(&values.v[i]);
    return wrong;
}

const char *pairs_wrong(dw_list pairs)
{
    if (pairs.n % 2 != 0)
        return "a name without a value: names and values stand in pairs";
    for (size_t i = 0; i < pairs.n; i += 2) {
        if (pairs.v[i].type != DW_TEXT || !pairs.v[i].as.p)
            return "something else where a name is wanted";
    }
    return NULL;
}

const char *pairs_values_wrong(dw_list pairs)
{
    const char *wrong = pairs_wrong(pairs);

    return wrong ? wrong : values_wrong(pairs);
}

/* ---- as JSON text ---- */

/* "3" would read back as a whole number, and another library's comma (a plugin may have set the locale) as two. */
static void tidy_real(char *text, size_t size)
{
    char *comma = strchr(text, ',');

    if (comma)
        *comma = '.';
    if (!strpbrk(text, ".e"))
        snprintf(text + strlen(text), size - strlen(text), ".0");
}

void real_write_json(struct buf *out, double real)
{
    char text[40];

    if (!isfinite(real)) {
        buf_add_text(out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    tidy_real(text, sizeof(text));
    buf_add_text(out, text);
}

static double span_seconds(const dw_value *v)
{
    return (double)v->as.i / CLOCK_SECOND;
}

static void write_time(struct buf *out, const dw_value *v)
{
    char text[CLOCK_RFC3339_SIZE];

    clock_format_rfc3339(v->as.i, text);
    buf_add_format(out, "\"%s\"", text);
}

static void write_base64(struct buf *out, const dw_value *v)
{
    buf_add_char(out, '"');
    base64_add(out, str_make(v->as.p, v->n), BASE64_PADDED);
    buf_add_char(out, '"');
}

static int write_tree(struct buf *out, const json_t *json, unsigned depth);

static int write_array(struct buf *out, const json_t *array, unsigned depth)
{
    size_t n = json_array_size(array);

    buf_add_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        if (write_tree(out, json_array_get(array, i), depth + 1) != 0)
            return -1;
    }
    buf_add_char(out, ']');
    return 0;
}

static int write_object(struct buf *out, const json_t *object, unsigned depth)
{
    json_t *o = (json_t *)(uintptr_t)object; /* jansson's iterators take no const, but change nothing */
    const char *comma = "";

    buf_add_char(out, '{');
    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i)) {
        buf_add_text(out, comma);
        buf_add_json(out, str_from(json_object_iter_key(i)));
        buf_add_char(out, ':');
        if (write_tree(out, json_object_iter_value(i), depth + 1) != 0)
            return -1;
        comma = ",";
    }
    buf_add_char(out, '}');
    return 0;
}

/* Not json_dumps(): that writes 0.1 as 0.10000000000000001, and a tree that contains itself takes it long. */
static int write_tree(struct buf *out, const json_t *json, unsigned depth)
{
    if (depth > VALUE_DEPTH_MAX)
        return -1;
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_OBJECT: return write_object(out, json, depth);
    case JSON_ARRAY: return write_array(out, json, depth);
    case JSON_STRING:
        buf_add_json(out, str_make(json_string_value(json), json_string_length(json)));
        return 0;
    case JSON_INTEGER: buf_add_int(out, json_integer_value(json)); return 0;
    case JSON_REAL: real_write_json(out, json_real_value(json)); return 0;
    case JSON_TRUE: buf_add_text(out, "true"); return 0;
    case JSON_FALSE: buf_add_text(out, "false"); return 0;
    case JSON_NULL: break;
    }
    buf_add_text(out, "null");
    return 0;
}

int value_write_json(struct buf *out, const dw_value *v)
{
    if (value_wrong(v))
        return -1;
    if (v->type == DW_JSON)
        return write_tree(out, v->as.p, 0);
    if ((v->type == DW_TEXT || v->type == DW_BYTES) && !v->as.p) {
        buf_add_text(out, "null");
        return 0;
    }
    switch (v->type) {
    case DW_BOOL: buf_add_text(out, v->as.i ? "true" : "false"); break;
    case DW_INT: buf_add_int(out, v->as.i); break;
    case DW_UINT: buf_add_uint(out, v->as.u); break;
    case DW_REAL: real_write_json(out, v->as.r); break;
    case DW_TEXT: buf_add_json(out, value_text(v)); break;
    case DW_BYTES: write_base64(out, v); break;
    case DW_TIME: write_time(out, v); break;
    case DW_SPAN: real_write_json(out, span_seconds(v)); break;
    default: buf_add_text(out, "null");
    }
    return 0;
}

int pairs_write_json(struct buf *out, dw_list pairs)
{
    if (pairs_values_wrong(pairs))
        return -1;
    buf_add_char(out, '{');
    for (size_t i = 0; i < pairs.n; i += 2) {
        if (i > 0)
            buf_add_char(out, ',');
        buf_add_json(out, value_text(&pairs.v[i]));
        buf_add_char(out, ':');
        if (value_write_json(out, &pairs.v[i + 1]) != 0)
            return -1;
    }
    buf_add_char(out, '}');
    return 0;
}

/* ---- as a tree ---- */

static json_t *text_to_json(struct str s)
{
    return s.p ? json_stringn(s.p, s.n) : json_null();
}

static json_t *real_to_json(double real)
{
    return isfinite(real) ? json_real(real) : json_null();
}

/* What is a text in JSON and something else here. */
static json_t *written_to_json(const dw_value *v)
{
    struct buf b = BUF_INIT;
    json_t *json = NULL;

    if (value_write_json(&b, v) == 0 && !buf_failed(&b))
        json = json_stringn(b.p + 1, b.n - 2); /* without its quotes: neither has anything to escape */
    buf_finish(&b);
    return json;
}

json_t *value_to_json(const dw_value *v)
{
    if (value_wrong(v))
        return NULL;
    switch (v->type) {
    case DW_BOOL: return json_boolean(v->as.i != 0);
    case DW_INT: return json_integer(v->as.i);
    case DW_UINT: return v->as.u <= INT64_MAX ? json_integer((json_int_t)v->as.u) : NULL;
    case DW_REAL: return real_to_json(v->as.r);
    case DW_TEXT: return text_to_json(value_text(v));
    case DW_BYTES: return v->as.p ? written_to_json(v) : json_null();
    case DW_TIME: return written_to_json(v);
    case DW_SPAN: return real_to_json(span_seconds(v));
    case DW_JSON: return v->as.p ? json_incref((json_t *)(uintptr_t)v->as.p) : json_null();
    default: return json_null();
    }
}

/* json_object_setn_new came with a later jansson than the one that is required. */
static int set_member(json_t *object, const dw_value *name, json_t *value)
{
    struct str s = value_text(name);

    if (name->n == SIZE_MAX)
        return json_object_set_new(object, s.p, value);
    char *copy = s.p ? strndup(s.p, s.n) : NULL;
    int rc = copy ? json_object_set_new(object, copy, value) : -1;
    if (!copy)
        json_decref(value);
    free(copy);
    return rc;
}

json_t *pairs_to_json(dw_list pairs)
{
    json_t *object = pairs_values_wrong(pairs) ? NULL : json_object();

    for (size_t i = 0; object && i < pairs.n; i += 2) {
        if (set_member(object, &pairs.v[i], value_to_json(&pairs.v[i + 1])) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

json_t *values_to_json(dw_list values)
{
    json_t *array = values_wrong(values) ? NULL : json_array();

    for (size_t i = 0; array && i < values.n; i++) {
        if (json_array_append_new(array, value_to_json(&values.v[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

/* ---- for people ---- */

void value_write_plain(struct buf *out, const dw_value *v)
{
    const char *wrong = value_wrong(v);

    if (wrong)
        buf_add_format(out, "[%s]", wrong);
    else if (v->type == DW_TEXT && v->as.p)
        buf_add_str(out, value_text(v));
    else if (v->type == DW_BYTES)
        buf_add_format(out, "[%zu bytes]", v->n);
    else if (value_write_json(out, v) != 0)
        buf_add_text(out, "... [too deep]");
}

static bool is_of_the_host(const char *name)
{
    static const char *const names[] = { "time", "level", "message", "plugin", "callback", "request" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_plain_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' &&
            c != '-' && c != '.')
            return false;
    }
    return s.n > 0;
}

/* A name with a line end or a blank would be a line or a field of its own in the text format. NULL: memory. */
static const char *field_name(const dw_value *v, struct arena *room)
{
    struct str s = value_text(v);

    if (v->n == SIZE_MAX && is_plain_name(s) && !is_of_the_host(s.p))
        return s.p;
    char *name = arena_format(room, "%.*s", STR_ARG(s));
    if (!name)
        return NULL;
    for (char *p = name; *p; p++) {
        if (!is_plain_name(str_make(p, 1)))
            *p = '_';
    }
    return is_of_the_host(name) || !*name ? arena_format(room, "%s_", name) : name;
}

static struct log_field written_field(const char *name, const dw_value *v, struct arena *room)
{
    struct buf b = BUF_INIT;

    value_write_plain(&b, v);
    const char *text = buf_failed(&b) ? NULL : arena_copy(room, buf_str(&b));
    buf_finish(&b);
    return LOG_TEXT(name, text ? text : "[out of memory]");
}

static struct log_field value_to_field(const char *name, const dw_value *v, struct arena *room)
{
    char time[CLOCK_RFC3339_SIZE];

    switch (v->type) {
    case DW_BOOL: return LOG_BOOL(name, v->as.i);
    case DW_INT: return LOG_NUMBER(name, v->as.i);
    case DW_UINT: return v->as.u <= INT64_MAX ? LOG_NUMBER(name, v->as.u) : written_field(name, v, room);
    case DW_REAL: return LOG_REAL(name, v->as.r);
    case DW_SPAN: return LOG_SPAN(name, v->as.i);
    case DW_TEXT:
        return v->as.p ? LOG_STR(name, value_text(v)) : LOG_TEXT(name, "null"); /* the log mends its UTF-8 */
    case DW_TIME:
        clock_format_rfc3339(v->as.i, time);
        return LOG_STR(name, str_from(arena_copy(room, str_from(time))));
    default: return written_field(name, v, room);
    }
}

size_t pairs_to_fields(dw_list pairs, struct log_field *out, size_t max, struct arena *room)
{
    size_t n = 0;

    if (max == 0)
        return 0;
    for (size_t i = 0; !pairs_wrong(pairs) && i < pairs.n && n < max - 1; i += 2) {
        const char *name = field_name(&pairs.v[i], room);
        if (name)
            out[n++] = value_to_field(name, &pairs.v[i + 1], room);
    }
    out[n] = LOG_END;
    return n;
}
