/* locales/de.json of a plugin: what is taken, and what is said about one that is not. */
#include "plugin/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "plugin/descriptor.h"
#include "util/compiler.h"

static int read_words(json_t **out, struct str file, struct buf *why)
{
    const dw_asset assets[] = { { "api.yaml", "{}", 2 }, { "locales/de.json", file.p, file.n } };
    const struct plugin_descriptor d = { .name = "cats", .assets = assets, .assets_n = DW_COUNT_OF(assets) };

    return words_read(out, &d, why);
}

static void sentences_are_found(void **state)
{
    struct buf why = BUF_INIT;
    json_t *words;

    (void)state;
    assert_int_equal(read_words(&words, STR_OF("{\"is old\": \"ist alt\", \"is new\": \"ist neu\"}"), &why),
                     0);
    assert_string_equal(json_string_value(json_object_get(words, "is new")), "ist neu");
    assert_int_equal(why.n, 0);
    json_decref(words);
}

static void none_is_fine(void **state)
{
    const struct plugin_descriptor d = { .name = "cats" };
    struct buf why = BUF_INIT;
    json_t *words = json_null();

    (void)state;
    assert_int_equal(words_read(&words, &d, &why), 0);
    assert_null(words);
}

static void nobody_who_asks_hears_english(void **state)
{
    const dw_instance mute = { .german = NULL };

    (void)state;
    assert_null(words_for(NULL, NULL, STR_OF("is old")));
    assert_null(words_for(&mute, NULL, STR_OF("is old")));
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        struct str file;
        const char *why;
    } cases[] = {
        { STR(""), "locales/de.json:1: " },
        { STR("{\n\"is old\": }"), "locales/de.json:2: " },
        { STR("[\"is old\"]"), "locales/de.json is no object; write {\"the English sentence\": " },
        { STR("{\"is old\": 1}"), "locales/de.json: \"is old\": has no text for its German sentence" },
        { STR("{\"is old\": \"\"}"), "locales/de.json: \"is old\": has no text for its German sentence" },
        { STR("{\"\": \"ist alt\"}"), "locales/de.json: \"\": is no sentence" },
        { STR("{\"is old\": \"ist alt\", \"is old\": \"ist neu\"}"),
          "locales/de.json:1: duplicate object key" },
        { STR("{\"is old\": \"ist \xfc\"}"), "locales/de.json:1: " },
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct buf why = BUF_INIT;
        json_t *words = json_null();
        assert_int_equal(read_words(&words, cases[i].file, &why), -1);
        assert_null(words);
        if (strncmp(buf_text(&why), cases[i].why, strlen(cases[i].why)) != 0)
            fail_msg("%s: %s", cases[i].file.p, buf_text(&why));
        buf_finish(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_are_found),
        cmocka_unit_test(none_is_fine),
        cmocka_unit_test(nobody_who_asks_hears_english),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests_name("plugin_words", tests, NULL, NULL);
}
