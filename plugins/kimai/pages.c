#include "pages.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"

enum { TRIES = 4, MOVED = 1 };

/* ---- ids that were given already ---- */

struct ids {
    int64_t *v; /* ascending */
    size_t n, room;
};

static void free_ids(void *ud)
{
    free(((struct ids *)ud)->v);
}

/* Where it is, or would be. */
static size_t place_of(const struct ids *ids, int64_t id)
{
    size_t low = 0, high = ids->n;

    if (high > 0 && ids->v[high - 1] < id)
        return high; /* as most come: in order */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ids->v[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* 1: it is new, 0: it was there. */
static int add_id(dw_call *c, struct ids *ids, int64_t id)
{
    const size_t at = place_of(ids, id);

    if (at < ids->n && ids->v[at] == id)
        return 0;
    if (ids->n == ids->room) {
        const size_t room = ids->room ? ids->room * 2 : 512;
        int64_t *v = realloc(ids->v, room * sizeof(*v));
        if (!v)
            return dw_fail(c, DW_ENOMEM, "no memory for the ids of a list");
        ids->v = v;
        ids->room = room;
    }
    memmove(&ids->v[at + 1], &ids->v[at], (ids->n - at) * sizeof(*ids->v));
    ids->v[at] = id;
    ids->n++;
    return 1;
}

/* ---- one page ---- */

struct page {
    json_t *rows;
    int64_t pages, size; /* how many there are, and how many rows each has but the last */
    int64_t first;       /* id of its first row */
};

struct reading {
    dw_connection *conn;
    dw_list query; /* with room for the page's number at its end */
    dw_value *number;
    int (*take)(dw_call *c, const json_t *row, void *ud);
    void *ud;
    struct ids *ids;
};

static int64_t header_of(const struct answer *a, const char *name)
{
    const char *text = dw_answer_header(a->raw, name);
    char *end;
    const long long n = text ? strtoll(text, &end, 10) : -1;

    return text && *text && !*end ? n : -1;
}

static int64_t id_of_row(const json_t *row)
{
    return json_integer_value(json_object_get(row, "id"));
}

/* 0, or MOVED: the page is not there any more. */
static int finish_page(dw_call *c, const struct reading *r, dw_fetching *f, struct page *out)
{
    struct answer a;
    const int rc = ask_wait(c, r->conn, f, &out->rows, &a);

    if (rc == DW_ENOTFOUND)
        return MOVED;
    DW_TRY(rc);
    if (!json_is_array(out->rows))
        return dw_fail(c, DW_EUPSTREAM, "Kimai answered something else than a list of timesheets");
    out->pages = header_of(&a, "X-Total-Pages");
    out->size = header_of(&a, "X-Per-Page");
    out->first = id_of_row(json_array_get(out->rows, 0));
    if (out->pages < 1 || out->size < 1)
        return dw_fail(c, DW_EUPSTREAM,
                       "Kimai's lists lack the fields X-Total-Pages and X-Per-Page; a proxy in front of it "
                       "has to let them through");
    return 0;
}

static int start_page(dw_call *c, struct reading *r, int64_t number, dw_fetching **out)
{
    r->number->as.i = number;
    return ask_start(c, r->conn, "/api/timesheets", r->query, out);
}

static int read_page(dw_call *c, struct reading *r, int64_t number, struct page *out)
{
    dw_fetching *f;

    DW_TRY(start_page(c, r, number, &f));
    return finish_page(c, r, f, out);
}

static int take_rows(dw_call *c, struct reading *r, const struct page *page)
{
    for (size_t i = 0; i < json_array_size(page->rows); i++) {
        const json_t *row = json_array_get(page->rows, i);
        const int is_new = add_id(c, r->ids, id_of_row(row));
        DW_TRY(is_new);
        if (is_new)
            DW_TRY(r->take(c, row, r->ud));
    }
    return 0;
}

/* ---- all of them ---- */

/* What is in front of the last page. */
static int take_page(dw_call *c, struct reading *r, dw_fetching *f, int64_t last)
{
    struct page page;

    int rc = finish_page(c, r, f, &page);
    if (rc == 0 && (page.pages < last || (int64_t)json_array_size(page.rows) != page.size))
        rc = MOVED;
    return rc == 0 ? take_rows(c, r, &page) : rc;
}

/* Those from..to, all under way at once; what is left of them when one fails is cut with the scope. */
static int read_some(dw_call *c, struct reading *r, int64_t from, int64_t to, int64_t last)
{
    dw_fetching *f[PAGES_AT_ONCE];

    for (int64_t i = from; i <= to; i++)
        DW_TRY(start_page(c, r, i, &f[i - from]));
    for (int64_t i = from; i <= to; i++) {
        const int rc = take_page(c, r, f[i - from], last);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int read_front(dw_call *c, struct reading *r, int64_t last)
{
    int rc = 0;

    for (int64_t from = 1; rc == 0 && from < last; from += PAGES_AT_ONCE) {
        const int64_t to = from + PAGES_AT_ONCE - 1;
        dw_scope_begin(c);
        rc = read_some(c, r, from, to < last ? to : last - 1, last);
        dw_scope_end(c);
    }
    return rc;
}

/* The last page, and those that came into being meanwhile. */
static int read_end(dw_call *c, struct reading *r, int64_t last, int64_t first)
{
    struct page page = { .pages = last };

    for (int64_t i = last; i <= page.pages; i++) {
        dw_scope_begin(c);
        int rc = read_page(c, r, i, &page);
        if (rc == 0 && (page.pages < last || (i == last && page.first != first)))
            rc = MOVED;
        if (rc == 0)
            rc = take_rows(c, r, &page);
        dw_scope_end(c);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Two that are read in one scope need not be kept apart: one answer is one moment. */
static int read_first(dw_call *c, struct reading *r, struct page *out)
{
    int rc;

    dw_scope_begin(c);
    rc = read_page(c, r, 1, out);
    if (rc == 0 && out->pages == 1)
        rc = take_rows(c, r, out);
    dw_scope_end(c);
    return rc;
}

static int read_last(dw_call *c, struct reading *r, int64_t last, struct page *out)
{
    int rc;

    dw_scope_begin(c);
    rc = read_page(c, r, last, out);
    dw_scope_end(c);
    return rc;
}

/* 0, MOVED or an error. */
static int read_all(dw_call *c, struct reading *r)
{
    struct page first = { 0 }, last = { 0 };
    int rc = read_first(c, r, &first);

    if (rc != 0 || first.pages == 1)
        return rc;
    rc = read_last(c, r, first.pages, &last);
    if (rc == 0)
        rc = read_front(c, r, first.pages);
    return rc == 0 ? read_end(c, r, first.pages, last.first) : rc;
}

static int add_paging(dw_call *c, struct reading *r, dw_list query)
{
    const struct kimai_settings *s = kimai_settings(r->conn);
    const dw_list paging = DW_LIST("orderBy", "id", "order", "ASC", "size", s->page_size, "page", (int64_t)1);
    dw_value *v = dw_alloc(c, (query.n + paging.n) * sizeof(*v));

    if (query.n > 0)
        memcpy(v, query.v, query.n * sizeof(*v));
    memcpy(v + query.n, paging.v, paging.n * sizeof(*v));
    r->query = (dw_list){ v, query.n + paging.n };
    r->number = &v[r->query.n - 1];
    r->ids = dw_alloc(c, sizeof(*r->ids));
    return dw_defer(c, free_ids, r->ids);
}

int pages_each(dw_call *c, dw_connection *conn, dw_list query,
               int (*take)(dw_call *c, const json_t *row, void *ud), void *ud)
{
    struct reading r = { .conn = conn, .take = take, .ud = ud };

    DW_TRY(add_paging(c, &r, query));
    for (int i = 0; i < TRIES; i++) {
        const int rc = read_all(c, &r);
        if (rc != MOVED)
            return rc;
    }
    return dw_fail(c, DW_EUNAVAILABLE,
                   "timesheets were deleted in Kimai while their list was read; try again later");
}
