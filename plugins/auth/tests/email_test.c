/* When two addresses are one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "email.h"

static const char *key_of(const char *email)
{
    static char keys[2][EMAIL_KEY_SIZE];
    static unsigned at;

    at = 1 - at;
    return email_key(email, keys[at]) == 0 ? keys[at] : "none";
}

static void spellings_of_one_address_are_one(void **state)
{
    static const struct {
        const char *email, *key;
    } cases[] = {
        { "ann@example.org", "ann@example.org" },
        { "Ann@EXAMPLE.org", "ann@example.org" },
        { "ann+shop@example.org", "ann+shop@example.org" }, /* somebody else's, as far as we know */
        { "a.nn@example.org", "a.nn@example.org" },
        { "j\xc3\xbcrgen@example.org", "j\xc3\xbcrgen@example.org" },
        { "JU\xcc\x88RGEN@example.org", "j\xc3\xbcrgen@example.org" }, /* U and a diaeresis on its own */
        { "stra\xc3\x9f"
          "e@example.org",
          "strasse@example.org" },                           /* sharp s */
        { "\xef\xbd\x81nn@example.org", "ann@example.org" }, /* a wide a */
        { "\xe2\x84\xaa@example.org", "k@example.org" },     /* the sign of Kelvin */
        { "ann@b\xc3\xbc"
          "cher.example",
          "ann@xn--bcher-kva.example" },
        { "ann@B\xc3\x9c"
          "CHER.example",
          "ann@xn--bcher-kva.example" },
        { "ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example" },
        { "ann@localhost", "ann@localhost" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_string_equal(key_of(cases[i].email), cases[i].key);
}

/* Turkey's dotless i is another letter, so another person's. */
static void what_looks_alike_need_not_be_one(void **state)
{
    (void)state;
    assert_string_not_equal(key_of("admin@example.org"), key_of("adm\xc4\xb1n@example.org"));
    assert_string_not_equal(key_of("ann@example.org"), key_of("\xd0\xb0nn@example.org")); /* a Cyrillic a */
}

static void what_is_no_address_has_no_key(void **state)
{
    static const char *const wrong[] = {
        "",
        "@",
        "ann",
        "ann@",
        "@example.org",
        "ann@example",
        "ann@example.",
        "ann@.org",
        "ann @example.org",
        "ann@exa mple.org",
        "a@b@example.org",
        ".ann@example.org",
        "ann.@example.org",
        "\"ann\"@example.org",
        "<ann@example.org>",
        "ann@example.org\n",
        "an\x01n@example.org",
        "\xff@example.org",
        "ann@[192.0.2.1]",
        "ann,eve@example.org",
        "\xe2\x80\xa8@example.org\xe2\x80\xa8",
    };
    char longer[EMAIL_MAX + 20];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (strcmp(key_of(wrong[i]), "none") != 0)
            fail_msg("\"%s\" has the key %s", wrong[i], key_of(wrong[i]));
    }
    memset(longer, 'a', sizeof(longer));
    memcpy(longer + sizeof(longer) - sizeof("@example.org"), "@example.org", sizeof("@example.org"));
    assert_string_equal(key_of(longer), "none");
}

static void names_are_folded(void **state)
{
    char folded[FOLDED_SIZE];

    (void)state;
    assert_int_equal(fold_text("STRASSE \xc3\x84", folded), 0);
    assert_string_equal(folded, "strasse \xc3\xa4");
    assert_int_equal(fold_text("", folded), 0);
    assert_string_equal(folded, "");
    assert_int_equal(fold_text("\xc3", folded), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_one_address_are_one),
        cmocka_unit_test(what_looks_alike_need_not_be_one),
        cmocka_unit_test(what_is_no_address_has_no_key),
        cmocka_unit_test(names_are_folded),
    };

    return cmocka_run_group_tests_name("email", tests, NULL, NULL);
}
