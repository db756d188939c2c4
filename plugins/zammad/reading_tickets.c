/* reading_tickets.c - booked time ticket by ticket: for whoever has ticket.agent only, and for versions without a list of all. */
#include "pages.h"
#include "reading.h"

enum {
    TICKET_PAGE = 100, /* what every version gives */
    PASSES_MAX = 8,
    SEARCH_MOST = 10000, /* no search gives more, and none says that there are more */
};

#define CHANGED "ticket.updated_at"

/* ---- a page of tickets ---- */

/* One that does not say counts as changed. */
static int64_t changed_at(struct desk *d, const json_t *row)
{
    const char *text = row_text(json_object_get(row, "updated_at"));
    dw_time t;

    return text && dw_time_parse(d->c, text, &t) >= 0 ? t.us : INT64_MAX;
}

/* Those that changed, and were not read yet as they are now. */
static int pick(struct reading *r, const json_t *rows, int64_t *out, size_t *n)
{
    const json_t *row;
    size_t i;

    *n = 0;
    json_array_foreach((json_t *)rows, i, row)
    {
        int64_t id = row_id(json_object_get(row, "id")), changed = changed_at(r->d, row);
        const union idvalue *before = idmap_get(&r->tickets, id);
        if (id == 0)
            return dw_fail(r->d->c, DW_EUPSTREAM,
                           "a row of Zammad's tickets lacks its id; is base_url the address of Zammad?");
        if (changed >= reading_since(r) && (!before || before->number != changed))
            out[(*n)++] = id;
    }
    return 0;
}

static int note(struct reading *r, const json_t *rows)
{
    const json_t *row;
    size_t i;

    json_array_foreach((json_t *)rows, i, row)
    {
        const union idvalue changed = { .number = changed_at(r->d, row) };
        if (idmap_put(&r->tickets, row_id(json_object_get(row, "id")), changed) != 0)
            return dw_fail(r->d->c, DW_ENOMEM, "out of memory");
    }
    return 0;
}

static int see(struct desk *d, const json_t *rows, void *ud)
{
    struct reading *r = ud;
    size_t n, all = json_array_size(rows);
    int64_t *ids = dw_alloc(d->c, (all + 1) * sizeof(*ids));

    DW_TRY(pick(r, rows, ids, &n));
    reading_saw(r, all);
    r->found += (int64_t)all;
    if (n == 0)
        return 0;
    r->fresh += (int64_t)n;
    if (!r->query->ids_only)
        DW_TRY(facts_learn_tickets(d, &r->facts, rows));
    DW_TRY(reading_some(r, ids, n));
    return note(r, rows);
}

static const char *expand(const struct reading *r)
{
    return r->query->ids_only ? NULL : "true";
}

/* ---- all tickets: by number ---- */

/* Whoever sees no ticket at all would have everything taken for deleted. */
static int fail_blind(struct reading *r)
{
    return dw_fail(r->d->c, DW_EDENIED,
                   "no ticket can be seen, and so nothing that is booked; the user of the token needs groups "
                   "with the right "
                   "to change (or full), or admin.time_accounting");
}

static int read_every(struct reading *r)
{
    const struct pages pages = { .path = "/api/v1/tickets",
                                 .query = DW_LIST("expand", expand(r)),
                                 .model = "Ticket",
                                 .per_page = TICKET_PAGE };
    unsigned count;

    DW_TRY(pages_forward(r->d, &pages, see, r, &count));
    if (count == 0)
        return fail_blind(r);
    return pages_backward(r->d, &pages, count, see, r);
}

/* ---- those that changed: found by a condition, which the database answers, whether there is Elasticsearch or not ---- */

static const json_t *search_since(struct reading *r, dw_time since)
{
    dw_call *c = r->d->c;
    json_t *rule = dw_json(c, "operator", "after (absolute)", "value", dw_time_format(c, since));
    json_t *condition = dw_json(c, CHANGED, rule);

    return dw_json(c, "condition", condition, "expand", DW_TRUE, "sort_by", "id", "order_by", "asc");
}

/* A search that finds nothing since 1970, where there are tickets, is one that does not understand what it is asked. */
static int learn_conditions(struct reading *r)
{
    const struct pages all = { .path = "/api/v1/tickets/search",
                               .json = search_since(r, (dw_time){ 0 }),
                               .model = "Ticket",
                               .per_page = 1 };
    json_t *question = json_copy((json_t *)all.json), *answer;
    const json_t *rows;
    int rc;

    dw_json_own(r->d->c, question);
    if (!question || json_object_set_new(question, "per_page", json_integer(1)) != 0)
        return dw_fail(r->d->c, DW_ENOMEM, "out of memory");
    rc = desk_ask(r->d, &answer, .path = all.path, .json = question);
    if (rc < 0 && r->d->status != 403 && r->d->status != 404 && r->d->status != 422 && r->d->status != 500)
        return rc;
    r->way.conditions = WAY_NO;
    if (rc >= 0 && pages_rows(r->d, answer, all.model, all.path, &rows) >= 0 && json_array_size(rows) > 0)
        r->way.conditions = WAY_YES;
    return 0;
}

/* Tickets come and go among those that changed while they are read: until a pass finds no other. Where a search may have ended
 * before its end, all tickets are looked at. */
static int read_found(struct reading *r)
{
    const struct pages pages = { .path = "/api/v1/tickets/search",
                                 .json = search_since(r, (dw_time){ reading_since(r) }),
                                 .model = "Ticket",
                                 .per_page = TICKET_PAGE };
    unsigned count;

    for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
        r->fresh = r->found = 0;
        DW_TRY(pages_forward(r->d, &pages, see, r, &count));
        if (r->found >= SEARCH_MOST)
            return read_every(r);
        if (r->fresh == 0)
            return 0;
    }
    return dw_fail(r->d->c, DW_EUPSTREAM,
                   "Zammad's tickets change faster than they can be read; this is tried again later",
                   "passes", PASSES_MAX);
}

static int read_changed(struct reading *r)
{
    if (r->way.conditions == WAY_UNKNOWN)
        DW_TRY(learn_conditions(r));
    return r->way.conditions == WAY_YES ? read_found(r) : read_every(r);
}

int reading_tickets(struct reading *r)
{
    DW_TRY(r->query->changed_since.us ? read_changed(r) : read_every(r));
    if (r->refused_n == 0)
        return 0;
    return dw_fail(
        r->d->c, DW_EDENIED,
        "not all tickets could be read, so this list is not complete; the user of the token needs the right "
        "to change (or full) in their groups, or admin.time_accounting",
        "refused", r->refused_n, "ticket", r->refused, "reason", "OTHER");
}
