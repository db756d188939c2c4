#include "facts.h"

#include <stdlib.h>

#include "fact.h"
#include "merged.h"
#include "pages.h"

enum {
    TICKETS_MAX = 40000, /* kept: about 10 MiB */
    PEOPLE_MAX = 40000,
    BULK = 100,          /* tickets asked for at once: what every version gives on a page */
    BULK_LEAST = 4,      /* fewer are asked for one by one */
    WINDOW = 16,         /* requests under way */
    TRUST_AFTER = 16,    /* so many misses of a bulk were misses indeed: the next ones are believed */
    PEOPLE_SINGLY = 100, /* more unknown ones: all are read */
    PEOPLE_PAGE = 500,
};

static int fail_memory(struct desk *d)
{
    return dw_fail(d->c, DW_ENOMEM, "out of memory");
}

/* ---- keeping ---- */

static void forget(void *ud)
{
    struct facts *f = ud;

    idmap_clear(&f->tickets, free);
    idmap_clear(&f->people, free);
    idmap_clear(&f->merged_states, NULL);
}

int facts_open(struct desk *d, struct facts *f)
{
    *f = (struct facts){ 0 };
    return dw_defer(d->c, forget, f);
}

static int keep(struct desk *d, struct idmap *m, int64_t id, void *fact)
{
    const union idvalue *old = idmap_get(m, id);
    void *before = old ? old->pointer : NULL;

    if (!fact || idmap_put(m, id, (union idvalue){ .pointer = fact }) != 0) {
        free(fact);
        return fail_memory(d);
    }
    free(before);
    return 0;
}

static const void *find(const struct idmap *m, int64_t id)
{
    const union idvalue *found = idmap_get(m, id);

    return found ? found->pointer : NULL;
}

const struct ticket *facts_ticket(const struct facts *f, int64_t id)
{
    return find(&f->tickets, id);
}

const struct person *facts_person(const struct facts *f, int64_t id)
{
    return find(&f->people, id);
}

/* Those that are not known yet, each once, in the call's memory. Room is made for them. */
static size_t missing(struct desk *d, struct idmap *m, size_t max, const int64_t *ids, size_t n,
                      int64_t **out)
{
    struct idmap once = { 0 };
    size_t count = 0;

    if (m->n + n > max)
        idmap_clear(m, free);
    *out = dw_alloc(d->c, (n + 1) * sizeof(**out));
    for (size_t i = 0; i < n; i++)
        if (ids[i] && !idmap_has(m, ids[i]) && !idmap_has(&once, ids[i])) {
            (*out)[count++] = ids[i];
            if (idmap_put(&once, ids[i], (union idvalue){ 0 }) != 0)
                break; /* some are left unknown, which only costs their names */
        }
    idmap_clear(&once, NULL);
    return count;
}

/* ---- tickets ---- */

static int know_states(struct desk *d, struct facts *f)
{
    if (f->knows_states)
        return 0;
    DW_TRY(merged_states(d, &f->merged_states));
    f->knows_states = true;
    return 0;
}

static int keep_ticket(struct desk *d, struct facts *f, int64_t id, const json_t *row)
{
    struct ticket *t = fact_ticket(id, row);

    if (t)
        t->merged = merged_says(&f->merged_states, row);
    return keep(d, &f->tickets, id, t);
}

int facts_learn_tickets(struct desk *d, struct facts *f, const json_t *rows)
{
    const json_t *row;
    size_t i;

    DW_TRY(know_states(d, f));
    if (f->tickets.n + json_array_size(rows) > TICKETS_MAX)
        idmap_clear(&f->tickets, free);
    json_array_foreach((json_t *)rows, i, row)
    {
        int64_t id = row_id(json_object_get(row, "id"));
        if (id)
            DW_TRY(keep_ticket(d, f, id, row));
    }
    return 0;
}

/* A search by their numbers: no version but answers that from the database. */
static int start_bulk(struct desk *d, dw_fetching **out, const int64_t *ids, size_t n)
{
    json_t *list = dw_json_own(d->c, json_array());
    json_t *condition, *rule;

    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(list, json_integer(ids[i])) != 0)
            return fail_memory(d);
    rule = dw_json(d->c, "operator", "is", "value", list);
    condition = dw_json(d->c, "ticket.id", rule);
    return desk_start(d, out,
                      &(struct ask){ .path = "/api/v1/tickets/search",
                                     .json = dw_json(d->c, "condition", condition, "expand", DW_TRUE, "page",
                                                     1, "per_page", BULK, "limit", BULK) });
}

/* Whether this version, or these credentials, cannot ask so; all else is worth an error. */
static bool is_unable(const struct desk *d)
{
    return d->status == 403 || d->status == 404 || d->status == 422 || d->status == 500;
}

static int take_bulk(struct desk *d, struct facts *f, dw_fetching *under_way)
{
    static const char path[] = "/api/v1/tickets/search";
    const json_t *rows;
    json_t *answer;

    DW_TRY(desk_take(d, under_way, &(struct ask){ .path = path }, &answer));
    DW_TRY(pages_rows(d, answer, "Ticket", path, &rows));
    return facts_learn_tickets(d, f, rows);
}

static int ask_bulks(struct desk *d, struct facts *f, const int64_t *ids, size_t n)
{
    dw_fetching *under_way[WINDOW] = { 0 };
    size_t count = 0, from = 0;

    for (; count < WINDOW && from < n; from += BULK)
        DW_TRY(start_bulk(d, &under_way[count++], ids + from, n - from < BULK ? n - from : BULK));
    for (size_t i = 0; i < count; i++)
        DW_TRY(take_bulk(d, f, under_way[i]));
    return 0;
}

/* All that can be had so. */
static int learn_in_bulk(struct desk *d, struct facts *f, const int64_t *ids, size_t n)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < n; i += (size_t)WINDOW * BULK) {
        dw_scope_begin(d->c);
        rc = ask_bulks(d, f, ids + i, n - i);
        dw_scope_end(d->c);
    }
    if (rc >= 0 || !is_unable(d))
        return rc;
    f->no_bulk = true;
    return 0;
}

/* How many of at most WINDOW are there, or an error. */
static int ask_tickets(struct desk *d, struct facts *f, const int64_t *ids, size_t n)
{
    struct ask asks[WINDOW];
    dw_fetching *under_way[WINDOW] = { 0 };
    json_t *row;
    int found = 0;

    for (size_t i = 0; i < n; i++) {
        asks[i] = (struct ask){ .path = desk_path(d, "/api/v1/tickets", ids[i], ""),
                                .query = DW_LIST("expand", "true") };
        DW_TRY(desk_start(d, &under_way[i], &asks[i]));
    }
    for (size_t i = 0; i < n; i++) {
        int rc = desk_take(d, under_way[i], &asks[i], &row);
        bool is_gone = rc == DW_EDENIED || (rc == DW_ENOTFOUND && d->is_json);
        if (rc < 0 && !is_gone)
            return rc;
        DW_TRY(keep_ticket(d, f, ids[i], is_gone ? NULL : row));
        found += !is_gone;
    }
    return found;
}

/* What a bulk did not have is asked for one by one, until that has shown that it can be believed. */
static int learn_singly(struct desk *d, struct facts *f, const int64_t *ids, size_t n, bool after_bulk)
{
    int found = 0;

    for (size_t i = 0; found >= 0 && i < n; i += WINDOW) {
        size_t some = n - i < WINDOW ? n - i : WINDOW;
        if (after_bulk && f->bulk_missed >= TRUST_AFTER) {
            for (; i < n; i++)
                DW_TRY(keep_ticket(d, f, ids[i], NULL));
            return 0;
        }
        dw_scope_begin(d->c);
        found = ask_tickets(d, f, ids + i, some);
        dw_scope_end(d->c);
        if (after_bulk && found > 0)
            f->no_bulk = true, after_bulk = false;
        else if (after_bulk)
            f->bulk_missed += (unsigned)some;
    }
    return found < 0 ? found : 0;
}

int facts_want_tickets(struct desk *d, struct facts *f, const int64_t *ids, size_t n)
{
    int64_t *unknown;
    size_t count = missing(d, &f->tickets, TICKETS_MAX, ids, n, &unknown), left = 0;
    bool bulk = count >= BULK_LEAST && !f->no_bulk;

    if (count == 0)
        return 0;
    DW_TRY(know_states(d, f));
    if (bulk)
        DW_TRY(learn_in_bulk(d, f, unknown, count));
    for (size_t i = 0; i < count; i++)
        if (!idmap_has(&f->tickets, unknown[i]))
            unknown[left++] = unknown[i];
    return learn_singly(d, f, unknown, left, bulk && !f->no_bulk);
}

/* ---- merges ---- */

static struct ticket *unfollowed(const struct facts *f, int64_t id)
{
    const union idvalue *found = idmap_get(&f->tickets, id);
    struct ticket *t = found ? found->pointer : NULL;

    return t && t->merged && t->merged_into == 0 ? t : NULL;
}

/* A ticket whose target nobody tells is no longer asked about: it counts as merged into nothing that is known. */
int facts_want_merges(struct desk *d, struct facts *f, const int64_t *ids, size_t n)
{
    int64_t *merged = dw_alloc(d->c, (n + 1) * sizeof(*merged));
    int64_t *targets = dw_alloc(d->c, (n + 1) * sizeof(*targets));
    struct idmap once = { 0 };
    size_t count = 0;
    int rc;

    for (size_t i = 0; i < n; i++)
        if (unfollowed(f, ids[i]) && !idmap_has(&once, ids[i])) {
            merged[count++] = ids[i];
            if (idmap_put(&once, ids[i], (union idvalue){ 0 }) != 0)
                break;
        }
    idmap_clear(&once, NULL);
    rc = count ? merged_targets(d, merged, count, targets) : 0;
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        struct ticket *t = unfollowed(f, merged[i]);
        if (t) {
            t->merged_into = targets[i];
            t->merged = targets[i] != 0;
        }
    }
    return rc;
}

/* ---- people ---- */

static int keep_people(struct desk *d, const json_t *rows, void *ud)
{
    struct facts *f = ud;
    const json_t *row;
    size_t i;

    json_array_foreach((json_t *)rows, i, row)
    {
        int64_t id = row_id(json_object_get(row, "id"));
        if (id)
            DW_TRY(keep(d, &f->people, id, fact_person(id, row)));
    }
    return f->people.n > PEOPLE_MAX; /* enough: the others one by one */
}

/* Where many are wanted: once. */
static int learn_all_people(struct desk *d, struct facts *f)
{
    unsigned largest = 0;
    int rc;

    f->knows_all_people = true;
    rc = pages_forward(d,
                       &(struct pages){ .path = "/api/v1/users",
                                        .query = DW_LIST("expand", "true"),
                                        .model = "User",
                                        .per_page = PEOPLE_PAGE,
                                        .largest = &largest },
                       keep_people, f, NULL);
    return rc < 0 && is_unable(d) ? 0 : rc;
}

static int ask_people(struct desk *d, struct facts *f, const int64_t *ids, size_t n)
{
    struct ask asks[WINDOW];
    dw_fetching *under_way[WINDOW] = { 0 };
    json_t *row;

    for (size_t i = 0; i < n; i++) {
        asks[i] = (struct ask){ .path = desk_path(d, "/api/v1/users", ids[i], ""),
                                .query = DW_LIST("expand", "true") };
        DW_TRY(desk_start(d, &under_way[i], &asks[i]));
    }
    for (size_t i = 0; i < n; i++) {
        int rc = desk_take(d, under_way[i], &asks[i], &row);
        bool is_gone = rc == DW_EDENIED || (rc == DW_ENOTFOUND && d->is_json);
        if (rc < 0 && !is_gone)
            return rc;
        DW_TRY(keep(d, &f->people, ids[i], fact_person(ids[i], is_gone ? NULL : row)));
    }
    return 0;
}

int facts_want_people(struct desk *d, struct facts *f, const int64_t *ids, size_t n)
{
    int64_t *unknown;
    size_t count = missing(d, &f->people, PEOPLE_MAX, ids, n, &unknown), left = 0;
    int rc = 0;

    if (count > PEOPLE_SINGLY && !f->knows_all_people)
        DW_TRY(learn_all_people(d, f));
    for (size_t i = 0; i < count; i++)
        if (!idmap_has(&f->people, unknown[i]))
            unknown[left++] = unknown[i];
    for (size_t i = 0; rc >= 0 && i < left; i += WINDOW) {
        dw_scope_begin(d->c);
        rc = ask_people(d, f, unknown + i, left - i < WINDOW ? left - i : WINDOW);
        dw_scope_end(d->c);
    }
    return rc;
}
