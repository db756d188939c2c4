/* keyring.h - the keys that this server seals its secrets with: one that seals, and older ones that still open.
 *
 * Rotation: a new key is put in front, what was sealed with an older one is found by fernet_opened.key > 0 and sealed
 * again, and then the older key is taken away. Immutable once it is made. [any thread] but for making and destroying. */
#ifndef SECURE_KEYRING_H
#define SECURE_KEYRING_H

#include "secure/fernet.h"
#include "util/buf.h"

enum {
    KEYRING_MAX = 16,       /* keys */
    KEYRING_ID_SIZE = 8 + 1 /* of an id's text, with the NUL */
};

struct keyring;

/* Keys of 44 characters (see fernet.h), the newest first, separated by commas, spaces or line ends; from a # to the end of
 * its line is a comment. NULL and a keyring, or why not, to be read after where the text came from; *line (may be NULL) is
 * the line that is wrong, 0 when it is the whole text. */
const char *keyring_parse(struct keyring **out, struct str text, unsigned *line) DW_MUST_CHECK;

/* Why keyring_parse() would refuse the text, and how to make a key; else NULL. For `wrong` of settings. */
const char *keyring_wrong(struct str text);

/* The server's: of `secret_key` unless it is empty, else of the key file (key_file.h), which is made when it does not
 * exist. 0; or -1 with a sentence for the admin appended to `why`. */
int keyring_open(struct keyring **out, struct str secret_key, const char *data_dir,
                 struct buf *why) DW_MUST_CHECK;

/* Wipes the keys. */
void keyring_destroy(struct keyring *k);

size_t keyring_count(const struct keyring *k);

/* The first 8 hex digits of the SHA-256 of key number i's 32 bytes: says in logs and of backups which key is meant, and
 * nothing about the key. */
const char *keyring_id(const struct keyring *k, size_t i);

/* fernet_seal() with the first key, now. `out` has fernet_sealed_size(plain.n) + 1 bytes. 0 or -1. */
int keyring_seal(const struct keyring *k, struct str plain, char *out) DW_MUST_CHECK;

/* What was opened, sealed with the first key and as old as it was before. */
int keyring_reseal(const struct keyring *k, const struct fernet_opened *opened, char *out) DW_MUST_CHECK;

/* fernet_unseal() with all keys in their order; ttl_s < 0: of any age. `room` has token.n bytes. 0 or FERNET_*. */
int keyring_unseal(const struct keyring *k, struct str token, int64_t ttl_s, char *room,
                   struct fernet_opened *out) DW_MUST_CHECK;

#endif
