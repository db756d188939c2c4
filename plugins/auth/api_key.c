#include "api_key.h"

#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

enum { BASE = 62 };

/* CRC-32 as zlib has it, bit by bit: it is 44 bytes. */
static uint32_t crc_of(const char *p, size_t n)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ UINT32_C(0xedb88320) : crc >> 1;
    }
    return ~crc;
}

/* Behind the first part of a key: what its checksum is. */
static void write_check(char *key)
{
    uint32_t crc = crc_of(key, API_KEY_SIZE - API_KEY_CHECK);

    for (int i = API_KEY_SIZE - 1; i >= API_KEY_SIZE - API_KEY_CHECK; i--, crc /= BASE)
        key[i] = alphabet[crc % BASE];
}

/* base64url without the two characters that are neither letters nor digits: of what is left each is as likely as another. */
const char *api_key_make(dw_call *c)
{
    char *key = dw_alloc(c, API_KEY_SIZE + 1);
    size_t n = strlen(API_KEY_PREFIX);

    memcpy(key, API_KEY_PREFIX, n);
    while (n < API_KEY_SIZE - API_KEY_CHECK) {
        const char *token = dw_random_token(c, 48);
        if (!*token)
            break; /* no random bytes: the call is poisoned, nothing of it is kept */
        for (const char *p = token; *p && n < API_KEY_SIZE - API_KEY_CHECK; p++) {
            if (*p != '-' && *p != '_')
                key[n++] = *p;
        }
    }
    write_check(key);
    return key;
}

bool api_key_is_like(dw_str text)
{
    return text.n >= strlen(API_KEY_PREFIX) && memcmp(text.p, API_KEY_PREFIX, strlen(API_KEY_PREFIX)) == 0;
}

bool api_key_is(dw_str text)
{
    char key[API_KEY_SIZE];

    if (text.n != API_KEY_SIZE || !api_key_is_like(text))
        return false;
    memcpy(key, text.p, API_KEY_SIZE);
    write_check(key);
    return memcmp(key, text.p, API_KEY_SIZE) == 0;
}
