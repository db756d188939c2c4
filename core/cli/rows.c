#include "cli/rows.h"

#include <stdio.h>
#include <string.h>

#include "cli/settings.h"

/* ---- as JSON ---- */

int cli_rows_json(struct cli_store *s, struct db_rows *rows, struct buf *out)
{
    const char *between = "";
    int rc;

    buf_add_char(out, '[');
    while ((rc = db_rows_next(rows)) > 0) {
        buf_add_text(out, between);
        between = ",";
        if (db_rows_write_json(rows, out) != 0)
            break;
    }
    buf_add_char(out, ']');
    db_rows_close(rows);
    if (rc == 0 && !buf_failed(out))
        return CLI_OK;
    fprintf(stderr, "%s\n", rc < 0 ? db_error_of(s->session)->text : "the rows cannot be written as JSON");
    return CLI_FAILED;
}

/* ---- as a table ---- */

/* A table in memory: its cells as texts, row by row. */
struct table {
    struct arena arena;
    size_t columns, rows;
    size_t *widths;
    struct line {
        struct line *next;
        const char **cells;
    } * first, **last;
};

/* How many columns of a terminal: continuation bytes of UTF-8 take none. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* JSON without the quotes of a text; null is a dash. What would begin a line of its own does not. */
static const char *cell_text(struct table *t, const struct db_cell *cell)
{
    struct buf json = BUF_INIT;
    char *text = NULL;

    if (cell->type == DB_NULL)
        return "-";
    if (db_cell_write_json(cell, &json) == 0 && !buf_failed(&json)) {
        bool is_quoted = json.n >= 2 && json.p[0] == '"';
        text = arena_copy(&t->arena, is_quoted ? str_make(json.p + 1, json.n - 2) : buf_str(&json));
    }
    buf_finish(&json);
    return text;
}

static int add_line(struct table *t, struct db_rows *rows, bool is_head)
{
    struct line *line = arena_calloc(&t->arena, sizeof(*line));
    struct db_cell cell;

    if (line)
        line->cells = arena_calloc(&t->arena, t->columns * sizeof(const char *));
    if (!line || !line->cells)
        return DW_ENOMEM;
    for (size_t i = 0; i < t->columns; i++) {
        if (is_head) {
            char *name = arena_copy(&t->arena, str_from(db_rows_name(rows, i)));
            for (char *p = name; p && *p; p++)
                *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p == '_' ? ' ' : *p);
            line->cells[i] = name;
        } else {
            int rc = db_rows_cell(rows, i, &cell);
            if (rc < 0)
                return rc;
            line->cells[i] = cell_text(t, &cell);
        }
        if (!line->cells[i])
            return DW_ENOMEM;
        size_t width = width_of(line->cells[i]);
        t->widths[i] = width > t->widths[i] ? width : t->widths[i];
    }
    *t->last = line;
    t->last = &line->next;
    t->rows++;
    return 0;
}

static int fill(struct table *t, struct db_rows *rows)
{
    int rc;

    t->columns = db_rows_columns(rows);
    t->last = &t->first;
    t->widths = arena_calloc(&t->arena, (t->columns + 1) * sizeof(size_t));
    if (!t->widths)
        return DW_ENOMEM;
    rc = add_line(t, rows, true);
    while (rc >= 0 && (rc = db_rows_next(rows)) > 0)
        rc = add_line(t, rows, false);
    return rc;
}

static void write_table(struct buf *out, const struct table *t)
{
    for (const struct line *line = t->first; line; line = line->next) {
        for (size_t i = 0; i < t->columns; i++) {
            buf_add_text(out, line->cells[i]);
            size_t width = width_of(line->cells[i]);
            for (size_t pad = width; i + 1 < t->columns && pad < t->widths[i] + 2; pad++)
                buf_add_char(out, ' ');
        }
        buf_add_char(out, '\n');
    }
}

static int print_table(struct cli_store *s, struct db_rows *rows, const char *none)
{
    struct table t = { .rows = 0 };
    struct buf out = BUF_INIT;
    int rc;

    arena_init(&t.arena, NULL, 0, 0);
    rc = fill(&t, rows);
    if (rc >= 0 && t.rows > 1)
        write_table(&out, &t);
    else if (rc >= 0)
        buf_add_format(&out, "%s\n", none);
    arena_finish(&t.arena);
    db_rows_close(rows);
    if (rc >= 0)
        return cli_print(&out);
    fprintf(stderr, "%s\n", rc == DW_ENOMEM ? "out of memory" : db_error_of(s->session)->text);
    buf_finish(&out);
    return CLI_FAILED;
}

int cli_print_rows(const struct cli *c, struct cli_store *s, struct db_rows *rows, const char *name,
                   const char *none)
{
    struct buf out = BUF_INIT;
    int result;

    if (!c->json)
        return print_table(s, rows, none);
    buf_add_format(&out, "{\"%s\":", name);
    result = cli_rows_json(s, rows, &out);
    buf_add_text(&out, "}\n");
    if (result == CLI_OK)
        return cli_print(&out);
    buf_finish(&out);
    return result;
}

/* ---- one ---- */

static int write_row(struct buf *out, const struct cli *c, struct db_rows *rows)
{
    struct table t = { .columns = db_rows_columns(rows) };
    struct db_cell cell;
    size_t widest = 0;
    int rc = 0;

    if (c->json) {
        rc = db_rows_write_json(rows, out) == 0 ? 0 : DW_EINVALID;
        buf_add_char(out, '\n');
        return rc;
    }
    arena_init(&t.arena, NULL, 0, 0);
    for (size_t i = 0; i < t.columns; i++)
        widest = strlen(db_rows_name(rows, i)) > widest ? strlen(db_rows_name(rows, i)) : widest;
    for (size_t i = 0; rc >= 0 && i < t.columns; i++) {
        rc = db_rows_cell(rows, i, &cell);
        const char *text = rc >= 0 ? cell_text(&t, &cell) : NULL;
        buf_add_format(out, "%-*s  %s\n", (int)widest, db_rows_name(rows, i), text ? text : "");
    }
    arena_finish(&t.arena);
    return rc < 0 ? rc : 0;
}

int cli_print_row(const struct cli *c, struct cli_store *s, struct db_rows *rows, const char *thing,
                  const char *name)
{
    struct buf out = BUF_INIT, why = BUF_INIT;
    int rc = db_rows_next(rows);

    if (rc == 0)
        rc = DW_ENOTFOUND;
    else if (rc > 0)
        rc = write_row(&out, c, rows);
    db_rows_close(rows);
    if (rc == 0)
        return cli_print(&out);
    buf_finish(&out);
    return cli_store_result(s, rc, &why, thing, name);
}
