#include "password.h"

#include <argon2.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "b64.h"
#include "password_foreign.h"

enum { SALT = 16, TAG = 32, TAG_MIN = 16, TAG_MAX = 64, SALT_MIN = 8, SALT_MAX = 64 };

static const char *const result_texts[PASSWORD_RESULTS] = {
    [PASSWORD_OK] = "the password is right",
    [PASSWORD_WRONG] = "the password is wrong",
    [PASSWORD_LENGTH] = "a password has 1 to 1024 bytes",
    [PASSWORD_UNREADABLE] = "the stored hash is of no known kind, or damaged",
    [PASSWORD_TOO_COSTLY] = "the stored hash would take more memory or time than is allowed",
    [PASSWORD_MEMORY] = "memory, or random bytes, are out",
    [PASSWORD_BUSY] = "too many passwords are being checked, try again in a second",
    [PASSWORD_LATE] = "the password could not be checked in time",
    [PASSWORD_CANCELLED] = "the call was cancelled",
    [PASSWORD_STOPPED] = "the server is stopping",
};

const char *password_result_text(enum password_result result)
{
    return (size_t)result < PASSWORD_RESULTS ? result_texts[result] : "no result of a password";
}

const char *password_cost_problem(const struct password_cost *cost)
{
    if (cost->lanes < 1 || cost->lanes > PASSWORD_FOREIGN_LANES)
        return "a hash has 1 to 16 lanes";
    if (cost->passes < 1 || cost->passes > PASSWORD_FOREIGN_PASSES)
        return "a hash has 1 to 16 passes";
    if (cost->memory_kib < 8 * cost->lanes || cost->memory_kib > PASSWORD_FOREIGN_KIB)
        return "a hash takes at least 8 KiB a lane, and at most 128 MiB";
    if (cost->memory_kib > PASSWORD_FOREIGN_WORK / cost->passes)
        return "a hash takes at most 512 MiB, its memory times its passes";
    return NULL;
}

static bool is_length(size_t n)
{
    return n >= 1 && n <= PASSWORD_MAX;
}

/* ---- argon2 ---- */

struct argon2 {
    argon2_type type;
    uint32_t version;
    struct password_cost cost;
    unsigned char salt[SALT_MAX], tag[TAG_MAX];
    size_t salt_n, tag_n;
};

/* Straight from the system and back to it: malloc() would keep as much for each thread that has ever computed one. */
static int take_memory(uint8_t **memory, size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *memory = p == MAP_FAILED ? NULL : p;
    return *memory ? 0 : -1;
}

static void give_memory(uint8_t *memory, size_t n)
{
    munmap(memory, n);
}

/* Fills the tag. One thread computes all lanes, one after the other: the pool says how many threads there are. The memory
 * is wiped by the library before it is given back. */
static enum password_result compute(const struct argon2 *a, const void *password, size_t n,
                                    unsigned char tag[TAG_MAX])
{
    argon2_context context = {
        .out = tag,
        .outlen = (uint32_t)a->tag_n,
        .pwd = (uint8_t *)password, /* only read: ARGON2_FLAG_CLEAR_PASSWORD is not set */
        .pwdlen = (uint32_t)n,
        .salt = (uint8_t *)a->salt,
        .saltlen = (uint32_t)a->salt_n,
        .t_cost = a->cost.passes,
        .m_cost = a->cost.memory_kib,
        .lanes = a->cost.lanes,
        .threads = 1,
        .version = a->version,
        .allocate_cbk = take_memory,
        .free_cbk = give_memory,
        .flags = ARGON2_DEFAULT_FLAGS,
    };

    switch (argon2_ctx(&context, a->type)) {
    case ARGON2_OK: return PASSWORD_OK;
    case ARGON2_MEMORY_ALLOCATION_ERROR: return PASSWORD_MEMORY;
    default: return PASSWORD_UNREADABLE; /* a cost that it does not take */
    }
}

static int random_bytes(void *out, size_t n)
{
    ssize_t got;

    do /* a signal interrupts it only on a machine that has just started */
        got = getrandom(out, n, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)n ? 0 : -1; /* up to 256 bytes it gives all */
}

/* ---- a PHC string: $argon2id$v=19$m=19456,t=2,p=1$salt$tag ---- */

/* `name`, decimal digits and `end`; moves *at behind them. */
static bool read_field(const char **at, const char *name, char end, uint32_t *out)
{
    uint64_t number = 0;
    const char *p = *at;

    if (strncmp(p, name, strlen(name)) != 0)
        return false;
    p += strlen(name);
    if (*p < '1' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        number = number * 10 + (uint64_t)(*p - '0');
        if (number > UINT32_MAX)
            return false;
    }
    if (*p != end)
        return false;
    *at = p + 1;
    *out = (uint32_t)number;
    return true;
}

static bool read_bytes(const char *text, size_t n, unsigned char *out, size_t *out_n, size_t min, size_t max)
{
    return n <= B64_SIZE(max) && b64_read(out, out_n, text, n, B64_PLAIN) == 0 && *out_n >= min &&
           *out_n <= max;
}

static bool is_argon2(const char *stored)
{
    return strncmp(stored, "$argon2", strlen("$argon2")) == 0;
}

static bool read_kind(const char **at, struct argon2 *out)
{
    static const struct {
        const char *prefix;
        argon2_type type;
    } kinds[] = { { "$argon2id$", Argon2_id }, { "$argon2i$", Argon2_i }, { "$argon2d$", Argon2_d } };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t n = strlen(kinds[i].prefix);
        if (strncmp(*at, kinds[i].prefix, n) == 0) {
            *at += n;
            out->type = kinds[i].type;
            return true;
        }
    }
    return false;
}

static enum password_result read_argon2(const char *at, struct argon2 *out)
{
    out->version = ARGON2_VERSION_10; /* which does not say so */
    if (!read_kind(&at, out))
        return PASSWORD_UNREADABLE;
    if (*at == 'v' && !read_field(&at, "v=", '$', &out->version))
        return PASSWORD_UNREADABLE;
    if (out->version != ARGON2_VERSION_10 && out->version != ARGON2_VERSION_13)
        return PASSWORD_UNREADABLE;
    if (!read_field(&at, "m=", ',', &out->cost.memory_kib) ||
        !read_field(&at, "t=", ',', &out->cost.passes) || !read_field(&at, "p=", '$', &out->cost.lanes))
        return PASSWORD_UNREADABLE;
    size_t salt_n = strcspn(at, "$");
    if (at[salt_n] != '$' || !read_bytes(at, salt_n, out->salt, &out->salt_n, SALT_MIN, SALT_MAX))
        return PASSWORD_UNREADABLE;
    at += salt_n + 1;
    if (!read_bytes(at, strlen(at), out->tag, &out->tag_n, TAG_MIN, TAG_MAX))
        return PASSWORD_UNREADABLE;
    if (out->cost.memory_kib < 8 * (uint64_t)out->cost.lanes)
        return PASSWORD_UNREADABLE;
    return password_cost_problem(&out->cost) ? PASSWORD_TOO_COSTLY : PASSWORD_OK;
}

static void write_argon2id(const struct argon2 *a, const unsigned char *tag, char out[PASSWORD_HASH_SIZE])
{
    char salt[B64_SIZE(SALT) + 1], text[B64_SIZE(TAG) + 1];

    b64_write(salt, a->salt, a->salt_n, B64_PLAIN);
    b64_write(text, tag, a->tag_n, B64_PLAIN);
    snprintf(out, PASSWORD_HASH_SIZE, "$argon2id$v=%u$m=%u,t=%u,p=%u$%s$%s", (unsigned)a->version,
             (unsigned)a->cost.memory_kib, (unsigned)a->cost.passes, (unsigned)a->cost.lanes, salt, text);
}

/* ---- hashing and verifying ---- */

enum password_result password_hash(const struct password_cost *cost, const void *password, size_t n,
                                   char out[PASSWORD_HASH_SIZE])
{
    struct argon2 a = {
        .type = Argon2_id, .version = ARGON2_VERSION_13, .cost = *cost, .salt_n = SALT, .tag_n = TAG
    };
    unsigned char tag[TAG_MAX];

    out[0] = 0;
    if (!is_length(n))
        return PASSWORD_LENGTH;
    if (password_cost_problem(cost))
        return PASSWORD_TOO_COSTLY;
    if (random_bytes(a.salt, a.salt_n) != 0)
        return PASSWORD_MEMORY;
    enum password_result rc = compute(&a, password, n, tag);
    if (rc == PASSWORD_OK)
        write_argon2id(&a, tag, out);
    return rc;
}

static enum password_result verify_argon2(const char *stored, const void *password, size_t n)
{
    struct argon2 a = { .tag_n = 0 };
    unsigned char tag[TAG_MAX];

    enum password_result rc = read_argon2(stored, &a);
    if (rc == PASSWORD_OK)
        rc = compute(&a, password, n, tag);
    if (rc == PASSWORD_OK && CRYPTO_memcmp(tag, a.tag, a.tag_n) != 0)
        rc = PASSWORD_WRONG;
    OPENSSL_cleanse(tag, sizeof(tag));
    return rc;
}

enum password_result password_verify(const char *stored, const void *password, size_t n)
{
    if (!is_length(n))
        return PASSWORD_LENGTH;
    if (strlen(stored) > PASSWORD_STORED_MAX)
        return PASSWORD_UNREADABLE;
    if (is_argon2(stored))
        return verify_argon2(stored, password, n);
    return password_foreign_verify(stored, password, n);
}

enum password_result password_verify_nobody(const struct password_cost *cost, const void *password, size_t n)
{
    struct argon2 a = {
        .type = Argon2_id, .version = ARGON2_VERSION_13, .cost = *cost, .salt_n = SALT, .tag_n = TAG
    };
    unsigned char tag[TAG_MAX];

    if (!is_length(n))
        return PASSWORD_LENGTH;
    if (password_cost_problem(cost))
        return PASSWORD_TOO_COSTLY;
    enum password_result rc = compute(&a, password, n, tag); /* the salt of nobody is zeros */
    OPENSSL_cleanse(tag, sizeof(tag));
    return rc == PASSWORD_OK ? PASSWORD_WRONG : rc;
}

bool password_needs_upgrade(const char *stored, size_t password_n, const struct password_cost *cost)
{
    struct argon2 a = { .tag_n = 0 };

    if (password_is_bcrypt(stored))
        return password_n <= PASSWORD_BCRYPT_SEEN;
    if (!is_argon2(stored) || read_argon2(stored, &a) != PASSWORD_OK)
        return true;
    return a.type != Argon2_id || a.version != ARGON2_VERSION_13 || a.salt_n < SALT || a.tag_n < TAG ||
           a.cost.memory_kib != cost->memory_kib || a.cost.passes != cost->passes ||
           a.cost.lanes != cost->lanes;
}
