/* digest.h - 16 bytes that stand for what matters of something: equal if and only if it is. [any] */
#ifndef TIMESYNC_DIGEST_H
#define TIMESYNC_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SIZE = 16, DIGEST_HEX = 33 };

/* Its fields go in one by one, each with its length, so that "ab","c" is not "a","bc". In the caller's memory; no end needed. */
struct digest {
    unsigned char *bytes;
    size_t n, room;
    unsigned char few[1024]; /* enough for nearly all */
    int failed;              /* memory was out */
};

void digest_begin(struct digest *d);
void digest_text(struct digest *d, const char *text); /* NULL as "" */
void digest_int(struct digest *d, int64_t value);

/* 0, or -1: memory was out, or the library failed. Ends it, in both cases. */
int digest_end(struct digest *d, unsigned char out[DIGEST_SIZE]);
int digest_end_hex(struct digest *d, char out[DIGEST_HEX]);

/* Of one text. 0 or -1. */
int digest_of(const char *text, unsigned char out[DIGEST_SIZE]);

void digest_hex(const unsigned char bytes[DIGEST_SIZE], char out[DIGEST_HEX]);
int digest_from_hex(const char *hex,
                    unsigned char out[DIGEST_SIZE]); /* 1; 0: it is none, and *out is zeros */

#endif
