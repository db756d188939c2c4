/* Texts and JSON become what their field is declared to be. */
#include <math.h>
#include <stdlib.h>

#include "api/input_struct.h"
#include "config/yaml.h"

/* ---- from text ---- */

/* The numbers of JSON; `text` is terminated. What they look like is the same for RFC 8259 and for our YAML. */
static bool to_integer(const char *text, int64_t *out)
{
    struct str digits = str_from(text);
    bool negative = digits.n && digits.p[0] == '-';
    uint64_t number;

    if (yaml_plain_kind(digits) != YAML_INT)
        return false;
    digits = str_make(digits.p + negative, digits.n - negative);
    if (!str_to_uint(digits, (uint64_t)INT64_MAX + negative, &number))
        return false;
    *out = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

static bool to_number(const char *text, double *out)
{
    enum yaml_kind kind = yaml_plain_kind(str_from(text));

    if (kind != YAML_INT && kind != YAML_REAL)
        return false;
    *out = strtod(text, NULL);
    return isfinite(*out);
}

/* value->text is set. False when the text is nothing of that type. */
static bool convert(struct api_value *value, enum api_type type)
{
    switch (type) {
    case API_INTEGER:
        value->kind = API_VALUE_INTEGER;
        if (!to_integer(value->text.p, &value->integer))
            return false;
        value->number = (double)value->integer;
        return true;
    case API_NUMBER: value->kind = API_VALUE_NUMBER; return to_number(value->text.p, &value->number);
    case API_BOOLEAN:
        value->kind = API_VALUE_BOOLEAN;
        value->boolean = str_equal(value->text, STR_OF("true"));
        return value->boolean || str_equal(value->text, STR_OF("false"));
    default: value->kind = API_VALUE_TEXT; return true;
    }
}

static void complain_type(struct api_input *in, const struct api_field *field, enum api_type type)
{
    in->slots[field - in->op->fields].is_wrong = true;
    api_fault(in, &in->invalid, api_place_of(field->in), field->sent_as, "must be %s",
              api_say(in, api_type_words(type)));
}

/* An entity tag without its quotes. A weak one is taken: compression makes the tags of our own replies weak, and what
 * is compared is the version that the tag names, not bytes. */
static bool take_etag(struct str *text)
{
    if (str_starts_with(*text, STR_OF("W/")))
        *text = str_make(text->p + 2, text->n - 2);
    if (text->n < 2 || text->p[0] != '"' || text->p[text->n - 1] != '"')
        return false;
    *text = str_make(text->p + 1, text->n - 2);
    return str_find(*text, '"') == text->n;
}

/* A version's number is one, so that a handler can ask for it as one; any other tag is a text. */
static void put_etag(struct api_input *in, const struct api_field *field, struct str text,
                     struct api_value *value)
{
    if (!take_etag(&text)) {
        api_fault(in, &in->unreadable, api_place_of(field->in), field->sent_as,
                  "must be one entity tag, as a reply's ETag has it");
        return;
    }
    value->text = str_make(arena_copy(in->arena, text), text.n);
    if (!value->text.p)
        in->out_of_memory = true;
    else if (!convert(value, API_INTEGER))
        convert(value, API_STRING);
}

static void complain_entry(struct api_input *in, const struct api_field *field)
{
    in->slots[field - in->op->fields].is_wrong = true;
    api_fault(in, &in->invalid, api_place_of(field->in), field->sent_as, "each must be %s",
              api_say(in, api_type_words(field->items)));
}

json_t *api_json_of_value(const struct api_value *value)
{
    switch (value->kind) {
    case API_VALUE_JSON: return json_incref(value->json);
    case API_VALUE_INTEGER: return json_integer(value->integer);
    case API_VALUE_NUMBER: return json_real(value->number);
    case API_VALUE_BOOLEAN: return json_boolean(value->boolean);
    default: return json_stringn(value->text.p, value->text.n);
    }
}

/* Another entry of a list. */
static void add_entry(struct api_input *in, const struct api_field *field, struct api_value *list,
                      struct str text)
{
    struct api_value entry = { .text = str_make(arena_copy(in->arena, text), text.n) };

    list->kind = API_VALUE_JSON;
    if (!list->json)
        list->json = json_array();
    if (!entry.text.p || !list->json)
        in->out_of_memory = true;
    else if (!convert(&entry, field->items))
        complain_entry(in, field);
    else if (json_array_append_new(list->json, api_json_of_value(&entry)) != 0)
        in->out_of_memory = true;
}

static void add_entries(struct api_input *in, const struct api_field *field, struct api_value *list,
                        struct str text)
{
    struct str entry;

    if (!field->separated) {
        add_entry(in, field, list, text);
        return;
    }
    while (str_split(&text, ',', &entry))
        add_entry(in, field, list, entry);
}

static bool is_first(struct api_input *in, const struct api_field *field, struct api_slot *slot)
{
    if (slot->present && (field->type != API_ARRAY || field->separated)) {
        api_fault(in, &in->unreadable, api_place_of(field->in), field->sent_as, "stands twice");
        return false;
    }
    slot->present = true;
    return true;
}

void api_put_text(struct api_input *in, const struct api_field *field, struct str text)
{
    struct api_slot *slot = &in->slots[field - in->op->fields];

    if (!is_first(in, field, slot))
        return;
    if (!str_is_utf8(text)) {
        api_fault(in, &in->unreadable, api_place_of(field->in), field->sent_as,
                  "is not UTF-8, or has a NUL character");
        return;
    }
    if (field->type == API_ARRAY) {
        add_entries(in, field, &slot->value, text);
        return;
    }
    if (field->is_etag) {
        put_etag(in, field, text, &slot->value);
        return;
    }
    slot->value.text = str_make(arena_copy(in->arena, text), text.n);
    if (!slot->value.text.p)
        in->out_of_memory = true;
    else if (!convert(&slot->value, field->type))
        complain_type(in, field, field->type);
}

void api_put_file(struct api_input *in, const struct api_field *field, const struct upload_part *part)
{
    struct api_slot *slot = &in->slots[field - in->op->fields];

    if (field->type == API_ARRAY && slot->present) /* a handler goes through the upload for the others */
        return;
    if (!is_first(in, field, slot))
        return;
    slot->value = (struct api_value){ .kind = API_VALUE_FILE, .file = part };
    if (field->type != API_STRING && field->type != API_ANY && field->type != API_ARRAY)
        complain_type(in, field, field->type);
}

/* ---- from JSON ---- */

/* 1.0 is a whole number to JSON Schema. Beyond 2^53 a double cannot say which one. */
static bool is_whole(double number)
{
    return number >= -9007199254740992.0 && number <= 9007199254740992.0 && (double)(int64_t)number == number;
}

bool api_json_has_type(const json_t *json, enum api_type type)
{
    switch (type) {
    case API_ANY: return true;
    case API_STRING: return json_is_string(json);
    case API_INTEGER: return json_is_integer(json) || (json_is_real(json) && is_whole(json_real_value(json)));
    case API_NUMBER: return json_is_number(json);
    case API_BOOLEAN: return json_is_boolean(json);
    case API_ARRAY: return json_is_array(json);
    case API_OBJECT: return json_is_object(json);
    }
    return false;
}

static struct api_value number_of(const json_t *json, enum api_type type)
{
    struct api_value value = { .kind = API_VALUE_NUMBER, .number = json_number_value(json) };

    if (type == API_NUMBER || (json_is_real(json) && type != API_INTEGER))
        return value;
    value.kind = API_VALUE_INTEGER;
    value.integer = json_is_integer(json) ? json_integer_value(json) : (int64_t)value.number;
    return value;
}

struct api_value api_value_of_json(json_t *json, enum api_type type)
{
    switch (json_typeof(json)) {
    case JSON_STRING:
        return (struct api_value){ .kind = API_VALUE_TEXT,
                                   .text = str_make(json_string_value(json), json_string_length(json)) };
    case JSON_INTEGER:
    case JSON_REAL: return number_of(json, type);
    case JSON_TRUE:
    case JSON_FALSE: return (struct api_value){ .kind = API_VALUE_BOOLEAN, .boolean = json_is_true(json) };
    default: return (struct api_value){ .kind = API_VALUE_JSON, .json = json };
    }
}
