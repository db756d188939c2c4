#include "util/json.h"

#include <stdlib.h>

/* jansson's reader goes on when a byte of a text found no memory, and the text is then another one. Set where that
 * happens; what was read meanwhile is not to be believed. */
static DW_THREAD_LOCAL bool starved;

static void *allocate(size_t size)
{
    void *p = malloc(size);

    if (!p)
        starved = true;
    return p;
}

void json_start(void)
{
    json_set_alloc_funcs(allocate, free);
    json_object_seed(0); /* from /dev/urandom */
}

static int fail(struct json_fault *fault, const char *text, unsigned line, unsigned column)
{
    *fault = (struct json_fault){ .text = text, .line = line, .column = column };
    return -1;
}

static int out_of_memory(struct json_fault *fault)
{
    *fault = (struct json_fault){ .text = "memory is out", .is_ours = true };
    return -1;
}

/* The offset of the quote that ends the text whose first byte is at `at`, or n. */
static size_t end_of_text(struct str json, size_t at)
{
    while (at < json.n && json.p[at] != '"')
        at += json.p[at] == '\\' ? 2 : 1;
    return at < json.n ? at : json.n;
}

/* Before anything is built: jansson's own limit is one of the stack, and cannot be set. False with *line and *column. */
static bool is_shallow(struct str json, unsigned *line, unsigned *column)
{
    size_t depth = 0, line_at = 0;

    *line = 1;
    for (size_t at = 0; at < json.n; at++) {
        char c = json.p[at];
        if (c == '"') {
            at = end_of_text(json, at + 1);
        } else if (c == '\n') {
            (*line)++;
            line_at = at + 1;
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
        } else if ((c == '[' || c == '{') && ++depth > JSON_STRICT_DEPTH_MAX) {
            *column = (unsigned)(at - line_at + 1);
            return false;
        }
    }
    return true;
}

/* jansson's words quote the text, which may be secret and is not ours to repeat. NULL: it did not say, which it does
 * only where memory is out. */
static const char *words_of(enum json_error_code code)
{
    static const char *const words[] = {
        [json_error_stack_overflow] = "it is nested too deeply",
        [json_error_invalid_utf8] = "it is not valid UTF-8",
        [json_error_premature_end_of_input] = "it ends too early",
        [json_error_end_of_input_expected] = "something follows its end",
        [json_error_invalid_syntax] = "this is not JSON",
        [json_error_null_character] = "a text has a NUL character, \\u0000",
        [json_error_null_byte_in_key] = "a name has a NUL character, \\u0000",
        [json_error_duplicate_key] = "a name stands twice in an object",
        [json_error_numeric_overflow] = "a number is too large: whole ones have 64 bits, others are doubles",
    };
    return (size_t)code < DW_COUNT_OF(words) ? words[code] : NULL;
}

static int fail_as(struct json_fault *fault, const json_error_t *error)
{
    const char *words = words_of(json_error_code(error));

    if (!words)
        return out_of_memory(fault);
    return fail(fault, words, error->line > 0 ? (unsigned)error->line : 0,
                error->column > 0 ? (unsigned)error->column : 0);
}

int json_strict_parse(struct str text, size_t bytes_max, json_t **out, struct json_fault *fault)
{
    unsigned line, column;
    json_error_t error;

    *out = NULL;
    *fault = (struct json_fault){ .text = NULL };
    if (text.n > (bytes_max ? bytes_max : JSON_STRICT_BYTES_MAX))
        return fail(fault, "it is too long", 0, 0);
    if (text.n && memchr(text.p, 0, text.n)) /* jansson takes one behind the value for the end of the text */
        return fail(fault, "it has a NUL byte", 0, 0);
    if (!is_shallow(text, &line, &column))
        return fail(fault, "it is nested more than 64 deep", line, column);
    starved = false;
    json_t *value =
        json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (starved) {
        json_decref(value);
        return out_of_memory(fault);
    }
    if (!value)
        return fail_as(fault, &error);
    *out = value;
    return 0;
}

/* ---- RFC 6901 ---- */

/* "~1" is a slash, "~0" a tilde (RFC 6901). False when the name is too long to be looked up, or not so written. */
static bool unescape(struct str token, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < token.n; i++) {
        char ch = token.p[i];
        if (ch == '~') {
            if (++i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
                return false;
            ch = token.p[i] == '0' ? '~' : '/';
        }
        if (n + 1 >= size)
            return false;
        out[n++] = ch;
    }
    out[n] = 0;
    return true;
}

static const json_t *element(const json_t *array, struct str token)
{
    uint64_t i;

    if ((token.n > 1 && token.p[0] == '0') || !str_to_uint(token, SIZE_MAX, &i))
        return NULL;
    return json_array_get(array, (size_t)i);
}

/* What a JSON pointer leads to, or NULL. */
const json_t *json_pointer(const json_t *json, struct str pointer)
{
    struct str token, rest = str_make(pointer.p + 1, pointer.n - 1);
    char name[256];

    while (json && str_split(&rest, '/', &token)) {
        if (json_is_array(json))
            json = element(json, token);
        else
            json = unescape(token, name, sizeof(name)) ? json_object_get(json, name) : NULL;
    }
    return json;
}
