#include "secure/keyring.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "log/log.h"
#include "secure/digest.h"
#include "secure/key_file.h"
#include "util/clock.h"

struct keyring {
    size_t n;
    struct fernet_key keys[KEYRING_MAX];
    char ids[KEYRING_MAX][KEYRING_ID_SIZE];
};

/* ---- reading ---- */

static const char not_a_key[] = "is not a key, 44 characters of A-Z a-z 0-9 - _ with one = at the end";
static const char no_memory[] = "cannot be read: out of memory";

static int work_out_id(const struct fernet_key *key, char out[KEYRING_ID_SIZE])
{
    char hex[DIGEST_HEX_SIZE];

    if (digest_hex(DIGEST_SHA256, str_make((const char *)key->bytes, FERNET_KEY), hex) != 0)
        return -1;
    memcpy(out, hex, KEYRING_ID_SIZE - 1);
    out[KEYRING_ID_SIZE - 1] = 0;
    return 0;
}

static bool has_key(const struct keyring *k, const struct fernet_key *key)
{
    for (size_t i = 0; i < k->n; i++) {
        if (secure_equal(k->keys[i].bytes, key->bytes, FERNET_KEY))
            return true;
    }
    return false;
}

static const char *add_key(struct keyring *k, struct str text)
{
    struct fernet_key *key = &k->keys[k->n];

    if (k->n == KEYRING_MAX)
        return "holds more than 16 keys";
    if (fernet_key_parse(text, key) != 0)
        return not_a_key;
    if (has_key(k, key))
        return "holds the same key twice";
    if (work_out_id(key, k->ids[k->n]) != 0)
        return no_memory;
    k->n++;
    return NULL;
}

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\r';
}

static bool next_word(struct str *line, struct str *word)
{
    size_t from = 0, to;

    while (from < line->n && is_separator(line->p[from]))
        from++;
    for (to = from; to < line->n && !is_separator(line->p[to]);)
        to++;
    *word = str_make(line->p + from, to - from);
    *line = str_make(line->p + to, line->n - to);
    return word->n > 0;
}

static const char *add_line(struct keyring *k, struct str line)
{
    struct str word;
    const char *wrong = NULL;

    line.n = str_find(line, '#');
    while (!wrong && next_word(&line, &word))
        wrong = add_key(k, word);
    return wrong;
}

const char *keyring_parse(struct keyring **out, struct str text, unsigned *line)
{
    struct keyring *k = calloc(1, sizeof(*k));
    const char *wrong = k ? NULL : no_memory;
    struct str one;
    unsigned at = 0;

    for (; !wrong && str_split(&text, '\n', &one); at++)
        wrong = add_line(k, one);
    if (!wrong && k->n == 0) {
        wrong = "holds no key";
        at = 0;
    }
    if (line)
        *line = wrong ? at : 0;
    if (wrong) {
        keyring_destroy(k);
        k = NULL;
    }
    *out = k;
    return wrong;
}

const char *keyring_wrong(struct str text)
{
    struct keyring *k;
    const char *wrong = keyring_parse(&k, text, NULL);

    keyring_destroy(k);
    if (wrong != not_a_key)
        return wrong;
    return "holds what is no key, which is 44 characters of A-Z a-z 0-9 - _ with one = at the end; leave it "
           "out and "
           "`dowel init` makes one, or make it with: openssl rand -base64 32 | tr '+/' '-_'";
}

void keyring_destroy(struct keyring *k)
{
    if (!k)
        return;
    OPENSSL_cleanse(k, sizeof(*k));
    free(k);
}

/* ---- the server's ---- */

static int open_setting(struct keyring **out, struct str text, struct buf *why)
{
    const char *wrong = keyring_parse(out, text, NULL);

    if (!wrong)
        return 0;
    buf_add_format(why, "secret_key: %s", wrong);
    return -1;
}

static int open_file(struct keyring **out, const char *data_dir, struct buf *why)
{
    char path[KEY_FILE_PATH_SIZE];
    bool made;

    *out = NULL;
    if (key_file_make(data_dir, path, &made, why) != 0 || key_file_read(out, path, why) != 0)
        return -1;
    if (made)
        log_info("made the key that stored secrets are sealed with; back it up, without it they are lost",
                 LOG_TEXT("path", path), LOG_TEXT("id", keyring_id(*out, 0)));
    return 0;
}

int keyring_open(struct keyring **out, struct str secret_key, const char *data_dir, struct buf *why)
{
    return secret_key.n ? open_setting(out, secret_key, why) : open_file(out, data_dir, why);
}

/* ---- using it ---- */

size_t keyring_count(const struct keyring *k)
{
    return k->n;
}

const char *keyring_id(const struct keyring *k, size_t i)
{
    return k->ids[i];
}

static int64_t now_s(void)
{
    return clock_wall_us() / CLOCK_SECOND;
}

int keyring_seal(const struct keyring *k, struct str plain, char *out)
{
    return fernet_seal(&k->keys[0], plain, now_s(), out);
}

int keyring_reseal(const struct keyring *k, const struct fernet_opened *opened, char *out)
{
    return fernet_seal(&k->keys[0], opened->plain, opened->made_s, out);
}

int keyring_unseal(const struct keyring *k, struct str token, int64_t ttl_s, char *room,
                   struct fernet_opened *out)
{
    const struct fernet_limit limit = { .ttl_s = ttl_s, .now_s = now_s() };

    return fernet_unseal(k->keys, k->n, token, ttl_s < 0 ? NULL : &limit, room, out);
}
