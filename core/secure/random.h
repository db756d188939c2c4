/* random.h - bytes that nobody can guess, from the system's generator.
 *
 * For keys, tokens, nonces and ids that leave the server. What only has to differ (jitter, trace ids) is cheaper from
 * http/trace.h. [any thread] */
#ifndef SECURE_RANDOM_H
#define SECURE_RANDOM_H

#include "secure/base64.h"
#include "util/compiler.h"

/* Fills all n bytes: 0; or, where a sandbox forbids the system call, -1 with errno and nothing that may be used. Waits
 * for a machine that has just started until its generator is seeded. */
int random_bytes(void *out, size_t n) DW_MUST_CHECK;

/* Characters of a token of n random bytes, and a NUL. */
#define RANDOM_TOKEN_SIZE(n) (BASE64_BARE_SIZE(n) + 1)

/* n random bytes as base64url without padding, terminated; `out` has RANDOM_TOKEN_SIZE(n). 32 bytes cannot be guessed
 * by anybody, 16 not over a network. 0, or -1 as above with "" in `out`. */
int random_token(char *out, size_t n) DW_MUST_CHECK;

#endif
