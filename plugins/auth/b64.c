#include "b64.h"

#include <string.h>

#define COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char *const alphabets[] = {
    [B64_URL] = COMMON "-_",
    [B64_PLAIN] = COMMON "+/",
    [B64_PASSLIB] = COMMON "./",
};

size_t b64_write(char *out, const void *bytes, size_t n, enum b64_alphabet alphabet)
{
    const char *digits = alphabets[alphabet];
    const unsigned char *from = bytes;
    char *to = out;
    unsigned group = 0, bits = 0;

    for (size_t i = 0; i < n; i++) {
        group = group << 8 | from[i];
        for (bits += 8; bits >= 6; bits -= 6)
            *to++ = digits[group >> (bits - 6) & 63];
    }
    if (bits > 0)
        *to++ = digits[group << (6 - bits) & 63];
    *to = 0;
    return (size_t)(to - out);
}

/* 0 to 63, or -1. */
static int digit_of(char c, const char *digits)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == digits[62] ? 62 : c == digits[63] ? 63 : -1;
}

int b64_read(void *out, size_t *out_n, const char *text, size_t n, enum b64_alphabet alphabet)
{
    unsigned char *to = out;
    unsigned group = 0, bits = 0;

    *out_n = 0;
    if (n % 4 == 1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int digit = digit_of(text[i], alphabets[alphabet]);
        if (digit < 0)
            return -1;
        group = group << 6 | (unsigned)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *to++ = (unsigned char)(group >> bits);
        }
    }
    if (group & ((1U << bits) - 1))
        return -1;
    *out_n = (size_t)(to - (unsigned char *)out);
    return 0;
}
