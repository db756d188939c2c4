#include "plugin/command_json.h"

#include <stdlib.h>
#include <string.h>

#include "db/rows_table.h"
#include "plugin/call_db.h"
#include "plugin/command_output.h"

/* ---- one value, for people ---- */

static void add_plain(struct buf *out, const json_t *value);

static void add_words(struct buf *out, const json_t *list)
{
    const json_t *one;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)list, i, one)
    {
        if (i > 0)
            buf_add_text(out, ", ");
        add_plain(out, one);
    }
    if (json_array_size(list) == 0)
        buf_add_char(out, '-');
}

static void add_text(struct buf *out, struct str text)
{
    if (text.n == 0)
        buf_add_char(out, '-');
    else if (memchr(text.p, '\n', text.n))
        buf_add_format(out, "(%zu bytes)", text.n); /* a certificate: --output json has it */
    else
        command_output_plain(out, text);
}

/* As a table of rows has it: null is a dash. */
static void add_plain(struct buf *out, const json_t *value)
{
    if (!value || json_is_null(value)) {
        buf_add_char(out, '-');
    } else if (json_is_string(value)) {
        add_text(out, str_make(json_string_value(value), json_string_length(value)));
    } else if (json_is_array(value)) {
        add_words(out, value);
    } else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        out->failed |= !text;
        buf_add_text(out, text ? text : "");
        free(text);
    }
}

/* ---- an object ---- */

/* Lines "name  value"; `widest` 0: none is written, and the widest name is what is returned. */
static size_t write_lines(struct buf *out, const char *before, const json_t *object, size_t widest)
{
    const char *key;
    const json_t *value;
    size_t found = 0;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        struct buf name = BUF_INIT;
        buf_add_format(&name, "%s%s", before, key);
        size_t width = table_width(buf_str(&name));
        if (json_is_object(value) && json_object_size(value) > 0) {
            buf_add_char(&name, '.');
            width = write_lines(out, buf_text(&name), value, widest);
        } else if (widest > 0) {
            buf_add_format(out, "%s%*s  ", buf_text(&name), (int)(widest - width), "");
            add_plain(out, json_is_object(value) ? NULL : value);
            buf_add_char(out, '\n');
        }
        found = width > found ? width : found;
        out->failed |= buf_failed(&name);
        buf_finish(&name);
    }
    return found;
}

static int added(struct command_handle *h, const char *step, const struct buf *to)
{
    if (buf_failed(to))
        return call_fail(h->c, DW_ENOMEM, "%s: out of memory", step);
    command_output_added(h->output, h->c);
    return 0;
}

int command_show_json(dw_command_run *run, const json_t *object)
{
    static const char step[] = "show";
    struct command_handle *h;

    DW_TRY(command_handle_check(run, step, &h));
    if (h->output->json)
        return json_object_update(h->output->members, (json_t *)(uintptr_t)object) == 0
                   ? 0
                   : call_fail(h->c, DW_ENOMEM, "%s: out of memory", step);
    struct buf *out = command_output_text(h->output, h->c);
    write_lines(out, "", object, write_lines(out, "", object, 0));
    return added(h, step, out);
}

bool command_is_json(dw_command_run *run)
{
    struct command_handle *h;

    return command_handle_check(run, "command_is_json", &h) == 0 && h->output->json;
}

/* ---- a list ---- */

enum { COLUMNS_MAX = 12 };

/* "health.state" */
static const json_t *member(const json_t *object, const char *path)
{
    struct str rest = str_from(path), name;

    while (object && str_split(&rest, '.', &name))
        object = json_object_getn(object, name.p, name.n);
    return object;
}

/* "CREATED AT" of "created_at", "STATE" of "health.state". */
static void add_head(struct buf *out, const char *column)
{
    const char *last = strrchr(column, '.');

    for (const char *p = last ? last + 1 : column; *p; p++)
        buf_add_char(out, (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p == '_' ? ' ' : *p));
}

/* The cell of that row, 0 is the head. */
static void add_cell(struct buf *out, const json_t *list, size_t row, const char *column)
{
    if (row == 0)
        add_head(out, column);
    else
        add_plain(out, member(json_array_get(list, row - 1), column));
}

static void measure(const json_t *list, const char *const *columns, size_t widths[COLUMNS_MAX])
{
    for (size_t row = 0; row <= json_array_size(list); row++) {
        for (size_t i = 0; i < COLUMNS_MAX && columns[i]; i++) {
            struct buf cell = BUF_INIT;
            add_cell(&cell, list, row, columns[i]);
            size_t width = table_width(buf_str(&cell));
            widths[i] = width > widths[i] ? width : widths[i];
            buf_finish(&cell);
        }
    }
}

static void write_table(struct buf *out, const json_t *list, const char *const *columns)
{
    size_t widths[COLUMNS_MAX] = { 0 };

    measure(list, columns, widths);
    for (size_t row = 0; row <= json_array_size(list); row++) {
        for (size_t i = 0; i < COLUMNS_MAX && columns[i]; i++) {
            size_t before = out->n;
            add_cell(out, list, row, columns[i]);
            size_t width = out->n > before ? table_width(str_make(out->p + before, out->n - before)) : 0;
            for (; columns[i + 1] && width < widths[i] + 2; width++)
                buf_add_char(out, ' ');
        }
        buf_add_char(out, '\n');
    }
}

static int list_as_json(struct command_handle *h, const char *step, const json_t *list)
{
    struct command_output *o = h->output;
    const json_t *one;
    size_t i;

    o->has_items = true;
    json_array_foreach((json_t *)(uintptr_t)list, i, one)
    {
        char *text = json_dumps(one, JSON_COMPACT);
        buf_add_format(&o->items, "%s%s", o->items.n > 0 ? "," : "", text ? text : "");
        o->items.failed |= !text;
        free(text);
    }
    return added(h, step, &o->items);
}

int command_list_json(dw_command_run *run, const json_t *list, const char *const *columns, const char *none)
{
    static const char step[] = "list";
    struct command_handle *h;

    DW_TRY(command_handle_check(run, step, &h));
    if (h->output->json)
        return list_as_json(h, step, list);
    struct buf *out = command_output_text(h->output, h->c);
    if (json_array_size(list) > 0)
        write_table(out, list, columns);
    else
        buf_add_format(out, "%s\n", none);
    return added(h, step, out);
}
