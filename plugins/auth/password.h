/* password.h - passwords as they are stored: argon2id of our own, and what other systems have made. [any thread]
 *
 * Each of these computes for tens of milliseconds, in up to PASSWORD_FOREIGN_KIB of memory: call them through
 * password_pool.h, which bounds how many do so at once. A password is bytes: a NUL is one of them. */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PASSWORD_MAX = 1024,      /* bytes; the least is 1. How many make a good one is the caller's rule */
    PASSWORD_HASH_SIZE = 128, /* of what password_hash() writes, with its NUL */
    PASSWORD_STORED_MAX = 512 /* characters of a hash that is read */
};

/* What a hash costs us, and whoever has stolen it. */
struct password_cost {
    uint32_t memory_kib, passes, lanes;
};

/* OWASP's choice for argon2id, 19 MiB and 2 passes: 25 ms. RFC 9106's second choice (64 MiB, 3 passes, 4 lanes) takes seven
 * times the time and more than three times the memory, in a server that is held to 40 MB: with two threads 128 MB at any
 * moment when people log in, and a queue seven times as long. Whoever has the memory sets more. */
#define PASSWORD_COST_DEFAULT \
    {                         \
        19 * 1024, 2, 1       \
    }

/* Bounds of a hash from outside: who can write one into an import must not be able to stop the server with it. */
enum {
    PASSWORD_FOREIGN_KIB = 128 * 1024, /* argon2: Django's has 100 MiB */
    PASSWORD_FOREIGN_PASSES = 16,
    PASSWORD_FOREIGN_LANES = 16,
    PASSWORD_FOREIGN_WORK = 512 * 1024, /* memory_kib * passes: half a second */
    PASSWORD_BCRYPT_COST = 15,          /* two to the power of it */
    PASSWORD_SHACRYPT_ROUNDS = 1000000, /* passlib's has 656,000 */
    PASSWORD_PBKDF2_ROUNDS = 4000000,   /* Django's has 1,200,000 and grows by a fifth with each release */
};

enum password_result {
    PASSWORD_OK = 0,
    PASSWORD_WRONG,      /* it is another one */
    PASSWORD_LENGTH,     /* none at all, or longer than PASSWORD_MAX */
    PASSWORD_UNREADABLE, /* the stored hash is of no kind that is known here, or damaged */
    PASSWORD_TOO_COSTLY, /* the stored hash wants more than the bounds above */
    PASSWORD_MEMORY,     /* nothing is known: memory was out */
    PASSWORD_BUSY,       /* the pool's queue is full: try again in a second */
    PASSWORD_LATE,       /* the deadline came first */
    PASSWORD_CANCELLED,  /* the caller's callback said so */
    PASSWORD_STOPPED,    /* the pool is stopping */
    PASSWORD_RESULTS
};

/* In a few words: "the password is wrong". Never NULL. */
const char *password_result_text(enum password_result result);

/* NULL, or what is wrong with a cost that somebody set. */
const char *password_cost_problem(const struct password_cost *cost);

/* argon2id with a new salt, as a PHC string. PASSWORD_OK, _LENGTH or _MEMORY. */
enum password_result password_hash(const struct password_cost *cost, const void *password, size_t n,
                                   char out[PASSWORD_HASH_SIZE]);

/* PASSWORD_OK when it is the stored one's. Reads
 *   $argon2id$, $argon2i$, $argon2d$   of versions 1.0 and 1.3
 *   $2a$, $2b$, $2y$                   bcrypt, which has never looked beyond the 72nd byte: nor is it done here, or these
 *                                      passwords would stop working. Lengths do not wrap around at 256, as in old $2a$.
 *   $5$, $6$                           sha256crypt and sha512crypt, up to 511 bytes
 *   pbkdf2_sha256$                     Django
 *   $pbkdf2-sha256$, $pbkdf2-sha512$   passlib
 * Those of the crypt family end at a NUL, so a password with one is never theirs. */
enum password_result password_verify(const char *stored, const void *password, size_t n);

/* For a user who does not exist: takes as long as a hash of this cost, and is PASSWORD_WRONG. Without it the time tells
 * which names are there. (Imported hashes take a time of their own until they are upgraded.) */
enum password_result password_verify_nobody(const struct password_cost *cost, const void *password, size_t n);

/* After password_verify() said PASSWORD_OK: should it be hashed again and stored, as it is not argon2id of this cost? Not
 * when bcrypt saw only a part of it: what follows the 72nd byte has never been verified, and a slip of the finger there
 * would become the password. */
bool password_needs_upgrade(const char *stored, size_t password_n, const struct password_cost *cost);

#endif
