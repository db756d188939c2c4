/* auth.h - who is asking, and what they may. Most plugins need none of this: `x-permission` in api.yaml is checked before
 * the handler runs. The second half is for the one plugin that tells who asks: the authenticator. */
#ifndef DOWEL_AUTH_H
#define DOWEL_AUTH_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* DW_MACHINE: nobody asked, the server itself acts: a schedule, a plugin's own thread, the command line. */
enum dw_principal_kind { DW_ANONYMOUS = 0, DW_USER = 1, DW_KEY = 2, DW_MACHINE = 3 };

/* Who acts. Borrowed for the call, immutable. The host may append members: read through the pointer, never copy the
 * struct. Texts are never NULL. */
typedef struct dw_principal {
    uint32_t struct_size;
    uint32_t kind;          /* enum dw_principal_kind; DW_KEY: an API key, which acts for the user `id` */
    const char *id;         /* the user's; "" when there is none */
    const char *name;       /* for people; "" in a job, which knows the id only */
    const char *email;      /* or "" */
    const char *locale;     /* "de"; "" when not known */
    const char *zone;       /* "Europe/Berlin"; "" when not known */
    const char *credential; /* the id of what was shown, a session or a key; "" for none */
} dw_principal;

/* One permission that a plugin's api.yaml declares, for whoever gives roles their permissions. Made by the host. */
typedef struct dw_permission {
    uint32_t struct_size;
    const char *name;    /* "notes.read" */
    const char *summary; /* "Read notes", or "" */
    const char *roles;   /* which roles it is meant for from the beginning, "viewer member"; or "" */
    const char *plugin;  /* "notes"; "core" for the server's own */
} dw_permission;

typedef struct dw_auth_api {
    uint32_t struct_size;
    const dw_principal *(*principal)(dw_call *c);
    int (*may)(dw_call *c, const char *permission);
    int (*audit)(dw_call *c, const char *action, const char *target, dw_list pairs);
    const dw_permission *(*permission)(dw_call *c, size_t i);
    int (*forget)(dw_call *c, const char *id);
} dw_auth_api;

/* Who acts: the caller of a request, whoever added a job, the machine itself in a schedule. In a public operation it is
 * who showed a good credential, else anonymous. Never NULL. Since minor 2. [call] */
static inline const dw_principal *dw_principal_of(dw_call *c) { return dw_host_->auth->principal(c); }

/* 0, or DW_EDENIED with the permission's name: DW_TRY(dw_require(c, "notes.delete_any")). DW_EAUTH for anonymous ones. What
 * no person asks for (jobs, schedules, own threads) is permitted: it was, when it was asked for. DW_EMISUSE for a permission
 * that no api.yaml declares. Since minor 2. [call] */
static inline DW_MUST_CHECK int dw_require(dw_call *c, const char *permission)
{
    return dw_host_->auth->may(c, permission);
}

/* dw_audit(c, "notes.note.deleted", id, "title", title): into the audit log, in the open transaction (DW_ETX without one): who
 * acts, from where, for which tenant and request is added. The action begins with the plugin's name and is one of a handful;
 * target is an id, or "". Old and new values may be JSON: dw_json(c, "old", ..., "new", ...). What a name calls secret
 * (password, token...) is written as "[redacted]", also inside of JSON. What is about a person gets a name with an @, and
 * "@person" says about whom: ("@person", user, "@email", email); it can be read until that person is erased. 0, or DW_EMISUSE,
 * DW_EINVALID (a value that JSON has not), DW_ETOOLARGE (more than 64 kB). Since minor 2. [call] */
#define dw_audit(c, action, target, ...) \
    (dw_host_->auth->audit((c), (action), (target), DW_LIST(__VA_ARGS__)))

/* ---- for the authenticator ---- */

enum dw_credential_kind { DW_BEARER = 1, DW_COOKIE = 2 };

/* What a request has shown, and what the authenticator found out about it. */
typedef struct dw_credential {
    uint32_t struct_size;

    /* Set by the host, borrowed. */
    uint32_t kind; /* enum dw_credential_kind: after "Authorization: Bearer", or the authenticator's cookie */
    dw_str text;   /* the token itself: never log it */
    const char *address; /* of the client: "192.0.2.7" */

    /* Set by the authenticator, in the call's memory (dw_copy, dw_alloc); what is NULL is "". */
    uint32_t principal_kind; /* DW_USER (as it is set before), DW_KEY */
    const char *id, *name, *email, *locale, *zone, *credential;
    const char *tenant;             /* a UUID; NULL: none, and only what has x-tenant: none is open */
    const char *const *permissions; /* names; "*": all there are; "notes.*": all of notes */
    size_t permissions_n;
    const char *csrf; /* of a cookie: what X-CSRF-Token must be where something changes; required then */
    dw_time expires;  /* after it the credential is asked about again; 0: an hour */
    uint32_t once;    /* 1: ask about it again next time */
} dw_credential;

/* The plugin that tells who asks. One in a server: a second one is declined. Without it, or while it is missing, what is
 * not public is answered 503. */
typedef struct dw_authenticator {
    uint32_t struct_size;
    const char *cookie; /* "__Host-dowel"; NULL: none */

    /* 0: *credential is filled; DW_EAUTH: it is not good (any longer), for a reason the client may read; another error: it
     * cannot be told now, 503. Without a tenant. The host remembers the answer by the credential's hash until it expires or
     * is forgotten, and forgets all while notices between servers are interrupted. [call] */
    int (*authenticate)(dw_call *c, dw_credential *credential);

    /* Calls take(ud, id) for each tenant there is, until it returns other than 0, which is returned. [call] */
    int (*tenants)(dw_call *c, int (*take)(void *ud, const char *tenant), void *ud);
} dw_authenticator;

/* .authenticator = DW_AUTHENTICATOR(.cookie = "__Host-dowel", .authenticate = who_is) in the descriptor. */
#define DW_AUTHENTICATOR(...) DW_ARGS_(dw_authenticator, __VA_ARGS__)

/* The i-th of the permissions that this server knows, all plugins' and its own, sorted by name; NULL after the last.
 * Borrowed as long as the plugin. Complete from start on. Since minor 2. [call] */
static inline const dw_permission *dw_permission_at(dw_call *c, size_t i)
{
    return dw_host_->auth->permission(c, i);
}

/* What is remembered about that user, credential or tenant is forgotten, on every server within a second; in a transaction
 * when it commits: do it in the one that changes them. "" forgets everything. DW_EDENIED unless the plugin is the
 * authenticator. Since minor 2. [call] */
static inline DW_MUST_CHECK int dw_auth_forget(dw_call *c, const char *id)
{
    return dw_host_->auth->forget(c, id);
}

#ifdef __cplusplus
}
#endif
#endif
