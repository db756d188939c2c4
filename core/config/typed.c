#include "config/typed.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/pattern.h"
#include "config/units.h"

/* A value on its way from text to member. */
union value {
    bool truth;
    int64_t number;
    double real;
    const char *text;
    struct config_texts list;
};

struct entry {
    struct str text; /* terminated */
    unsigned line;
};

/* ---- complaints ---- */

/* The value as it may be told, shortened, with a space behind; nothing of a secret or of a whole list. */
static void add_told(struct buf *out, const struct config_item *item, struct str value)
{
    enum { TOLD_MAX = 60 };

    if (config_item_is_secret(item) || !value.p)
        return;
    bool cut = value.n > TOLD_MAX;
    buf_add_json(out, cut ? str_make(value.p, TOLD_MAX) : value);
    buf_add_text(out, cut ? "... " : " ");
}

static bool refuse(const struct typed *t, struct config_place place, struct str value, const char *wrong)
{
    struct config_problem problem = config_problem_at(place, t->table->name, t->item->name);
    struct buf told = BUF_INIT;

    add_told(&told, t->item, value);
    config_problem_add(t->problems, problem, "%s%s", buf_text(&told), wrong);
    buf_finish(&told);
    return false;
}

static bool refuse_kind(const struct typed *t, struct config_place place, enum yaml_kind found,
                        const char *wanted)
{
    struct config_problem problem = config_problem_at(place, t->table->name, t->item->name);

    if (found == YAML_NULL)
        problem.hint = "remove the line to get the default";
    else if (found != YAML_LIST && found != YAML_MAP && t->item->type != CONFIG_BOOL)
        problem.hint = t->item->type == CONFIG_INT || t->item->type == CONFIG_REAL ? "write it without quotes"
                                                                                   : "put it in quotes";
    config_problem_add(t->problems, problem, "must be %s, found %s", wanted, yaml_kind_name(found));
    return false;
}

static bool refuse_memory(const struct typed *t)
{
    t->problems->out_of_memory = true;
    return false;
}

/* ---- texts to values ---- */

static const char *parse_bool(struct str text, union value *out)
{
    out->truth = str_equal(text, STR_OF("true"));
    return out->truth || str_equal(text, STR_OF("false")) ? NULL : "must be true or false";
}

static const char *parse_int(struct str text, union value *out)
{
    static const char wrong[] = "is not a whole number";
    bool negative = text.n && text.p[0] == '-';
    uint64_t number;

    if (negative)
        text = str_make(text.p + 1, text.n - 1);
    if (!str_to_uint(text, INT64_MAX, &number))
        return wrong;
    out->number = negative ? -(int64_t)number : (int64_t)number;
    return NULL;
}

static const char *parse_real(struct str text, union value *out)
{
    static const char wrong[] = "is not a number like 0.25 or 1e6";
    char copy[64], *end;
    enum yaml_kind kind = yaml_plain_kind(text);

    if ((kind != YAML_INT && kind != YAML_REAL) || text.n >= sizeof(copy))
        return wrong;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    out->real = strtod(copy, &end);
    return *end == 0 && isfinite(out->real) ? NULL : wrong;
}

static const char *parse_text(struct str text, union value *out)
{
    if (!str_is_utf8(text))
        return "is not UTF-8";
    out->text = text.p;
    return NULL;
}

static const char *parse_span(struct str text, union value *out)
{
    return units_parse_span(text, &out->number);
}

static const char *parse_size(struct str text, union value *out)
{
    return units_parse_size(text, &out->number);
}

static void format_plain(struct buf *out, int64_t number)
{
    buf_add_int(out, number);
}

/* What is particular to a type. parse returns NULL, or why the text is no such value. */
struct type {
    const char *name;
    unsigned kinds; /* of YAML that may stand for it, as bits */
    size_t size;    /* of the member */
    const char *(*parse)(struct str text, union value *out);
    void (*format)(struct buf *out, int64_t number); /* of min and max */
};

#define KIND(kind) (1u << (kind))
static const struct type types[CONFIG_TYPES] = {
    [CONFIG_BOOL] = { "true or false", KIND(YAML_BOOL), sizeof(bool), parse_bool, NULL },
    [CONFIG_INT] = { "a whole number", KIND(YAML_INT), sizeof(int64_t), parse_int, format_plain },
    [CONFIG_REAL] = { "a number", KIND(YAML_INT) | KIND(YAML_REAL), sizeof(double), parse_real,
                      format_plain },
    [CONFIG_TEXT] = { "a text", KIND(YAML_TEXT), sizeof(char *), parse_text, format_plain },
    [CONFIG_SPAN] = { "a duration", KIND(YAML_TEXT) | KIND(YAML_INT), sizeof(int64_t), parse_span,
                      units_format_span },
    [CONFIG_SIZE] = { "a size", KIND(YAML_TEXT) | KIND(YAML_INT), sizeof(int64_t), parse_size,
                      units_format_size },
    [CONFIG_SECRET] = { "a text", KIND(YAML_TEXT), sizeof(char *), parse_text, format_plain },
    [CONFIG_LIST] = { "a list of texts", KIND(YAML_TEXT), sizeof(struct config_texts), NULL, format_plain },
};

/* ---- ranges and forms ---- */

static bool has_max(const struct config_item *item)
{
    return item->max != 0;
}

static bool has_min(const struct config_item *item)
{
    return item->min != 0 || item->max != 0;
}

void typed_format_range(struct buf *out, const struct config_item *item)
{
    void (*format)(struct buf *, int64_t) = types[item->type].format;

    if (!format || (!has_min(item) && !has_max(item)))
        return;
    if (!has_max(item)) {
        buf_add_text(out, "at least ");
        format(out, item->min);
    } else if (item->min == 0 && item->type != CONFIG_INT && item->type != CONFIG_REAL) {
        buf_add_text(out, "at most ");
        format(out, item->max);
    } else {
        buf_add_text(out, "between ");
        format(out, item->min);
        buf_add_text(out, " and ");
        format(out, item->max);
    }
    if (item->type == CONFIG_TEXT || item->type == CONFIG_SECRET)
        buf_add_text(out, " bytes");
    if (item->type == CONFIG_LIST)
        buf_add_text(out, item->max > 1 || item->min > 1 ? " entries" : " entry");
}

/* Words for a value outside the range; NULL inside. The text belongs to `text`. */
static const char *outside(const struct config_item *item, int64_t number, struct buf *text)
{
    if ((!has_min(item) || number >= item->min) && (!has_max(item) || number <= item->max))
        return NULL;
    buf_add_text(text, item->type == CONFIG_LIST ? "must have " : "must be ");
    typed_format_range(text, item);
    if (item->type == CONFIG_TEXT || item->type == CONFIG_SECRET)
        buf_add_text(text, " long");
    return buf_text(text);
}

static bool in_range(const struct typed *t, struct config_place place, struct str told, int64_t number)
{
    struct buf text = BUF_INIT;
    const char *wrong = outside(t->item, number, &text);

    if (wrong)
        refuse(t, place, told, wrong);
    buf_finish(&text);
    return !wrong;
}

/* The spelling of the table, so that LOG_LEVEL=INFO is "info" to all who compare. */
static const char *spelled_as_in_table(const struct typed *t, struct str text)
{
    struct str rest = str_from(t->item->one_of), word;

    while (str_split(&rest, ' ', &word)) {
        if (str_equal_nocase(word, text))
            return arena_copy(t->arena, word);
    }
    return NULL;
}

static bool has_form(const struct typed *t, struct config_place place, const char **text)
{
    const struct config_item *item = t->item;
    struct str s = str_from(*text);
    const char *wrong = NULL;

    if (item->one_of) {
        const char *word = spelled_as_in_table(t, s);
        char message[200];
        snprintf(message, sizeof(message), "is none of: %s", item->one_of);
        if (!word)
            return refuse(t, place, s, message);
        *text = word;
    }
    if (s.n == 0 && item->type != CONFIG_LIST)
        return true;
    if (item->pattern)
        wrong = pattern_refuses(item->pattern, s);
    if (!wrong && item->wrong)
        wrong = item->wrong(s);
    return wrong ? refuse(t, place, s, wrong) : true;
}

static bool fits(const struct typed *t, struct config_place place, struct str told, union value *value)
{
    switch (t->item->type) {
    case CONFIG_INT:
    case CONFIG_SPAN:
    case CONFIG_SIZE: return in_range(t, place, told, value->number);
    case CONFIG_REAL:
        if ((has_min(t->item) && value->real < (double)t->item->min) ||
            (has_max(t->item) && value->real > (double)t->item->max))
            return in_range(t, place, told,
                            value->real < (double)t->item->min ? t->item->min - 1 : t->item->max + 1);
        return true;
    case CONFIG_TEXT:
    case CONFIG_SECRET: return in_range(t, place, told, (int64_t)told.n) && has_form(t, place, &value->text);
    default: return true;
    }
}

static void store(const struct typed *t, const union value *value)
{
    memcpy((char *)t->values + t->item->offset, value, types[t->item->type].size);
}

/* `text` must be terminated and live as long as the values. */
static bool set_scalar(const struct typed *t, struct str text, struct config_place place)
{
    union value value;
    const char *wrong = types[t->item->type].parse(text, &value);

    if (wrong)
        return refuse(t, place, text, wrong);
    if (!fits(t, place, text, &value))
        return false;
    store(t, &value);
    return true;
}

/* ---- lists ---- */

static bool set_entry(const struct typed *t, const char **out, const struct entry *entry,
                      struct config_place place)
{
    if (entry->line)
        place.line = entry->line;
    if (entry->text.n == 0)
        return refuse(t, place, entry->text, "is an empty entry");
    if (!str_is_utf8(entry->text))
        return refuse(t, place, entry->text, "is not UTF-8");
    *out = entry->text.p;
    return has_form(t, place, out);
}

/* With good false the entries are only looked at: something else about the list is wrong already. */
static bool set_list(const struct typed *t, const struct entry *entries, size_t n, struct config_place place,
                     bool good)
{
    union value value = { .list = { NULL, n } };
    const char **texts = arena_calloc(t->arena, (n + 1) * sizeof(*texts));

    if (!texts)
        return refuse_memory(t);
    for (size_t i = 0; i < n; i++)
        good = set_entry(t, &texts[i], &entries[i], place) && good;
    if (!good || !in_range(t, place, str_make(NULL, 0), (int64_t)n))
        return false;
    value.list.v = texts;
    store(t, &value);
    return true;
}

static bool set_list_node(const struct typed *t, const struct yaml_node *list, struct config_place place)
{
    struct entry *entries = arena_calloc(t->arena, (list->n + 1) * sizeof(*entries));
    size_t n = 0;
    bool good = true;

    if (!entries)
        return refuse_memory(t);
    for (const struct yaml_node *it = list->first; it; it = it->next) {
        if (it->refused) {
            good = false;
        } else if (it->kind != YAML_TEXT) {
            struct config_place entry_place = { place.source, place.line ? it->line : 0 };
            good = refuse_kind(t, entry_place, it->kind, "a list of texts");
        } else {
            entries[n++] = (struct entry){ it->text, place.line ? it->line : 0 };
        }
    }
    return set_list(t, entries, n, place, good);
}

struct list_complaint {
    const struct typed *t;
    struct config_place place;
};

static void complain_about_list(unsigned line, const char *item, const char *text, const char *hint, void *ud)
{
    const struct list_complaint *c = ud;
    struct config_problem problem = config_problem_at(c->place, c->t->table->name, c->t->item->name);

    (void)line;
    (void)item;
    (void)hint;
    problem.hint = "write a list as a,b or [\"a\", \"b\"]";
    config_problem_add(c->t->problems, problem, "%s", text);
}

static bool looks_like_json(struct str text)
{
    if (text.n < 2 || text.p[0] != '[')
        return false;
    struct str inner = str_trim(str_make(text.p + 1, text.n - 1));
    return inner.n > 0 && (inner.p[0] == '"' || inner.p[0] == ']'); /* else the address [::1]:80 */
}

static bool set_list_json(const struct typed *t, struct str text, struct config_place place)
{
    struct list_complaint complaint = { t, place };
    struct yaml_node *node;

    if (yaml_parse(t->arena, text, &node, complain_about_list, &complaint) != 0)
        return false;
    if (!node || node->kind != YAML_LIST)
        return refuse(t, place, text, "is not a list: write a,b or [\"a\", \"b\"]");
    return set_list_node(t, node, place);
}

static bool set_list_text(const struct typed *t, struct str text, struct config_place place)
{
    struct str item;
    size_t n = 0, entries_max = 1;

    text = str_trim(text);
    if (text.n == 0)
        return set_list(t, NULL, 0, place, true);
    if (looks_like_json(text))
        return set_list_json(t, text, place);
    for (size_t i = 0; i < text.n; i++)
        entries_max += text.p[i] == ',';
    struct entry *entries = arena_calloc(t->arena, entries_max * sizeof(*entries));
    if (!entries)
        return refuse_memory(t);
    while (str_split(&text, ',', &item)) {
        item = str_trim(item);
        entries[n].text = str_make(arena_copy(t->arena, item), item.n);
        if (!entries[n++].text.p)
            return refuse_memory(t);
    }
    return set_list(t, entries, n, place, true);
}

/* ---- entrances ---- */

bool typed_set_node(const struct typed *t, const struct yaml_node *node, const char *source)
{
    const struct type *type = &types[t->item->type];
    struct config_place place = { source, node->line };

    if (node->refused)
        return false;
    if (t->item->type == CONFIG_LIST && node->kind == YAML_LIST)
        return set_list_node(t, node, place);
    if (!(type->kinds & KIND(node->kind)))
        return refuse_kind(t, place, node->kind, type->name);
    if (t->item->type == CONFIG_LIST)
        return set_list(t, &(struct entry){ node->text, node->line }, 1, place, true);
    return set_scalar(t, node->text, place);
}

bool typed_set_text(const struct typed *t, struct str text, struct config_place place)
{
    if (text.n && memchr(text.p, 0, text.n))
        return refuse(t, place, STR_OF(""), "has a NUL character");
    if (t->item->type == CONFIG_LIST)
        return set_list_text(t, text, place);
    const char *copy = arena_copy(t->arena, text);
    if (!copy)
        return refuse_memory(t);
    return set_scalar(t, str_make(copy, text.n), place);
}

bool typed_set_texts(const struct typed *t, const char *const *texts, size_t n, struct config_place place)
{
    if (t->item->type != CONFIG_LIST)
        return typed_set_text(t, str_from(n ? texts[n - 1] : ""), place);
    struct entry *entries = arena_calloc(t->arena, (n + 1) * sizeof(*entries));
    if (!entries)
        return refuse_memory(t);
    for (size_t i = 0; i < n; i++) {
        entries[i].text = str_make(arena_copy(t->arena, str_from(texts[i])), strlen(texts[i]));
        if (!entries[i].text.p)
            return refuse_memory(t);
    }
    return set_list(t, entries, n, place, true);
}

/* ---- fallbacks ---- */

static bool may_be_empty(const struct config_item *item)
{
    return item->type == CONFIG_TEXT || item->type == CONFIG_SECRET;
}

static void complain_about_fallback(unsigned line, const char *item, const char *text, const char *hint,
                                    void *ud)
{
    const struct typed *t = ud;
    struct config_place place = { TYPED_FALLBACK, 0 };
    struct config_problem problem = config_problem_at(place, t->table->name, t->item->name);

    (void)line;
    (void)item;
    problem.hint = hint;
    config_problem_add(t->problems, problem, "%s", text);
}

static bool set_empty(const struct typed *t)
{
    const char *empty = arena_copy(t->arena, STR_OF(""));

    if (!empty)
        return refuse_memory(t);
    store(t, &(union value){ .text = empty });
    return true;
}

int typed_set_fallback(const struct typed *t)
{
    struct yaml_node *node;

    if (may_be_empty(t->item) && !set_empty(t))
        return -1;
    if (!t->item->fallback)
        return 0;
    if (yaml_parse(t->arena, str_from(t->item->fallback), &node, complain_about_fallback,
                   (void *)(uintptr_t)t) != 0)
        return -1;
    if (!node && may_be_empty(t->item))
        return 1; /* it is empty already */
    if (!node) {
        complain_about_fallback(0, NULL, "is empty; write what it is, or nothing where it must be set", NULL,
                                (void *)(uintptr_t)t);
        return -1;
    }
    node->line = 0; /* a default has none */
    return typed_set_node(t, node, TYPED_FALLBACK) ? 1 : -1;
}

/* ---- values to texts ---- */

static union value load(const struct config_item *item, const void *values)
{
    union value value = { .list = { NULL, 0 } };
    memcpy(&value, (const char *)values + item->offset, types[item->type].size);
    return value;
}

static void format_real(struct buf *out, double real)
{
    char text[40];
    /* The shortest of the usual lengths that reads back as the same number. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    buf_add_text(out, text);
}

static void format_list(struct buf *out, struct config_texts list, const char *separator)
{
    for (size_t i = 0; i < list.n; i++) {
        buf_add_text(out, i ? separator : "");
        buf_add_text(out, list.v[i]);
    }
}

void typed_format(struct buf *out, const struct config_item *item, const void *values, const char *separator)
{
    union value value = load(item, values);

    switch (item->type) {
    case CONFIG_BOOL: buf_add_text(out, value.truth ? "true" : "false"); break;
    case CONFIG_INT: buf_add_int(out, value.number); break;
    case CONFIG_REAL: format_real(out, value.real); break;
    case CONFIG_SPAN: units_format_span(out, value.number); break;
    case CONFIG_SIZE: units_format_size(out, value.number); break;
    case CONFIG_TEXT:
    case CONFIG_SECRET: buf_add_text(out, value.text); break;
    case CONFIG_LIST: format_list(out, value.list, separator); break;
    default: break;
    }
}

static void format_json_list(struct buf *out, struct config_texts list)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < list.n; i++) {
        buf_add_text(out, i ? ", " : "");
        buf_add_json(out, str_from(list.v[i]));
    }
    buf_add_char(out, ']');
}

void typed_format_json(struct buf *out, const struct config_item *item, const void *values)
{
    struct buf text = BUF_INIT;

    if (item->type == CONFIG_LIST) {
        format_json_list(out, load(item, values).list);
        return;
    }
    typed_format(&text, item, values, ",");
    if (item->type == CONFIG_BOOL || item->type == CONFIG_INT || item->type == CONFIG_REAL)
        buf_add_str(out, buf_str(&text));
    else
        buf_add_json(out, buf_str(&text));
    out->failed |= text.failed;
    buf_finish(&text);
}

const char *typed_name(enum config_type type)
{
    return types[type].name;
}
