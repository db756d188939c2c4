/* b64.h - base64 as tokens and password hashes have it: without padding, and strictly read. [any thread]
 *
 * Strict means that every value has one text only: the alphabet's characters and nothing else, the bits beyond the last
 * byte zero. Otherwise a token that was revoked comes back in another spelling. */
#ifndef AUTH_B64_H
#define AUTH_B64_H

#include <stddef.h>

/* Which two characters follow A-Z, a-z and 0-9. */
enum b64_alphabet {
    B64_URL,     /* - and _; tokens */
    B64_PLAIN,   /* + and /; argon2, Django */
    B64_PASSLIB, /* . and / */
};

#define B64_SIZE(n)     ((n) / 3 * 4 + ((n) % 3 ? (n) % 3 + 1 : 0)) /* characters of n bytes, without a NUL */
#define B64_MAX_READ(n) ((n) / 4 * 3 + (n) % 4)                     /* the most bytes in n characters */

/* B64_SIZE(n) characters and a NUL; gives the former. */
size_t b64_write(char *out, const void *bytes, size_t n, enum b64_alphabet alphabet);

/* 0 and the number of bytes; or -1, and what was written means nothing. `out` has room for B64_MAX_READ(n). */
int b64_read(void *out, size_t *out_n, const char *text, size_t n, enum b64_alphabet alphabet);

#endif
