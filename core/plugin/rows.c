#include "plugin/rows.h"

#include <stdlib.h>

#include "plugin/call_db.h"

enum { ALIGNMENT = 64 }; /* and so many uses can be told apart */

_Static_assert(sizeof(struct rows_slot) <= ALIGNMENT, "a slot fits its alignment");

static dw_rows *handle_of(const struct rows_slot *s)
{
    return (dw_rows *)((uintptr_t)s + s->use % ALIGNMENT);
}

static bool is_current(const struct rows_slot *s, const dw_rows *handle)
{
    return handle_of(s) == handle;
}

static struct rows_slot *slot_of(const dw_rows *handle)
{
    return (struct rows_slot *)((uintptr_t)handle - (uintptr_t)handle % ALIGNMENT);
}

/* ---- opening ---- */

static struct rows_slot *add_slot(dw_call *c)
{
    struct rows_slot *s = aligned_alloc(ALIGNMENT, ALIGNMENT);

    if (!s)
        return NULL;
    *s = (struct rows_slot){ .c = c, .next = c->rows };
    c->rows = s;
    return s;
}

struct rows_slot *rows_slot(dw_call *c)
{
    struct rows_slot *s = c->rows;

    while (s && s->rows)
        s = s->next;
    return s ? s : add_slot(c);
}

dw_rows *rows_open(struct rows_slot *s, struct db_rows *rows)
{
    s->rows = rows;
    s->scope = s->c->scope;
    s->at_end = false;
    s->use++;
    return handle_of(s);
}

/* ---- using ---- */

int rows_check(const dw_rows *handle, const char *step, struct rows_slot **out)
{
    struct rows_slot *s = *out = slot_of(handle);

    if (!handle)
        return call_stray(NULL, step);
    DW_TRY(call_check(s->c, step));
    if (!is_current(s, handle) || (!s->rows && !s->at_end))
        return call_misuse(s->c,
                           "%s: these rows are closed; they end with the scope, the call, and "
                           "dw_rows_close()",
                           step);
    return 0;
}

int rows_next(struct rows_slot *s, const char *step)
{
    if (s->at_end)
        return 0;
    int rc = call_session_result(s->c, step, db_rows_next(s->rows));
    if (rc == 0) {
        rows_close(s);
        s->at_end = true;
    }
    return rc;
}

/* ---- columns ---- */

bool rows_find_column(const struct db_rows *rows, const char *name, size_t *at)
{
    for (*at = 0; *at < db_rows_columns(rows); (*at)++) {
        if (strcmp(db_rows_name(rows, *at), name) == 0)
            return true;
    }
    return false;
}

/* ---- closing ---- */

void rows_close(struct rows_slot *s)
{
    db_rows_close(s->rows);
    s->rows = NULL;
    s->at_end = false;
}

void rows_close_handle(const dw_rows *handle)
{
    struct rows_slot *s = slot_of(handle);

    if (!handle)
        return;
    if (!call_is_mine(s->c))
        call_stray(s->c, "dw_rows_close");
    else if (is_current(s, handle))
        rows_close(s);
}

bool rows_any_open(const dw_call *c)
{
    const struct rows_slot *s = c->rows;

    while (s && !s->rows)
        s = s->next;
    return s != NULL;
}

void rows_close_all(dw_call *c)
{
    for (struct rows_slot *s = c->rows; s; s = s->next)
        rows_close(s);
}

void rows_close_scope(dw_call *c, const struct call_scope *scope)
{
    for (struct rows_slot *s = c->rows; s; s = s->next) {
        if (s->rows && s->scope == scope)
            rows_close(s);
    }
}
