#include "plugin/reply_rows.h"

#include <stdio.h>

#include "api/input.h"
#include "plugin/call_db.h"
#include "plugin/page.h"
#include "plugin/reply.h"
#include "plugin/rows.h"
#include "plugin/values.h"
#include "plugin/words.h"

enum { ROWS_MAX = 10000, BYTES_MAX = 64 << 20 };

/* ---- what all of them do ---- */

/* May it be made, of these rows? 0, or what to return. */
static int begin(dw_request *req, const char *step, int status, const dw_rows *rows, struct request **r,
                 struct rows_slot **s)
{
    const char *wrong = reply_status_wrong(status, true);

    DW_TRY(request_check(req, step, r));
    DW_TRY(reply_claim(*r, step));
    if (wrong) {
        call_misuse((*r)->c, "%s: %s", step, wrong);
        return DW_EMISUSE;
    }
    return rows_check(rows, step, s);
}

/* The columns that x-said names; NULL: none, or the client reads English. */
static const struct yaml_node *said_columns(const struct request *r)
{
    const struct yaml_node *said;

    if (!r->route->operation || http_request_language(r->x) != HTTP_GERMAN)
        return NULL;
    said = yaml_find(r->route->operation->node, STR_OF("x-said"));
    return said ? said->first : NULL;
}

static bool names(const struct yaml_node *it, const char *column)
{
    while (it && !str_equal(it->text, str_from(column)))
        it = it->next;
    return it != NULL;
}

static int write_said(const struct request *r, struct db_rows *rows, size_t at, struct buf *out)
{
    struct buf said = BUF_INIT;
    struct db_cell cell;
    int rc = db_rows_cell(rows, at, &cell);

    if (rc >= 0 && cell.type == DB_TEXT && words_kept(r->c->instance, r->x, cell.text, &said))
        buf_add_json(out, buf_str(&said));
    else if (rc >= 0)
        rc = db_cell_write_json(&cell, out);
    out->failed |= said.failed;
    buf_finish(&said);
    return rc < 0 ? -1 : 0;
}

static int write_in_german(const struct request *r, struct db_rows *rows, const struct yaml_node *said,
                           struct buf *out)
{
    struct db_cell cell;
    int rc = 0;

    buf_add_char(out, '{');
    for (size_t i = 0; rc == 0 && i < db_rows_columns(rows); i++) {
        buf_add_text(out, i > 0 ? "," : "");
        buf_add_json(out, str_from(db_rows_name(rows, i)));
        buf_add_char(out, ':');
        if (names(said, db_rows_name(rows, i)))
            rc = write_said(r, rows, i, out);
        else if (db_rows_cell(rows, i, &cell) < 0 || db_cell_write_json(&cell, out) != 0)
            rc = -1;
    }
    buf_add_char(out, '}');
    return rc;
}

static int write_row(const struct request *r, struct rows_slot *s, const char *step, struct buf *out)
{
    const struct yaml_node *said = said_columns(r);

    if ((said ? write_in_german(r, s->rows, said, out) : db_rows_write_json(s->rows, out)) != 0)
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

static int add_etag(struct request *r, struct db_rows *rows)
{
    struct buf etag = BUF_INIT;
    struct db_cell cell;
    size_t at;
    int rc = 0;

    if (!rows_find_column(rows, "version", &at) || db_rows_cell(rows, at, &cell) < 0)
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
        return call_refuse(r->c, DW_EPRECONDITION, "", "it was changed meanwhile, or is gone; read it again");
    return call_refuse(r->c, DW_ENOTFOUND, "", "there is no such thing");
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
        rc = write_row(r, s, step, &body);
    if (rc == 0)
        rc = add_etag(r, s->rows);
    if (rc == 0)
        return stage(r, step, status, &body);
    buf_finish(&body);
    return rc;
}

/* ---- all ---- */

/* Elements of an array, at most `most`; *n of them. Whether there are more is the caller's to ask. */
static int write_rows(const struct request *r, struct rows_slot *s, const char *step, size_t most,
                      struct buf *out, size_t *n)
{
    int rc = 1;

    for (*n = 0; *n < most && (rc = rows_next(s, step)) == 1; (*n)++) {
        if (*n > 0)
            buf_add_char(out, ',');
        DW_TRY(write_row(r, s, step, out));
    }
    return rc < 0 ? rc : 0;
}

static int write_all(const struct request *r, struct rows_slot *s, const char *step, struct buf *out)
{
    size_t n;

    buf_add_text(out, "{\"items\":[");
    DW_TRY(write_rows(r, s, step, ROWS_MAX, out, &n));
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
    int rc = write_all(r, s, step, &body);
    if (rc == 0)
        return stage(r, step, status, &body);
    buf_finish(&body);
    return rc;
}

/* ---- a page ---- */

/* The cursor behind the current row, the page's last: 1, 0 when nothing follows, or an error. */
static int find_next(struct request *r, struct rows_slot *s, const struct page *page, struct buf *cursor)
{
    struct buf plain = BUF_INIT;
    int rc = page_note(r, page, s->rows, &plain);

    if (rc == 0)
        rc = rows_next(s, "dw_reply_list");
    if (rc == 1) {
        int sealed = cursor_seal(r, buf_str(&plain), cursor);
        rc = sealed < 0 ? sealed : 1;
    }
    cursor->failed |= plain.failed;
    buf_finish(&plain);
    return rc;
}

/* A parameter that the next page has as this one; what would end the reference in its field is not repeated. */
static bool is_kept(struct str parameter)
{
    struct str name = str_make(parameter.p, str_find(parameter, '='));

    if (parameter.n == 0 || str_equal(name, STR_OF("cursor")))
        return false;
    return !memchr(parameter.p, '<', parameter.n) && !memchr(parameter.p, '>', parameter.n);
}

/* The path as the client wrote it, behind a proxy's too; what would end the reference is left to be relative. */
static void add_path(struct request *r, struct buf *link)
{
    const struct http_head *head = http_request_head(r->x);
    struct str path = http_head_text(head, head->path);

    if (!memchr(path.p, '<', path.n) && !memchr(path.p, '>', path.n))
        buf_add_str(link, path);
}

/* Link: </api/v1/notes?limit=2&cursor=...>; rel="next" (RFC 8288). */
static int add_link(struct request *r, struct str cursor)
{
    struct str rest = http_request_query(r->x), parameter;
    struct buf link = BUF_INIT;

    buf_add_char(&link, '<');
    add_path(r, &link);
    buf_add_char(&link, '?');
    while (str_split(&rest, '&', &parameter)) {
        if (is_kept(parameter))
            buf_add_format(&link, "%.*s&", STR_ARG(parameter));
    }
    buf_add_format(&link, "cursor=%.*s>; rel=\"next\"", STR_ARG(cursor));
    int rc = buf_failed(&link) ? call_fail(r->c, DW_ENOMEM, "dw_reply_list: out of memory")
                               : reply_header(request_handle_of(r), "Link", buf_text(&link));
    buf_finish(&link);
    return rc;
}

static int write_next(struct request *r, struct rows_slot *s, const struct page *page, struct buf *out)
{
    struct buf cursor = BUF_INIT;
    int rc = find_next(r, s, page, &cursor);

    if (rc == 0)
        buf_add_text(out, "null");
    if (rc == 1) {
        buf_add_format(out, "\"%s\"", buf_text(&cursor));
        rc = add_link(r, buf_str(&cursor));
    }
    out->failed |= cursor.failed;
    buf_finish(&cursor);
    return rc;
}

static int write_page(struct request *r, struct rows_slot *s, const struct page *page, struct buf *out)
{
    size_t n;

    buf_add_text(out, "{\"items\":[");
    DW_TRY(write_rows(r, s, "dw_reply_list", page->limit, out, &n));
    buf_add_text(out, "],\"next\":");
    if (n == page->limit)
        DW_TRY(write_next(r, s, page, out));
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

int reply_page(dw_call *c, dw_request *req, dw_list sql_and_values)
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
    DW_TRY(check_list(c, step, sql_and_values));
    DW_TRY(page_read(r, &page));
    const dw_list wrapped = page_wrap(c, &page, sql_and_values);
    DW_TRY(call_check(c, step)); /* memory */
    struct rows_slot *s = rows_slot(c);
    if (!s)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", step);
    DW_TRY(call_session_result(c, step, db_query(session, &rows, DB_BY_PLUGIN, wrapped)));
    rows_open(s, rows);
    int rc = write_page(r, s, &page, &body);
    rows_close(s);
    if (rc == 0)
        return stage(r, step, 200, &body);
    buf_finish(&body);
    return rc;
}
