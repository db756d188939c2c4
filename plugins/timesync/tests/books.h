/* books.h - where time is billed, played by the test: the target of a sync, with whatever can go wrong with it. */
#ifndef TIMESYNC_BOOKS_H
#define TIMESYNC_BOOKS_H

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "desk.h"

enum { RIG_PAGES = 2 * RIG_BOOKINGS, RIG_PLACES = RIG_BOOKINGS };

struct page {
    char id[32], project[32], activity[32], user[32], text[400], tags[100];
    dw_time begin, end, changed;
    int64_t seconds;
    uint32_t billable;
    bool exported, gone;
};

struct thing {
    char id[32], name[100], number[64], parent[32], email[64];
};

static struct books {
    struct page all[RIG_PAGES];
    unsigned n, lists, writes, removes, creates;
    struct thing customers[RIG_PLACES], projects[RIG_PLACES], users[20], activities[20];
    unsigned n_customers, n_projects, n_users, n_activities;
    bool rounds;  /* begin down, end up to the minute, or to: */
    int64_t grid; /* so many of them */
    struct fault {
        unsigned at; /* the how manieth write or removal from now; 0: none */
        int code;    /* with this it fails */
        const char *reason;
        bool acts;    /* all the same */
        dw_span late; /* after so long, not at once */
    } fault;
    struct page late; /* comes when its `changed` is */
    bool is_late;
    int make_fails; /* a code: making things */
    bool make_acts;
    size_t longest_number;      /* 0: any */
    int fails;                  /* every request */
    int (*more)(dw_found *out); /* lists what is odd */
    int id_fails;               /* a code: asking for one by its id does */
    const char *hides;          /* this page's id, or "*": it must not be seen, and is in no list */
    void (*making)(void);       /* while a thing is made */
    void (*meanwhile)(void);    /* before a write is answered */
} books;

static inline struct page *page_of(const char *id)
{
    const unsigned place = *id == 's' ? (unsigned)strtoul(id + 1, NULL, 10) : 0;

    if (place && place <= books.n && strcmp(books.all[place - 1].id, id) == 0)
        return &books.all[place - 1];
    for (unsigned i = 0; i < books.n; i++) /* what came late is elsewhere */
        if (strcmp(books.all[i].id, id) == 0)
            return &books.all[i];
    return NULL;
}

static inline void books_put(const struct page *p)
{
    char next[32];

    snprintf(next, sizeof(next), "s%u", books.n + 1); /* surely new: no need to look through 100,000 */
    struct page *old = strcmp(next, p->id) == 0 && !books.is_late ? NULL : page_of(p->id);

    if (old) {
        *old = *p;
        return;
    }
    if (books.n == sizeof(books.all) / sizeof(*books.all))
        fail_msg("the books are full");
    books.all[books.n++] = *p;
}

static inline void books_wake(dw_time now)
{
    if (books.is_late && books.late.changed.us <= now.us) {
        books_put(&books.late);
        books.is_late = false;
    }
}

static inline int page_add(dw_found *out, const struct page *p)
{
    const char *tags[8];
    char copy[100], *rest = copy, *tag;
    dw_texts list = { tags, 0 };

    snprintf(copy, sizeof(copy), "%s", p->tags);
    while ((tag = strsep(&rest, ",")) && *tag)
        tags[list.n++] = tag;
    return dw_timesheet_add(out, .id = p->id, .project = p->project, .activity = p->activity, .user = p->user,
                            .text = p->text, .tags = list, .begin = p->begin, .end = p->end,
                            .seconds = p->seconds, .billable = p->billable, .exported = p->exported);
}

static inline bool first_line_is(const char *text, const char *line)
{
    const size_t n = strlen(line);

    return strncmp(text, line, n) == 0 && (!text[n] || text[n] == '\n');
}

static inline bool is_hidden(const char *id)
{
    return books.hides && (*books.hides == '*' || strcmp(id, books.hides) == 0);
}

static inline int books_list(dw_call *c, dw_connection *conn, const dw_timesheet_query *q, dw_found *out)
{
    (void)conn;
    books.lists++;
    books_wake(dw_now(c));
    if (books.fails || (q->id && books.id_fails))
        return dw_fail(c, books.fails ? books.fails : books.id_fails, "the books fail");
    if (q->id && is_hidden(q->id))
        return dw_fail(c, DW_EDENIED, "this page must not be seen");
    for (unsigned i = 0; i < books.n; i++) {
        const struct page *p = &books.all[i];

        if (is_hidden(p->id))
            continue;
        if (p->gone || (q->id && strcmp(q->id, p->id) != 0) ||
            (q->marker && !first_line_is(p->text, q->marker)) || p->changed.us < q->changed_since.us ||
            (q->begin_from.us && p->begin.us < q->begin_from.us) ||
            (q->begin_to.us && p->begin.us > q->begin_to.us))
            continue;
        DW_TRY(page_add(out, p));
    }
    if (books.more && !q->id)
        DW_TRY(books.more(out));
    return dw_found_complete(out);
}

static inline void round_page(struct page *p)
{
    const int64_t grid = INT64_C(60000000) * (books.grid ? books.grid : 1);

    if (books.rounds) {
        p->begin.us -= p->begin.us % grid;
        p->end.us += (grid - p->end.us % grid) % grid;
    }
    p->seconds = (p->end.us - p->begin.us) / 1000000;
}

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
    round_page(p);
}

/* The fault that is due now, if one is. */
static inline bool fault_now(struct fault *f)
{
    if (!books.fault.at || --books.fault.at > 0)
        return false;
    *f = books.fault;
    return true;
}

static inline int fault_fails(dw_call *c, const struct fault *f)
{
    return f->reason ? dw_fail(c, f->code, "the books refuse it", "reason", f->reason)
                     : dw_fail(c, f->code, "the books fail");
}

static inline int books_write(dw_call *c, dw_connection *conn, const dw_timesheet *w, dw_timesheet *stored)
{
    struct page *old = w->id ? page_of(w->id) : NULL, p = { .billable = DW_BILLABLE_YES, .user = "owner" };
    struct fault f = { 0 };
    bool fails;

    (void)conn;
    books.writes++;
    books.creates += w->id == NULL;
    books_wake(dw_now(c));
    if (books.fails)
        return dw_fail(c, books.fails, "the books fail");
    fails = fault_now(&f);
    if (fails && !f.acts)
        return fault_fails(c, &f);
    if (w->id && (!old || old->gone))
        return dw_fail(c, DW_ENOTFOUND, "there is no such page");
    if (old && old->exported)
        fail_msg("an exported page was touched: %s", old->id);
    if (old)
        p = *old;
    else
        snprintf(p.id, sizeof(p.id), books.is_late ? "after%u" : "s%u", books.n + 1);
    write_page(&p, w);
    p.changed = dw_now(c);
    if (fails && f.late.us) {
        books.late = p;
        books.late.changed.us += f.late.us;
        books.is_late = true;
        return fault_fails(c, &f);
    }
    books_put(&p);
    if (books.meanwhile)
        books.meanwhile();
    if (fails)
        return fault_fails(c, &f);
    old = page_of(p.id);
    *stored = (dw_timesheet){
        .struct_size = sizeof(*stored),
        .id = old->id,
        .project = old->project,
        .activity = old->activity,
        .user = old->user,
        .text = old->text,
        .tags = w->tags,
        .begin = old->begin,
        .end = old->end,
        .seconds = old->seconds,
        .billable = old->billable,
        .exported = old->exported,
    };
    return 0;
}

static inline int books_remove(dw_call *c, dw_connection *conn, const char *id)
{
    struct page *p = page_of(id);
    struct fault f = { 0 };
    bool fails;

    (void)conn;
    books.removes++;
    if (books.fails)
        return dw_fail(c, books.fails, "the books fail");
    fails = fault_now(&f);
    if (fails && !f.acts)
        return fault_fails(c, &f);
    if (p && p->exported)
        fail_msg("an exported page was removed: %s", id);
    if (p)
        p->gone = true;
    return fails ? fault_fails(c, &f) : 0;
}

static inline int list_things(const struct thing *all, unsigned n, const dw_thing_query *q, dw_found *out)
{
    for (unsigned i = 0; i < n; i++)
        if (!q->number || strcmp(all[i].number, q->number) == 0)
            DW_TRY(dw_thing_add(out, .id = all[i].id, .name = all[i].name,
                                .number = *all[i].number ? all[i].number : NULL,
                                .email = *all[i].email ? all[i].email : NULL,
                                .parent = *all[i].parent ? all[i].parent : NULL));
    return dw_found_complete(out);
}

static inline int make_thing(dw_call *c, struct thing *all, unsigned *n, const char *prefix,
                             const dw_thing *w, dw_thing *made)
{
    struct thing *t = &all[*n];

    if (books.longest_number && w->number && strlen(w->number) > books.longest_number)
        return dw_fail(c, DW_EINVALID, "this number is longer than the books take");
    if (books.making)
        books.making();
    if (books.make_fails && !books.make_acts)
        return dw_fail(c, books.make_fails, "the books make none");
    snprintf(t->id, sizeof(t->id), "%s%u", prefix, ++*n);
    take(t->name, sizeof(t->name), w->name);
    take(t->number, sizeof(t->number), w->number);
    take(t->parent, sizeof(t->parent), w->parent);
    if (books.make_fails)
        return dw_fail(c, books.make_fails, "the books make one, and say nothing");
    *made = (dw_thing){
        .struct_size = sizeof(*made), .id = t->id, .name = t->name, .number = t->number, .parent = t->parent
    };
    return 0;
}

#define LISTS(things)                                                                                        \
    static inline int list_##things(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out) \
    {                                                                                                        \
        (void)c;                                                                                             \
        (void)conn;                                                                                          \
        return list_things(books.things, books.n_##things, q, out);                                          \
    }

LISTS(activities)
LISTS(customers)
LISTS(projects)
LISTS(users)

static inline int make_customer(dw_call *c, dw_connection *conn, const dw_thing *w, dw_thing *made)
{
    (void)conn;
    return make_thing(c, books.customers, &books.n_customers, "c", w, made);
}

static inline int make_project(dw_call *c, dw_connection *conn, const dw_thing *w, dw_thing *made)
{
    (void)conn;
    return make_thing(c, books.projects, &books.n_projects, "p", w, made);
}

/* ---- what there is ---- */

static inline unsigned pages(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < books.n; i++)
        n += !books.all[i].gone;
    return n;
}

/* Of that entry, or NULL; two are a failure. */
static inline struct page *page_for(const char *entry)
{
    char part[64];
    struct page *found = NULL;

    snprintf(part, sizeof(part), "|TA:%s|C:", entry);
    for (unsigned i = 0; i < books.n; i++)
        if (!books.all[i].gone && strstr(books.all[i].text, part)) {
            if (found)
                fail_msg("two pages for %s", entry);
            found = &books.all[i];
        }
    return found;
}

/* Somebody changes its end, so many seconds later. */
static inline void edit_page(struct page *p, int64_t seconds)
{
    p->end.us += seconds * 1000000;
    p->seconds += seconds;
}

/* ---- its kind ---- */

static const dw_listing books_listings[] = {
    { .name = "activity", .title = "Activities", .list = list_activities },
    { .name = "customer", .title = "Customers", .list = list_customers, .make = make_customer },
    { .name = "project", .title = "Projects", .list = list_projects, .make = make_project },
    { .name = "user", .title = "Users", .list = list_users },
    { 0 },
};
static const dw_time_target books_target = {
    .struct_size = sizeof(books_target), .list = books_list, .write = books_write, .remove = books_remove
};
static const dw_connector books_connector = { .name = "books",
                                              .title = "Books",
                                              .summary = "Books",
                                              .settings = DW_ITEMS(struct no_settings, no_items),
                                              .address = "url",
                                              .check = check,
                                              .listings = books_listings,
                                              .time_target = &books_target };

#endif
