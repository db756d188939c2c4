/* digest.h - digests, message authentication, and comparing what must not be told bit by bit. [any thread] */
#ifndef SECURE_DIGEST_H
#define SECURE_DIGEST_H

#include "util/compiler.h"
#include "util/str.h"

enum digest_kind {
    DIGEST_SHA1 = 1, /* for peers that know no better (webhooks, TOTP); as HMAC still sound */
    DIGEST_SHA256,
    DIGEST_SHA512,
    DIGEST_KINDS
};

/* The largest of them, raw and as text. */
enum { DIGEST_SIZE_MAX = 64, DIGEST_HEX_SIZE = 2 * DIGEST_SIZE_MAX + 1 };

/* In bytes; 0 for a number that is no kind. */
size_t digest_size(enum digest_kind kind);

/* digest_size() bytes, or twice as many lower-case hex digits and a NUL. 0; or -1 when memory is out or the kind is
 * none, and then `out` means nothing. */
int digest(enum digest_kind kind, struct str data, unsigned char out[DIGEST_SIZE_MAX]) DW_MUST_CHECK;
int digest_hex(enum digest_kind kind, struct str data, char out[DIGEST_HEX_SIZE]) DW_MUST_CHECK;

/* The same with a key (RFC 2104) of any length. */
int digest_hmac(enum digest_kind kind, struct str key, struct str data,
                unsigned char out[DIGEST_SIZE_MAX]) DW_MUST_CHECK;
int digest_hmac_hex(enum digest_kind kind, struct str key, struct str data,
                    char out[DIGEST_HEX_SIZE]) DW_MUST_CHECK;

/* In time that does not depend on where the bytes differ. */
bool secure_equal(const void *a, const void *b, size_t n);

/* The same for texts. NULL equals nothing, not even NULL: a secret that was never set lets nobody in. That the lengths
 * differ can be told from the time. */
bool secure_equal_text(const char *a, const char *b);

#endif
