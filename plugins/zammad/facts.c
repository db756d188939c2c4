#include "facts.h"

#include <stdlib.h>

#include "fact.h"
#include "merged.h"
#include "pages.h"
#include "self.h"

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
}

int facts_open(struct desk *d, struct facts *f, struct strategy *way)
{
    *f = (struct facts){ .way = way };
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

struct ids {
    int64_t *v; /* in the call's memory */
    size_t n;
};

typedef bool (*wants)(const struct idmap *m, int64_t id);

static bool is_unknown(const struct idmap *m, int64_t id)
{
    return id != 0 && !idmap_has(m, id);
}

/* Those that are wanted, each once. */
static int pick(struct desk *d, const struct idmap *m, wants wanted, const int64_t *ids, size_t n,
                struct ids *out)
{
    struct idmap once = { 0 };
    int rc = 0;

    *out = (struct ids){ .v = dw_alloc(d->c, (n + 1) * sizeof(*out->v)) };
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (wanted(m, ids[i]) && !idmap_has(&once, ids[i])) {
            out->v[out->n++] = ids[i];
            rc = idmap_put(&once, ids[i], (union idvalue){ 0 });
        }
    idmap_clear(&once, NULL);
    return rc == 0 ? 0 : fail_memory(d);
}

/* Those that are not known yet. Room is made for them. */
static int pick_unknown(struct desk *d, struct idmap *m, size_t max, const int64_t *ids, size_t n,
                        struct ids *out)
{
    if (m->n + n > max)
        idmap_clear(m, free);
    return pick(d, m, is_unknown, ids, n, out);
}

static void drop_known(const struct idmap *m, struct ids *ids)
{
    size_t left = 0;

    for (size_t i = 0; i < ids->n; i++)
        if (!idmap_has(m, ids->v[i]))
            ids->v[left++] = ids->v[i];
    ids->n = left;
}

/* Zammad itself says that it is not there, or not for us; what a proxy or a firewall refuses says nothing. */
static bool is_gone(const struct desk *d, int rc)
{
    return (rc == DW_EDENIED || rc == DW_ENOTFOUND) && d->is_own;
}

/* ---- tickets ---- */

static int keep_ticket(struct desk *d, struct facts *f, int64_t id, const json_t *row)
{
    struct ticket *t = fact_ticket(id, row);

    if (t)
        t->merged = merged_says(f->way->merged_states, STRATEGY_STATES_MAX, row);
    return keep(d, &f->tickets, id, t);
}

int facts_learn_tickets(struct desk *d, struct facts *f, const json_t *rows)
{
    const json_t *row;
    size_t i;

    DW_TRY(merged_know(d, f->way));
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

/* Asks for each of at most WINDOW rows below path, all at once, and keeps them, NULL for one that is gone. How many are there, or an
 * error. */
static int ask_each(struct desk *d, struct facts *f, const char *path, const int64_t *ids, size_t n,
                    int (*keep_row)(struct desk *d, struct facts *f, int64_t id, const json_t *row))
{
    struct ask asks[WINDOW];
    dw_fetching *under_way[WINDOW] = { 0 };
    json_t *row;
    int found = 0;

    for (size_t i = 0; i < n; i++) {
        asks[i] = (struct ask){ .path = desk_path(d, path, ids[i], ""), .query = DW_LIST("expand", "true") };
        DW_TRY(desk_start(d, &under_way[i], &asks[i]));
    }
    for (size_t i = 0; i < n; i++) {
        int rc = desk_take(d, under_way[i], &asks[i], &row);
        bool gone = is_gone(d, rc);
        if (rc < 0 && !gone)
            return rc;
        DW_TRY(keep_row(d, f, ids[i], gone ? NULL : row));
        found += !gone;
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
        found = ask_each(d, f, "/api/v1/tickets", ids + i, some, keep_ticket);
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
    struct ids unknown;
    bool bulk;

    DW_TRY(pick_unknown(d, &f->tickets, TICKETS_MAX, ids, n, &unknown));
    if (unknown.n == 0)
        return 0;
    DW_TRY(merged_know(d, f->way));
    bulk = unknown.n >= BULK_LEAST && !f->no_bulk;
    if (bulk)
        DW_TRY(learn_in_bulk(d, f, unknown.v, unknown.n));
    drop_known(&f->tickets, &unknown);
    return learn_singly(d, f, unknown.v, unknown.n, bulk && !f->no_bulk);
}

/* ---- merges ---- */

static bool is_unfollowed(const struct idmap *tickets, int64_t id)
{
    const struct ticket *t = find(tickets, id);

    return t && t->merged && t->merged_into == 0;
}

/* A ticket whose target nobody tells is not asked about again: it counts as merged into nothing that is known. */
int facts_want_merges(struct desk *d, struct facts *f, const int64_t *ids, size_t n)
{
    struct ids merged;
    int64_t *targets;

    DW_TRY(pick(d, &f->tickets, is_unfollowed, ids, n, &merged));
    if (merged.n == 0)
        return 0;
    targets = dw_alloc(d->c, merged.n * sizeof(*targets));
    DW_TRY(merged_targets(d, merged.v, merged.n, targets));
    for (size_t i = 0; i < merged.n; i++) {
        struct ticket *t = idmap_get(&f->tickets, merged.v[i])->pointer;
        t->merged_into = targets[i];
        t->merged = targets[i] != 0;
    }
    return 0;
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
    return f->people.n > PEOPLE_MAX / 2; /* enough: the others one by one */
}

static int keep_person(struct desk *d, struct facts *f, int64_t id, const json_t *row)
{
    struct person *p = fact_person(id, row);

    if (p)
        recent_keep(&self_of(d->c)->recent, f->way->key, p, dw_now(d->c));
    return keep(d, &f->people, id, p);
}

static int take_recent(struct desk *d, struct facts *f, const struct ids *ids)
{
    for (size_t i = 0; i < ids->n; i++) {
        struct person *p = recent_person(&self_of(d->c)->recent, f->way->key, ids->v[i], dw_now(d->c));

        if (p)
            DW_TRY(keep(d, &f->people, ids->v[i], p));
    }
    return 0;
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

int facts_want_people(struct desk *d, struct facts *f, const int64_t *ids, size_t n)
{
    struct ids unknown;
    int rc = 0;

    DW_TRY(pick_unknown(d, &f->people, PEOPLE_MAX, ids, n, &unknown));
    if (f->takes_recent) {
        DW_TRY(take_recent(d, f, &unknown));
        drop_known(&f->people, &unknown);
    }
    if (unknown.n > PEOPLE_SINGLY && !f->knows_all_people) {
        DW_TRY(learn_all_people(d, f));
        drop_known(&f->people, &unknown);
    }
    for (size_t i = 0; rc >= 0 && i < unknown.n; i += WINDOW) {
        size_t some = unknown.n - i < WINDOW ? unknown.n - i : WINDOW;
        dw_scope_begin(d->c);
        rc = ask_each(d, f, "/api/v1/users", unknown.v + i, some, keep_person);
        dw_scope_end(d->c);
    }
    return rc < 0 ? rc : 0;
}
