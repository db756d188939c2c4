/* commands_edit.h - the verbs that make and change: `dowel timesync add`, `edit`, `delete`, `release`, `rules`, `map`, `suggest`. */
#ifndef TIMESYNC_COMMANDS_EDIT_H
#define TIMESYNC_COMMANDS_EDIT_H

#include <dowel/dowel.h>

int command_add(dw_call *c, dw_command_run *run);
int command_edit(dw_call *c, dw_command_run *run);
int command_delete(dw_call *c, dw_command_run *run);
int command_release(dw_call *c, dw_command_run *run);
int command_rules(dw_call *c, dw_command_run *run);
int command_map(dw_call *c, dw_command_run *run);
int command_suggest(dw_call *c, dw_command_run *run);

extern const dw_argument add_arguments[], edit_arguments[], sync_arguments[], rules_arguments[],
    map_arguments[], suggest_arguments[];

#endif
