/* What an admin writes, right and wrong; and secrets, which a test may know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

#include <stdio.h>
#include <string.h>

static dw_harness *open_with(const char *conf)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = conf) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

static const char key[] = "key: 0123456789abcdef\n";

static void shows_what_was_set_and_what_was_not(void **state)
{
    dw_harness *h = open_with("title: Mine\npatience: 1m\ncolours: [blue]\nkey: 0123456789abcdef\n");
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/settings");
    (void)state;

    assert_string_equal(dw_harness_text(reply, "/title"), "Mine");
    assert_string_equal(dw_harness_text(reply, "/colours/0"), "blue");
    assert_string_equal(dw_harness_text(reply, "/most"), "10");
    assert_string_equal(dw_harness_text(reply, "/shout"), "false");
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- refused configurations: what the admin reads names the file and the item ---- */

static void refuses(const char *conf, const char *why)
{
    dw_harness *h;

    assert_int_equal(dw_harness_open(&h, .plugin = PLUGIN, .conf = conf), -1);
    if (!strstr(dw_harness_why(h), why))
        fail_msg("\"%s\" is not in: %s", why, dw_harness_why(h));
    dw_harness_close(h); /* also one that did not open */
}

static void refuses_what_the_items_do_not_allow(void **state)
{
    (void)state;
    refuses("", "settings.yaml: key");
    refuses("key: short\n", "settings.yaml:2: key");
    refuses("titel: Mine\nkey: 0123456789abcdef\n", "did you mean title?");
    refuses("share: 2\nkey: 0123456789abcdef\n", "settings.yaml:2: share");
}

static void refuses_what_the_check_does_not_allow(void **state)
{
    (void)state;
    refuses("least: 20\nkey: 0123456789abcdef\n",
            "settings.yaml:2: least: is more than most (least: 20, most: 10)");
}

/* ---- secrets ---- */

static void signs_the_body_as_it_came(void **state)
{
    dw_harness *h = open_with(key);
    dw_harness_reply reply = dw_harness_request(h, .target = "/api/v1/settings/signature",
                                                .body = { "to be signed", 12 }, .content_type = "text/plain");
    (void)state;

    /* printf 'to be signed' | openssl dgst -sha256 -hmac 0123456789abcdef */
    assert_string_equal(dw_harness_text(reply, "/signature"),
                        "173d67196f7a5334f84678b49f0f71ac2297118a49595a7b134ce310f3ef9c57");
    assert_int_equal(dw_harness_close(h), 0);
}

static const char *seal(dw_harness *h, const char *json)
{
    return dw_harness_text(dw_harness_post(h, "/api/v1/settings/sealed", json), "/sealed");
}

static dw_harness_reply unseal(dw_harness *h, const char *sealed)
{
    char json[512];

    snprintf(json, sizeof(json), "{\"sealed\":\"%s\"}", sealed);
    return dw_harness_post(h, "/api/v1/settings/unsealed", json);
}

static void unseals_what_it_sealed(void **state)
{
    dw_harness *h = open_with(key);
    const char *sealed = seal(h, "{\"plain\":\"hush\"}");
    (void)state;

    assert_null(strstr(sealed, "hush"));
    assert_string_equal(dw_harness_text(unseal(h, sealed), "/plain"), "hush");
    assert_int_equal(unseal(h, "something else").status, 422);
    assert_int_equal(dw_harness_close(h), 0);
}

/* Whatever happens, the key stays where it is. */
static void never_logs_its_key(void **state)
{
    dw_harness *h = open_with(key);
    (void)state;

    dw_harness_get(h, "/api/v1/settings");
    assert_false(dw_harness_logged(h, DW_LOG_DEBUG, "0123456789abcdef"));
    assert_int_equal(dw_harness_close(h), 0);
}

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    unseal(h, seal(h, "{\"plain\":\"hush\"}"));
    dw_harness_get(h, "/api/v1/settings");
}

static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_with(key);
    (void)state;

    assert_true(dw_harness_torture(h, play, NULL) > 0);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_was_set_and_what_was_not),
        cmocka_unit_test(refuses_what_the_items_do_not_allow),
        cmocka_unit_test(refuses_what_the_check_does_not_allow),
        cmocka_unit_test(signs_the_body_as_it_came),
        cmocka_unit_test(unseals_what_it_sealed),
        cmocka_unit_test(never_logs_its_key),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
