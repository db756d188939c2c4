/* reading_global.c - the list of all bookings: one request for up to 500 of them, for whoever has admin.time_accounting. */
#include "pages.h"
#include "reading.h"

#define PATH "/api/v1/time_accountings"

enum { PASSES_MAX = 8 };

/* Names of types are worth it where more than numbers are wanted. */
static const char *expand(const struct reading *r)
{
    return r->query->ids_only ? NULL : "true";
}

/* ---- what changed: the latest change first; what changed at one time by its number, or a database would order it anew for each
 * page ---- */

static int64_t changed_at(struct reading *r, const json_t *row)
{
    struct booking b;

    if (booking_read(r->d, row, &b) < 0)
        return INT64_MIN;
    return b.changed.us ? b.changed.us : INT64_MAX;
}

static bool is_descending(struct reading *r, const json_t *rows)
{
    size_t n = json_array_size(rows);

    return changed_at(r, json_array_get(rows, 0)) >= changed_at(r, json_array_get(rows, n - 1));
}

static int see_changed(struct desk *d, const json_t *rows, void *ud)
{
    struct reading *r = ud;
    size_t n = json_array_size(rows);

    (void)d;
    if (!is_descending(r, rows)) {
        r->disordered = true;
        r->from = reading_since(r);
        return 1;
    }
    if (r->top == INT64_MIN) { /* the first page: now its clock is known */
        r->top = changed_at(r, json_array_get(rows, 0));
        r->from = reading_since(r);
    }
    DW_TRY(reading_give(r, rows));
    r->reached = changed_at(r, json_array_get(rows, n - 1)) < r->from;
    return r->reached;
}

static int read_all(struct reading *r);

/* Rows that change while it is read jump to the front, and may be missed where they would have come: so it is read until a pass
 * finds nothing that was there before. One page that reaches back far enough is one look, and needs no second. */
static int read_changed(struct reading *r)
{
    const struct pages pages = { .path = PATH,
                                 .query = DW_LIST("sort_by", "updated_at,id", "order_by", "desc,desc",
                                                  "expand", expand(r)),
                                 .model = "TicketTimeAccounting",
                                 .per_page = (unsigned)r->d->set->per_page };
    unsigned count;

    for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
        r->fresh = 0;
        r->reached = false;
        DW_TRY(pages_forward(r->d, &pages, see_changed, r, &count));
        if (r->disordered)
            return read_all(r); /* and what is old is left out of that */
        if ((count == 1 && r->reached) || (pass > 0 && r->fresh == 0))
            return 0;
    }
    return dw_fail(r->d->c, DW_EUPSTREAM,
                   "Zammad's time accounting changes faster than it can be read; this is tried again later",
                   "passes", PASSES_MAX);
}

/* ---- everything: by number ---- */

/* How many there are, and the highest number of them. */
static int count_all(struct reading *r, int64_t *total)
{
    json_t *answer;

    *total = -1;
    DW_TRY(desk_ask(
        r->d, &answer, .path = PATH,
        .query = DW_LIST("full", "true", "page", 1, "per_page", 1, "sort_by", "id", "order_by", "desc")));
    r->newest = row_id(json_array_get(json_object_get(answer, "record_ids"), 0));
    if (json_is_integer(json_object_get(answer, "total_count")))
        *total = json_integer_value(json_object_get(answer, "total_count"));
    return 0;
}

static int see_all(struct desk *d, const json_t *rows, void *ud)
{
    (void)d;
    return reading_give(ud, rows);
}

/* As many as there were when it began have been seen, and none of them can have come since: so nothing was missed. Otherwise
 * something was deleted, which may have hidden something else: the slow way back tells. */
static int read_all(struct reading *r)
{
    const struct pages pages = { .path = PATH,
                                 .query = DW_LIST("sort_by", "id", "order_by", "asc", "expand", expand(r)),
                                 .model = "TicketTimeAccounting",
                                 .per_page = (unsigned)r->d->set->per_page };
    unsigned count;
    int64_t total;

    DW_TRY(count_all(r, &total));
    DW_TRY(pages_forward(r->d, &pages, see_all, r, &count));
    if (count == 0 || (total >= 0 && r->counted >= total))
        return 0;
    return pages_backward(r->d, &pages, count, see_all, r);
}

int reading_global(struct reading *r)
{
    return r->query->changed_since.us ? read_changed(r) : read_all(r);
}
