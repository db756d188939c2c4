#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "schema/inside.h"

/* Steps back: more than any sensible pattern takes, less than anybody would notice (about 1 ms). */
enum { MATCH_LIMIT = 100000, HEAP_LIMIT_KIB = 1024 };

struct pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
};

/* ECMA 262 knows the long names of Unicode's categories, PCRE2 the short ones. */
static const struct {
    const char *name, *category;
} categories[] = {
    { "Cased_Letter", "L&" },
    { "Close_Punctuation", "Pe" },
    { "Connector_Punctuation", "Pc" },
    { "Control", "Cc" },
    { "Currency_Symbol", "Sc" },
    { "Dash_Punctuation", "Pd" },
    { "Decimal_Number", "Nd" },
    { "digit", "Nd" },
    { "punct", "P" },
    { "Enclosing_Mark", "Me" },
    { "Final_Punctuation", "Pf" },
    { "Format", "Cf" },
    { "Initial_Punctuation", "Pi" },
    { "Letter", "L" },
    { "Letter_Number", "Nl" },
    { "Line_Separator", "Zl" },
    { "Lowercase_Letter", "Ll" },
    { "Mark", "M" },
    { "Math_Symbol", "Sm" },
    { "Modifier_Letter", "Lm" },
    { "Modifier_Symbol", "Sk" },
    { "Nonspacing_Mark", "Mn" },
    { "Number", "N" },
    { "Open_Punctuation", "Ps" },
    { "Other", "C" },
    { "Other_Letter", "Lo" },
    { "Other_Number", "No" },
    { "Other_Punctuation", "Po" },
    { "Other_Symbol", "So" },
    { "Paragraph_Separator", "Zp" },
    { "Private_Use", "Co" },
    { "Punctuation", "P" },
    { "Separator", "Z" },
    { "Space_Separator", "Zs" },
    { "Spacing_Mark", "Mc" },
    { "Surrogate", "Cs" },
    { "Symbol", "S" },
    { "Titlecase_Letter", "Lt" },
    { "Unassigned", "Cn" },
    { "Uppercase_Letter", "Lu" },
};

static const char *category_of(struct str name)
{
    static const struct str prefixes[] = { STR("General_Category="), STR("gc=") };

    for (size_t i = 0; i < DW_COUNT_OF(prefixes); i++) {
        if (str_starts_with(name, prefixes[i]))
            name = str_make(name.p + prefixes[i].n, name.n - prefixes[i].n);
    }
    for (size_t i = 0; i < DW_COUNT_OF(categories); i++) {
        if (str_equal(name, str_from(categories[i].name)))
            return categories[i].category;
    }
    return NULL;
}

/* White space in ECMA 262 is Unicode's, in PCRE2 without UCP ASCII's; and with UCP other classes would be Unicode's. */
#define SPACES "\\s\\u{a0}\\u{feff}\\p{Zs}\\u{2028}\\u{2029}"

/* \p{Letter}, of which `rest` is what follows \p. How much of that was written. */
static size_t translate_property(struct buf *out, struct str rest)
{
    struct str name = rest.n > 0 && *rest.p == '{' ? str_make(rest.p + 1, rest.n - 1) : STR_OF("");

    name.n = str_find(name, '}');
    const char *category = name.n + 1 < rest.n ? category_of(name) : NULL;
    if (!category)
        return 0;
    buf_add_format(out, "{%s}", category);
    return name.n + 2;
}

static void translate(struct buf *out, struct str text)
{
    bool in_class = false;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i], next = i + 1 < text.n ? text.p[i + 1] : '\0';
        in_class = c == '[' || (in_class && c != ']');
        if (c != '\\' || next == '\0') {
            buf_add_char(out, c);
            continue;
        }
        i++;
        if (next == 's') {
            buf_add_text(out, in_class ? SPACES : "[" SPACES "]");
        } else if (next == 'S' && !in_class) {
            buf_add_text(out, "[^" SPACES "]");
        } else {
            buf_add_char(out, c);
            buf_add_char(out, next);
            if (next == 'p' || next == 'P')
                i += translate_property(out, str_make(text.p + i + 1, text.n - i - 1));
        }
    }
}

/* What PCRE2 would understand, and a client that has ECMA 262 would not. */
static const char *foreign(struct str text)
{
    for (size_t i = 0; i + 1 < text.n; i++) {
        char next = text.p[i + 1], third = i + 2 < text.n ? text.p[i + 2] : '\0';
        if (text.p[i] == '\\') {
            bool is_letter = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z');
            if (is_letter && !strchr("bBcdDfknpPrsStuvwWx", next))
                return "there is no such escape in ECMA 262";
            i++;
        } else if (text.p[i] == '(' && next == '?' && !strchr(":=!<", third)) {
            return "groups that begin with (? are (?:, (?=, (?!, (?<=, (?<! and (?<name> in ECMA 262";
        } else if (text.p[i] == '(' && next == '*') {
            return "there are no verbs like (*..) in ECMA 262";
        }
    }
    return NULL;
}

static pcre2_code *compile(struct str text, int *error, PCRE2_SIZE *offset)
{
    const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF |
                             PCRE2_NEVER_BACKSLASH_C | PCRE2_ALLOW_EMPTY_CLASS;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);

    if (context)
        pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)(text.n ? text.p : ""), text.n, options, error, offset, context);
    pcre2_compile_context_free(context);
    return code;
}

struct pattern *pattern_create(struct str text, struct buf *why)
{
    const char *wrong = foreign(text);
    struct pattern *p = NULL;
    PCRE2_SIZE offset = 0;
    int error = 0;

    struct buf translated = BUF_INIT;

    if (wrong) {
        buf_add_format(why, "the pattern %.*s is none: %s", STR_ARG(text), wrong);
        return NULL;
    }
    p = calloc(1, sizeof(*p));
    translate(&translated, text);
    if (p && !buf_failed(&translated))
        p->code = compile(buf_str(&translated), &error, &offset);
    buf_finish(&translated);
    if (p && p->code)
        p->limits = pcre2_match_context_create(NULL);
    if (p && p->limits) {
        pcre2_set_match_limit(p->limits, MATCH_LIMIT);
        pcre2_set_heap_limit(p->limits, HEAP_LIMIT_KIB);
        pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* where the machine has none, it is slower */
        return p;
    }
    if (error != 0 && p && !p->code) {
        char message[120] = "";
        pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof(message));
        buf_add_format(why, "the pattern %.*s is none: %s, at character %zu", STR_ARG(text), message,
                       (size_t)offset + 1);
    } else {
        buf_add_text(why, "memory is out");
    }
    pattern_destroy(p);
    return NULL;
}

void pattern_destroy(struct pattern *p)
{
    if (!p)
        return;
    pcre2_match_context_free(p->limits);
    pcre2_code_free(p->code);
    free(p);
}

bool pattern_matches(const struct pattern *p, struct str text)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);

    if (!data)
        return false;
    int rc = pcre2_match(p->code, (PCRE2_SPTR)(text.n ? text.p : ""), text.n, 0, PCRE2_NO_UTF_CHECK, data,
                         p->limits);
    pcre2_match_data_free(data);
    return rc >= 0;
}
