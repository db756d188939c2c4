#include "audit/query.h"

#include <stdio.h>

#include "audit/entry.h"
#include "events/pattern.h"

enum { AT_ONCE = 200, PIECE = 32 << 10, CONDITIONS_MAX = 12 };

/* ---- the statement: of fixed pieces, with the values beside it ---- */

struct statement {
    struct buf sql;
    dw_value v[1 + CONDITIONS_MAX]; /* the SQL, and its values */
    size_t n;
};

static void add_value(struct statement *st, const char *piece, dw_value value)
{
    buf_add_format(&st->sql, "%s$%zu", piece, st->n);
    st->v[st->n++] = value;
}

static void add_action(struct statement *st, const char *pattern)
{
    struct str text = str_from(pattern);

    if (!str_ends_with(text, STR_OF("*"))) {
        add_value(st, " AND action = ", DW(pattern));
    } else if (text.n > 1) {
        add_value(st, " AND substr(action, 1, ", DW((int64_t)text.n - 1));
        add_value(st, ") = ", DW(((dw_str){ text.p, text.n - 1 })));
    }
}

static void begin(struct statement *st, const struct audit_filter *f)
{
    *st = (struct statement){ .n = 1 };
    buf_add_text(&st->sql, "SELECT " AUDIT_COLUMNS " FROM dowel_audit WHERE TRUE");
    if (f->tenant)
        add_value(st, " AND tenant_id = ", DW(f->tenant));
    if (f->actor)
        add_value(st, " AND actor = ", DW(f->actor));
    if (f->action)
        add_action(st, f->action);
    if (f->target)
        add_value(st, " AND target = ", DW(f->target));
    if (f->request)
        add_value(st, " AND request = ", DW(f->request));
    if (f->since_us)
        add_value(st, " AND at >= ", DW(((dw_time){ f->since_us })));
    if (f->until_us)
        add_value(st, " AND at < ", DW(((dw_time){ f->until_us })));
}

static int run(struct statement *st, struct db_session *s, struct db_rows **out)
{
    st->v[0] = DW(buf_text(&st->sql));
    int rc = buf_failed(&st->sql) ? DW_ENOMEM : db_query(s, out, DB_BY_CORE, (dw_list){ st->v, st->n });
    buf_finish(&st->sql);
    return rc;
}

const char *audit_filter_wrong(const struct audit_filter *f)
{
    if (f->tenant && uuid_parse(str_from(f->tenant), NULL) != 0)
        return "a tenant is a UUID";
    if (f->action && !event_pattern_is_valid(str_from(f->action)))
        return "an action is a name such as notes.note.deleted, or the beginning of names such as notes.*";
    return NULL;
}

/* ---- a page ---- */

int audit_list(struct audit *a, struct db_session *s, const struct audit_filter *f, const char *cursor,
               int64_t limit, struct buf *out, char next[UUID_TEXT_SIZE])
{
    struct audit_entry entry = { .is_erased = false };
    struct statement st;
    struct audit_row row;
    struct db_rows *rows;
    char last[UUID_TEXT_SIZE] = "";
    int n = 0, rc;

    begin(&st, f);
    if (cursor)
        add_value(&st, " AND id < ", DW(cursor));
    add_value(&st, " ORDER BY id DESC LIMIT ", DW(limit + 1));
    *next = 0;
    if ((rc = run(&st, s, &rows)) < 0)
        return rc;
    buf_add_char(out, '[');
    while ((rc = db_rows_next(rows)) > 0 && (rc = audit_row_read(rows, &row)) >= 0) {
        if (n == limit) {
            snprintf(next, UUID_TEXT_SIZE, "%s", last);
            break;
        }
        if ((rc = audit_entry_open(&entry, a, s, &row)) < 0)
            break;
        buf_add_text(out, n++ > 0 ? "," : "");
        audit_entry_write_json(out, &entry, &row);
        snprintf(last, sizeof(last), "%s", row.id);
    }
    buf_add_char(out, ']');
    db_rows_close(rows);
    audit_entry_finish(&entry);
    if (rc >= 0 && buf_failed(out))
        rc = DW_ENOMEM;
    return rc < 0 ? rc : n;
}

/* ---- all of them ---- */

struct exporting {
    struct audit *a;
    struct db_session *s;
    const struct audit_filter *filter;
    enum audit_format format;
    int (*write)(struct str piece, void *ud);
    void *ud;
    struct audit_entry entry;
    struct buf piece;
    char last[UUID_TEXT_SIZE]; /* "": from the oldest */
};

static int hand_over(struct exporting *x, size_t least)
{
    int rc = 0;

    if (buf_failed(&x->piece))
        return DW_ENOMEM;
    if (x->piece.n > least)
        rc = x->write(buf_str(&x->piece), x->ud);
    if (x->piece.n > least)
        x->piece.n = 0;
    return rc;
}

static int export_row(struct exporting *x, const struct audit_row *row)
{
    int rc = audit_entry_open(&x->entry, x->a, x->s, row);

    if (rc < 0)
        return rc;
    snprintf(x->last, sizeof(x->last), "%s", row->id);
    if (x->format == AUDIT_CSV) {
        audit_entry_write_csv(&x->piece, &x->entry, row);
    } else {
        audit_entry_write_json(&x->piece, &x->entry, row);
        buf_add_char(&x->piece, '\n');
    }
    return hand_over(x, PIECE);
}

/* How many. Some at a time, so that nothing of the engine's is held while a slow reader takes them. */
static int export_some(struct exporting *x)
{
    struct statement st;
    struct audit_row row;
    struct db_rows *rows;
    int n = 0, rc;

    begin(&st, x->filter);
    if (*x->last)
        add_value(&st, " AND id > ", DW((const char *)x->last));
    add_value(&st, " ORDER BY id LIMIT ", DW((int64_t)AT_ONCE));
    if ((rc = run(&st, x->s, &rows)) < 0)
        return rc;
    while ((rc = db_rows_next(rows)) > 0 && (rc = audit_row_read(rows, &row)) >= 0 &&
           (rc = export_row(x, &row)) >= 0)
        n++;
    db_rows_close(rows);
    return rc < 0 ? rc : n;
}

const char *audit_format_type(enum audit_format format)
{
    return format == AUDIT_CSV ? "text/csv; charset=utf-8" : "application/x-ndjson";
}

int64_t audit_export(struct audit *a, struct db_session *s, const struct audit_filter *f,
                     enum audit_format format, int (*write)(struct str piece, void *ud), void *ud)
{
    struct exporting x = { .a = a, .s = s, .filter = f, .format = format, .write = write, .ud = ud };
    int64_t sum = 0;
    int rc;

    if (format == AUDIT_CSV)
        audit_entry_write_csv_head(&x.piece);
    while ((rc = export_some(&x)) > 0)
        sum += rc;
    if (rc >= 0)
        rc = hand_over(&x, 0);
    audit_entry_finish(&x.entry);
    buf_finish(&x.piece);
    return rc < 0 ? rc : sum;
}
