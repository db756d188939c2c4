/* What is wrong, in a sentence that says what to send instead. */
#include <stdlib.h>
#include <string.h>

#include "schema/inside.h"

struct writing {
    struct buf *out;
    const struct schema_fault *fault;
    bool is_german;
};

static void add(const struct writing *w, const char *english, const char *german)
{
    buf_add_text(w->out, w->is_german ? german : english);
}

static void add_value(const struct writing *w, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

    if (value && !text)
        w->out->failed = true;
    buf_add_text(w->out, text ? text : "");
    free(text);
}

static void add_rule_value(const struct writing *w, const char *english, const char *german,
                           const json_t *value)
{
    add(w, english, german);
    add_value(w, value);
}

/* "at most 3 entries; it has 5" */
static void add_count(const struct writing *w, const char *english, const char *german, size_t limit,
                      const char *things, const char *dinge)
{
    buf_add_format(w->out, "%s%zu %s", w->is_german ? german : english, limit, w->is_german ? dinge : things);
    buf_add_format(w->out, w->is_german ? "; es sind %zu" : "; it has %zu", w->fault->found);
}

static void add_types(const struct writing *w, unsigned types)
{
    static const struct {
        unsigned type;
        const char *english, *german;
    } names[] = { { TYPE_STRING, "a text", "ein Text" },
                  { TYPE_INTEGER, "a whole number", "eine ganze Zahl" },
                  { TYPE_NUMBER, "a number", "eine Zahl" },
                  { TYPE_BOOLEAN, "true or false", "true oder false" },
                  { TYPE_ARRAY, "a list", "eine Liste" },
                  { TYPE_OBJECT, "an object", "ein Objekt" },
                  { TYPE_NULL, "null", "null" } };
    bool is_first = true;

    add(w, "must be ", "muss ");
    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        if (!(types & names[i].type))
            continue;
        if (!is_first)
            add(w, " or ", " oder ");
        add(w, names[i].english, names[i].german);
        is_first = false;
    }
    add(w, "", " sein");
}

static void add_choices(const struct writing *w, const json_t *list)
{
    enum { SHOWN_MAX = 12 };
    size_t n = json_array_size(list);

    add(w, "must be one of ", "muss eines von diesen sein: ");
    for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
        buf_add_text(w->out, i ? ", " : "");
        add_value(w, json_array_get(list, i));
    }
    if (n > SHOWN_MAX)
        buf_add_format(w->out, w->is_german ? " und %zu weitere" : " and %zu more", n - SHOWN_MAX);
}

/* By an example, which says more than the name of a standard. */
static void add_format(const struct writing *w, const char *name)
{
    static const struct {
        const char *name, *english, *german;
    } formats[] = {
        { "byte", "must be base64", "muss Base64 sein" },
        { "date", "must be a date such as 2026-11-21", "muss ein Datum sein wie 2026-11-21" },
        { "date-time", "must be a time with its zone such as 2026-11-21T08:05:00Z",
          "muss ein Zeitpunkt mit Zone sein wie 2026-11-21T08:05:00Z" },
        { "time", "must be a time of day with its zone such as 08:05:00Z",
          "muss eine Uhrzeit mit Zone sein wie 08:05:00Z" },
        { "duration", "must be a duration such as P1DT2H", "muss eine Dauer sein wie P1DT2H" },
        { "email", "must be an e-mail address such as ann@example.org",
          "muss eine E-Mail-Adresse sein wie ann@example.org" },
        { "hostname", "must be the name of a host such as www.example.org",
          "muss ein Rechnername sein wie www.example.org" },
        { "ipv4", "must be an IPv4 address such as 192.0.2.1", "muss eine IPv4-Adresse sein wie 192.0.2.1" },
        { "ipv6", "must be an IPv6 address such as 2001:db8::1",
          "muss eine IPv6-Adresse sein wie 2001:db8::1" },
        { "uri", "must be a URI such as https://example.org/a",
          "muss eine URI sein wie https://example.org/a" },
        { "uuid", "must be a UUID such as 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
          "muss eine UUID sein wie 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b" },
    };

    for (size_t i = 0; i < DW_COUNT_OF(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            add(w, formats[i].english, formats[i].german);
            return;
        }
    }
    buf_add_format(w->out, w->is_german ? "muss die Form %s haben" : "must have the form %s", name);
}

static void add_one_of(const struct writing *w)
{
    if (w->fault->found == 0)
        add(w, "has none of the forms that are allowed here", "hat keine der Formen, die hier erlaubt sind");
    else
        add(w, "has several of the forms of which it may have one",
            "hat mehrere der Formen, von denen es nur eine haben darf");
}

void schema_fault_write(struct buf *out, const struct schema_fault *f, enum schema_language language)
{
    const struct writing w = { out, f, language == SCHEMA_GERMAN };
    const struct schema *s = f->schema;

    switch (f->rule) {
    case SCHEMA_NEVER:
        add(&w, "is not allowed here: leave it out", "ist hier nicht erlaubt: bitte weglassen");
        break;
    case SCHEMA_TYPE:
        add_types(&w, s->types);
        if (f->found == JSON_NULL)
            add(&w, ", not null", ", nicht null");
        break;
    case SCHEMA_ENUM: add_choices(&w, s->enumeration); break;
    case SCHEMA_CONST: add_rule_value(&w, "must be ", "muss dies sein: ", s->constant); break;
    case SCHEMA_MULTIPLE_OF:
        add_rule_value(&w, "must be a multiple of ", "muss ein Vielfaches sein von ", s->multiple_of);
        break;
    case SCHEMA_MAXIMUM: add_rule_value(&w, "must be at most ", "darf höchstens sein: ", s->maximum); break;
    case SCHEMA_EXCLUSIVE_MAXIMUM:
        add_rule_value(&w, "must be less than ", "muss kleiner sein als ", s->exclusive_maximum);
        break;
    case SCHEMA_MINIMUM: add_rule_value(&w, "must be at least ", "muss mindestens sein: ", s->minimum); break;
    case SCHEMA_EXCLUSIVE_MINIMUM:
        add_rule_value(&w, "must be greater than ", "muss größer sein als ", s->exclusive_minimum);
        break;
    case SCHEMA_MAX_LENGTH:
        add_count(&w, "must have at most ", "darf höchstens haben: ", s->max_length, "characters", "Zeichen");
        break;
    case SCHEMA_MIN_LENGTH:
        if (f->found == 0)
            add(&w, "must not be empty", "darf nicht leer sein");
        else
            add_count(&w, "must have at least ", "muss mindestens haben: ", s->min_length, "characters",
                      "Zeichen");
        break;
    case SCHEMA_PATTERN:
        buf_add_format(out, w.is_german ? "muss diesem Muster entsprechen: %s" : "must match the pattern %s",
                       s->pattern_text);
        break;
    case SCHEMA_FORMAT: add_format(&w, s->format_name); break;
    case SCHEMA_MAX_ITEMS:
        add_count(&w, "must have at most ", "darf höchstens haben: ", s->max_items, "entries", "Einträge");
        break;
    case SCHEMA_MIN_ITEMS:
        add_count(&w, "must have at least ", "muss mindestens haben: ", s->min_items, "entries", "Einträge");
        break;
    case SCHEMA_UNIQUE_ITEMS:
        add(&w, "must not have an entry twice", "darf keinen Eintrag doppelt haben");
        break;
    case SCHEMA_CONTAINS:
        add_count(&w, "must contain at least ", "muss mindestens enthalten: ", s->min_contains,
                  "fitting entries", "passende Einträge");
        break;
    case SCHEMA_MAX_CONTAINS:
        add_count(&w, "must contain at most ", "darf höchstens enthalten: ", s->max_contains, "such entries",
                  "solche Einträge");
        break;
    case SCHEMA_MAX_PROPERTIES:
        add_count(&w, "must have at most ", "darf höchstens haben: ", s->max_properties, "members", "Felder");
        break;
    case SCHEMA_MIN_PROPERTIES:
        add_count(&w, "must have at least ", "muss mindestens haben: ", s->min_properties, "members",
                  "Felder");
        break;
    case SCHEMA_REQUIRED: add(&w, "is missing, and is required", "fehlt, und wird gebraucht"); break;
    case SCHEMA_DEPENDENT_REQUIRED:
        add(&w, "is missing: another that was given needs it",
            "fehlt: ein anderes Feld, das angegeben ist, braucht es");
        break;
    case SCHEMA_UNKNOWN:
        add(&w, "is not known here: leave it out", "ist hier nicht bekannt: bitte weglassen");
        break;
    case SCHEMA_ANY_OF:
    case SCHEMA_ONE_OF: add_one_of(&w); break;
    case SCHEMA_NOT:
        add(&w, "has a form that is not allowed here", "hat eine Form, die hier nicht erlaubt ist");
        break;
    case SCHEMA_TOO_DEEP:
        add(&w, "is too deep, or its schema leads back into itself",
            "ist zu tief, oder sein Schema führt zu sich zurück");
        break;
    }
}
