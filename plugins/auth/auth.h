/* auth.h - what the files of this plugin share. */
#ifndef AUTH_H
#define AUTH_H

#include <dowel/dowel.h>

#include "conf.h"
#include "password_pool.h"

/* dw_self(). */
struct auth {
    struct password_pool *pool;
    struct signing *signing;
};

static inline struct auth *auth_of(dw_call *c)
{
    return dw_self(c);
}

/* What only operators may, who keep the server: no role gives it, not even an administrator's. */
#define AUTH_OPERATE "auth.operate"

#define AUTH_ADMIN "admin" /* the built-in role that has every other permission */

/* ---- what every change does, in its transaction ---- */

/* audit(c, "auth.user.created", id, "email", email): into the audit log. The action begins with "auth.". */
#define audit(c, action, target, ...) (audit_((c), (action), (target), DW_LIST(__VA_ARGS__)))
int audit_(dw_call *c, const char *action, const char *target, dw_list pairs);

/* Who signs in as that user, in that tenant, with that session is asked again, everywhere. */
int auth_forget(dw_call *c, const char *id);

/* The i-th permission that there is, NULL after the last. */
const dw_permission *auth_permission(dw_call *c, size_t i);

/* ---- operations ---- */

int auth_setup(dw_call *c, dw_request *req);
int auth_setup_page(dw_call *c, dw_request *req);
int auth_setup_form(dw_call *c, dw_request *req);
int auth_register(dw_call *c, dw_request *req);
int auth_change_password(dw_call *c, dw_request *req);

int auth_list_users(dw_call *c, dw_request *req);
int auth_create_user(dw_call *c, dw_request *req);
int auth_get_user(dw_call *c, dw_request *req);
int auth_change_user(dw_call *c, dw_request *req);
int auth_delete_user(dw_call *c, dw_request *req);
int auth_reset_password(dw_call *c, dw_request *req);

int auth_list_members(dw_call *c, dw_request *req);
int auth_add_member(dw_call *c, dw_request *req);
int auth_get_member(dw_call *c, dw_request *req);
int auth_change_member(dw_call *c, dw_request *req);
int auth_remove_member(dw_call *c, dw_request *req);

int auth_list_roles(dw_call *c, dw_request *req);
int auth_create_role(dw_call *c, dw_request *req);
int auth_get_role(dw_call *c, dw_request *req);
int auth_change_role(dw_call *c, dw_request *req);
int auth_delete_role(dw_call *c, dw_request *req);
int auth_list_permissions(dw_call *c, dw_request *req);

int auth_get_tenant(dw_call *c, dw_request *req);
int auth_change_tenant(dw_call *c, dw_request *req);
int auth_list_tenants(dw_call *c, dw_request *req);
int auth_create_tenant(dw_call *c, dw_request *req);
int auth_get_any_tenant(dw_call *c, dw_request *req);
int auth_change_any_tenant(dw_call *c, dw_request *req);

/* ---- the authenticator ---- */

/* Of active tenants only: nothing is due in the others. */
int auth_each_tenant(dw_call *c, int (*take)(void *ud, const char *tenant), void *ud);

#endif
