/* remembered.h - identities by the hash of the credential that showed them.
 *
 * Forgetting reaches also what is being found out just now: who looked for one, and did not find it, remembers only
 * as long as nothing was forgotten meanwhile. The oldest ones make room for new ones. [any thread] */
#ifndef PLUGIN_REMEMBERED_H
#define PLUGIN_REMEMBERED_H

#include "plugin/identity.h"

enum { REMEMBERED_KEY_SIZE = 32 };

struct remembered;

int remembered_create(struct remembered **out, size_t max); /* 0, or -1 when memory is out */
void remembered_destroy(struct remembered *r);              /* NULL is safe */

/* Held, the caller's to drop; or NULL, and *since is what remembered_add() wants. */
struct identity *remembered_find(struct remembered *r, const unsigned char key[REMEMBERED_KEY_SIZE],
                                 int64_t now_us, uint64_t *since);

/* Unless something was forgotten since then; takes a reference of its own. Without memory nothing is remembered. */
void remembered_add(struct remembered *r, const unsigned char key[REMEMBERED_KEY_SIZE], struct identity *i,
                    uint64_t since);

/* All about that user, credential or tenant; NULL or "": all there is. */
void remembered_forget(struct remembered *r, const char *id);

size_t remembered_count(struct remembered *r);

#endif
