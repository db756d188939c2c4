#include "digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

void digest_begin(struct digest *d)
{
    d->bytes = d->few;
    d->n = 0;
    d->room = sizeof(d->few);
    d->failed = 0;
}

static void add(struct digest *d, const void *p, size_t n)
{
    if (d->failed)
        return;
    if (d->room - d->n < n) {
        const size_t room = (d->n + n) * 2;
        unsigned char *more = malloc(room);

        if (!more) {
            d->failed = 1;
            return;
        }
        memcpy(more, d->bytes, d->n);
        if (d->bytes != d->few)
            free(d->bytes);
        d->bytes = more;
        d->room = room;
    }
    memcpy(d->bytes + d->n, p, n);
    d->n += n;
}

void digest_text(struct digest *d, const char *text)
{
    const size_t n = text ? strlen(text) : 0;

    digest_int(d, (int64_t)n);
    if (n)
        add(d, text, n);
}

void digest_int(struct digest *d, int64_t value)
{
    unsigned char bytes[8];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
    add(d, bytes, sizeof(bytes));
}

int digest_end(struct digest *d, unsigned char out[DIGEST_SIZE])
{
    unsigned char full[EVP_MAX_MD_SIZE];
    int rc = -1;

    if (!d->failed && EVP_Digest(d->bytes, d->n, full, NULL, EVP_sha256(), NULL) == 1) {
        memcpy(out, full, DIGEST_SIZE);
        rc = 0;
    }
    if (d->bytes != d->few)
        free(d->bytes);
    d->bytes = d->few;
    return rc;
}

int digest_end_hex(struct digest *d, char out[DIGEST_HEX])
{
    unsigned char bytes[DIGEST_SIZE];

    if (digest_end(d, bytes) != 0)
        return -1;
    digest_hex(bytes, out);
    return 0;
}

int digest_of(const char *text, unsigned char out[DIGEST_SIZE])
{
    struct digest d;

    digest_begin(&d);
    digest_text(&d, text);
    return digest_end(&d, out);
}

void digest_hex(const unsigned char bytes[DIGEST_SIZE], char out[DIGEST_HEX])
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[DIGEST_HEX - 1] = '\0';
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int digest_from_hex(const char *hex, unsigned char out[DIGEST_SIZE])
{
    memset(out, 0, DIGEST_SIZE);
    if (!hex || strlen(hex) != DIGEST_HEX - 1)
        return 0;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        const int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return 0;
        out[i] = (unsigned char)(high * 16 + low);
    }
    return 1;
}
