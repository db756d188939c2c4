/* command_output.h - what a command prints, until it may be shown: text for people, or one JSON object.
 *
 * A line is shown as soon as nothing can call it back: when the callback cannot be run again any more and no transaction is
 * open. All of it at the end, but for what was printed in a transaction that came to nothing. [owner of the call] */
#ifndef PLUGIN_COMMAND_OUTPUT_H
#define PLUGIN_COMMAND_OUTPUT_H

#include "plugin/call.h"
#include "plugin/commands.h"

struct command_output {
    bool json;
    const struct command_sink *sink;
    struct buf said; /* to be shown */
    struct buf held; /* in the open transaction */
    json_t *members; /* of the object */
    struct buf items;
    bool has_items;
};

void command_output_init(struct command_output *o, bool json, const struct command_sink *sink);
void command_output_finish(struct command_output *o);

/* The callback begins, for the first time or again: forgets what was not shown. 0, or DW_ENOMEM. */
int command_output_begin(struct command_output *o);

/* Where the next text goes; to be followed by the other one. */
struct buf *command_output_text(struct command_output *o, const dw_call *c);
void command_output_added(struct command_output *o, const dw_call *c);

/* Shows what there is, as somebody is to read it now. */
void command_output_flush(struct command_output *o);

/* The callback has returned; in_transaction: and left one open, or failed inside it. */
void command_output_end(struct command_output *o, bool failed, bool in_transaction);

/* One line of text without what a terminal would obey. */
void command_output_plain(struct buf *out, struct str text);

#endif
