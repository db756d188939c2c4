#include "plugin/text.h"

#include "plugin/call.h"

enum { FIRST_CAP = 128 };

/* Lives with the call or scope it was made in; it may grow inside a later scope and must not end with that one. */
struct dw_text {
    dw_call *call;
    struct arena *arena;
    char *p; /* terminated; NULL: nothing yet */
    size_t n, cap;
};

/* What is given where there is no call: every step on it is a stray one, so nobody writes to it. */
static dw_text of_nobody;

dw_text *text_new(dw_call *c)
{
    if (!call_is_mine(c)) {
        call_stray(c, "dw_text_new");
        return &of_nobody;
    }
    dw_text *t = call_alloc(c, sizeof(*t));
    t->call = c;
    t->arena = c->arena;
    return t;
}

/* Room for n more bytes and the NUL. */
static bool reserve(dw_text *t, size_t n)
{
    size_t cap = t->cap ? t->cap : FIRST_CAP;

    if (n < t->cap - t->n)
        return true;
    if (n >= SIZE_MAX / 4 || t->n >= SIZE_MAX / 4) {
        call_poison(t->call, "a text became larger than memory is");
        return false;
    }
    while (cap <= t->n + n)
        cap *= 2;
    char *p = call_grow(t->call, t->arena, t->p, t->cap, cap);
    if (!p)
        return false;
    t->p = p;
    t->cap = cap;
    return true;
}

void text_add(dw_text *t, const char *p, size_t n)
{
    if (!t || !call_is_mine(t->call)) {
        call_stray(t ? t->call : NULL, "dw_text_add");
        return;
    }
    if (!p)
        return;
    if (n == SIZE_MAX)
        n = strlen(p);
    if (!reserve(t, n))
        return;
    memcpy(t->p + t->n, p, n);
    t->n += n;
    t->p[t->n] = 0;
}

dw_str text_get(dw_text *t)
{
    if (!t || !call_is_mine(t->call)) {
        call_stray(t ? t->call : NULL, "dw_text_get");
        return (dw_str){ "", 0 };
    }
    return (dw_str){ t->p ? t->p : "", t->n };
}
