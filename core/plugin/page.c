#include "plugin/page.h"

#include "api/input.h"
#include "plugin/rows.h"
#include "plugin/values.h"

/* ---- what the client asks for ---- */

/* It is pasted into SQL, and comes from the plugin's own api.yaml. */
static bool is_column(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return name.n > 0 && name.n <= 63;
}

static int refuse_column(struct request *r, const char *list, const char *name)
{
    return call_misuse(
        r->c, "dw_reply_list: x-list: %s: \"%.80s\" is no column's name: small letters, digits and _", list,
        name);
}

/* The entries of x-list's `sort` or `filter`; NULL: none. */
static const struct yaml_node *names_of(const struct request *r, struct str list)
{
    const struct yaml_node *x = r->route->operation ? yaml_find(r->route->operation->node, STR_OF("x-list"))
                                                    : NULL,
                           *names = x ? yaml_find(x, list) : NULL;
    return names ? names->first : NULL;
}

static int read_limit(struct request *r, struct page *page)
{
    struct api_value v;

    page->limit = PAGE_LIMIT;
    if (!r->input || api_input_find(r->input, "limit", &v) != 1)
        return 0;
    if (v.kind != API_VALUE_INTEGER)
        return call_misuse(r->c, "dw_reply_list: api.yaml declares \"limit\", but not as an integer");
    if (v.integer < 1 || v.integer > PAGE_LIMIT_MAX)
        return call_refuse_at(r->c, "/query/limit", "is not 1 to 200");
    page->limit = (size_t)v.integer;
    return 0;
}

static int read_order(struct request *r, struct page *page)
{
    const struct yaml_node *it = names_of(r, STR_OF("sort"));
    struct api_value v;

    page->order = page->keys[0] = "id";
    page->keys_n = 1;
    if (!it || !r->input || api_input_find(r->input, "sort", &v) != 1)
        return 0;
    page->descends = str_starts_with(v.text, STR_OF("-"));
    struct str name = str_make(v.text.p + page->descends, v.text.n - page->descends);
    while (it && !str_equal(it->text, name))
        it = it->next;
    if (!it)
        return call_refuse_at(r->c, "/query/sort", "is none of the columns that this list can be sorted by");
    if (!is_column(name))
        return refuse_column(r, "sort", it->text.p);
    page->order = call_copy(r->c, v.text);
    if (!str_equal(name, STR_OF("id"))) {
        page->keys[0] = page->order + page->descends;
        page->keys[page->keys_n++] = "id";
    }
    return 0;
}

static bool filter_value(const struct api_value *v, dw_value *out)
{
    switch (v->kind) {
    case API_VALUE_TEXT: *out = (dw_value){ .type = DW_TEXT, .as.p = v->text.p, .n = v->text.n }; return true;
    case API_VALUE_INTEGER: *out = (dw_value){ .type = DW_INT, .as.i = v->integer }; return true;
    case API_VALUE_NUMBER: *out = (dw_value){ .type = DW_REAL, .as.r = v->number }; return true;
    case API_VALUE_BOOLEAN: *out = (dw_value){ .type = DW_BOOL, .as.i = v->boolean }; return true;
    default: return false;
    }
}

static size_t count_characters(struct str utf8)
{
    size_t n = 0;

    for (size_t i = 0; i < utf8.n; i++)
        n += ((unsigned char)utf8.p[i] & 0xC0) != 0x80;
    return n;
}

static int refuse_length(struct request *r, const char *filter)
{
    const char *pointer = arena_format(r->c->arena, "/query/%s", filter);

    return pointer ? call_refuse_at(r->c, pointer, "is longer than 8000 characters")
                   : call_fail(r->c, DW_ENOMEM, "dw_reply_list: out of memory");
}

static int read_filter(struct request *r, const struct yaml_node *name, struct page *page)
{
    struct page_filter *f = &page->filters[page->filters_n];
    struct api_value v;

    if (!r->input || api_input_find(r->input, name->text.p, &v) != 1)
        return 0;
    if (!is_column(name->text) || page->filters_n == PAGE_FILTERS_MAX)
        return refuse_column(r, "filter", name->text.p);
    f->column = name->text.p;
    if (!filter_value(&v, &f->value))
        return call_misuse(r->c, "dw_reply_list: x-list: filter: \"%s\" is declared as an array or an object",
                           f->column);
    if (v.kind == API_VALUE_TEXT && count_characters(v.text) > PAGE_FILTER_LENGTH_MAX)
        return refuse_length(r, f->column);
    page->filters_n++;
    return 0;
}

static int read_filters(struct request *r, struct page *page)
{
    for (const struct yaml_node *it = names_of(r, STR_OF("filter")); it; it = it->next)
        DW_TRY(read_filter(r, it, page));
    return 0;
}

static int read_cursor(struct request *r, struct page *page)
{
    struct api_value v;

    if (!r->input || api_input_find(r->input, "cursor", &v) != 1)
        return 0;
    if (v.kind != API_VALUE_TEXT)
        return call_misuse(r->c, "dw_reply_list: api.yaml declares \"cursor\", but not as a string");
    DW_TRY(cursor_open(r, page->order, v.text, page->after, page->keys_n));
    page->has_cursor = true;
    return 0;
}

int page_read(struct request *r, struct page *out)
{
    *out = (struct page){ .limit = PAGE_LIMIT };
    DW_TRY(read_limit(r, out));
    DW_TRY(read_order(r, out));
    DW_TRY(read_filters(r, out));
    return read_cursor(r, out);
}

/* ---- the statement ---- */

/* A statement in the making: what was pasted so far, and the values it is about. */
struct wrapped {
    struct buf sql;
    dw_value *v;
    size_t n;
    bool has_condition;
};

/* "$5" of a value that is added. */
static void add_value(struct wrapped *w, const dw_value *value)
{
    buf_add_format(&w->sql, "$%zu", w->n);
    w->v[w->n++] = *value;
}

static void begin_condition(struct wrapped *w)
{
    buf_add_text(&w->sql, w->has_condition ? " AND " : " WHERE ");
    w->has_condition = true;
}

static void add_filters(struct wrapped *w, const struct page *page)
{
    for (size_t i = 0; i < page->filters_n; i++) {
        begin_condition(w);
        buf_add_format(&w->sql, "page.%s = ", page->filters[i].column);
        add_value(w, &page->filters[i].value);
    }
}

/* (page.created_at, page.id) < ($3, $4) */
static void add_after(struct wrapped *w, const struct page *page)
{
    if (!page->has_cursor)
        return;
    begin_condition(w);
    for (size_t i = 0; i < page->keys_n; i++)
        buf_add_format(&w->sql, "%spage.%s", i ? ", " : "(", page->keys[i]);
    buf_add_text(&w->sql, page->descends ? ") < (" : ") > (");
    for (size_t i = 0; i < page->keys_n; i++) {
        buf_add_text(&w->sql, i ? ", " : "");
        add_value(w, &page->after[i]);
    }
    buf_add_char(&w->sql, ')');
}

static void add_order(struct wrapped *w, const struct page *page)
{
    for (size_t i = 0; i < page->keys_n; i++)
        buf_add_format(&w->sql, "%spage.%s%s", i ? ", " : " ORDER BY ", page->keys[i],
                       page->descends ? " DESC" : "");
    buf_add_text(&w->sql, " LIMIT ");
    add_value(w, &(dw_value){ .type = DW_INT, .as.i = (int64_t)page->limit + 1 });
}

dw_list page_wrap(dw_call *c, const struct page *page, dw_list sql_and_values)
{
    size_t most = sql_and_values.n + page->filters_n + page->keys_n + 1;
    struct wrapped w = { .sql = BUF_INIT, .v = call_alloc(c, most * sizeof(*w.v)), .n = sql_and_values.n };

    memcpy(w.v, sql_and_values.v, sql_and_values.n * sizeof(*w.v));
    buf_add_text(&w.sql, "SELECT * FROM (");
    buf_add_str(&w.sql, value_text(&sql_and_values.v[0]));
    buf_add_text(&w.sql, "\n) AS page"); /* in a line of its own: a comment may stand at the end of his */
    add_filters(&w, page);
    add_after(&w, page);
    add_order(&w, page);
    if (buf_failed(&w.sql))
        call_poison(c, "out of memory");
    w.v[0] = (dw_value){ .type = DW_TEXT, .as.p = call_copy(c, buf_str(&w.sql)), .n = SIZE_MAX };
    buf_finish(&w.sql);
    return (dw_list){ w.v, w.n };
}

/* ---- where it ends ---- */

int page_note(struct request *r, const struct page *page, struct db_rows *rows, struct buf *plain)
{
    cursor_begin(r, page->order, plain);
    for (size_t i = 0; i < page->keys_n; i++) {
        struct db_cell cell;
        size_t at;
        if (!rows_find_column(rows, page->keys[i], &at))
            return call_misuse(r->c, "dw_reply_list: the statement has no column \"%s\"", page->keys[i]);
        DW_TRY(db_rows_cell(rows, at, &cell));
        DW_TRY(cursor_note(r, page->keys[i], &cell, plain));
    }
    return 0;
}
