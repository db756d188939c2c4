/* command_json.h - what the server's own verbs print: JSON, that is text for people. [the call's thread] */
#ifndef PLUGIN_COMMAND_JSON_H
#define PLUGIN_COMMAND_JSON_H

#include <dowel/command.h>

/* An object: with --output json its members, else a line for each, what is inside of an object as "settings.url". 0, or an
 * error that the call knows. */
int command_show_json(dw_command_run *run, const json_t *object);

/* A list of objects: with --output json the member "items", so once in a run; else a table of those columns ("health.state" is
 * inside), which end with NULL, or `none`. */
int command_list_json(dw_command_run *run, const json_t *list, const char *const *columns, const char *none);

/* --output json was given. False also outside of the verb. */
bool command_is_json(dw_command_run *run);

#endif
