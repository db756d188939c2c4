/* The request reader under random bytes: whatever they are, and however they are cut, it says the same; content is as
 * long as the head announced; every span lies in the head; and no byte past those given is read (each look gets memory of
 * exactly that size). */
#include <stdint.h>

#include "../tests/support/reader_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts depend on the input alone, so that a finding can be played again. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static uint32_t seed_of(const uint8_t *data, size_t size)
{
    uint32_t seed = 2166136261u;

    for (size_t i = 0; i < size; i++)
        seed = (seed ^ data[i]) * 16777619;
    return seed;
}

static void play_random_cuts(struct play *p, const char *bytes, size_t n, uint32_t seed)
{
    size_t there = 0;
    bool more = true;

    play_begin(p, seed & 1);
    while (more && there < n) {
        size_t step = 1 + next_random(&seed) % (next_random(&seed) % 4 ? 16 + n / 64 : n);
        there = n - there > step ? there + step : n;
        char *copy = malloc(there);
        PLAY_CHECK(copy);
        memcpy(copy, bytes, there);
        more = play_feed(p, copy, there);
        free(copy);
    }
    play_end(p);
}

static void check_same(struct play *whole, struct play *cut)
{
    if (strcmp(buf_text(&whole->trace), buf_text(&cut->trace)) != 0) {
        fprintf(stderr, "whole:\n%s\ncut:\n%s\n", buf_text(&whole->trace), buf_text(&cut->trace));
        abort();
    }
    PLAY_CHECK(whole->messages == cut->messages && whole->contents == cut->contents &&
               whole->bad == cut->bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct play whole, cut;

    play_cut(&whole, bytes, size, size, SIZE_MAX, false);
    play_random_cuts(&cut, bytes, size, seed_of(data, size));
    check_same(&whole, &cut);
    play_finish(&whole);
    play_finish(&cut);
    return 0;
}
