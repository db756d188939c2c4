#include "reading.h"

static void forget(void *ud)
{
    struct reading *r = ud;

    idmap_clear(&r->seen, NULL);
    idmap_clear(&r->tickets, NULL);
}

int reading_open(struct desk *d, const dw_entry_query *query, dw_found *out, struct reading **made)
{
    struct reading *r = dw_alloc(d->c, sizeof(*r));

    *r = (struct reading){
        .d = d, .query = query, .out = out, .way = strategy_of(d), .from = INT64_MIN, .top = INT64_MIN
    };
    d->behind = r->way.behind;
    *made = r;
    DW_TRY(dw_defer(d->c, forget, r));
    DW_TRY(facts_open(d, &r->facts, &r->way));
    r->facts.takes_recent = query->ticket != NULL;
    return 0;
}

/* What is booked there now has a time that is over here, if its clock is behind: it is looked back so much further. A clock that
 * is ahead needs nothing, and whoever asks may have taken the instant from there. */
int64_t reading_since(const struct reading *r)
{
    int64_t since = r->query->changed_since.us;

    return since ? since - READING_OVERLAP.us - r->d->behind.us : INT64_MIN;
}

/* ---- giving ---- */

/* What was not given yet, or was given before it changed. One that does not say when it did counts as changed. */
static bool is_news(const struct reading *r, const struct booking *b)
{
    const union idvalue *seen = idmap_get(&r->seen, b->id);

    return (b->changed.us == 0 || b->changed.us >= r->from) && (!seen || seen->number != b->changed.us);
}

static bool is_wanted(const struct reading *r, const struct booking *b)
{
    return r->query->until.us == 0 || b->created.us <= r->query->until.us;
}

static int note(struct reading *r, const struct booking *b)
{
    const bool again = idmap_has(&r->seen, b->id);

    if (idmap_put(&r->seen, b->id, (union idvalue){ .number = b->changed.us }) != 0)
        return dw_fail(r->d->c, DW_ENOMEM, "out of memory");
    r->counted += !again && b->id <= r->newest;
    r->fresh += b->changed.us <= r->top;
    return 0;
}

static size_t read_news(struct reading *r, const json_t *rows, struct booking *out, int *rc)
{
    const json_t *row;
    size_t i, n = 0;

    json_array_foreach((json_t *)rows, i, row)
    {
        if ((*rc = booking_read(r->d, row, &out[n])) < 0)
            return 0;
        if (is_news(r, &out[n]))
            n++;
    }
    return n;
}

static int look_up(struct reading *r, const struct booking *list, size_t n)
{
    int64_t *ids = dw_alloc(r->d->c, (2 * n + 1) * sizeof(*ids));
    size_t people = 0;

    for (size_t i = 0; i < n; i++)
        ids[i] = list[i].ticket;
    DW_TRY(facts_want_tickets(r->d, &r->facts, ids, n));
    DW_TRY(facts_want_merges(r->d, &r->facts, ids, n));
    for (size_t i = 0; i < n; i++) {
        ids[people++] = list[i].agent;
        ids[people++] = booking_payer(&list[i], &r->facts);
    }
    return facts_want_people(r->d, &r->facts, ids, people);
}

/* Of a list that is asked for more at once a page says only that so many come: no page of a ticket's is longer than is asked for. */
void reading_saw(struct reading *r, size_t rows)
{
    if (rows > READING_TICKET_PAGE)
        rows = READING_TICKET_PAGE;
    if (rows > r->way.rows)
        r->way.rows = (unsigned)rows;
}

int reading_give(struct reading *r, const json_t *rows)
{
    size_t all = json_array_size(rows);
    struct booking *list = dw_alloc(r->d->c, (all + 1) * sizeof(*list));
    bool bare = r->query->ids_only;
    int rc = 0;
    size_t n = read_news(r, rows, list, &rc);

    reading_saw(r, all);
    if (rc < 0 || n == 0)
        return rc;
    if (!bare)
        DW_TRY(look_up(r, list, n));
    for (size_t i = 0; i < n; i++) {
        if (is_wanted(r, &list[i]))
            DW_TRY(booking_give(r->d, &list[i], bare ? NULL : &r->facts, r->out));
        DW_TRY(note(r, &list[i]));
    }
    return 0;
}
