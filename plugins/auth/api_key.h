/* api_key.h - what an API key looks like: dwk_, 40 letters and digits, and 6 more that are a checksum of them.
 *
 * The prefix tells whoever finds one in a file what it is, and scanners that look for such things; the checksum, that a slip
 * of the hand is one, before the database is asked. [call] */
#ifndef AUTH_API_KEY_H
#define AUTH_API_KEY_H

#include <dowel/dowel.h>

#define API_KEY_PREFIX "dwk_"

enum {
    API_KEY_RANDOM = 40,
    API_KEY_CHECK = 6,
    API_KEY_SIZE = 4 + API_KEY_RANDOM + API_KEY_CHECK,
    API_KEY_HINT = 8
};

/* A new one, terminated. */
const char *api_key_make(dw_call *c);

/* Does it begin as one does; and is it one, as far as that can be seen? [any] */
bool api_key_is_like(dw_str text);
bool api_key_is(dw_str text);

#endif
