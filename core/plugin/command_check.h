/* command_check.h - are a plugin's verbs of the command line what they may be? For descriptor.c. [any thread] */
#ifndef PLUGIN_COMMAND_CHECK_H
#define PLUGIN_COMMAND_CHECK_H

#include <dowel/command.h>

#include "util/buf.h"

enum { COMMAND_NAME_MAX = 64, COMMAND_WORDS_MAX = 3, COMMAND_TIMEOUT_US = 600 * 1000000 };

/* Host-sized copies; texts that are NULL become "", but for those where NULL means something (value, one_of, timeout). 0, or
 * -1 with a sentence in why. */
int commands_check(dw_command *commands, size_t n, struct buf *why);

/* Would somebody who types one not know which is meant? "user" beside "user add" as well as the same twice. */
bool command_clashes(const char *a, const char *b);

/* Does none of them begin with a word of the server's own (NULL at the end; may be NULL), and clash with those of another
 * plugin? 0, or -1 with a sentence in why. */
int commands_check_words(const dw_command *commands, size_t n, const char *const *words, struct buf *why);
int commands_check_beside(const dw_command *commands, size_t n, const char *other, const dw_command *others,
                          size_t others_n, struct buf *why);

/* "role" of "--role": by what name it is read. */
const char *argument_key(const dw_argument *a);

static inline bool argument_is_option(const dw_argument *a)
{
    return a->name[0] == '-';
}

/* Of one that was checked, in microseconds. */
int64_t command_timeout_us(const dw_command *command);

#endif
