#include "plugin/call.h"
#include "plugin/host.h"
#include "plugin/out.h"
#include "plugin/values.h"

dw_out out_of_nobody;

static uint64_t bit(const dw_out *o)
{
    return UINT64_C(1) << (o->depth - 1) % OUT_DEPTH_MAX;
}

static void enter(dw_out *o, bool is_array)
{
    o->depth++;
    o->has_some &= ~bit(o);
    o->is_array = is_array ? o->is_array | bit(o) : o->is_array & ~bit(o);
    buf_add_char(o->to, is_array ? '[' : '{');
}

static void leave(dw_out *o)
{
    buf_add_char(o->to, o->is_array & bit(o) ? ']' : '}');
    o->depth--;
}

void out_begin(dw_out *o, dw_call *call, struct buf *to)
{
    *o = (dw_out){ .call = call, .to = to };
    enter(o, false);
}

/* ---- what can be wrong ---- */

static void refuse(dw_out *o, const char *wrong)
{
    o->error = call_misuse(o->call, "a dw_out was given %s", wrong);
}

/* An answer is in memory until it is sent, so it counts as the call's. */
static bool has_memory(dw_out *o)
{
    if (buf_failed(o->to) || o->to->n > o->call->memory_max) {
        call_poison(o->call,
                    buf_failed(o->to) ? "out of memory" : "it writes more than it may have in memory");
        o->error =
            call_fail(o->call, DW_ENOMEM, "dw_out: the call took more memory than it may, or there is none");
        return false;
    }
    return true;
}

/* False: nothing may be written now. */
static bool may_write(dw_out *o, const char *step)
{
    if (!o || !call_is_mine(o->call)) {
        call_stray(o ? o->call : NULL, step);
        return false;
    }
    if (o->error != 0)
        return false;
    if (o->depth == 0)
        refuse(o, "more after its end");
    return o->error == 0 && has_memory(o);
}

/* The comma and the key; false when the place is wrong. */
static bool begin_value(dw_out *o, const char *key)
{
    bool in_array = o->is_array & bit(o);

    if (in_array && key)
        refuse(o, "a key inside an array");
    else if (!in_array && !key)
        refuse(o, "no key inside an object");
    else if (key && !str_is_utf8(str_from(key)))
        refuse(o, "a key that is not UTF-8");
    if (o->error != 0)
        return false;
    if (o->has_some & bit(o))
        buf_add_char(o->to, ',');
    o->has_some |= bit(o);
    if (key) {
        buf_add_json(o->to, str_from(key));
        buf_add_char(o->to, ':');
    }
    return true;
}

/* ---- the slots ---- */

static void put(dw_out *o, const char *key, dw_list one)
{
    if (!may_write(o, "dw_out_set"))
        return;
    const char *wrong = one.n == 1 ? value_wrong(&one.v[0]) : "not exactly one value";
    if (wrong)
        refuse(o, wrong);
    else if (begin_value(o, key) && value_write_json(o->to, &one.v[0]) != 0)
        refuse(o, "json with more than 64 lists and objects inside each other");
}

static void open_one(dw_out *o, const char *key, int is_array)
{
    if (!may_write(o, "dw_out_object"))
        return;
    if (o->depth == OUT_DEPTH_MAX)
        refuse(o, "more than 64 lists and objects inside each other");
    else if (begin_value(o, key))
        enter(o, is_array != 0);
}

static void end(dw_out *o)
{
    if (!may_write(o, "dw_out_end"))
        return;
    if (o->depth == 1)
        refuse(o, "more ends than were opened");
    else
        leave(o);
}

static int error(dw_out *o)
{
    if (!o || !call_is_mine(o->call))
        return call_stray(o ? o->call : NULL, "dw_out_error");
    if (o->error == 0)
        has_memory(o);
    return o->error;
}

int out_finish(dw_out *o)
{
    while (o->error == 0 && o->depth > 0)
        leave(o);
    o->depth = 0;
    if (o->error == 0)
        has_memory(o);
    return o->error;
}

const dw_out_api host_out_api = {
    .struct_size = sizeof(dw_out_api),
    .put = put,
    .open = open_one,
    .end = end,
    .error = error,
};
