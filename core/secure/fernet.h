/* fernet.h - texts sealed with a key, as Python's `cryptography.fernet` writes and reads them.
 *
 * A token is base64url, with padding, of: version 0x80, the second it was made (64 bits, big endian), an IV, AES-128-CBC
 * with PKCS#7, HMAC-SHA256 of all that. See github.com/fernet/spec.
 *
 * One thing is stricter than in Python, which ignores characters that are not base64 and the bits beyond the last byte:
 * here every token and every key has one spelling. [any thread] */
#ifndef SECURE_FERNET_H
#define SECURE_FERNET_H

#include "util/compiler.h"
#include "util/str.h"

enum {
    FERNET_KEY = 32,
    FERNET_KEY_TEXT = 44, /* as text: base64url with padding */
    FERNET_IV = 16,
    FERNET_PLAIN_MAX = 1 << 30,
    FERNET_SKEW_S = 60, /* how far the clock of who sealed may be ahead of ours */
};

/* Wipe it with OPENSSL_cleanse() when it is no longer needed. */
struct fernet_key {
    unsigned char bytes[FERNET_KEY]; /* 16 that sign, 16 that encrypt */
};

/* 0, or -1 when the text is not 44 characters of base64url with padding. */
int fernet_key_parse(struct str text, struct fernet_key *out) DW_MUST_CHECK;
void fernet_key_format(const struct fernet_key *key, char out[FERNET_KEY_TEXT + 1]);

/* ---- sealing ---- */

/* The length of the token, without a NUL, that n bytes become. */
size_t fernet_sealed_size(size_t n);

/* Writes fernet_sealed_size(plain.n) characters and a NUL. `made_s` is now, in seconds since 1970; or, when a token is
 * sealed anew under another key, when the first one was made. 0; or -1 when memory or random bytes are out, or the text is
 * longer than FERNET_PLAIN_MAX. */
int fernet_seal(const struct fernet_key *key, struct str plain, int64_t made_s, char *out) DW_MUST_CHECK;

/* The same with an IV of the caller's: for tests against tokens of others. An IV that is used twice tells whoever sees
 * both tokens that their texts begin alike. */
int fernet_seal_with(const struct fernet_key *key, struct str plain, int64_t made_s,
                     const unsigned char iv[FERNET_IV], char *out) DW_MUST_CHECK;

/* ---- unsealing ---- */

enum {
    FERNET_INVALID = -1, /* no token, one that was changed, or one of another key: nobody is told which */
    FERNET_EXPIRED = -2, /* ours, but too old, or made in the future */
    FERNET_FAILED = -3,  /* memory is out: says nothing about the token */
};

/* A token's age is only looked at when this is given. */
struct fernet_limit {
    int64_t ttl_s; /* not negative */
    int64_t now_s; /* since 1970 */
};

struct fernet_opened {
    struct str plain; /* in the room that was given; not terminated */
    int64_t made_s;   /* since 1970 */
    size_t key;       /* the index of the key that opened it */
};

/* Opens a token with the first of the keys that signed it. `room` has token.n bytes; it is the caller's to wipe, also when
 * the result is none. `limit` may be NULL. 0 or FERNET_*. */
int fernet_unseal(const struct fernet_key *keys, size_t keys_n, struct str token,
                  const struct fernet_limit *limit, char *room, struct fernet_opened *out) DW_MUST_CHECK;

#endif
