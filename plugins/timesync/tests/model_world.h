/* model_world.h - two desks where time is booked, and books where it is billed, with people at all of them and whatever can go wrong on
 * the way there; and what is known of it all in the end. */
#ifndef TIMESYNC_MODEL_WORLD_H
#define TIMESYNC_MODEL_WORLD_H

#include <stdarg.h>
#include <stdlib.h>

#include <dowel/dowel.h>
#include <dowel/harness.h>

#include "model_plan.h"

enum { PAGES = 160, PLACES = 80, LATE = 12, MINUTE = 60000000 };

/* What the world does wrong on purpose, to see that the judge sees it. */
enum mistake {
    NO_MISTAKE,
    LANDS_LATER,    /* the books say that requests land at once */
    HIDES_MARKERS,  /* who looks for a marker finds nothing */
    HIDES_EXPORTS,  /* nobody is told that a page is billed */
    LOSES_PAGES,    /* every fifth that is made is not there */
    DOUBLES_PAGES,  /* every fifth is there twice */
    WRONG_LENGTH,   /* every fifth is a minute longer than is said */
    HIDES_BOOKINGS, /* of one slot the desk never tells */
    OLD_AMOUNTS,    /* nor of edits of another */
    CALLS_GONE,     /* and one that is there it leaves out of complete lists */
    WRITES_ALWAYS,  /* what is read is never what was written */
};

static enum mistake mistake;

/* ---- people's deeds, as far as they excuse something ---- */

enum deed {
    EDITED = 1,
    REMOVED = 2,
    COPIED = 4,
    EXPORTED = 8,
    UNEXPORTED = 16,
    MOVED = 32,
    UNDONE = 64,
    VERY_LATE = 128, /* a request came when it could not be expected any more */
    HANDED_OVER = 256,
    LOCKED = 512,
    BILLABLE = 1024, /* was changed there */
};

/* ---- the desks ---- */

struct booking {
    bool ever, gone;
    unsigned ticket, amount, work, agent;
    dw_time created, changed;
    unsigned deeds;     /* to it and its pages */
    unsigned decisions; /* that still hold: a bit for each action, see action_names */
    unsigned decided;   /* ever */
    struct {
        unsigned amount, work, decisions;
    } said; /* the last time that somebody decided, and of what */
};

static struct desk {
    char connection[40], sync[40], mark[9];
    struct booking all[SLOTS];
    struct {
        unsigned customer, merged, title; /* merged: into which, + 1 */
    } tickets[TICKETS];
    unsigned rules[RULES_N];
    unsigned had[RULES_N]; /* a bit for each value that a rule had */
    bool mapped[WORKS];
    struct {
        unsigned in, times;
        int code;
        bool half;
    } cut;
} desks[2];

static unsigned desks_n;
static bool same_ids;

static inline unsigned offset_of(unsigned desk)
{
    return desk && !same_ids ? 1000 : 0;
}

static inline void id_of(unsigned desk, unsigned slot, char id[16])
{
    snprintf(id, 16, "%u", 1 + slot + offset_of(desk));
}

static inline void ticket_of(unsigned desk, unsigned ticket, char id[16])
{
    snprintf(id, 16, "%u", 100 + ticket + offset_of(desk));
}

/* ---- the books ---- */

struct page {
    char id[16], project[16], activity[16], user[16], text[300], tags[60];
    dw_time begin, end, changed;
    int64_t seconds;
    uint32_t billable;
    bool exported, locked, gone;
};

struct thing {
    char id[16], name[64], number[64], parent[16];
};

struct places {
    struct thing all[PLACES];
    unsigned n;
};

struct cut {
    unsigned in; /* how many requests from now; 0: none */
    int code;
    bool acts;
    dw_span late;
};

static struct books {
    char connection[40];
    struct page all[PAGES];
    unsigned n, requests, writes, made;
    struct places customers, projects;
    bool rounds;
    struct cut cut, cut_make;
    struct {
        unsigned in, times;
        int code;
        bool half;
    } cut_list;
    const char *refuses; /* with this reason, or NULL */
    struct late {
        dw_time at;
        bool removes, is_new;
        struct page page;
    } late[LATE];
    unsigned late_n;
    struct late_place {
        dw_time at;
        struct places *among;
        struct thing thing;
        char prefix;
    } late_places[LATE];
    unsigned late_places_n;
    struct page billed[PAGES]; /* as they were when they were exported */
    unsigned billed_n;
    unsigned during; /* so many requests from now, and then: */
    void (*then)(void);
} books;

/* What somebody did that nobody may. Only the first counts. */
static char wrong[1500];

static inline void DW_PRINTF(1, 2) accuse(const char *format, ...)
{
    va_list args;

    if (*wrong)
        return;
    va_start(args, format);
    vsnprintf(wrong, sizeof(wrong), format, args);
    va_end(args);
}

static inline struct page *page_of(const char *id)
{
    for (unsigned i = 0; i < books.n; i++)
        if (strcmp(books.all[i].id, id) == 0)
            return &books.all[i];
    return NULL;
}

static inline struct page *page_new(const struct page *p)
{
    struct page *to;

    if (books.n >= PAGES) {
        accuse("the books are full");
        return &books.all[0];
    }
    to = &books.all[books.n++];
    *to = *p;
    snprintf(to->id, sizeof(to->id), "s%u", ++books.made);
    return to;
}

/* What stands behind that in a text, as a number; 0: it is not there. */
static inline unsigned number_behind(const char *text, const char *word, int base)
{
    const char *at = strstr(text, word);

    return at ? (unsigned)strtoul(at + strlen(word), NULL, base) : 0;
}

/* Whose it is by its first line: its slot, and *desk; -1: nobody's. */
static inline int slot_of(const struct page *p, unsigned *desk)
{
    const unsigned entry = number_behind(p->text, "|TA:", 10), mark = number_behind(p->text, "|C:", 16);

    if (strncmp(p->text, "ZAM:T", 5) != 0)
        return -1;
    for (*desk = 0; *desk < desks_n; ++*desk)
        if (strtoul(desks[*desk].mark, NULL, 16) == mark && entry > offset_of(*desk) &&
            entry <= SLOTS + offset_of(*desk))
            return (int)(entry - 1 - offset_of(*desk));
    return -1;
}

static inline struct page *page_for(unsigned desk, unsigned slot, unsigned nth)
{
    unsigned whose = 0;

    for (unsigned i = 0; i < books.n; i++)
        if (!books.all[i].gone && slot_of(&books.all[i], &whose) == (int)slot && whose == desk && nth-- == 0)
            return &books.all[i];
    return NULL;
}

static inline void deed(const struct page *p, enum deed what)
{
    unsigned desk = 0;
    const int slot = slot_of(p, &desk);

    if (slot >= 0)
        desks[desk].all[slot].deeds |= what;
}

/* ---- what comes late ---- */

static inline bool is_under_way(const struct page *p)
{
    for (unsigned i = 0; i < books.late_n; i++)
        if (strcmp(books.late[i].page.id, p->id) == 0)
            return true;
    return false;
}

static inline void arrive(const struct late *l)
{
    struct page *p = l->is_new ? NULL : page_of(l->page.id);

    if (l->is_new) {
        page_new(&l->page)->changed = l->at;
        return;
    }
    if (!p || p->gone || p->exported)
        return;
    if (l->removes)
        p->gone = true;
    else
        *p = l->page;
    p->changed = l->at;
}

static inline void place_new(struct places *among, char prefix, const struct thing *t)
{
    if (among->n >= PLACES)
        return;
    among->all[among->n] = *t;
    snprintf(among->all[among->n].id, sizeof(t->id), "%c%u", prefix, among->n + 1);
    among->n++;
}

static inline void places_wake(dw_time now)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < books.late_places_n; i++) {
        const struct late_place *l = &books.late_places[i];

        if (l->at.us <= now.us)
            place_new(l->among, l->prefix, &l->thing);
        else
            books.late_places[kept++] = *l;
    }
    books.late_places_n = kept;
}

static inline void books_wake(dw_time now)
{
    unsigned kept = 0;

    places_wake(now);

    for (unsigned i = 0; i < books.late_n; i++) {
        if (books.late[i].at.us <= now.us)
            arrive(&books.late[i]);
        else
            books.late[kept++] = books.late[i];
    }
    books.late_n = kept;
}

static dw_time last_seen; /* by a side */

/* A request begins: what somebody does just now is done before. */
static inline void books_asked(dw_call *c)
{
    books.requests++;
    last_seen = dw_now(c);
    books_wake(last_seen);
    if (books.during && --books.during == 0 && books.then)
        books.then();
}

#endif
