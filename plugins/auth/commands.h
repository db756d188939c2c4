/* commands.h - what the verbs of the command line share. They act as the machine, so they may everything. */
#ifndef AUTH_COMMANDS_H
#define AUTH_COMMANDS_H

#include "account.h"

/* All verbs of the plugin; ends with { 0 }. */
extern const dw_command auth_commands[];

/* A tenant by slug or id; NULL: the only one there is. DW_EINVALID says which there are when there are several. */
int commands_tenant(dw_call *c, const char *wanted, const char **id);

/* A user by address or id. */
int commands_user(dw_call *c, const char *wanted, struct account *out);

int command_setup_link(dw_call *c, dw_command_run *run);

int command_user_add(dw_call *c, dw_command_run *run);
int command_user_list(dw_call *c, dw_command_run *run);
int command_user_show(dw_call *c, dw_command_run *run);
int command_user_password(dw_call *c, dw_command_run *run);
int command_user_activate(dw_call *c, dw_command_run *run);
int command_user_deactivate(dw_call *c, dw_command_run *run);
int command_user_set(dw_call *c, dw_command_run *run);
int command_user_operator(dw_call *c, dw_command_run *run);

int command_role_list(dw_call *c, dw_command_run *run);
int command_role_show(dw_call *c, dw_command_run *run);
int command_role_add(dw_call *c, dw_command_run *run);
int command_role_grant(dw_call *c, dw_command_run *run);
int command_role_revoke(dw_call *c, dw_command_run *run);
int command_role_delete(dw_call *c, dw_command_run *run);
int command_role_give(dw_call *c, dw_command_run *run);
int command_role_take(dw_call *c, dw_command_run *run);

int command_tenant_add(dw_call *c, dw_command_run *run);
int command_tenant_list(dw_call *c, dw_command_run *run);
int command_tenant_rename(dw_call *c, dw_command_run *run);
int command_tenant_activate(dw_call *c, dw_command_run *run);
int command_tenant_deactivate(dw_call *c, dw_command_run *run);
int command_tenant_members(dw_call *c, dw_command_run *run);
int command_tenant_join(dw_call *c, dw_command_run *run);
int command_tenant_leave(dw_call *c, dw_command_run *run);

int command_key_add(dw_call *c, dw_command_run *run);
int command_key_list(dw_call *c, dw_command_run *run);
int command_key_revoke(dw_call *c, dw_command_run *run);
int command_key_rotate(dw_call *c, dw_command_run *run);

int command_client_add(dw_call *c, dw_command_run *run);
int command_client_list(dw_call *c, dw_command_run *run);
int command_client_remove(dw_call *c, dw_command_run *run);

#endif
