#include "db/rows_table.h"

/* A table in memory: its cells as texts, row by row. */
struct table {
    struct arena arena;
    size_t columns;
    int rows;
    size_t *widths;
    struct line {
        struct line *next;
        const char **cells;
    } * first, **last;
};

size_t table_width(struct str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

/* JSON without the quotes of a text; null is a dash. What would begin a line of its own does not. NULL: memory. */
static const char *cell_text(struct arena *arena, const struct db_cell *cell)
{
    struct buf json = BUF_INIT;
    char *text = NULL;

    if (cell->type == DB_NULL)
        return "-";
    if (db_cell_write_json(cell, &json) == 0 && !buf_failed(&json)) {
        bool is_quoted = json.n >= 2 && json.p[0] == '"';
        text = arena_copy(arena, is_quoted ? str_make(json.p + 1, json.n - 2) : buf_str(&json));
    }
    buf_finish(&json);
    return text;
}

/* "created_at" for people. */
static const char *head_text(struct arena *arena, const char *column)
{
    char *name = arena_copy(arena, str_from(column));

    for (char *p = name; p && *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p == '_' ? ' ' : *p);
    return name;
}

/* ---- all ---- */

static int add_line(struct table *t, struct db_rows *rows, bool is_head)
{
    struct line *line = arena_calloc(&t->arena, sizeof(*line));
    struct db_cell cell;

    if (line)
        line->cells = arena_calloc(&t->arena, t->columns * sizeof(const char *));
    if (!line || !line->cells)
        return DW_ENOMEM;
    for (size_t i = 0; i < t->columns; i++) {
        int rc = is_head ? 0 : db_rows_cell(rows, i, &cell);
        if (rc < 0)
            return rc;
        line->cells[i] = is_head ? head_text(&t->arena, db_rows_name(rows, i)) : cell_text(&t->arena, &cell);
        if (!line->cells[i])
            return DW_ENOMEM;
        size_t width = table_width(str_from(line->cells[i]));
        t->widths[i] = width > t->widths[i] ? width : t->widths[i];
    }
    *t->last = line;
    t->last = &line->next;
    t->rows += !is_head;
    return 0;
}

static int fill(struct table *t, struct db_rows *rows, size_t max)
{
    int rc;

    t->columns = db_rows_columns(rows);
    t->last = &t->first;
    t->widths = arena_calloc(&t->arena, (t->columns + 1) * sizeof(size_t));
    if (!t->widths)
        return DW_ENOMEM;
    rc = add_line(t, rows, true);
    while (rc >= 0 && (rc = db_rows_next(rows)) > 0)
        rc = max > 0 && (size_t)t->rows == max ? DW_ETOOLARGE : add_line(t, rows, false);
    return rc;
}

static void write_lines(struct buf *out, const struct table *t)
{
    for (const struct line *line = t->first; line; line = line->next) {
        for (size_t i = 0; i < t->columns; i++) {
            buf_add_text(out, line->cells[i]);
            size_t width = table_width(str_from(line->cells[i]));
            for (size_t pad = width; i + 1 < t->columns && pad < t->widths[i] + 2; pad++)
                buf_add_char(out, ' ');
        }
        buf_add_char(out, '\n');
    }
}

int table_write(struct buf *out, struct db_rows *rows, size_t max)
{
    struct table t = { .rows = 0 };

    arena_init(&t.arena, NULL, 0, 0);
    int rc = fill(&t, rows, max);
    if (rc >= 0 && t.rows > 0)
        write_lines(out, &t);
    arena_finish(&t.arena);
    if (rc >= 0 && buf_failed(out))
        rc = DW_ENOMEM;
    return rc < 0 ? rc : t.rows;
}

/* ---- one ---- */

void table_write_line(struct buf *out, const char *name, size_t widest, struct str value)
{
    buf_add_format(out, "%-*s  %.*s\n", (int)widest, name, STR_ARG(value));
}

int table_write_row(struct buf *out, struct db_rows *rows)
{
    size_t columns = db_rows_columns(rows), widest = 0;
    struct arena arena;
    struct db_cell cell;
    int rc = 0;

    arena_init(&arena, NULL, 0, 0);
    for (size_t i = 0; i < columns; i++)
        widest = strlen(db_rows_name(rows, i)) > widest ? strlen(db_rows_name(rows, i)) : widest;
    for (size_t i = 0; rc >= 0 && i < columns; i++) {
        rc = db_rows_cell(rows, i, &cell);
        const char *text = rc >= 0 ? cell_text(&arena, &cell) : NULL;
        if (rc >= 0 && !text)
            rc = DW_ENOMEM;
        else if (text)
            table_write_line(out, db_rows_name(rows, i), widest, str_from(text));
    }
    arena_finish(&arena);
    return rc < 0 ? rc : 0;
}
