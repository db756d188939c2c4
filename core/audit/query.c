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

static void add_text(struct statement *st, const char *piece, const char *text)
{
    add_value(st, piece, DW(text));
}

static void add_number(struct statement *st, const char *piece, int64_t number)
{
    add_value(st, piece, DW(number));
}

static void add_time(struct statement *st, const char *piece, int64_t us)
{
    const dw_time time = { us };

    add_value(st, piece, DW(time));
}

static void add_action(struct statement *st, const char *pattern)
{
    struct str text = str_from(pattern);
    const dw_str beginning = { text.p, text.n > 0 ? text.n - 1 : 0 };

    if (!str_ends_with(text, STR_OF("*"))) {
        add_text(st, " AND action = ", pattern);
    } else if (text.n > 1) {
        add_number(st, " AND substr(action, 1, ", (int64_t)text.n - 1);
        add_value(st, ") = ", DW(beginning));
    }
}

static void begin(struct statement *st, const struct audit_filter *f)
{
    *st = (struct statement){ .n = 1 };
    buf_add_text(&st->sql, "SELECT " AUDIT_COLUMNS " FROM dowel_audit WHERE TRUE");
    if (f->tenant)
        add_text(st, " AND tenant_id = ", f->tenant);
    if (f->actor)
        add_text(st, " AND actor = ", f->actor);
    if (f->action)
        add_action(st, f->action);
    if (f->target)
        add_text(st, " AND target = ", f->target);
    if (f->request)
        add_text(st, " AND request = ", f->request);
    if (f->since_us)
        add_time(st, " AND at >= ", f->since_us);
    if (f->until_us)
        add_time(st, " AND at < ", f->until_us);
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
        add_text(&st, " AND id < ", cursor);
    add_number(&st, " ORDER BY id DESC LIMIT ", limit + 1);
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
        add_text(&st, " AND id > ", x->last);
    add_number(&st, " ORDER BY id LIMIT ", AT_ONCE);
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
