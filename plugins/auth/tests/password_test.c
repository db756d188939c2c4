/* Passwords: what we make, what others have made ($DOWEL_VECTORS/argon2-kats and bcrypt-sha512crypt), and what is refused. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <argon2.h>
#include <cmocka.h>

#include "password.h"
#include "vectors.h"

/* Small, so that the tests are quick. */
static const struct password_cost cheap = { 64, 1, 1 };

static enum password_result verify(const char *stored, const char *password)
{
    return password_verify(stored, password, strlen(password));
}

/* ---- our own ---- */

static void what_was_hashed_is_verified(void **state)
{
    char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
    (void)state;

    assert_int_equal(password_hash(&cheap, "correct horse", 13, hash), PASSWORD_OK);
    assert_memory_equal(hash, "$argon2id$v=19$m=64,t=1,p=1$", 28);
    assert_int_equal(verify(hash, "correct horse"), PASSWORD_OK);
    assert_int_equal(verify(hash, "correct horsf"), PASSWORD_WRONG);
    assert_int_equal(verify(hash, "correct hors"), PASSWORD_WRONG);
    assert_int_equal(verify(hash, "correct horse "), PASSWORD_WRONG);
    assert_int_equal(password_hash(&cheap, "correct horse", 13, again), PASSWORD_OK);
    assert_string_not_equal(hash, again);
}

static void the_usual_cost_is_taken(void **state)
{
    const struct password_cost cost = PASSWORD_COST_DEFAULT;
    char hash[PASSWORD_HASH_SIZE];
    (void)state;

    assert_null(password_cost_problem(&cost));
    assert_int_equal(password_hash(&cost, "x", 1, hash), PASSWORD_OK);
    assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    assert_int_equal(verify(hash, "x"), PASSWORD_OK);
    assert_false(password_needs_upgrade(hash, 1, &cost));
}

/* malloc() learns from what is given back, and would keep the next ones: 19 MiB for each thread of the pool. */
static void its_memory_goes_back_to_the_system(void **state)
{
    const struct password_cost cost = PASSWORD_COST_DEFAULT;
    const size_t before = mallinfo2().arena;
    char hash[PASSWORD_HASH_SIZE];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(password_hash(&cost, "x", 1, hash), PASSWORD_OK);
    assert_true(mallinfo2().arena - before < 1024 * 1024);
}

static void a_password_is_bytes(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    (void)state;

    assert_int_equal(password_hash(&cheap, "nul\0inside", 10, hash), PASSWORD_OK);
    assert_int_equal(password_verify(hash, "nul\0inside", 10), PASSWORD_OK);
    assert_int_equal(password_verify(hash, "nul\0insidf", 10), PASSWORD_WRONG);
    assert_int_equal(password_verify(hash, "nul", 3), PASSWORD_WRONG);
    assert_int_equal(password_hash(&cheap, "\0", 1, hash), PASSWORD_OK);
    assert_int_equal(password_verify(hash, "\0", 1), PASSWORD_OK);
    assert_int_equal(password_verify(hash, "\0\0", 2), PASSWORD_WRONG);
}

static void lengths_have_bounds(void **state)
{
    static char many[PASSWORD_MAX + 1];
    char hash[PASSWORD_HASH_SIZE];
    (void)state;

    memset(many, 'x', sizeof(many));
    assert_int_equal(password_hash(&cheap, many, PASSWORD_MAX, hash), PASSWORD_OK);
    assert_int_equal(password_verify(hash, many, PASSWORD_MAX), PASSWORD_OK);
    assert_int_equal(password_verify(hash, many, PASSWORD_MAX - 1), PASSWORD_WRONG);
    assert_int_equal(password_verify(hash, many, PASSWORD_MAX + 1), PASSWORD_LENGTH);
    assert_int_equal(password_verify(hash, many, 0), PASSWORD_LENGTH);
    assert_int_equal(password_verify_nobody(&cheap, many, PASSWORD_MAX + 1), PASSWORD_LENGTH);
    assert_int_equal(password_hash(&cheap, many, PASSWORD_MAX + 1, hash), PASSWORD_LENGTH);
    assert_string_equal(hash, "");
    assert_int_equal(password_hash(&cheap, many, 0, hash), PASSWORD_LENGTH);
}

static void a_cost_has_bounds(void **state)
{
    static const struct password_cost wrong[] = {
        { 7, 1, 1 },
        { 64, 0, 1 },
        { 64, 1, 0 },
        { 64, 1, 9 },
        { PASSWORD_FOREIGN_KIB + 1, 1, 1 },
        { 64, 17, 1 },
        { 1024, 1, 17 },
        { PASSWORD_FOREIGN_KIB, 5, 1 },
        { 0, 0, 0 },
        { UINT32_MAX, 1, 1 },
    };
    const struct password_cost large = { PASSWORD_FOREIGN_KIB, 4, 16 }, lanes = { 64, 1, 8 };
    char hash[PASSWORD_HASH_SIZE];
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_non_null(password_cost_problem(&wrong[i]));
        assert_int_equal(password_hash(&wrong[i], "x", 1, hash), PASSWORD_TOO_COSTLY);
        assert_int_equal(password_verify_nobody(&wrong[i], "x", 1), PASSWORD_TOO_COSTLY);
    }
    assert_null(password_cost_problem(&large));
    assert_null(password_cost_problem(&lanes));
    assert_int_equal(password_hash(&lanes, "x", 1, hash), PASSWORD_OK);
    assert_int_equal(verify(hash, "x"), PASSWORD_OK);
}

/* The longest text that the bounds allow has room. */
static void the_longest_hash_fits(void **state)
{
    (void)state;
    assert_true(strlen("$argon2id$v=19$m=131072,t=16,p=16$") + 22 + 1 + 43 < PASSWORD_HASH_SIZE);
}

static void results_have_texts(void **state)
{
    (void)state;
    for (int i = 0; i < PASSWORD_RESULTS; i++)
        assert_true(strlen(password_result_text((enum password_result)i)) > 5);
    assert_non_null(password_result_text((enum password_result) - 1));
    assert_non_null(password_result_text(PASSWORD_RESULTS));
}

/* ---- argon2 of others ---- */

static void argon2_is_that_of_its_authors(void **state)
{
    json_t *rows = vectors_load("argon2-kats/encoded.json"), *row;
    size_t i, played = 0, refused = 0;
    (void)state;

    json_array_foreach(rows, i, row)
    {
        const char *encoded = vectors_text(row, "encoded"), *password = vectors_text(row, "pwd");
        json_int_t kib = (json_int_t)1 << json_integer_value(json_object_get(row, "m_log2"));
        if (kib > PASSWORD_FOREIGN_KIB) {
            assert_int_equal(verify(encoded, password), PASSWORD_TOO_COSTLY);
            refused++;
            continue;
        }
        if (verify(encoded, password) != PASSWORD_OK)
            fail_msg("%s: %s", encoded, password_result_text(verify(encoded, password)));
        assert_int_equal(verify(encoded, "another"), PASSWORD_WRONG);
        played++;
    }
    assert_int_equal(played, 21);
    assert_int_equal(refused, 5); /* of 256 MiB and 1 GiB */
    json_decref(rows);
}

/* "Tag: 0d 64 ..." of the file. */
static size_t read_tag(const char *name, unsigned char tag[64])
{
    char path[4096], line[4096];
    size_t n = 0;
    FILE *file;

    vectors_path(path, name);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "Tag: ", 5) != 0)
            continue;
        for (char *at = line + 5, *end; n < 64; at = end, n++) {
            tag[n] = (unsigned char)strtoul(at, &end, 16);
            if (end == at)
                break;
        }
    }
    fclose(file);
    return n;
}

/* With a secret and associated data, which PHC strings do not have: that the library is the one we think. */
static void argon2_has_the_known_answers(void **state)
{
    static const struct {
        const char *name;
        argon2_type type;
    } kats[] = { { "argon2-kats/kats/argon2id", Argon2_id }, { "argon2-kats/kats/argon2i", Argon2_i } };
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        unsigned char password[32], salt[16], secret[8], data[12], made[32], tag[64];
        assert_int_equal(read_tag(kats[i].name, tag), 32);
        memset(password, 1, sizeof(password));
        memset(salt, 2, sizeof(salt));
        memset(secret, 3, sizeof(secret));
        memset(data, 4, sizeof(data));
        argon2_context context = {
            .out = made,
            .outlen = 32,
            .pwd = password,
            .pwdlen = 32,
            .salt = salt,
            .saltlen = 16,
            .secret = secret,
            .secretlen = 8,
            .ad = data,
            .adlen = 12,
            .t_cost = 3,
            .m_cost = 32,
            .lanes = 4,
            .threads = 1,
            .version = ARGON2_VERSION_13,
        };
        assert_int_equal(argon2_ctx(&context, kats[i].type), ARGON2_OK);
        assert_memory_equal(made, tag, 32);
    }
}

/* Damage of each kind, to one hash that is right. */
static void damaged_argon2_is_unreadable(void **state)
{
    static const char right[] =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    static const char *const wrong[] = {
        "",
        "$",
        "$argon2",
        "$argon2id",
        "$argon2id$",
        "$argon2ID$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2x$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=18$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=0256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=+256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=-1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=7,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=4294967552,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$t=2,m=256,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1,keyid=a$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c2E$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHR$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ=$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4=",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4$",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/5",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
        " $argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    };
    char text[sizeof(right)];
    (void)state;

    assert_int_equal(verify(right, "password"), PASSWORD_OK);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (verify(wrong[i], "password") != PASSWORD_UNREADABLE)
            fail_msg("%s: %s", wrong[i], password_result_text(verify(wrong[i], "password")));
    }
    for (size_t n = 0; n < sizeof(right) - 1; n++) { /* cut off anywhere */
        memcpy(text, right, n);
        text[n] = 0;
        if (verify(text, "password") == PASSWORD_OK)
            fail_msg("%s: verified", text);
    }
}

/* ---- the crypt family ---- */

/* Each with its password, and with another one. */
static void play_crypt(const char *name, size_t expected)
{
    json_t *rows = vectors_load(name), *row;
    size_t i, played = 0;

    json_array_foreach(rows, i, row)
    {
        const char *hash = vectors_text(row, "hash");
        unsigned char phrase[PASSWORD_MAX];
        size_t n = vectors_bytes(vectors_text(row, "phrase_hex"), phrase, sizeof(phrase) - 1);
        if (n == 0) {
            assert_int_equal(password_verify(hash, phrase, n), PASSWORD_LENGTH);
            continue;
        }
        if (password_verify(hash, phrase, n) != PASSWORD_OK)
            fail_msg("%s[%zu]: %s: %s", name, i, hash,
                     password_result_text(password_verify(hash, phrase, n)));
        phrase[0] ^= 1;
        assert_int_equal(password_verify(hash, phrase, n), PASSWORD_WRONG);
        played++;
    }
    assert_int_equal(played, expected);
    json_decref(rows);
}

static void bcrypt_is_that_of_libxcrypt(void **state)
{
    (void)state;
    play_crypt("bcrypt-sha512crypt/bcrypt_a.json", 364);
    play_crypt("bcrypt-sha512crypt/bcrypt.json", 364);
    play_crypt("bcrypt-sha512crypt/bcrypt_y.json", 364);
}

static void shacrypt_is_that_of_libxcrypt(void **state)
{
    (void)state;
    play_crypt("bcrypt-sha512crypt/sha256crypt.json", 364);
    play_crypt("bcrypt-sha512crypt/sha512crypt.json", 364);
}

/* libxcrypt knows these; we do not: $2x$ is bcrypt with a bug that makes passwords weak, and nobody has asked for the
 * others. The list is held here. */
static void other_kinds_are_unreadable(void **state)
{
    static const char *const files[] = { "bcrypt-sha512crypt/bcrypt_x.json", "bcrypt-sha512crypt/scrypt.json",
                                         "bcrypt-sha512crypt/yescrypt.json" };
    static const char *const kinds[] = {
        "plain",
        "{SSHA}W6ZOhPxlVJ4zAe6R4Gvw7kY2cBBVVXlh",
        "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
        "$apr1$saltsalt$oh6mh6JYyDJvPJ1mYw6HB/",
        "$pbkdf2$2000$bu2d0xrj3NvbmzOmVKp1bg$gzaUwS0livaIQvCroHcN6Bc9rcA",
        "pbkdf2_sha1$1000$salt$hash",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "!",
        "*",
        "*0",
        "x",
        "$2$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_int_equal(verify(kinds[i], "password"), PASSWORD_UNREADABLE);
    for (size_t i = 0; i < 3; i++) {
        json_t *rows = vectors_load(files[i]), *row;
        size_t j;
        json_array_foreach(rows, j, row)
        {
            assert_int_equal(verify(vectors_text(row, "hash"), "x"), PASSWORD_UNREADABLE);
        }
        assert_true(j >= 300);
        json_decref(rows);
    }
}

/* Made by Python's bcrypt: what follows the 72nd byte has never counted, and lengths do not wrap at 256. */
static void bcrypt_sees_72_bytes(void **state)
{
    static const char hash[] = "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe";
    static const size_t as_many[] = { 72, 73, 200, 256, 260, 600, PASSWORD_MAX };
    char many[PASSWORD_MAX];
    (void)state;

    memset(many, 'a', sizeof(many));
    for (size_t i = 0; i < sizeof(as_many) / sizeof(as_many[0]); i++)
        assert_int_equal(password_verify(hash, many, as_many[i]), PASSWORD_OK);
    assert_int_equal(password_verify(hash, many, 71), PASSWORD_WRONG);
    assert_int_equal(password_verify(hash, many, 4), PASSWORD_WRONG); /* 260 - 256 */
    many[71] = 'b';
    assert_int_equal(password_verify(hash, many, 72), PASSWORD_WRONG);
}

/* The last digit of the salt has four bits that mean nothing. Some libraries did not write zeros there. */
static void bcrypt_ignores_what_no_bit_is_of(void **state)
{
    static const char *const hashes[] = { "$2b$04$abcdefghijklmnopqrstuuCi15uRb1eH7NAlJ/TgeJertyknQpYn2",
                                          "$2b$04$abcdefghijklmnopqrstuvCi15uRb1eH7NAlJ/TgeJertyknQpYn2" };
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(verify(hashes[i], "abc"), PASSWORD_OK);
        assert_int_equal(verify(hashes[i], "abd"), PASSWORD_WRONG);
    }
}

static void crypt_ends_at_a_nul(void **state)
{
    static const char hash[] = "$2b$04$abcdefghijklmnopqrstuuCi15uRb1eH7NAlJ/TgeJertyknQpYn2";
    (void)state;

    assert_int_equal(password_verify(hash, "abc", 3), PASSWORD_OK);
    assert_int_equal(password_verify(hash, "abc\0def", 7), PASSWORD_WRONG);
    assert_int_equal(password_verify(hash, "abc\0", 4), PASSWORD_WRONG);
}

static void damaged_crypt_is_unreadable(void **state)
{
    static const char *const wrong[] = {
        "$2a$",
        "$2a$05$",
        "$2a$05$short",
        "$2a$3$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
        "$2a$03$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWN",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNyy",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9Cdcdxi:TWNy",
        "$2a$0a$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
        "$5$",
        "$5$saltstring",
        "$5$saltstring$",
        "$5$seventeencharacte$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7",
        "$5$rounds=0$saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7",
        "$5$rounds=-1$saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7",
        "$5$rounds=9999999999$saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7",
        "$5$rounds=5000saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7",
        "$5$saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7x",
        "$6$saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (verify(wrong[i], "x") != PASSWORD_UNREADABLE)
            fail_msg("%s: %s", wrong[i], password_result_text(verify(wrong[i], "x")));
    }
}

/* ---- PBKDF2: made by passlib 1.7.4 and Django ---- */

static void pbkdf2_is_that_of_passlib_and_django(void **state)
{
    static const char *const pairs[][2] = {
        { "$pbkdf2-sha256$6400$./..MDEyMzQ1Njc4OWFiYw$or6KvWgiugOsdW21SdgkJyzn/ilp5AjGSmHGDpQGPJU",
          "correct horse" },
        { "$pbkdf2-sha512$2000$MDEyMzQ1Njc4OWFiY2RlZg$JLIbHS/"
          "a1pwkuwB4YMVsxfgHL1RpHXfp7kAkuCcl9dhDgXytdhKp4KRA1tfCbROFYAyWs7Bgy1B82eY2dKJ0Uw",
          "correct horse" },
        { "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
          "toomanysecrets" },
        { "pbkdf2_sha256$12000$seasalt$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s=", "l\xc3\xa8tmein" },
        { "pbkdf2_sha256$870000$seasalt$wJSpLMQRQz0Dhj/pFpbyjMj71B2gUYp6HJS5AU+32Ac=", "l\xc3\xa8tmein" },
    };
    static const char nul[] =
        "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$bU0EeM7qSlN7a9lPIzWzjiRkIcZrRDmTPAGEAYgdDAU";
    (void)state;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(verify(pairs[i][0], pairs[i][1]), PASSWORD_OK);
        assert_int_equal(verify(pairs[i][0], "another"), PASSWORD_WRONG);
    }
    assert_int_equal(password_verify(nul, "nul\0inside", 10), PASSWORD_OK);
    assert_int_equal(verify(nul, "nul"), PASSWORD_WRONG);
}

static void damaged_pbkdf2_is_unreadable(void **state)
{
    static const char *const wrong[] = {
        "pbkdf2_sha256$",
        "pbkdf2_sha256$12000",
        "pbkdf2_sha256$12000$seasalt",
        "pbkdf2_sha256$12000$seasalt$",
        "pbkdf2_sha256$0$seasalt$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s=",
        "pbkdf2_sha256$1e9$seasalt$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s=",
        "pbkdf2_sha256$12000$$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s=",
        "pbkdf2_sha256$12000$seasalt$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s",
        "pbkdf2_sha256$12000$seasalt$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s==",
        "pbkdf2_sha256$12000$seasalt$Ybw8zsFxqja97tY=",
        "$pbkdf2-sha256$",
        "$pbkdf2-sha256$1000",
        "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg",
        "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$",
        "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$bU0EeM7qSlN7a9lPIzWzjiRkIcZrRDmTPAGEAYgdDAU=",
        "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$bU0EeM7qSlN7a9lPIzWzjiRkIcZrRDmTPAGEAYgdDAU",
        "$pbkdf2-sha256$1000$+DEyMzQ1Njc4OWFiY2RlZg$bU0EeM7qSlN7a9lPIzWzjiRkIcZrRDmTPAGEAYgdDAU",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (verify(wrong[i], "x") != PASSWORD_UNREADABLE)
            fail_msg("%s: %s", wrong[i], password_result_text(verify(wrong[i], "x")));
    }
}

/* ---- bounds ---- */

/* Each would take minutes or gigabytes; refused, they take no time at all. */
static void monstrous_hashes_are_refused(void **state)
{
    static const char *const monsters[] = {
        "$argon2id$v=19$m=4194304,t=3,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=131073,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=131072,t=16,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=131072,t=1,p=255$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$2b$16$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
        "$2b$99$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
        "$5$rounds=1000001$saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7",
        "$5$rounds=999999999$saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7",
        "pbkdf2_sha256$4000001$seasalt$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s=",
        "$pbkdf2-sha256$999999999$MDEyMzQ1Njc4OWFiY2RlZg$bU0EeM7qSlN7a9lPIzWzjiRkIcZrRDmTPAGEAYgdDAU",
    };
    char huge[PASSWORD_STORED_MAX + 2];
    (void)state;

    clock_t begun = clock();
    for (size_t i = 0; i < sizeof(monsters) / sizeof(monsters[0]); i++) {
        if (verify(monsters[i], "x") != PASSWORD_TOO_COSTLY)
            fail_msg("%s: %s", monsters[i], password_result_text(verify(monsters[i], "x")));
    }
    assert_true(clock() - begun < CLOCKS_PER_SEC / 10);
    memset(huge, 'a', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = 0;
    memcpy(huge, "pbkdf2_sha256$1$", 16);
    assert_int_equal(verify(huge, "x"), PASSWORD_UNREADABLE);
}

/* ---- nobody, and upgrades ---- */

static double cpu_of(enum password_result (*run)(const void *ud), const void *ud)
{
    struct timespec begun, done;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
    for (int i = 0; i < 3; i++)
        assert_int_equal(run(ud), PASSWORD_WRONG);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &done);
    return (double)(done.tv_sec - begun.tv_sec) + (double)(done.tv_nsec - begun.tv_nsec) / 1e9;
}

static const struct password_cost timed = { 8192, 2, 1 };

static enum password_result run_user(const void *hash)
{
    return password_verify(hash, "wrong", 5);
}

static enum password_result run_nobody(const void *hash)
{
    (void)hash;
    return password_verify_nobody(&timed, "wrong", 5);
}

/* Of CPU, by a factor that only a missing computation reaches (it would be thousands). */
static void nobody_takes_as_long_as_somebody(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    (void)state;

    assert_int_equal(password_hash(&timed, "right", 5, hash), PASSWORD_OK);
    double user = cpu_of(run_user, hash), nobody = cpu_of(run_nobody, hash);
    assert_true(nobody > user / 3 && nobody < user * 3);
}

static void old_hashes_are_upgraded(void **state)
{
    static const char *const old[] = {
        "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=65,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=64,t=1,p=2$AAAAAAAAAAAAAAAAAAAAAA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$nf65EOgLrQMR/uIPnA4rEg",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
        "$6$saltstring$x",
        "pbkdf2_sha256$12000$seasalt$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s=",
    };
    char hash[PASSWORD_HASH_SIZE];
    (void)state;

    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        if (!password_needs_upgrade(old[i], 10, &cheap))
            fail_msg("%s: stays", old[i]);
    }
    assert_int_equal(password_hash(&cheap, "x", 1, hash), PASSWORD_OK);
    assert_false(password_needs_upgrade(hash, 1, &cheap));
    /* The rest of the password has never been verified. */
    assert_true(password_needs_upgrade(old[7], 72, &cheap));
    assert_false(password_needs_upgrade(old[7], 73, &cheap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_memory_goes_back_to_the_system), /* first: what malloc() has learnt stays */
        cmocka_unit_test(what_was_hashed_is_verified),
        cmocka_unit_test(the_usual_cost_is_taken),
        cmocka_unit_test(a_password_is_bytes),
        cmocka_unit_test(lengths_have_bounds),
        cmocka_unit_test(a_cost_has_bounds),
        cmocka_unit_test(the_longest_hash_fits),
        cmocka_unit_test(results_have_texts),
        cmocka_unit_test(argon2_is_that_of_its_authors),
        cmocka_unit_test(argon2_has_the_known_answers),
        cmocka_unit_test(damaged_argon2_is_unreadable),
        cmocka_unit_test(bcrypt_is_that_of_libxcrypt),
        cmocka_unit_test(shacrypt_is_that_of_libxcrypt),
        cmocka_unit_test(other_kinds_are_unreadable),
        cmocka_unit_test(bcrypt_sees_72_bytes),
        cmocka_unit_test(bcrypt_ignores_what_no_bit_is_of),
        cmocka_unit_test(crypt_ends_at_a_nul),
        cmocka_unit_test(damaged_crypt_is_unreadable),
        cmocka_unit_test(pbkdf2_is_that_of_passlib_and_django),
        cmocka_unit_test(damaged_pbkdf2_is_unreadable),
        cmocka_unit_test(monstrous_hashes_are_refused),
        cmocka_unit_test(nobody_takes_as_long_as_somebody),
        cmocka_unit_test(old_hashes_are_upgraded),
    };

    return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
