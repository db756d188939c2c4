#include "notes.h"

#include <string.h>

enum { COLUMNS = 4 };

void note(dw_call *c, struct notes *notes, const char *what, const char *name, const char *outcome,
          const char *remark)
{
    if (notes->n + COLUMNS > notes->cap) {
        const size_t cap = notes->cap ? 2 * notes->cap : 16 * COLUMNS;
        dw_value *more = dw_alloc(c, cap * sizeof(*more));

        if (notes->n > 0)
            memcpy(more, notes->values, notes->n * sizeof(*more));
        notes->values = more;
        notes->cap = cap;
    }
    notes->values[notes->n++] = DW(what);
    notes->values[notes->n++] = DW(name);
    notes->values[notes->n++] = DW(outcome);
    notes->values[notes->n++] = DW(remark);
}

/* Tables are what the database has: so it is given them to have. No value is part of the statement. */
static const char *statement(dw_call *c, size_t n)
{
    dw_text *sql = dw_text_new(c);

    dw_text_add(sql, "WITH notes (what, name, outcome, remark) AS (VALUES ");
    for (size_t i = 0; i < n; i += COLUMNS)
        dw_text_add(sql,
                    dw_format(c, "%s($%zu, $%zu, $%zu, $%zu)", i ? ", " : "", i + 1, i + 2, i + 3, i + 4));
    dw_text_add(sql, ") SELECT what, name, outcome, remark FROM notes");
    return dw_copy(c, dw_text_get(sql));
}

int notes_show(dw_call *c, dw_command_run *run, const struct notes *notes)
{
    dw_value *all = dw_alloc(c, (notes->n + 1) * sizeof(*all));
    dw_rows *rows;

    if (notes->n == 0)
        return 0;
    all[0] = DW(statement(c, notes->n));
    memcpy(all + 1, notes->values, notes->n * sizeof(*all));
    DW_TRY(dw_db_query_(c, &rows, (dw_list){ all, notes->n + 1 }));
    return dw_command_rows(run, rows);
}
