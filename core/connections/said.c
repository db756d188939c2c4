#include "connections/said.h"

#include "config/pattern.h"
#include "config/typed.h"
#include "config/units.h"
#include "util/compiler.h"

/* As http/language.c: the English of a type is what the reader of the configuration calls it. */
static const char *say(enum http_language language, const char *english)
{
    return http_say(language, english);
}

static void format_bound(struct buf *out, const struct config_item *item, int64_t number)
{
    if (item->type == CONFIG_SPAN)
        units_format_span(out, number);
    else if (item->type == CONFIG_SIZE)
        units_format_size(out, number);
    else
        buf_add_int(out, number);
}

static const char *range_of(const struct config_item *item)
{
    if (item->min == 0 && item->max == 0)
        return NULL;
    switch (item->type) {
    case CONFIG_TEXT:
    case CONFIG_SECRET: return item->max ? "%s to %s bytes long" : "at least %s bytes long";
    case CONFIG_LIST: return item->max ? "%s to %s entries" : "at least %s entries";
    case CONFIG_BOOL: return NULL;
    default: return item->max ? "from %s to %s" : "at least %s";
    }
}

static void add_range(struct buf *out, enum http_language language, const struct config_item *item)
{
    struct buf min = BUF_INIT, max = BUF_INIT;
    const char *range = range_of(item);

    if (!range)
        return;
    format_bound(&min, item, item->min);
    format_bound(&max, item, item->max);
    buf_add_text(out, ", ");
    buf_add_format(out, say(language, range), buf_text(&min), buf_text(&max));
    buf_finish(&min);
    buf_finish(&max);
}

static void add_expected(struct buf *out, enum http_language language, const struct config_item *item)
{
    const char *words = item->pattern ? pattern_words(item->pattern) : NULL;

    if (item->one_of) {
        buf_add_format(out, say(language, "one of: %s"), item->one_of);
        return;
    }
    buf_add_text(out, say(language, words ? words : typed_name(item->type)));
    add_range(out, language, item);
}

void connection_say_problem(struct buf *out, enum http_language language, const struct config_item *item,
                            const struct config_problem *p)
{
    const char *said = say(language, p->text);

    if (language == HTTP_ENGLISH || said != p->text || !item) {
        buf_add_text(out, said);
        if (p->hint)
            buf_add_format(out, "; %s", say(language, p->hint));
        return;
    }
    buf_add_text(out, say(language, "does not fit here; expected: "));
    add_expected(out, language, item);
}
