/* base64.h - base64 and base64url (RFC 4648), written and strictly read. [any thread]
 *
 * Strict means that every value has one text only: no white space, padding exactly as the form says, the bits beyond the
 * last byte zero. Otherwise a token that was refused or revoked comes back in another spelling. */
#ifndef SECURE_BASE64_H
#define SECURE_BASE64_H

#include "util/buf.h"

enum base64_form {
    BASE64_PADDED,     /* + and /, filled up with = to a multiple of four */
    BASE64_BARE,       /* + and / */
    BASE64_URL_PADDED, /* - and _, filled up; Fernet's form */
    BASE64_URL_BARE,   /* - and _; the form of tokens and of JWTs */
};

/* The characters that n bytes become, as constants and as a function. */
#define BASE64_PADDED_SIZE(n) (((n) + 2) / 3 * 4)
#define BASE64_BARE_SIZE(n)   ((n) / 3 * 4 + ((n) % 3 ? (n) % 3 + 1 : 0))
size_t base64_size(size_t n, enum base64_form form);

/* Writes base64_size() characters without a NUL. The bytes may stand at the end of that very room: they are read before
 * they are overwritten. */
void base64_encode(char *out, struct str bytes, enum base64_form form);

/* The same, appended. */
void base64_add(struct buf *out, struct str bytes, enum base64_form form);

/* The most bytes that n characters can become. */
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3 + (n) % 4)

/* 0 and the number of bytes; or -1 when the text is not of this form, and what was written means nothing. `out` has room
 * for BASE64_DECODED_MAX(text.n). */
int base64_decode(void *out, size_t *n, struct str text, enum base64_form form);

#endif
