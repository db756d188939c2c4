#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "schema/inside.h"

/* Steps back: more than any sensible pattern takes, less than anybody would notice (about 1 ms). */
enum { MATCH_LIMIT = 100000, HEAP_LIMIT_KIB = 1024 };

struct pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
};

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
    struct pattern *p = calloc(1, sizeof(*p));
    PCRE2_SIZE offset = 0;
    int error = 0;

    if (p)
        p->code = compile(text, &error, &offset);
    if (p && p->code)
        p->limits = pcre2_match_context_create(NULL);
    if (p && p->limits) {
        pcre2_set_match_limit(p->limits, MATCH_LIMIT);
        pcre2_set_heap_limit(p->limits, HEAP_LIMIT_KIB);
        pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* where the machine has none, it is slower */
        return p;
    }
    if (p && !p->code) {
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
