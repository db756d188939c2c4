/* seen.h - what the target has below one parent, listed once for all that a worker looks for there: a customer may have thousands
 * of projects, one for each ticket. Only for what nobody of ours can have made meanwhile: see places.c. [call] */
#ifndef TIMESYNC_SEEN_H
#define TIMESYNC_SEEN_H

#include "work.h"

/* For the work of a call; freed with it. 0 or an error. */
int seen_open(dw_call *c, struct work *w);

struct seen_look {
    const char *kind, *parent, *number;
    const char *id; /* out: of one with the number; NULL: there is none */
};

/* 0, or what dw_things_each() says. */
int seen_find(dw_call *c, struct work *w, struct seen_look *look);

/* A user with this address was looked for a short while ago, and is not there; or is said to be so from now on. */
bool seen_lacks_user(dw_call *c, const struct work *w, const char *email);
void seen_no_user(dw_call *c, struct work *w, const char *email);

/* Something that was seen is not there any more. */
void seen_forget(struct work *w);

#endif
