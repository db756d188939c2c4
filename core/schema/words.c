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

/* Those that say the same whatever the schema has. */
static const struct {
    const char *english, *german;
} plain[] = {
    [SCHEMA_NEVER] = { "is not allowed here: leave it out", "ist hier nicht erlaubt: bitte weglassen" },
    [SCHEMA_UNIQUE_ITEMS] = { "must not have an entry twice", "darf keinen Eintrag doppelt haben" },
    [SCHEMA_REQUIRED] = { "is missing, and is required", "fehlt, und wird gebraucht" },
    [SCHEMA_DEPENDENT_REQUIRED] = { "is missing: another that was given needs it",
                                    "fehlt: ein anderes Feld, das angegeben ist, braucht es" },
    [SCHEMA_UNKNOWN] = { "is not known here: leave it out", "ist hier nicht bekannt: bitte weglassen" },
    [SCHEMA_NOT] = { "has a form that is not allowed here", "hat eine Form, die hier nicht erlaubt ist" },
    [SCHEMA_TOO_DEEP] = { "is too deep, or its schema leads back into itself",
                          "ist zu tief, oder sein Schema führt zu sich zurück" },
    [SCHEMA_READ_ONLY] = { "is read-only: leave it out", "kann nur gelesen werden: bitte weglassen" },
    [SCHEMA_WRITE_ONLY] = { "is write-only, and must not be in a reply",
                            "kann nur geschrieben werden, und darf in keiner Antwort stehen" },
};

static bool add_plain(const struct writing *w)
{
    enum schema_rule rule = w->fault->rule;

    if ((size_t)rule >= DW_COUNT_OF(plain) || !plain[rule].english)
        return false;
    add(w, plain[rule].english, plain[rule].german);
    return true;
}

/* Those of numbers: a sentence and the number. */
static bool add_bound(const struct writing *w)
{
    const struct schema *s = w->fault->schema;
    const struct {
        enum schema_rule rule;
        const json_t *bound;
        const char *english, *german;
    } bounds[] = {
        { SCHEMA_CONST, s->constant, "must be ", "muss dies sein: " },
        { SCHEMA_MULTIPLE_OF, s->multiple_of, "must be a multiple of ", "muss ein Vielfaches sein von " },
        { SCHEMA_MAXIMUM, s->maximum, "must be at most ", "darf höchstens sein: " },
        { SCHEMA_EXCLUSIVE_MAXIMUM, s->exclusive_maximum, "must be less than ", "muss kleiner sein als " },
        { SCHEMA_MINIMUM, s->minimum, "must be at least ", "muss mindestens sein: " },
        { SCHEMA_EXCLUSIVE_MINIMUM, s->exclusive_minimum, "must be greater than ", "muss größer sein als " },
    };

    for (size_t i = 0; i < DW_COUNT_OF(bounds); i++) {
        if (bounds[i].rule == w->fault->rule) {
            add_rule_value(w, bounds[i].english, bounds[i].german, bounds[i].bound);
            return true;
        }
    }
    return false;
}

/* Those of lengths: how many are allowed, and how many there are. */
static bool add_size(const struct writing *w)
{
    static const char at_most[] = "must have at most ",
                      hoechstens[] = "darf höchstens haben: ", at_least[] = "must have at least ",
                      mindestens[] = "muss mindestens haben: ";
    const struct schema *s = w->fault->schema;
    const struct {
        enum schema_rule rule;
        size_t limit;
        const char *english, *german, *things, *dinge;
    } sizes[] = {
        { SCHEMA_MAX_LENGTH, s->max_length, at_most, hoechstens, "characters", "Zeichen" },
        { SCHEMA_MIN_LENGTH, s->min_length, at_least, mindestens, "characters", "Zeichen" },
        { SCHEMA_MAX_ITEMS, s->max_items, at_most, hoechstens, "entries", "Einträge" },
        { SCHEMA_MIN_ITEMS, s->min_items, at_least, mindestens, "entries", "Einträge" },
        { SCHEMA_MAX_PROPERTIES, s->max_properties, at_most, hoechstens, "members", "Felder" },
        { SCHEMA_MIN_PROPERTIES, s->min_properties, at_least, mindestens, "members", "Felder" },
        { SCHEMA_CONTAINS, s->min_contains, at_least, mindestens, "fitting entries", "passende Einträge" },
        { SCHEMA_MAX_CONTAINS, s->max_contains, at_most, hoechstens, "such entries", "solche Einträge" },
    };

    if (w->fault->rule == SCHEMA_MIN_LENGTH && w->fault->found == 0) {
        add(w, "must not be empty", "darf nicht leer sein");
        return true;
    }
    for (size_t i = 0; i < DW_COUNT_OF(sizes); i++) {
        if (sizes[i].rule != w->fault->rule)
            continue;
        add_count(w, sizes[i].english, sizes[i].german, sizes[i].limit, sizes[i].things, sizes[i].dinge);
        return true;
    }
    return false;
}

void schema_fault_write(struct buf *out, const struct schema_fault *f, enum schema_language language)
{
    const struct writing w = { out, f, language == SCHEMA_GERMAN };

    if (add_plain(&w) || add_bound(&w) || add_size(&w))
        return;
    if (f->rule == SCHEMA_TYPE)
        add_types(&w, f->schema->types);
    if (f->rule == SCHEMA_TYPE && f->found == JSON_NULL)
        add(&w, ", not null", ", nicht null");
    else if (f->rule == SCHEMA_ENUM)
        add_choices(&w, f->schema->enumeration);
    else if (f->rule == SCHEMA_PATTERN)
        buf_add_format(out, w.is_german ? "muss diesem Muster entsprechen: %s" : "must match the pattern %s",
                       f->schema->pattern_text);
    else if (f->rule == SCHEMA_FORMAT)
        add_format(&w, f->schema->format_name);
    else if (f->rule == SCHEMA_ANY_OF || f->rule == SCHEMA_ONE_OF)
        add_one_of(&w);
}
