#include "cli/own_commands.h"

#include "cli/connection.h"
#include "util/compiler.h"

const struct own_word own_words[] = {
    { "connection", "Connects other systems; tests and changes what is connected" },
    { 0 },
};
_Static_assert(DW_COUNT_OF(own_words) - 1 <= OWN_WORDS_MAX, "OWN_WORDS_MAX");

const dw_command *own_commands(size_t *n)
{
    *n = 0;
    while (connection_commands[*n].name)
        (*n)++;
    return connection_commands;
}
