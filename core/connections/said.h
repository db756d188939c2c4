/* said.h - what is wrong with a setting, in the language of who gave it. For this module. */
#ifndef CONNECTIONS_SAID_H
#define CONNECTIONS_SAID_H

#include "config/item.h"
#include "config/problems.h"
#include "http/language.h"
#include "util/buf.h"

/* The reader of the configuration speaks English, and quotes what was given: in another language it is said what would be right. The
 * item may be NULL. */
void connection_say_problem(struct buf *out, enum http_language language, const struct config_item *item,
                            const struct config_problem *problem);

#endif
