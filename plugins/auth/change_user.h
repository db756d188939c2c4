/* change_user.h - an account is changed by others than its owner: administrators, the command line. In the open
 * transaction; whether the caller may is guard.h's to say before. */
#ifndef AUTH_CHANGE_USER_H
#define AUTH_CHANGE_USER_H

#include "account.h"

struct user_changes {
    const char *email, *name, *locale, *zone; /* NULL: as it is */
    bool active;
};

/* version 0: whichever he has, else DW_EPRECONDITION for another. Who is deactivated is signed out everywhere; DW_ECONFLICT
 * for oneself, the home tenant's last administrator and the last operator, and for an address that is registered. */
int change_user(dw_call *c, const struct account *a, int64_t version, const struct user_changes *changes);

/* What is done before somebody is deactivated or deleted. */
int change_user_end(dw_call *c, const struct account *a);

/* The last operator stays one. */
int change_user_operator(dw_call *c, const struct account *a, bool is_operator);

#endif
