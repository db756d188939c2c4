#include "operations/core_page.h"

#include <string.h>

#include "api/input.h"
#include "secure/keyring.h"

/* ---- what a cursor is sealed for: "core listEvents TENANT\nname=timesync.*\n", and the id behind it ---- */

static void add_filters(const struct core_request *r, struct buf *plain)
{
    const struct api_operation *op = r->operation;
    struct api_value v;

    for (size_t i = 0; i < op->fields_n; i++) {
        const struct api_field *f = &op->fields[i];
        if ((f->in != API_IN_QUERY && f->in != API_IN_PATH) || strcmp(f->name, "limit") == 0 ||
            strcmp(f->name, "cursor") == 0 || api_input_value(r->input, f, &v) != 1)
            continue;
        buf_add_format(plain, "%s=", f->name);
        buf_add_json(plain, v.text); /* a line end in it would begin another line */
        buf_add_char(plain, '\n');
    }
}

static void begin_plain(const struct core_request *r, struct buf *plain)
{
    buf_add_format(plain, "core %s %s\n", r->operation->id, r->tenant);
    add_filters(r, plain);
}

static int seal(struct core_request *r, const char *id, struct buf *out)
{
    struct buf plain = BUF_INIT;
    char *text = NULL;

    begin_plain(r, &plain);
    buf_add_text(&plain, id);
    if (!buf_failed(&plain))
        text = arena_alloc(http_arena(r->x), fernet_sealed_size(plain.n) + 1);
    int rc = text && keyring_seal(r->process->keyring, buf_str(&plain), text) == 0 ? 0 : DW_ENOMEM;
    if (rc == 0)
        buf_add_text(out, text);
    buf_finish(&plain);
    return rc;
}

/* The place in what was opened; NULL: it is of another list. */
static const char *read_plain(struct core_request *r, struct str plain)
{
    struct buf begin = BUF_INIT;
    const char *place = NULL;

    begin_plain(r, &begin);
    if (!buf_failed(&begin) && str_starts_with(plain, buf_str(&begin)))
        place = arena_copy(http_arena(r->x), str_make(plain.p + begin.n, plain.n - begin.n));
    buf_finish(&begin);
    return place;
}

static bool is_id(const char *place)
{
    return uuid_parse(str_from(place), NULL) == 0;
}

static bool is_number(const char *place)
{
    size_t n = strspn(place, "0123456789");

    return n > 0 && n <= 9 && !place[n];
}

static int open_cursor(struct core_request *r, const char *text, bool (*is_place)(const char *place),
                       const char **place)
{
    struct str sealed = str_from(text);
    char *room = arena_alloc(http_arena(r->x), sealed.n + 1);
    struct fernet_opened opened;
    int rc = room ? keyring_unseal(r->process->keyring, sealed, -1, room, &opened) : FERNET_FAILED;

    if (rc == FERNET_FAILED)
        return DW_ENOMEM;
    *place = rc == 0 ? read_plain(r, opened.plain) : NULL;
    if (*place && is_place(*place))
        return 0;
    return core_fail_at(r, "#/query/cursor",
                        "is no cursor of this list in this order; begin again without one");
}

static int read_page(struct core_request *r, struct core_page *out, bool (*is_place)(const char *place))
{
    const char *cursor = core_text(r, "cursor");
    struct api_value limit;

    *out = (struct core_page){ .limit = CORE_PAGE_LIMIT };
    if (api_input_find(r->input, "limit", &limit) == 1)
        out->limit = limit.integer;
    if (out->limit < 1 || out->limit > CORE_PAGE_LIMIT_MAX)
        return core_fail_at(r, "#/query/limit", "is not 1 to 200");
    return cursor ? open_cursor(r, cursor, is_place, &out->after) : 0;
}

int core_page_read(struct core_request *r, struct core_page *out)
{
    return read_page(r, out, is_id);
}

int core_page_read_numbered(struct core_request *r, struct core_page *out)
{
    return read_page(r, out, is_number);
}

/* ---- rows ---- */

static bool find_column(const struct db_rows *rows, const char *name, size_t *at)
{
    for (*at = 0; *at < db_rows_columns(rows); (*at)++) {
        if (strcmp(db_rows_name(rows, *at), name) == 0)
            return true;
    }
    return false;
}

static void write_words(struct buf *out, struct str rest)
{
    struct str word;
    bool is_first = true;

    buf_add_char(out, '[');
    while (str_split(&rest, ' ', &word)) {
        if (word.n == 0)
            continue;
        if (!is_first)
            buf_add_char(out, ',');
        buf_add_json(out, word);
        is_first = false;
    }
    buf_add_char(out, ']');
}

static int write_cell(struct buf *out, const struct db_cell *cell, enum core_member_kind kind)
{
    if (cell->type == DB_NULL || kind == CORE_PLAIN)
        return db_cell_write_json(cell, out) == 0 ? 0 : DW_EINTERNAL;
    if (kind == CORE_WORDS)
        write_words(out, cell->text);
    else
        buf_add_str(out, cell->text);
    return 0;
}

int core_row_write(struct buf *out, struct db_rows *rows, const struct core_member *members)
{
    struct db_cell cell;
    size_t at;

    buf_add_char(out, '{');
    for (const struct core_member *m = members; m->column; m++) {
        if (!find_column(rows, m->column, &at))
            return DW_EINTERNAL;
        DW_TRY(db_rows_cell(rows, at, &cell));
        buf_add_format(out, "%s\"%s\":", m == members ? "" : ",", m->name ? m->name : m->column);
        DW_TRY(write_cell(out, &cell, m->kind));
    }
    buf_add_char(out, '}');
    return buf_failed(out) ? DW_ENOMEM : 0;
}

int core_row_reply(struct core_request *r, int status, struct db_rows *rows,
                   const struct core_member *members)
{
    struct buf body = BUF_INIT;
    int rc = db_rows_next(rows);

    if (rc == 0)
        rc = DW_ENOTFOUND;
    if (rc > 0)
        rc = core_row_write(&body, rows, members);
    db_rows_close(rows);
    if (rc == 0)
        return core_reply(r, status, &body);
    buf_finish(&body);
    return rc;
}

/* ---- a page ---- */

/* What would end the reference is left out. */
static bool is_kept(struct str parameter)
{
    struct str name = str_make(parameter.p, str_find(parameter, '='));

    if (parameter.n == 0 || str_equal(name, STR_OF("cursor")))
        return false;
    return !memchr(parameter.p, '<', parameter.n) && !memchr(parameter.p, '>', parameter.n);
}

/* Link: </api/v1/events?limit=2&cursor=...>; rel="next" (RFC 8288). Sealed texts need no escapes. */
static int add_link(struct core_request *r, struct str cursor)
{
    const struct http_head *head = http_request_head(r->x);
    struct str rest = http_request_query(r->x), parameter;
    struct buf link = BUF_INIT;

    buf_add_format(&link, "<%.*s?", STR_ARG(http_head_text(head, head->path)));
    while (str_split(&rest, '&', &parameter)) {
        if (is_kept(parameter))
            buf_add_format(&link, "%.*s&", STR_ARG(parameter));
    }
    buf_add_format(&link, "cursor=%.*s>; rel=\"next\"", STR_ARG(cursor));
    int rc = !buf_failed(&link) && http_reply_header(r->x, "Link", buf_str(&link)) == 0 ? 0 : DW_ENOMEM;
    buf_finish(&link);
    return rc;
}

/* Rows as far as the page goes; in `last` the id of its last one. 1: there are more, 0, or an error. */
static int write_items(struct buf *out, const struct core_page *page, struct db_rows *rows,
                       const struct core_member *members, char last[UUID_TEXT_SIZE])
{
    struct db_cell id;
    size_t at;
    int rc;

    if (!find_column(rows, "id", &at))
        return DW_EINTERNAL;
    for (int64_t n = 0; (rc = db_rows_next(rows)) > 0 && n < page->limit; n++) {
        if (n > 0)
            buf_add_char(out, ',');
        DW_TRY(core_row_write(out, rows, members));
        DW_TRY(db_rows_cell(rows, at, &id));
        if (id.text.n >= UUID_TEXT_SIZE)
            return DW_EINTERNAL;
        memcpy(last, id.text.p, id.text.n);
        last[id.text.n] = '\0';
    }
    return rc;
}

/* ,"next":...} and the Link to it; "": there is none. */
static int end_page(struct core_request *r, const char *next, struct buf *out)
{
    struct buf cursor = BUF_INIT;
    int rc = 0;

    buf_add_text(out, ",\"next\":");
    if (!*next)
        buf_add_text(out, "null}");
    else
        rc = seal(r, next, &cursor);
    if (rc == 0 && cursor.n > 0) {
        buf_add_format(out, "\"%s\"}", buf_text(&cursor));
        rc = add_link(r, buf_str(&cursor));
    }
    buf_finish(&cursor);
    return rc;
}

static int write_page(struct core_request *r, const struct core_page *page, struct db_rows *rows,
                      const struct core_member *members, struct buf *out)
{
    char last[UUID_TEXT_SIZE] = "";

    buf_add_text(out, "{\"items\":[");
    int rc = write_items(out, page, rows, members, last);
    buf_add_char(out, ']');
    return rc < 0 ? rc : end_page(r, rc > 0 ? last : "", out);
}

int core_page_reply_items(struct core_request *r, struct str items, const char *next)
{
    struct buf body = BUF_INIT;

    buf_add_text(&body, "{\"items\":");
    buf_add_str(&body, items);
    int rc = end_page(r, next, &body);
    if (rc == 0)
        return core_reply(r, 200, &body);
    buf_finish(&body);
    return rc;
}

int core_page_reply(struct core_request *r, const struct core_page *page, struct db_rows *rows,
                    const struct core_member *members)
{
    struct buf body = BUF_INIT;
    int rc = write_page(r, page, rows, members, &body);

    db_rows_close(rows);
    if (rc == 0)
        return core_reply(r, 200, &body);
    buf_finish(&body);
    return rc;
}
