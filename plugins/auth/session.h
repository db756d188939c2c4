/* session.h - signings-in, from the proof to the end. A browser's has a cookie, a program's a family of refresh tokens; access
 * tokens name it. All functions work in the caller's transaction, if he has one, and are for [call]. */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include <dowel/dowel.h>

struct account;

struct session {
    const char *id, *user, *tenant;
    const char *kind;      /* SESSION_BROWSER or SESSION_TOKEN */
    const char *client_id; /* of the program that the user gave it to, or NULL */
    const char *scopes;    /* what it is limited to, "notes.read notes.write"; NULL: to nothing */
    dw_time created_at, seen_at, ends_at;
};

#define SESSION_BROWSER "browser"
#define SESSION_TOKEN   "token"

/* For whom, and how far. */
struct session_grant {
    const struct account *account; /* has proved who they are, just now */
    const char *tenant;
    const char *kind;
    const char *client_id, *scopes; /* as above */
};

/* A new one. Only in a transaction: the account's row is held, so that a password that changes meanwhile ends it or
 * prevents it. *cookie (NULL for SESSION_TOKEN) is what a browser has to show; only its hash is kept. DW_EAUTH: the account
 * is not what it was when it was proved: deactivated, or with another password. */
int session_open(dw_call *c, dw_request *req, const struct session_grant *grant, struct session *out,
                 const char **cookie);

/* That part of it alone: holds the account's row until the transaction ends, if it is what it was when it was proved. */
int session_hold_account(dw_call *c, const struct account *account);

/* The one of this cookie, or id, if it goes on: its user and tenant are active, and the one still is a member of the other.
 * 1 and filled, 0, or an error. */
int session_by_cookie(dw_call *c, const char *cookie, struct session *out);
int session_by_id(dw_call *c, const char *id, struct session *out);

/* It is used: at most once a minute that is written down, and a browser's ends later for it. */
int session_seen(dw_call *c, const struct session *s);

/* A program's is renewed: it ends later. */
int session_renew(dw_call *c, struct session *s);

/* The same session in another tenant, with another cookie (a browser's): what was known of it before is worth nothing. */
int session_move(dw_call *c, struct session *s, const char *tenant, const char **cookie);

/* Ends one; `why` is one of a handful of words ("logout", "revoked", "reuse"). The number of those it ended: 0 or 1. */
int session_end(dw_call *c, const char *id, const char *why);

/* Ends all of a user's, and the codes that could become some, but for that one (NULL: without exception); API keys go on. In
 * the transaction that changes the password or deactivates the user. 0 or an error. */
int sessions_end_all(dw_call *c, const char *user, const char *except);

#endif
