/* What a request brings, against the schemas of its operation. */
#include "api/input_struct.h"
#include "api/language.h"

static void add_faults(struct api_input *in, const char *place, const char *name,
                       const struct schema_report *report)
{
    enum schema_language language = (enum schema_language)http_request_language(in->x);
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < report->n; i++) {
        const struct schema_fault *fault = &report->faults[i];
        bool is_misplaced = fault->rule == SCHEMA_READ_ONLY; /* whatever its value is */
        text.n = 0;
        schema_fault_write(&text, fault, language);
        api_fault_at(in, is_misplaced ? &in->unreadable : &in->invalid, place, name, fault->place,
                     buf_str(&text));
    }
    in->out_of_memory |= report->is_out_of_memory || buf_failed(&text);
    buf_finish(&text);
}

static void check(struct api_input *in, const struct schema *rules, const json_t *value, const char *place,
                  const char *name)
{
    struct schema_report report = { .arena = in->arena, .way = SCHEMA_IN_REQUEST };

    if (schema_check(rules, value, &report) != 0)
        add_faults(in, place, name, &report);
}

/* ---- what came as text ---- */

static void check_slot(struct api_input *in, const struct api_field *field, const struct api_slot *slot)
{
    if (!field->rules || slot->is_wrong || field->is_etag || slot->value.kind == API_VALUE_FILE)
        return;
    json_t *json = api_json_of_value(&slot->value);
    if (json)
        check(in, field->rules, json, api_place_of(field->in), field->sent_as);
    else
        in->out_of_memory = true;
    json_decref(json);
}

/* A list of a parameter's default belongs to the input, as one that was sent does. */
static void fill_slot(const struct api_field *field, struct api_slot *slot)
{
    const json_t *fallback = field->rules && !field->is_etag ? schema_default(field->rules) : NULL;

    if (!fallback || json_is_null(fallback))
        return;
    slot->value = api_value_of_json((json_t *)(uintptr_t)fallback, field->type);
    if (slot->value.kind == API_VALUE_JSON)
        json_incref(slot->value.json);
    slot->present = true;
}

static bool is_of_content(const struct api_input *in, const struct api_field *field)
{
    return field->in == API_IN_BODY &&
           (!in->media || in->json || !(field->bodies & (unsigned)in->media->body));
}

static void check_slots(struct api_input *in)
{
    for (size_t i = 0; i < in->op->fields_n; i++) {
        const struct api_field *field = &in->op->fields[i];
        if (is_of_content(in, field))
            continue;
        if (in->slots[i].present)
            check_slot(in, field, &in->slots[i]);
        else
            fill_slot(field, &in->slots[i]);
    }
}

void api_check_rules(struct api_input *in)
{
    check_slots(in);
    if (!in->json || !in->media->rules)
        return;
    size_t before = in->invalid.n;
    check(in, in->media->rules, in->json, NULL, NULL);
    if (in->invalid.n == before && schema_fill_defaults(in->media->rules, in->json) != 0)
        in->out_of_memory = true;
}
