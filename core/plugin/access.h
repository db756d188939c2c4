/* access.h - who may come in: asks the authenticator about what a request shows, remembers its answers, and decides.
 *
 *   struct identity *who;
 *   if (access_admit(a, x, "notes.read", &who) != 0)
 *       return;                      (the refusal is staged)
 *   ... identity_drop(who);
 *
 * An answer is remembered by the hash of the credential until it expires or is forgotten. Forgetting is told to all servers
 * (the channel ACCESS_CHANNEL of the database's notices); while those are not heard, everybody is asked about anew. */
#ifndef PLUGIN_ACCESS_H
#define PLUGIN_ACCESS_H

#include "http/exchange.h"
#include "plugin/identity.h"
#include "plugin/instance.h"

#define ACCESS_CHANNEL "auth"

struct access;

int access_create(struct access **out, size_t remembered_max); /* 0, or -1 when memory is out */
void access_destroy(struct access *a);                         /* NULL is safe */

/* The plugin that tells who asks: 0, or -1 with a sentence in why when another one does already. [main thread, before start] */
int access_set_authenticator(struct access *a, dw_instance *instance, struct buf *why);
bool access_has_authenticator(const struct access *a);
bool access_is_authenticator(const struct access *a, const dw_instance *instance);

/* Whom it lets in, and NULL otherwise. What is not public is refused here. permission NULL: public, *out may then be NULL
 * for an anonymous one, and a credential that is not good is as none. A cookie lets in what changes something only with its
 * X-CSRF-Token. 0 and *out (the caller's to drop), or -1 after staging 401, 403 or 503. [worker] */
int access_admit(struct access *a, struct http_exchange *x, const char *permission, struct identity **out);

/* All tenants there are: take(ud, id) for each until it returns other than 0, which is returned; DW_EUNAVAILABLE without an
 * authenticator. [any thread but a loop] */
int access_each_tenant(struct access *a, int (*take)(void *ud, const char *tenant), void *ud);

/* ---- forgetting ---- */

/* What is remembered about a user, credential or tenant; "" or NULL: everything. [any thread] */
void access_forget(struct access *a, const char *id);

/* Notices of other servers are heard up to now: what is remembered may be used for ACCESS_HEARD_US from here. [any thread] */
enum { ACCESS_HEARD_US = 1000000 };
void access_heard(struct access *a);

/* ---- permissions that there are ---- */

struct api_document;

/* Those of one plugin's contract, and of the server's own ("core"). 0, or -1 when memory is out. [main thread, before start] */
int access_declare(struct access *a, const char *plugin, const struct api_document *document);

/* Sorted by name; NULL after the last. [any thread, after start] */
const dw_permission *access_permission(const struct access *a, size_t i);
const dw_permission *access_find_permission(const struct access *a, const char *name);

#endif
