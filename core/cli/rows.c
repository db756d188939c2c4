#include "cli/rows.h"

#include <stdio.h>

#include "cli/settings.h"
#include "db/rows_table.h"

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

static int print_table(struct cli_store *s, struct db_rows *rows, const char *none)
{
    struct buf out = BUF_INIT;
    int rc = table_write(&out, rows, 0);

    if (rc == 0)
        buf_add_format(&out, "%s\n", none);
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
    if (!c->json)
        return table_write_row(out, rows);
    int rc = db_rows_write_json(rows, out) == 0 ? 0 : DW_EINVALID;
    buf_add_char(out, '\n');
    return rc;
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
