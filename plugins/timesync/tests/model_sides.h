/* model_sides.h - how a server sees the world: two kinds of connectors, and the weather between. */
#ifndef TIMESYNC_MODEL_SIDES_H
#define TIMESYNC_MODEL_SIDES_H

#include <strings.h>

#include "model_world.h"

DW_HARNESS_PLAYS;

static dw_harness *h;

/* Of a server without power nothing comes any more. */
static inline bool is_dark(void)
{
    return dw_harness_has_crashed(h);
}

/* ---- the desk ---- */

static inline struct desk *desk_of(dw_connection *conn)
{
    return strcmp(dw_connection_id(conn), desks[0].connection) == 0 ? &desks[0] : &desks[1];
}

/* Must the list that begins now fail? */
static inline bool is_cut(unsigned *in, unsigned *times)
{
    if (*in && --*in == 0 && *times) {
        *in = --*times ? 1 : 0;
        return true;
    }
    return false;
}

static inline bool lies_about(unsigned desk, unsigned slot)
{
    if (mistake == HIDES_BOOKINGS)
        return slot % 4 == 0;
    return mistake == CALLS_GONE && slot % 2 == 0 && page_for(desk, slot, 0);
}

static inline int tell_booking(const struct desk *d, unsigned slot, dw_found *out)
{
    static unsigned first_amount[2][SLOTS];
    const struct booking *b = &d->all[slot];
    const unsigned desk = (unsigned)(d - desks), ticket = b->ticket, offset = offset_of(desk);
    unsigned *first = &first_amount[desk][slot], amount = b->amount;
    char id[16], on[16], customer[16], customer_name[32], title[32], email[32], merged[16];

    if (!page_for(desk, slot, 0))
        *first = amount;
    if (mistake == OLD_AMOUNTS && slot % 2 == 0)
        amount = *first;
    id_of(desk, slot, id);
    ticket_of(desk, ticket, on);
    ticket_of(desk, d->tickets[ticket].merged ? d->tickets[ticket].merged - 1 : 0, merged);
    snprintf(customer, sizeof(customer), "C%u", d->tickets[ticket].customer + offset);
    snprintf(customer_name, sizeof(customer_name), "Customer %u of %u", d->tickets[ticket].customer, desk);
    snprintf(title, sizeof(title), "Matter %u.", d->tickets[ticket].title);
    snprintf(email, sizeof(email), "%s@example.org", agents[b->agent]);
    return dw_entry_add(out, .id = id, .ticket = on, .ticket_number = on, .ticket_title = title,
                        .customer = customer, .customer_name = customer_name, .agent = agents[b->agent],
                        .agent_email = email, .agent_name = agents[b->agent], .activity = works[b->work],
                        .activity_name = works[b->work], .text = "a note", .amount = amounts[amount],
                        .created = b->created, .changed = b->changed,
                        .merged_into = d->tickets[ticket].merged ? merged : NULL);
}

static int desk_list(dw_call *c, dw_connection *conn, const dw_entry_query *q, dw_found *out)
{
    struct desk *d = desk_of(conn);
    const unsigned desk = (unsigned)(d - desks);
    bool cut, half = d->cut.half;
    char ticket[16];

    if (is_dark())
        return dw_fail(c, DW_EUNAVAILABLE, "the power is off");
    books_asked(c);
    cut = is_cut(&d->cut.in, &d->cut.times);
    for (unsigned i = 0; i < SLOTS && (!cut || half); i++) {
        const struct booking *b = &d->all[i];

        ticket_of(desk, b->ticket, ticket);
        if (!b->ever || b->gone || lies_about(desk, i) || (q->ticket && strcmp(q->ticket, ticket) != 0) ||
            b->changed.us < q->changed_since.us)
            continue;
        DW_TRY(tell_booking(d, i, out));
        if (cut && i > SLOTS / 2)
            break;
    }
    return cut ? dw_fail(c, d->cut.code, "the desk fails") : dw_found_complete(out);
}

static int desk_tickets(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    const struct desk *d = desk_of(conn);
    const unsigned desk = (unsigned)(d - desks);
    char id[16];

    if (is_dark())
        return dw_fail(c, DW_EUNAVAILABLE, "the power is off");
    for (unsigned i = 0; i < TICKETS; i++) {
        ticket_of(desk, i, id);
        if (!q->id || strcmp(q->id, id) == 0)
            DW_TRY(dw_thing_add(out, .id = id, .name = "A ticket", .number = id,
                                .inactive = d->tickets[i].merged != 0));
    }
    return dw_found_complete(out);
}

/* ---- the books: what is there ---- */

struct tags {
    char copy[60];
    const char *v[8];
};

static inline dw_texts tags_of(const struct page *p, struct tags *t)
{
    char *rest, *tag;
    dw_texts list = { t->v, 0 };

    memcpy(t->copy, p->tags, sizeof(t->copy));
    rest = t->copy;
    while (list.n < 8 && (tag = strsep(&rest, ",")) && *tag)
        t->v[list.n++] = tag;
    return list;
}

static inline int tell_page(dw_found *out, const struct page *p)
{
    struct tags tags = { .copy = "" };

    return dw_timesheet_add(out, .id = p->id, .project = p->project, .activity = p->activity, .user = p->user,
                            .text = p->text, .tags = tags_of(p, &tags), .begin = p->begin, .end = p->end,
                            .seconds = p->seconds + (mistake == WRITES_ALWAYS && p->seconds > 600 ? 60 : 0),
                            .billable = p->billable, .exported = p->exported && mistake != HIDES_EXPORTS);
}

static inline bool fits(const struct page *p, const dw_timesheet_query *q)
{
    const size_t n = q->marker ? strlen(q->marker) : 0;

    if (p->gone || (q->id && strcmp(q->id, p->id) != 0) || p->changed.us < q->changed_since.us)
        return false;
    if (n && (mistake == HIDES_MARKERS || strncmp(p->text, q->marker, n) != 0 ||
              (p->text[n] && p->text[n] != '\n')))
        return false;
    return (!q->begin_from.us || p->begin.us >= q->begin_from.us) &&
           (!q->begin_to.us || p->begin.us <= q->begin_to.us);
}

static int books_list(dw_call *c, dw_connection *conn, const dw_timesheet_query *q, dw_found *out)
{
    bool cut;
    unsigned told = 0;

    (void)conn;
    if (is_dark())
        return dw_fail(c, DW_EUNAVAILABLE, "the power is off");
    books_asked(c);
    cut = is_cut(&books.cut_list.in, &books.cut_list.times);
    for (unsigned i = 0; i < books.n && (!cut || (books.cut_list.half && told < 2)); i++)
        if (fits(&books.all[i], q)) {
            DW_TRY(tell_page(out, &books.all[i]));
            told++;
        }
    return cut ? dw_fail(c, books.cut_list.code, "the books fail") : dw_found_complete(out);
}

/* ---- the books: writing ---- */

static inline void take(char *to, size_t size, const char *from)
{
    if (from)
        snprintf(to, size, "%s", from);
}

static inline void write_page(struct page *p, const dw_timesheet *w)
{
    take(p->project, sizeof(p->project), w->project);
    take(p->activity, sizeof(p->activity), w->activity);
    take(p->user, sizeof(p->user), w->user);
    take(p->text, sizeof(p->text), w->text);
    if (w->tags_wanted || w->tags.n) {
        *p->tags = '\0';
        for (size_t i = 0; i < w->tags.n; i++) {
            strncat(p->tags, i ? "," : "", sizeof(p->tags) - strlen(p->tags) - 1);
            strncat(p->tags, w->tags.v[i], sizeof(p->tags) - strlen(p->tags) - 1);
        }
    }
    if (w->begin.us)
        p->begin = w->begin;
    if (w->end.us)
        p->end = w->end;
    if (w->billable)
        p->billable = w->billable;
    if (books.rounds) {
        p->begin.us -= p->begin.us % MINUTE;
        p->end.us += (MINUTE - p->end.us % MINUTE) % MINUTE;
    }
    p->seconds = (p->end.us - p->begin.us) / 1000000;
}

/* What becomes of a request: 0, it is done and told; 1: done, and not told; 2: not done; 3: it comes late. */
static inline int weather(struct cut *cut)
{
    if (!cut->in || --cut->in > 0)
        return 0;
    return !cut->acts ? 2 : cut->late.us && books.late_n < LATE ? 3 : 1;
}

static inline void let_come_late(dw_call *c, const struct page *p, bool removes, bool is_new)
{
    struct late *l = &books.late[books.late_n++];

    *l = (struct late){ { dw_now(c).us + books.cut.late.us }, removes, is_new, *p };
    if (books.cut.late.us >= DW_SECONDS(90).us)
        deed(p, VERY_LATE);
}

static inline void plant(struct page *p)
{
    if (books.made % 5 != 0)
        return;
    if (mistake == LOSES_PAGES)
        p->gone = true;
    if (mistake == DOUBLES_PAGES)
        page_new(p);
    if (mistake == WRONG_LENGTH)
        p->end.us += MINUTE, p->seconds += 60;
}

static inline int refuse(dw_call *c)
{
    return dw_fail(c, strcmp(books.refuses, "FUTURE") == 0 ? DW_EINVALID : DW_ECONFLICT,
                   "the books refuse it", "reason", books.refuses);
}

static inline int may_be_written(dw_call *c, const struct page *old, const char *id)
{
    if (id && (!old || old->gone))
        return dw_fail(c, DW_ENOTFOUND, "there is no such page");
    if (old && old->exported)
        accuse("%s is billed, and was written to", old->id);
    if (old && old->locked)
        return dw_fail(c, DW_ECONFLICT, "it is locked", "reason", "LOCKDOWN");
    return 0;
}

static int books_write(dw_call *c, dw_connection *conn, const dw_timesheet *w, dw_timesheet *stored)
{
    struct page *old, p = { .billable = DW_BILLABLE_YES, .user = "owner" };
    static struct tags tags; /* the answer is read when this has returned */
    int how;

    (void)conn;
    if (is_dark())
        return dw_fail(c, DW_EUNAVAILABLE, "the power is off");
    books_asked(c);
    old = w->id ? page_of(w->id) : NULL;
    how = weather(&books.cut);
    if (getenv("DOWEL_MODEL_TALKS"))
        printf("    at %lld: write %s project %s, %lld s: %s\n", (long long)(dw_now(c).us) / 1000000,
               w->id ? w->id : "a new one", w->project ? w->project : "-",
               (long long)(w->end.us - w->begin.us) / 1000000,
               how == 0   ? "done"
               : how == 1 ? "done, not told"
               : how == 2 ? "not done"
                          : "late");
    if (how == 2)
        return dw_fail(c, books.cut.code, "the books fail");
    if (books.refuses && !w->id)
        return refuse(c);
    DW_TRY(may_be_written(c, old, w->id));
    if (old)
        p = *old;
    write_page(&p, w);
    p.changed = dw_now(c);
    books.writes++;
    if (how == 3) {
        let_come_late(c, &p, false, !old);
        return dw_fail(c, books.cut.code, "the books say nothing");
    }
    if (old)
        *old = p;
    else
        old = page_new(&p);
    p = *old;
    if (!w->id)
        plant(old);
    if (how == 1)
        return dw_fail(c, books.cut.code, "the books say nothing");
    *stored = (dw_timesheet){ .struct_size = sizeof(*stored),
                              .id = old->id,
                              .project = old->project,
                              .activity = old->activity,
                              .user = old->user,
                              .text = old->text,
                              .tags = tags_of(&p, &tags),
                              .begin = p.begin,
                              .end = p.end,
                              .seconds = p.seconds,
                              .billable = old->billable,
                              .exported = old->exported };
    return 0;
}

static int books_remove(dw_call *c, dw_connection *conn, const char *id)
{
    struct page *p;
    int how;

    (void)conn;
    if (is_dark())
        return dw_fail(c, DW_EUNAVAILABLE, "the power is off");
    books_asked(c);
    p = page_of(id);
    how = weather(&books.cut);
    if (how == 2)
        return dw_fail(c, books.cut.code, "the books fail");
    if (!p || p->gone)
        return 0;
    DW_TRY(may_be_written(c, p, id));
    books.writes++;
    if (how == 3)
        let_come_late(c, p, true, false);
    else
        p->gone = true;
    return how ? dw_fail(c, books.cut.code, "the books say nothing") : 0;
}

/* ---- customers, projects, users, activities ---- */

static inline int list_places(dw_call *c, const struct places *all, const dw_thing_query *q, dw_found *out)
{
    if (is_dark())
        return dw_fail(c, DW_EUNAVAILABLE, "the power is off");
    for (unsigned i = 0; i < all->n; i++) {
        const struct thing *t = &all->all[i];

        if ((!q->number || strcmp(t->number, q->number) == 0) &&
            (!q->parent || strcmp(t->parent, q->parent) == 0))
            DW_TRY(dw_thing_add(out, .id = t->id, .name = t->name, .number = *t->number ? t->number : NULL,
                                .parent = *t->parent ? t->parent : NULL));
    }
    return dw_found_complete(out);
}

static inline bool is_there(const struct places *all, const struct thing *t)
{
    for (unsigned i = 0; i < all->n; i++)
        if (*t->number && strcmp(all->all[i].number, t->number) == 0 &&
            strcmp(all->all[i].parent, t->parent) == 0)
            return true;
    return false;
}

static inline int make_place(dw_call *c, struct places *all, char prefix, const dw_thing *w, dw_thing *made)
{
    struct thing t = { .id = "" };
    const struct thing *is;
    int how;

    if (is_dark() || all->n >= PLACES)
        return dw_fail(c, DW_EUNAVAILABLE, "the power is off");
    books_asked(c);
    how = weather(&books.cut_make);
    if (how == 2)
        return dw_fail(c, books.cut_make.code, "the books make none");
    take(t.name, sizeof(t.name), w->name);
    take(t.number, sizeof(t.number), w->number);
    take(t.parent, sizeof(t.parent), w->parent);
    if (!w->looked && is_there(all, &t)) /* as connectors do, which look before */
        return dw_fail(c, DW_ECONFLICT, "it is there");
    books.writes++;
    if (how == 3 && books.late_places_n < LATE) {
        books.late_places[books.late_places_n++] =
            (struct late_place){ { dw_now(c).us + books.cut_make.late.us }, all, t, prefix };
        return dw_fail(c, books.cut_make.code, "the books say nothing");
    }
    place_new(all, prefix, &t);
    if (how)
        return dw_fail(c, books.cut_make.code, "the books make one, and say nothing");
    is = &all->all[all->n - 1];
    *made = (dw_thing){ .struct_size = sizeof(*made),
                        .id = is->id,
                        .name = is->name,
                        .number = is->number,
                        .parent = is->parent };
    return 0;
}

static int list_customers(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    (void)conn;
    return list_places(c, &books.customers, q, out);
}

static int list_projects(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    (void)conn;
    return list_places(c, &books.projects, q, out);
}

static int list_users(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    (void)conn;
    (void)q;
    if (is_dark())
        return dw_fail(c, DW_EUNAVAILABLE, "the power is off");
    DW_TRY(dw_thing_add(out, .id = "u0", .name = "Ann", .email = "Ann@example.org"));
    DW_TRY(dw_thing_add(out, .id = "u1", .name = "Bob", .email = "bob@example.org"));
    DW_TRY(dw_thing_add(out, .id = "u2", .name = "Eva", .email = "eva@example.org"));
    return dw_found_complete(out);
}

static int list_activities(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    (void)conn;
    (void)q;
    if (is_dark())
        return dw_fail(c, DW_EUNAVAILABLE, "the power is off");
    DW_TRY(dw_thing_add(out, .id = "a0", .name = "Work"));
    DW_TRY(dw_thing_add(out, .id = "a1", .name = "Travel"));
    DW_TRY(dw_thing_add(out, .id = "a2", .name = "Thought"));
    return dw_found_complete(out);
}

static int make_customer(dw_call *c, dw_connection *conn, const dw_thing *w, dw_thing *made)
{
    (void)conn;
    return make_place(c, &books.customers, 'c', w, made);
}

static int make_project(dw_call *c, dw_connection *conn, const dw_thing *w, dw_thing *made)
{
    (void)conn;
    return make_place(c, &books.projects, 'p', w, made);
}

/* ---- the kinds ---- */

static const dw_listing desk_listings[] = { { .name = "ticket", .title = "Tickets", .list = desk_tickets },
                                            { 0 } };
static const dw_listing books_listings[] = {
    { .name = "customer", .title = "Customers", .list = list_customers, .make = make_customer },
    { .name = "project", .title = "Projects", .list = list_projects, .make = make_project },
    { .name = "user", .title = "Users", .list = list_users },
    { .name = "activity", .title = "Activities", .list = list_activities },
    { 0 },
};
static const dw_time_source desk_source = { .struct_size = sizeof(desk_source), .list = desk_list };
static dw_time_target books_target = {
    .struct_size = sizeof(books_target), .list = books_list, .write = books_write, .remove = books_remove
};
static const dw_connector desk_kind = {
    .name = "desk", .title = "Desk", .listings = desk_listings, .time_source = &desk_source
};
static const dw_connector books_kind = {
    .name = "books", .title = "Books", .listings = books_listings, .time_target = &books_target
};

#endif
