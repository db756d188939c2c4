/* fernet_fuzz.c - tokens, keys and base64 as strangers write them.
 *
 * What is read as base64 is written as the very same text, or a value would have two; what was sealed comes back; and
 * what is signed with the right key, but holds anything, is opened or refused within its own bytes. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "secure/base64.h"
#include "secure/digest.h"
#include "secure/keyring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Memory of exactly that size, so that a byte too many is seen. */
static char *room_of(size_t n)
{
    char *room = malloc(n ? n : 1);
    assert(room);
    return room;
}

static void check_base64(struct str text, enum base64_form form)
{
    char *bytes = room_of(BASE64_DECODED_MAX(text.n));
    struct buf again = BUF_INIT;
    size_t n;

    if (base64_decode(bytes, &n, text, form) == 0) {
        base64_add(&again, str_make(bytes, n), form);
        assert(str_equal(buf_str(&again), text));
    }
    buf_finish(&again);
    free(bytes);
}

static int unseal(const struct fernet_key *key, struct str token, struct str *plain, char *room)
{
    struct fernet_opened opened;
    int result = fernet_unseal(key, 1, token, NULL, room, &opened);

    assert(result == 0 || result == FERNET_INVALID);
    assert(result != 0 || (opened.plain.p >= room && opened.plain.p + opened.plain.n <= room + token.n));
    *plain = opened.plain;
    return result;
}

/* Without the key's bytes nobody gets a token accepted. */
static void check_stranger(const struct fernet_key *key, struct str token)
{
    char *room = room_of(token.n);
    struct str plain;

    int result = unseal(key, token, &plain, room);
    assert(result == FERNET_INVALID);
    free(room);
}

static void check_return(const struct fernet_key *key, struct str text)
{
    size_t n = fernet_sealed_size(text.n);
    char *token = room_of(n + 1), *room = room_of(n);
    struct str plain;

    int sealed = fernet_seal(key, text, 1700000000, token);
    assert(sealed == 0);
    int opened = unseal(key, str_make(token, n), &plain, room);
    assert(opened == 0 && str_equal(plain, text));
    free(token);
    free(room);
}

static void check_signed(const struct fernet_key *key, struct str bytes)
{
    unsigned char mac[DIGEST_SIZE_MAX];
    struct buf raw = BUF_INIT, token = BUF_INIT;
    struct str plain;

    int made = digest_hmac(DIGEST_SHA256, str_make((const char *)key->bytes, FERNET_KEY / 2), bytes, mac);
    assert(made == 0);
    buf_add_str(&raw, bytes);
    buf_add(&raw, mac, 32);
    base64_add(&token, buf_str(&raw), BASE64_URL_PADDED);
    char *room = room_of(token.n);
    unseal(key, buf_str(&token), &plain, room);
    free(room);
    buf_finish(&raw);
    buf_finish(&token);
}

static void check_keys(struct str text)
{
    struct keyring *k;
    unsigned line;

    if (!keyring_parse(&k, text, &line)) {
        assert(keyring_count(k) > 0 && keyring_count(k) <= KEYRING_MAX);
        for (size_t i = 0; i < keyring_count(k); i++)
            assert(strlen(keyring_id(k, i)) == KEYRING_ID_SIZE - 1);
    } else {
        assert(!k);
    }
    keyring_destroy(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fernet_key key = { { 1, 2, 3, 4, 5, 6, 7, 8, 9 } };
    struct str input = str_make((const char *)data, size);

    for (int form = BASE64_PADDED; form <= BASE64_URL_BARE; form++)
        check_base64(input, (enum base64_form)form);
    check_stranger(&key, input);
    check_return(&key, input);
    check_signed(&key, input);
    check_keys(input);
    return 0;
}
