/* text.h - dw_text: text that grows in a call's memory. See dowel/call.h. */
#ifndef PLUGIN_TEXT_H
#define PLUGIN_TEXT_H

#include <dowel/call.h>

/* Never NULL; of what is no call of this thread, a text that stays empty. */
dw_text *text_new(dw_call *c);

/* n SIZE_MAX: up to the NUL; p NULL adds nothing. Without memory the call is poisoned and nothing is added. */
void text_add(dw_text *t, const char *p, size_t n);

/* Terminated; never NULL. */
dw_str text_get(dw_text *t);

#endif
