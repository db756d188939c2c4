/* call_slots.h - where calls live: memory that stays what it is as long as the process runs. For call.c. */
#ifndef PLUGIN_CALL_SLOTS_H
#define PLUGIN_CALL_SLOTS_H

#include "plugin/call.h"

/* A slot that has been free for long, or was never used; its lock and condition are ready, all else is as its last call
 * left it. NULL when memory is out. The common way takes no lock. [any thread] */
dw_call *call_slot_take(void);

/* Gives one back. At least CALL_SLOT_REST others are taken by this thread before it. [any thread] */
enum { CALL_SLOT_REST = 64 };
void call_slot_give(dw_call *c);

/* Does p point to a slot? [any thread] */
bool call_slot_is(const dw_call *p);

/* Calls visit for every slot there is, free ones too. [any thread] */
void call_slot_each(void (*visit)(dw_call *c, void *ud), void *ud);

#endif
