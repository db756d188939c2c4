/* connection_change.h - the verbs that make, change and test connections, for the table in connection.c. */
#ifndef CLI_CONNECTION_CHANGE_H
#define CLI_CONNECTION_CHANGE_H

#include <dowel/command.h>

int connection_add(dw_call *c, dw_command_run *run);
int connection_edit(dw_call *c, dw_command_run *run);
int connection_test(dw_call *c, dw_command_run *run);

#endif
