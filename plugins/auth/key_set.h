/* key_set.h - the keys of the server: one that signs, and those that still verify.
 *
 * Filled by one thread, and then only read, by any number. A change (rotation) is a new set: whoever verifies holds a
 * reference to the old one meanwhile. */
#ifndef AUTH_KEY_SET_H
#define AUTH_KEY_SET_H

#include <stdint.h>

#include "signing_key.h"

enum { KEY_SET_MAX = 64 };

#define KEY_SET_FOR_EVER INT64_MAX

struct key_set;

struct key_set *key_set_create(void); /* with one reference; NULL when memory is out */

/* Another reference, and one less; the last one destroys the keys. release(NULL) is safe. [any thread] */
struct key_set *key_set_hold(struct key_set *set);
void key_set_release(struct key_set *set);

/* Adds a key that verifies before `until_s` (seconds since 1970). The key is the set's from now on, and destroyed when
 * this fails: -1 for a kid that is there, or when there are KEY_SET_MAX. [before others read] */
int key_set_add_take(struct key_set *set, struct signing_key *key, int64_t until_s);

/* This one signs. -1 when it is not there, or has no secret half. [before others read] */
int key_set_use(struct key_set *set, const char *kid);

/* The one that signs; NULL before key_set_use(). */
const struct signing_key *key_set_current(const struct key_set *set);

/* By exact text, nothing else: a kid is no path, no URL and no pattern. NULL when there is none, or its time is over. */
const struct signing_key *key_set_find(const struct key_set *set, const char *kid, size_t n, int64_t now_s);

/* The i-th in the order of adding, and until when it verifies; NULL past the last. */
const struct signing_key *key_set_at(const struct key_set *set, size_t i, int64_t *until_s);

#endif
