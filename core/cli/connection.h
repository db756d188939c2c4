/* connection.h - `dowel connection`: the systems that tenants are connected to. */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include <dowel/command.h>

extern const dw_command connection_commands[]; /* ends with { 0 } */

#endif
