/* repeat.h - running a callback again from its start, because the database wants its transaction repeated.
 *
 *   struct repeat again = REPEAT_INIT;
 *   do {
 *       begin a call c; rc = call_check_committed(c, callback(c));
 *       repeats = repeat_wanted(&again, c, rc);
 *       call_end(c);
 *   } while (repeats);
 *
 * Whatever the callback had prepared (a staged reply) is thrown away in between. [owner of the call] */
#ifndef PLUGIN_REPEAT_H
#define PLUGIN_REPEAT_H

#include "plugin/call.h"

enum { REPEATS_MAX = 8 };

struct repeat {
    unsigned done;
};

#define REPEAT_INIT \
    {               \
        0           \
    }

/* The callback returned rc. True: it is to run again in a new call, and the pause before that, in which c held nothing of
 * the database, is over. False: rc stands. It succeeded; or failed for another reason; or what it did was committed or seen
 * outside; or it was run often enough, or is cancelled: then c->error says when to try again, if it is about that. */
bool repeat_wanted(struct repeat *r, dw_call *c, int rc);

#endif
