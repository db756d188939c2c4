#include "seen.h"

#include <stdlib.h>

#include "arena.h"
#include "common.h"

/* What somebody else makes there is seen after this at the latest. */
#define FRESH       DW_MINUTES(10)
#define FRESH_USERS DW_MINUTES(1)

/* More than that is not kept. */
enum { MOST = 50000 };

struct one {
    const char *number, *id;
};

struct list {
    struct list *next;
    const char *kind, *parent;
    dw_time at;
    struct one *all; /* sorted by number, then id */
    size_t n, room;
};

struct absent {
    struct absent *next;
    const char *email;
    dw_time at;
};

struct seen {
    struct arena arena;
    struct list *lists;
    struct absent *absent; /* users */
    size_t n;              /* in all lists */
};

/* ---- memory ---- */

static void forget_all(struct seen *s)
{
    for (struct list *l = s->lists; l; l = l->next) /* the lists themselves are in the arena */
        free(l->all);
    s->lists = NULL;
    s->absent = NULL;
    s->n = 0;
    arena_clear(&s->arena);
}

static void seen_free(void *ud)
{
    struct seen *s = ud;

    forget_all(s);
    arena_free(&s->arena);
    free(s);
}

void seen_forget(struct work *w)
{
    if (w->seen)
        forget_all(w->seen);
}

int seen_open(dw_call *c, struct work *w)
{
    w->seen = calloc(1, sizeof(*w->seen));
    if (!w->seen)
        return dw_fail(c, DW_ENOMEM, "there is no memory to work with");
    return dw_defer(c, seen_free, w->seen);
}

/* ---- listing ---- */

struct listing {
    struct seen *seen;
    struct list *list;
};

static int add(dw_call *c, const dw_thing *thing, void *ud)
{
    struct listing *l = ud;
    struct list *to = l->list;
    struct one *more;

    if (!thing->number || !*thing->number)
        return 0;
    if (to->n == to->room) {
        to->room = to->room ? to->room * 2 : 64;
        more = realloc(to->all, to->room * sizeof(*more));
        if (!more)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a list of places");
        to->all = more;
    }
    more = &to->all[to->n];
    more->number = arena_copy(&l->seen->arena, thing->number);
    more->id = arena_copy(&l->seen->arena, thing->id);
    if (!more->number || !more->id)
        return dw_fail(c, DW_ENOMEM, "there is no memory for a list of places");
    to->n++;
    l->seen->n++;
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct one *x = a, *y = b;
    const int order = strcmp(x->number, y->number);

    return order ? order : strcmp(x->id, y->id);
}

static int fill(dw_call *c, struct work *w, struct list *list)
{
    const dw_thing_query query = { .struct_size = sizeof(query), .parent = list->parent, .inactive = true };
    struct listing l = { w->seen, list };

    w->requests++;
    DW_TRY(dw_things_each(c, w->target, list->kind, &query, add, &l));
    if (list->n)
        qsort(list->all, list->n, sizeof(*list->all), by_number);
    return 0;
}

static struct list *known(const struct seen *s, const struct seen_look *look)
{
    for (struct list *l = s->lists; l; l = l->next)
        if (same(l->kind, look->kind) && same(l->parent, look->parent))
            return l;
    return NULL;
}

static struct list *add_list(struct seen *s, const struct seen_look *look)
{
    struct list *l = arena_alloc(&s->arena, sizeof(*l));

    if (!l)
        return NULL;
    *l = (struct list){
        .next = s->lists,
        .kind = arena_copy(&s->arena, look->kind),
        .parent = arena_copy(&s->arena, look->parent),
    };
    s->lists = l;
    return l->kind && l->parent ? l : NULL;
}

static int list_of(dw_call *c, struct work *w, const struct seen_look *look, struct list **out)
{
    struct seen *s = w->seen;
    int rc;

    *out = known(s, look);
    if (*out && later((*out)->at, FRESH).us > dw_now(c).us)
        return 0;
    if (*out || s->n > MOST)
        forget_all(s);
    *out = add_list(s, look);
    if (!*out)
        return dw_fail(c, DW_ENOMEM, "there is no memory for a list of places");
    (*out)->at = dw_now(c);
    rc = fill(c, w, *out);
    if (rc < 0)
        forget_all(s); /* half a list is none */
    return rc < 0 ? rc : 0;
}

int seen_find(dw_call *c, struct work *w, struct seen_look *look)
{
    size_t low = 0, high;
    struct list *l;

    look->id = NULL;
    DW_TRY(list_of(c, w, look, &l));
    for (high = l->n; low < high;) {
        const size_t middle = low + (high - low) / 2;

        if (strcmp(l->all[middle].number, look->number) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < l->n && same(l->all[low].number, look->number))
        look->id = own(c, l->all[low].id);
    return 0;
}

/* ---- users that are not there ---- */

bool seen_lacks_user(dw_call *c, const struct work *w, const char *email)
{
    for (const struct absent *a = w->seen ? w->seen->absent : NULL; a; a = a->next)
        if (same(a->email, email))
            return later(a->at, FRESH_USERS).us > dw_now(c).us;
    return false;
}

/* Without memory he is looked for again. */
void seen_no_user(dw_call *c, struct work *w, const char *email)
{
    struct absent *a = w->seen ? arena_alloc(&w->seen->arena, sizeof(*a)) : NULL;

    if (!a)
        return;
    *a = (struct absent){ w->seen->absent, arena_copy(&w->seen->arena, email), dw_now(c) };
    if (a->email)
        w->seen->absent = a;
}
