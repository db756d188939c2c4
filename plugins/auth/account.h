/* account.h - users, what they belong to, and what they may there: what the rest of the plugin asks.
 *
 * None of the tables has a wall between tenants, so each statement names its tenant itself. */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include "auth.h"

struct account {
    const char *id, *email, *name, *locale, *zone, *home_tenant;
    const char *password; /* its hash; NULL: nobody signs in with one */
    bool active, is_operator;
    dw_time password_changed_at;
    dw_time password_until; /* not 0: somebody else gave it, so it has to be changed, and by then */
};

/* 0 or DW_ENOTFOUND. An address that is none is not found. */
int account_by_email(dw_call *c, const char *email, struct account *out);
int account_by_id(dw_call *c, const char *id, struct account *out);

/* What all spellings of an address have in common (email.h); in the call's memory, NULL for what is no address. */
const char *account_email_key(dw_call *c, const char *email);

/* ---- tenants ---- */

/* The home tenant if the user is active there, else the first one where; of active tenants. 0 or DW_ENOTFOUND. */
int account_first_tenant(dw_call *c, const char *user, const char **tenant);

/* 1 or 0: an active member of that tenant, which is active. */
int account_is_member(dw_call *c, const char *user, const char *tenant);

/* ---- permissions ---- */

struct account_permissions {
    const char *const *names; /* sorted, each once; all of them are declared by some plugin */
    size_t n;
};

/* What a member may in that tenant; nothing where he is none. With what an operator may, who may that everywhere. */
int account_permissions(dw_call *c, const char *user, const char *tenant, struct account_permissions *out);
bool account_may(const struct account_permissions *p, const char *permission);

/* ---- passwords ---- */

/* Is it that account's? Takes the same time for nobody: NULL, or an account without one. 0; DW_EAUTH; or DW_ERATE and
 * DW_EUNAVAILABLE when it cannot be told now. Outside of transactions, as it waits for the pool. An old kind of hash is
 * replaced. A good password opens nothing by itself: ask account_may_sign_in() as well. */
int account_check_password(dw_call *c, const struct account *a, dw_str password);

/* 0; or DW_EDENIED with a sentence for the owner, so only after the right password: the account was deactivated, or its
 * password has to be changed first (POST /auth/password). */
int account_may_sign_in(dw_call *c, const struct account *a);

/* Would it do? DW_EINVALID marked at `pointer`: too short, too long, one of the most common, the address or the name. */
int account_judge_password(dw_call *c, const struct account *a, dw_str password, const char *pointer);

/* Its hash, in the call's memory; outside of transactions. */
int account_hash_password(dw_call *c, dw_str password, const char **hash);

enum account_password { ACCOUNT_OWN_PASSWORD, ACCOUNT_TEMPORARY_PASSWORD };

/* In the open transaction: sets it, and ends all sessions of the user but `except` (NULL: all). */
int account_store_password(dw_call *c, const char *user, const char *hash, enum account_password kind,
                           const char *except);

#endif
