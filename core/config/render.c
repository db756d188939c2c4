#include "config/render.h"

#include "config/pattern.h"
#include "config/typed.h"
#include "util/compiler.h"

enum { COMMENT_WIDTH = 100 };

void render_variable_name(struct buf *out, const char *table, const char *item)
{
    const char *const parts[] = { "dowel_", table, "__", item };

    for (size_t i = 0; i < DW_COUNT_OF(parts); i++) {
        for (const char *p = parts[i]; *p; p++) {
            char c = *p == '-' ? '_' : *p;
            buf_add_char(out, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
        }
    }
}

/* Words in lines that begin with "# ". */
static void add_comment(struct buf *out, struct str words)
{
    struct str word;
    size_t column = 0;

    while (str_split(&words, ' ', &word)) {
        if (column && column + 1 + word.n > COMMENT_WIDTH) {
            buf_add_char(out, '\n');
            column = 0;
        }
        buf_add_text(out, column ? " " : "# ");
        buf_add_str(out, word);
        column += word.n + (column ? 1 : 2);
    }
    buf_add_char(out, '\n');
}

void render_limits(struct buf *out, const struct config_item *item)
{
    struct buf range = BUF_INIT;

    typed_format_range(&range, item);
    if (range.n) {
        buf_add_text(out, ", ");
        buf_add_str(out, buf_str(&range));
    }
    if (item->one_of) {
        struct str rest = str_from(item->one_of), word;
        const char *before = ", one of ";
        while (str_split(&rest, ' ', &word)) {
            buf_add_format(out, "%s`%.*s`", before, STR_ARG(word));
            before = ", ";
        }
    }
    if (item->pattern && pattern_words(item->pattern))
        buf_add_format(out, item->type == CONFIG_LIST ? ", each %s" : ", %s", pattern_words(item->pattern));
    buf_finish(&range);
}

static void add_item_comment(struct buf *out, const struct config_item *item)
{
    struct buf words = BUF_INIT;

    buf_add_format(&words, "%s. (%s", item->help, typed_name(item->type));
    render_limits(&words, item);
    if (item->example)
        buf_add_format(&words, "; for example %s", item->example);
    buf_add_char(&words, ')');
    add_comment(out, buf_str(&words));
    out->failed |= words.failed;
    buf_finish(&words);
}

static void add_section(struct buf *out, const struct config_item *item)
{
    if (item->section)
        buf_add_format(out, "\n# ---- %s ----\n", item->section);
}

void render_yaml(struct buf *out, const struct config_table *table)
{
    buf_add_format(out, "# %s.\n#\n", table->summary);
    buf_add_text(
        out, "# Every item stands here with its default; remove the # in front of one to change it.\n"
             "# `dowel config check` says what is wrong, `dowel reload` applies it to a running server.\n");
    if (!table->always)
        buf_add_text(out, "\nenabled: true\n");
    for (const struct config_item *it = table->items; it->name; it++) {
        add_section(out, it);
        buf_add_char(out, '\n');
        add_item_comment(out, it);
        buf_add_format(out, "#%s: %s\n", it->name,
                       it->fallback  ? it->fallback
                       : it->example ? it->example
                                     : "");
    }
}

/* ---- .env.example ---- */

/* A YAML text as a variable holds it: without its quotes. */
static void add_bare(struct buf *out, const char *yaml)
{
    struct str s = str_from(yaml);

    if (str_equal(s, STR_OF("[]")))
        return;
    if (s.n >= 2 && s.p[0] == '"')
        s = str_make(s.p + 1, s.n - 2);
    if (s.n && s.p[0] == '[')
        buf_add_format(out, "'%.*s'", STR_ARG(s));
    else
        buf_add_str(out, s);
}

static void add_env_item(struct buf *out, const struct config_table *table, const struct config_item *item)
{
    buf_add_char(out, '\n');
    add_item_comment(out, item);
    if (item->aliases)
        buf_add_format(out, "# Also read: %s\n", item->aliases);
    buf_add_char(out, '#');
    render_variable_name(out, table->name, item->name);
    buf_add_char(out, '=');
    if (item->fallback)
        add_bare(out, item->fallback);
    buf_add_char(out, '\n');
}

void render_env(struct buf *out, const struct config_table *const *tables, size_t n)
{
    buf_add_text(
        out, "# Copy this file to .env in the directory where the server is started; meant for development.\n"
             "# A variable of the process wins over a line here, a line here wins over conf.d.\n"
             "# NAME_FILE instead of NAME takes the value from the file that it names.\n");
    for (size_t i = 0; i < n; i++) {
        for (const struct config_item *it = tables[i]->items; it->name; it++) {
            add_section(out, it);
            add_env_item(out, tables[i], it);
        }
    }
}
