/* identity.h - who showed a credential, and what they may: what an authenticator found out, kept. Immutable; counted. */
#ifndef PLUGIN_IDENTITY_H
#define PLUGIN_IDENTITY_H

#include <dowel/dowel.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "util/str.h"

struct identity {
    _Atomic unsigned references;
    dw_principal principal;
    const char *tenant; /* a UUID; NULL: none */
    const char
        *csrf; /* what X-CSRF-Token must be; NULL: the credential is none that a browser adds by itself */
    int64_t expires_us;             /* wall clock */
    const char *const *permissions; /* sorted, without doubles */
    size_t permissions_n;
    bool has_all; /* "*" is one of them */
};

/* A copy of what was found out: 0; DW_EINVALID when it is none (no id, a tenant that is no UUID, a text that is not UTF-8 or
 * too long, a time that has passed), with a constant sentence in *why; or DW_ENOMEM. [any thread] */
int identity_create(struct identity **out, const dw_credential *found, int64_t now_us, const char **why);

struct identity *identity_hold(struct identity *i);
void identity_drop(struct identity *i); /* NULL is safe */

/* Does one of the permissions say so: that name, "notes.*", or "*"? [any thread] */
bool identity_may(const struct identity *i, const char *permission);

/* Is it about that user, credential or tenant? */
bool identity_is_about(const struct identity *i, const char *id);

#endif
