#include "plugin/reply_rows.h"

#include <stdio.h>

#include "api/input.h"
#include "plugin/call_db.h"
#include "plugin/cursor.h"
#include "plugin/reply.h"
#include "plugin/rows.h"
#include "plugin/values.h"

enum { ROWS_MAX = 10000, BYTES_MAX = 64 << 20, LIMIT = 50, LIMIT_MAX = 200 };

/* ---- what all of them do ---- */

/* May it be made, of these rows? 0, or what to return. */
static int begin(dw_request *req, const char *step, int status, const dw_rows *rows, struct request **r,
                 struct rows_slot **s)
{
    const char *wrong = reply_status_wrong(status, true);

    DW_TRY(request_check(req, step, r));
    DW_TRY(reply_claim(*r, step));
    if (wrong)
        return call_misuse((*r)->c, "%s: %s", step, wrong);
    return rows_check(rows, step, s);
}

static int write_row(struct rows_slot *s, const char *step, struct buf *out)
{
    if (db_rows_write_json(s->rows, out) != 0)
        return call_fail_inner(s->c, DW_EINTERNAL,
                               "%s: a cell of the row cannot be JSON; is it text that is not UTF-8?", step);
    if (out->n > BYTES_MAX)
        return call_fail_inner(s->c, DW_ETOOLARGE, "%s: the rows make more than %d MiB of JSON", step,
                               BYTES_MAX >> 20);
    return 0;
}

/* Takes the body. */
static int stage(struct request *r, const char *step, int status, struct buf *body)
{
    if (reply_stage_json(r->x, status, body) != 0)
        return call_fail(r->c, DW_ENOMEM, "%s: there is no memory for the reply", step);
    r->answer = ANSWER_STAGED;
    return 0;
}

/* ---- one ---- */

static bool find_column(const struct db_rows *rows, const char *name, size_t *at)
{
    for (*at = 0; *at < db_rows_columns(rows); (*at)++) {
        if (strcmp(db_rows_name(rows, *at), name) == 0)
            return true;
    }
    return false;
}

static int add_etag(struct request *r, struct db_rows *rows)
{
    struct buf etag = BUF_INIT;
    struct db_cell cell;
    size_t at;
    int rc = 0;

    if (!find_column(rows, "version", &at) || db_rows_cell(rows, at, &cell) < 0)
        return 0;
    if (cell.type == DB_INTEGER)
        buf_add_format(&etag, "\"%lld\"", (long long)cell.i);
    else if (cell.type == DB_TEXT || cell.type == DB_UUID)
        buf_add_format(&etag, "\"%.*s\"", STR_ARG(cell.text));
    if (etag.n > 0)
        rc = reply_header(request_handle_of(r), "ETag", buf_text(&etag));
    buf_finish(&etag);
    return rc;
}

static int fail_missing(struct request *r)
{
    if (http_request_header(r->x, "If-Match").p)
        return call_fail(r->c, DW_EPRECONDITION, "it was changed meanwhile, or is gone; read it again");
    return call_fail(r->c, DW_ENOTFOUND, "there is no such thing");
}

int reply_row(dw_request *req, int status, dw_rows *rows)
{
    static const char step[] = "dw_reply_row";
    struct buf body = BUF_INIT;
    struct rows_slot *s;
    struct request *r;

    DW_TRY(begin(req, step, status, rows, &r, &s));
    int rc = rows_next(s, step);
    if (rc == 0)
        return fail_missing(r);
    if (rc == 1)
        rc = write_row(s, step, &body);
    if (rc == 0)
        rc = add_etag(r, s->rows);
    if (rc == 0)
        return stage(r, step, status, &body);
    buf_finish(&body);
    return rc;
}

/* ---- all ---- */

/* Elements of an array, at most `most`; *n of them. Whether there are more is the caller's to ask. */
static int write_rows(struct rows_slot *s, const char *step, size_t most, struct buf *out, size_t *n)
{
    int rc = 1;

    for (*n = 0; *n < most && (rc = rows_next(s, step)) == 1; (*n)++) {
        if (*n > 0)
            buf_add_char(out, ',');
        DW_TRY(write_row(s, step, out));
    }
    return rc < 0 ? rc : 0;
}

static int write_all(struct rows_slot *s, const char *step, struct buf *out)
{
    size_t n;

    buf_add_text(out, "{\"items\":[");
    DW_TRY(write_rows(s, step, ROWS_MAX, out, &n));
    buf_add_text(out, "]}");
    int more = n == ROWS_MAX ? rows_next(s, step) : 0;
    if (more > 0)
        return call_fail_inner(s->c, DW_ETOOLARGE,
                               "%s: there are more than %d rows; dw_reply_list gives pages", step, ROWS_MAX);
    return more;
}

int reply_rows(dw_request *req, int status, dw_rows *rows)
{
    static const char step[] = "dw_reply_rows";
    struct buf body = BUF_INIT;
    struct rows_slot *s;
    struct request *r;

    DW_TRY(begin(req, step, status, rows, &r, &s));
    int rc = write_all(s, step, &body);
    if (rc == 0)
        return stage(r, step, status, &body);
    buf_finish(&body);
    return rc;
}

/* ---- a page ---- */

/* What the client wants to see. */
struct page {
    size_t limit;
    bool has_cursor;
    dw_value after; /* the id that the last one ended at */
};

static int read_limit(struct request *r, size_t *limit)
{
    struct api_value v;

    *limit = LIMIT;
    if (!r->input || api_input_find(r->input, "limit", &v) != 1)
        return 0;
    if (v.kind != API_VALUE_INTEGER)
        return call_misuse(r->c, "dw_reply_list: api.yaml declares \"limit\", but not as an integer");
    if (v.integer < 1 || v.integer > LIMIT_MAX)
        return call_fail_at(r->c, "/query/limit", "is not 1 to 200");
    *limit = (size_t)v.integer;
    return 0;
}

static int read_page(struct request *r, struct page *page)
{
    struct api_value v;

    *page = (struct page){ .has_cursor = false };
    DW_TRY(read_limit(r, &page->limit));
    if (!r->input || api_input_find(r->input, "cursor", &v) != 1)
        return 0;
    if (v.kind != API_VALUE_TEXT)
        return call_misuse(r->c, "dw_reply_list: api.yaml declares \"cursor\", but not as a string");
    DW_TRY(cursor_open(r, v.text, &page->after));
    page->has_cursor = true;
    return 0;
}

/* The author's statement with a page's limits around it, and its values behind his. In the call's memory. */
static dw_list wrap(dw_call *c, const struct page *page, dw_list list)
{
    dw_value *v = call_alloc(c, (list.n + 2) * sizeof(*v));
    size_t n = list.n;
    struct buf sql = BUF_INIT;

    memcpy(v, list.v, list.n * sizeof(*v));
    buf_add_text(&sql, "SELECT * FROM (");
    buf_add_str(&sql, value_text(&list.v[0]));
    buf_add_text(&sql, "\n) AS page ");
    if (page->has_cursor) {
        buf_add_format(&sql, "WHERE page.id > $%zu ", n);
        v[n++] = page->after;
    }
    buf_add_format(&sql, "ORDER BY page.id LIMIT $%zu", n);
    v[n++] = (dw_value){ .type = DW_INT, .as.i = (int64_t)page->limit + 1 };
    v[0] = (dw_value){ .type = DW_TEXT, .as.p = call_copy(c, buf_str(&sql)), .n = SIZE_MAX };
    if (buf_failed(&sql))
        call_poison(c, "out of memory");
    buf_finish(&sql);
    return (dw_list){ v, n };
}

/* The cursor of what follows the current row, the page's last. */
static int write_next(struct request *r, struct rows_slot *s, const char *step, struct buf *out)
{
    struct buf plain = BUF_INIT;
    struct db_cell id;
    size_t at;
    int rc;

    if (!find_column(s->rows, "id", &at))
        rc = call_misuse(r->c, "%s: the statement has no column \"id\"", step);
    else if ((rc = db_rows_cell(s->rows, at, &id)) >= 0)
        rc = cursor_note(r, &id, &plain);
    if (rc >= 0)
        rc = rows_next(s, step);
    if (rc == 1) {
        buf_add_char(out, '"');
        rc = cursor_seal(r, buf_str(&plain), out);
        buf_add_char(out, '"');
    } else if (rc == 0) {
        buf_add_text(out, "null");
    }
    out->failed |= plain.failed;
    buf_finish(&plain);
    return rc;
}

static int write_page(struct request *r, struct rows_slot *s, const char *step, size_t limit, struct buf *out)
{
    size_t n;

    buf_add_text(out, "{\"items\":[");
    DW_TRY(write_rows(s, step, limit, out, &n));
    buf_add_text(out, "],\"next\":");
    if (n == limit)
        DW_TRY(write_next(r, s, step, out));
    else
        buf_add_text(out, "null");
    buf_add_char(out, '}');
    return 0;
}

static int check_list(dw_call *c, const char *step, dw_list list)
{
    if (list.n == 0 || list.v[0].type != DW_TEXT || !list.v[0].as.p)
        return call_misuse(c, "%s: the SQL stands first, and its values after it", step);
    const char *wrong = values_wrong((dw_list){ list.v + 1, list.n - 1 });
    return wrong ? call_misuse(c, "%s: the values hold %s", step, wrong) : 0;
}

int reply_page(dw_call *c, dw_request *req, dw_list list)
{
    static const char step[] = "dw_reply_list";
    struct buf body = BUF_INIT;
    struct db_session *session;
    struct db_rows *rows;
    struct page page;
    struct request *r;

    DW_TRY(request_check(req, step, &r));
    DW_TRY(reply_claim(r, step));
    DW_TRY(call_session(c, step, &session));
    DW_TRY(check_list(c, step, list));
    DW_TRY(read_page(r, &page));
    list = wrap(c, &page, list);
    DW_TRY(call_check(c, step)); /* memory */
    struct rows_slot *s = rows_slot(c);
    if (!s)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", step);
    DW_TRY(call_session_result(c, step, db_query(session, &rows, DB_BY_PLUGIN, list)));
    rows_open(s, rows);
    int rc = write_page(r, s, step, page.limit, &body);
    rows_close(s);
    if (rc == 0)
        return stage(r, step, 200, &body);
    buf_finish(&body);
    return rc;
}
