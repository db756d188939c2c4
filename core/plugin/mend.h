/* mend.h - texts from outside as the database and JSON take them: one that is too long is cut, bytes that are no UTF-8 are replaced.
 * So that one bad text hurts nobody but itself. [call] */
#ifndef PLUGIN_MEND_H
#define PLUGIN_MEND_H

#include "plugin/call.h"

/* Too long, or nothing that a database or JSON takes? NULL is neither. */
bool mend_is_bad(const char *text, size_t max);

/* The text itself where it is good (also NULL), else a copy in the call's memory: at most max bytes, up to a whole letter and with
 * an ellipsis where it was cut, U+FFFD for each byte that is no UTF-8. */
const char *mend_text(dw_call *c, const char *text, size_t max);

/* Of a bad id one that stands for it, the same each time: "sha256:" and hex digits. NULL: memory. */
const char *mend_id(dw_call *c, const char *id);

#endif
