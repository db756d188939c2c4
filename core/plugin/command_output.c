#include "plugin/command_output.h"

#include <stdlib.h>

#include "plugin/call_db.h"

void command_output_init(struct command_output *o, bool json, const struct command_sink *sink)
{
    *o = (struct command_output){ .json = json, .sink = sink };
}

void command_output_finish(struct command_output *o)
{
    buf_finish(&o->said);
    buf_finish(&o->held);
    buf_finish(&o->items);
    json_decref(o->members);
    o->members = NULL;
}

int command_output_begin(struct command_output *o)
{
    command_output_finish(o);
    o->has_items = false;
    o->members = json_object();
    return o->members ? 0 : DW_ENOMEM;
}

/* ---- text ---- */

static void append(struct buf *to, struct buf *from)
{
    buf_add_str(to, buf_str(from));
    from->n = 0;
}

struct buf *command_output_text(struct command_output *o, const dw_call *c)
{
    if (call_in_transaction(c))
        return &o->held;
    append(&o->said, &o->held); /* the transaction is over */
    return &o->said;
}

/* Nothing will run it again: something of it was committed, or seen. */
static bool is_beyond_repeating(const dw_call *c)
{
    return c->root->was_seen_outside || (c->session && db_has_committed(c->session));
}

void command_output_flush(struct command_output *o)
{
    append(&o->said, &o->held);
    if (o->said.n > 0)
        o->sink->write(buf_str(&o->said), o->sink->ud);
    o->said.n = 0;
}

void command_output_added(struct command_output *o, const dw_call *c)
{
    if (!o->json && !call_in_transaction(c) && is_beyond_repeating(c))
        command_output_flush(o);
}

void command_output_plain(struct buf *out, struct str text)
{
    while (text.n > 0) {
        size_t n = str_utf8_length(text);
        unsigned char first = (unsigned char)text.p[0], second = n > 1 ? (unsigned char)text.p[1] : 0;
        if (n == 0)
            buf_add_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        else if (first < ' ' || first == 0x7f)
            buf_add_format(out, "\\u%04x", first);
        else if (first == 0xc2 && second < 0xa0)
            buf_add_format(out, "\\u%04x", second);
        else
            buf_add(out, text.p, n);
        text = str_make(text.p + (n ? n : 1), text.n - (n ? n : 1));
    }
}

/* ---- the end ---- */

/* {"items":[...],"name":...}: a list stands first. */
static void write_object(struct command_output *o)
{
    char *members = json_dumps(o->members, JSON_COMPACT);
    bool is_empty = json_object_size(o->members) == 0;

    o->said.n = o->held.n = 0;
    buf_add_char(&o->said, '{');
    if (o->has_items) {
        buf_add_text(&o->said, "\"items\":[");
        buf_add_str(&o->said, buf_str(&o->items));
        buf_add_text(&o->said, is_empty ? "]" : "],");
    }
    if (members)
        buf_add_text(&o->said, members + 1);
    buf_add_char(&o->said, '\n');
    o->said.failed |= !members;
    free(members);
}

void command_output_end(struct command_output *o, bool failed, bool in_transaction)
{
    if (in_transaction)
        o->held.n = 0;
    if (o->json && failed && (in_transaction || (!o->has_items && json_object_size(o->members) == 0)))
        return;
    if (o->json)
        write_object(o);
    command_output_flush(o);
}
