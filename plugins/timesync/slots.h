/* slots.h - how many requests of a sync change the target at a time. [call] */
#ifndef TIMESYNC_SLOTS_H
#define TIMESYNC_SLOTS_H

#include "work.h"

/* Waits, behind all who came before, until fewer than rules.parallel are under way for this sync on this server: 0, and then
 * slot_give() when the answer is there; or DW_ECANCELLED, DW_ENOMEM. How long that took is in *waited: see timesync_is_late(). */
int slot_take(dw_call *c, const struct work *w, dw_span *waited);
void slot_give(const struct work *w);

#endif
