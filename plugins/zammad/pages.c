#include "pages.h"

#include <string.h>

enum {
    WINDOW_MAX = 8,      /* pages under way; the connection may allow fewer, the rest waits */
    PAGES_MAX = 1000000, /* 100 million rows; a list that is longer never ends */
    QUERY_MAX = 16,
};

/* ---- what came ---- */

static int fail_shape(struct desk *d, const char *path)
{
    return dw_fail(d->c, DW_EUPSTREAM,
                   "the answer is JSON, but no list of Zammad's; is base_url the address of Zammad?", "asked",
                   path);
}

/* {"tickets":[1,2],"assets":{"Ticket":{"1":{},"2":{}}}}: each must be there, or the list would be shorter than it is. */
static int gather(struct desk *d, const json_t *ids, const json_t *assets, const char *path,
                  const json_t **rows)
{
    json_t *list = dw_json_own(d->c, json_array());
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)ids, i, item)
    {
        int64_t id = row_id(json_is_object(item) ? json_object_get(item, "id") : item);
        json_t *row = json_object_get(assets, desk_path(d, "", id, "") + 1);
        if (!row)
            return fail_shape(d, path);
        if (json_array_append(list, row) != 0)
            return dw_fail(d->c, DW_ENOMEM, "out of memory");
    }
    if (!list)
        return dw_fail(d->c, DW_ENOMEM, "out of memory");
    *rows = list;
    return 0;
}

int pages_rows(struct desk *d, json_t *answer, const char *model, const char *path, const json_t **rows)
{
    static const char *const names[] = { "record_ids", "tickets", "result" };
    const json_t *assets = json_object_get(json_object_get(answer, "assets"), model);

    if (json_is_array(answer)) {
        *rows = answer;
        return 0;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const json_t *ids = json_object_get(answer, names[i]);
        if (json_is_array(ids))
            return gather(d, ids, assets, path, rows);
    }
    return fail_shape(d, path);
}

/* ---- one page ---- */

static int start_get(struct desk *d, dw_fetching **out, const struct pages *p, unsigned page)
{
    dw_value query[QUERY_MAX];
    size_t n = 0;

    while (n < p->query.n && n < QUERY_MAX - 4) {
        query[n] = p->query.v[n];
        n++;
    }
    query[n++] = DW("page");
    query[n++] = DW(page);
    query[n++] = DW("per_page");
    query[n++] = DW(p->per_page);
    return desk_start(d, out, &(struct ask){ .path = p->path, .query = { query, n } });
}

static int start_post(struct desk *d, dw_fetching **out, const struct pages *p, unsigned page)
{
    json_t *json = dw_json_own(d->c, json_copy((json_t *)p->json));

    if (!json || json_object_set_new(json, "page", json_integer(page)) != 0 ||
        json_object_set_new(json, "per_page", json_integer(p->per_page)) != 0)
        return dw_fail(d->c, DW_ENOMEM, "out of memory");
    return desk_start(d, out, &(struct ask){ .path = p->path, .json = json });
}

static int start_page(struct desk *d, dw_fetching **out, const struct pages *p, unsigned page)
{
    return p->json ? start_post(d, out, p, page) : start_get(d, out, p, page);
}

static int take_page(struct desk *d, dw_fetching *f, const struct pages *p, const json_t **rows)
{
    json_t *answer;

    DW_TRY(desk_take(d, f, &(struct ask){ .path = p->path }, &answer));
    return pages_rows(d, answer, p->model, p->path, rows);
}

/* ---- forward ---- */

/* To tell a page from the one before: some old versions know no pages, and answer each with the whole list. */
struct trace {
    size_t n;
    int64_t first, last;
};

static struct trace trace_of(const json_t *rows)
{
    size_t n = json_array_size(rows);

    if (n == 0)
        return (struct trace){ 0 };
    return (struct trace){ n, row_id(json_object_get(json_array_get(rows, 0), "id")),
                           row_id(json_object_get(json_array_get(rows, n - 1), "id")) };
}

static bool is_same(struct trace a, struct trace b)
{
    return a.n == b.n && a.first == b.first && a.last == b.last;
}

struct forward {
    const struct pages *p;
    pages_visit visit;
    void *ud;
    unsigned next, count;
    struct trace before;
};

static bool is_last(const struct pages *p, size_t n)
{
    bool last = p->largest && n < *p->largest;

    if (p->largest && n > *p->largest)
        *p->largest = (unsigned)n;
    return last;
}

/* 1: that was the end. */
static int see(struct desk *d, struct forward *w, const json_t *rows)
{
    struct trace trace = trace_of(rows);
    int rc;

    if (trace.n == 0 || is_same(trace, w->before))
        return 1;
    w->before = trace;
    w->count++;
    rc = w->visit(d, rows, w->ud);
    return rc != 0 ? rc : is_last(w->p, trace.n);
}

/* So many pages at once; those behind the end are cut with the scope. */
static int read_window(struct desk *d, struct forward *w, unsigned window)
{
    dw_fetching *under_way[WINDOW_MAX] = { 0 };
    const json_t *rows = NULL;
    int rc = 0;

    for (unsigned i = 0; i < window; i++)
        DW_TRY(start_page(d, &under_way[i], w->p, w->next + i));
    for (unsigned i = 0; rc == 0 && i < window; i++) {
        DW_TRY(take_page(d, under_way[i], w->p, &rows));
        rc = see(d, w, rows);
    }
    w->next += window;
    return rc;
}

/* Most lists end with their first page: more are asked for at once only as it goes on. */
int pages_forward(struct desk *d, const struct pages *p, pages_visit visit, void *ud, unsigned *count)
{
    struct forward w = { .p = p, .visit = visit, .ud = ud, .next = p->first ? p->first : 1 };
    unsigned window = 1;
    int rc = 0;

    while (rc == 0 && w.next < PAGES_MAX) {
        dw_scope_begin(d->c);
        rc = read_window(d, &w, window);
        dw_scope_end(d->c);
        window = window < WINDOW_MAX ? window * 2 : WINDOW_MAX;
    }
    if (count)
        *count = w.count;
    if (rc == 0)
        return dw_fail(d->c, DW_EUPSTREAM, "this list of Zammad's does not end", "asked", p->path, "pages",
                       w.next - 1);
    return rc < 0 ? rc : 0;
}

/* ---- backward ---- */

static int read_one(struct desk *d, const struct pages *p, unsigned page, pages_visit visit, void *ud)
{
    dw_fetching *f = NULL;
    const json_t *rows = NULL;

    DW_TRY(start_page(d, &f, p, page));
    DW_TRY(take_page(d, f, p, &rows));
    return json_array_size(rows) > 0 ? visit(d, rows, ud) : 0;
}

int pages_backward(struct desk *d, const struct pages *p, unsigned from, pages_visit visit, void *ud)
{
    int rc = 0;

    for (unsigned page = from; rc >= 0 && page > 0; page--) {
        dw_scope_begin(d->c);
        rc = read_one(d, p, page, visit, ud);
        dw_scope_end(d->c);
    }
    return rc < 0 ? rc : 0;
}
