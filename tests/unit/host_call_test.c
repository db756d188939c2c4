#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "captured_log.h"
#include "metrics/metrics.h"
#include "plugin/counters.h"
#include "plugin/host_time.h"
#include "plugin_fixture.h"
#include "secure/keyring.h"
#include "util/clock.h"
#include "util/json.h"

static dw_call *c;

static int begin(void **state)
{
    (void)state;
    captured_log_text();
    fixture_process = (struct plugin_process){ 0 };
    c = fixture_begin_with(
        (struct call_options){ .what = "operation createNote", .request_id = str_from("r42") });
    return 0;
}

static int end(void **state)
{
    (void)state;
    call_end(c);
    return 0;
}

static void assert_error(int code, const char *text)
{
    assert_int_equal(dw_error_of(c)->code, code);
    if (!strstr(dw_error_of(c)->text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, dw_error_of(c)->text);
}

/* ---- failing ---- */

static void failures_carry_their_pairs(void **state)
{
    char longer[600];

    (void)state;
    assert_int_equal(dw_fail(c, DW_ECONFLICT, "the title is taken", "title", "Milk", "owner", 7),
                     DW_ECONFLICT);
    assert_string_equal(dw_error_of(c)->text, "the title is taken (title: Milk, owner: 7)");
    assert_string_equal(dw_error_of(c)->detail, "");
    assert_int_equal(dw_error_of(c)->struct_size, sizeof(dw_err));
    dw_fail(c, DW_EINVALID, "plain");
    assert_string_equal(dw_error_of(c)->text, "plain");
    dw_fail(c, DW_EAUTH, "refused", "password", "hunter2", "at", ((dw_time){ 0 }));
    assert_string_equal(dw_error_of(c)->text,
                        "refused (password: [redacted], at: \"1970-01-01T00:00:00.000000Z\")");
    for (size_t i = 0; i < sizeof(longer) - 1; i += 2)
        memcpy(longer + i, "\xc3\xa4", 2);
    longer[598] = 0;
    dw_fail(c, DW_EINVALID, "too long", "name", (const char *)longer);
    size_t n = strlen(dw_error_of(c)->text);
    assert_in_range(n, 200, 230);
    assert_true(str_is_utf8(str_make(dw_error_of(c)->text, n)));
    assert_string_equal(dw_error_of(c)->text + n - 4, "...)");
    /* What is formatted may quote the failure before. */
    dw_fail(c, DW_EUPSTREAM, "first");
    dw_fail(c, DW_EINTERNAL, "second", "because", dw_error_of(c)->text);
    assert_string_equal(dw_error_of(c)->text, "second (because: first)");
}

static void failures_say_when_to_try_again(void **state)
{
    (void)state;
    assert_int_equal(dw_fail(c, DW_ERATE, "wait", "key", "a", "retry_after", DW_SECONDS(90)), DW_ERATE);
    assert_int_equal(dw_error_of(c)->retry_after.us, 90000000);
    dw_fail(c, DW_ERATE, "wait", "retry_after", 90); /* of what? */
    assert_int_equal(dw_error_of(c)->retry_after.us, 0);
}

static void failures_have_a_word_for_machines(void **state)
{
    char long_reason[CALL_REASON_MAX + 2];
    (void)state;

    assert_string_equal(dw_error_of(c)->reason, "");
    assert_int_equal(dw_fail(c, DW_ECONFLICT, "two at once", "a", 1, "reason", "OVERLAP", "b", 2),
                     DW_ECONFLICT);
    assert_string_equal(dw_error_of(c)->reason, "OVERLAP");
    assert_string_equal(dw_error_of(c)->text, "two at once (a: 1, b: 2)"); /* people read a sentence */
    dw_fail(c, DW_ECONFLICT, "passed on", "reason", dw_error_of(c)->reason);
    assert_string_equal(dw_error_of(c)->text, "passed on");
    assert_string_equal(dw_error_of(c)->reason, "OVERLAP");
    dw_fail_at(c, "/begin", "lies in the future", "reason", "FUTURE");
    assert_string_equal(dw_error_of(c)->reason, "FUTURE");
    dw_fail(c, DW_EINVALID, "another one");
    assert_string_equal(dw_error_of(c)->reason, "");
    dw_fail(c, DW_EINVALID, "none", "reason", (const char *)NULL);
    assert_string_equal(dw_error_of(c)->reason, "");
    assert_int_equal(dw_fail(c, DW_EINVALID, "x", "reason", "ticket 7"), DW_EMISUSE);
    assert_error(DW_EMISUSE, "a reason that is no word");
    assert_int_equal(dw_fail(c, DW_EINVALID, "x", "reason", 7), DW_EMISUSE);
    memset(long_reason, 'A', sizeof(long_reason) - 1);
    long_reason[sizeof(long_reason) - 1] = 0;
    assert_int_equal(dw_fail(c, DW_EINVALID, "x", "reason", (const char *)long_reason), DW_EMISUSE);
    assert_int_equal(dw_fail(c, DW_EINVALID, "x", "reason", (const char *)long_reason + 1), DW_EINVALID);
    assert_string_equal(dw_error_of(c)->reason, long_reason + 1);
}

static void wrong_failures_are_misuse(void **state)
{
    (void)state;
    assert_int_equal(dw_fail(c, 0, "no code"), DW_EMISUSE);
    assert_int_equal(dw_fail(c, 404, "no code"), DW_EMISUSE);
    assert_int_equal(dw_fail(c, -110, "no code"), DW_EMISUSE);
    assert_error(DW_EMISUSE, "none of enum dw_error");
    assert_int_equal(dw_fail(c, DW_EINVALID, "odd", "name"), DW_EMISUSE);
    assert_int_equal(dw_fail(c, DW_EINVALID, 5), DW_EMISUSE);
    const char *log = captured_log_text();
    assert_non_null(
        strstr(log, "\"plugin\":\"notes\",\"callback\":\"operation createNote\",\"request\":\"r42\""));
}

static void places_are_collected(void **state)
{
    (void)state;
    assert_int_equal(dw_fail_at(c, "/begin", "lies after its end", "end", 5), DW_EINVALID);
    assert_int_equal(dw_fail_at(c, "#/a~1b", "twice"), DW_EINVALID);
    assert_error(DW_EINVALID, "twice");
    assert_string_equal(dw_error_of(c)->detail, "#/a~1b");
    assert_int_equal(c->errors_n, 2);
    assert_true(str_equal(c->errors[0].pointer, STR_OF("#/begin")));
    assert_true(str_equal(c->errors[0].detail, STR_OF("lies after its end (end: 5)")));
    assert_true(str_equal(c->errors[1].pointer, STR_OF("#/a~1b")));
}

/* ---- json ---- */

static void json_is_parsed_strictly(void **state)
{
    json_t *json = NULL;

    (void)state;
    assert_int_equal(dw_json_parse(c, (dw_str){ "{\"a\":[1,2]}xx", 11 }, &json), 0);
    assert_int_equal(json_array_size(json_object_get(json, "a")), 2);
    assert_int_equal(dw_json_parse(c, (dw_str){ "{\"a\":1,\n\"a\":2}", 14 }, &json), DW_EINVALID);
    assert_null(json);
    assert_error(DW_EINVALID, "line 2");
    assert_int_equal(strncmp(dw_error_of(c)->detail, "2:", 2), 0);
    assert_int_equal(dw_json_parse(c, (dw_str){ NULL, 0 }, &json), DW_EINVALID);
    assert_int_equal(dw_json_parse(c, (dw_str){ "1", 1 }, NULL), DW_EMISUSE);
}

static void members_are_read_by_name(void **state)
{
    static const char text[] =
        "{\"name\":\"Ann\",\"n\":5,\"gone\":null,\"list\":[{\"x\":1.5},true],\"a/b\":{\"~\":7}}";
    const char *name = NULL;
    int n = 0, tilde = 0, untouched = 77;
    double x = 0;
    bool b = false;
    json_t *json, *list = NULL;

    (void)state;
    assert_int_equal(dw_json_parse(c, (dw_str){ text, strlen(text) }, &json), 0);
    assert_int_equal(dw_json_read(c, json, "name!", &name, "n", &n, "list", &list, "/list/0/x", &x,
                                  "/list/1!", &b, "/a~1b/~0", &tilde, "gone", &untouched, "none", &untouched,
                                  "/list/01", &untouched, "/list/7/x", &untouched, "/n/0", &untouched),
                     0);
    assert_string_equal(name, "Ann");
    assert_int_equal(n, 5);
    assert_int_equal(json_array_size(list), 2);
    assert_true(x == 1.5 && b);
    assert_int_equal(tilde, 7);
    assert_int_equal(untouched, 77);
    assert_int_equal(dw_json_read(c, json, "n", &name), DW_EINVALID);
    assert_string_equal(dw_error_of(c)->text, "n: a text is wanted, found a number");
    assert_string_equal(dw_error_of(c)->detail, "/n");
    assert_int_equal(dw_json_read(c, json, "none!", &n), DW_EINVALID);
    assert_error(DW_EINVALID, "none: a value is wanted, found nothing");
    assert_int_equal(dw_json_read(c, json, "gone!", &n), DW_EINVALID);
    assert_int_equal(dw_json_read(c, json, "/list/1", &n), DW_EINVALID);
    assert_string_equal(dw_error_of(c)->detail, "/list/1");
    assert_int_equal(dw_json_read(c, NULL, "n", &n), 0);
    assert_int_equal(dw_json_read(c, NULL, "n!", &n), DW_EINVALID);
    assert_int_equal(dw_json_read(c, json, "n", 5), DW_EMISUSE);
    assert_int_equal(dw_json_read(c, json, "n"), DW_EMISUSE);
}

static void json_is_made_and_owned(void **state)
{
    (void)state;
    json_t *inner = dw_json_list(c, 1, "two", NULL);
    json_t *json = dw_json(c, "list", inner, "none", (json_t *)NULL);
    assert_int_equal(json_array_size(json_object_get(json, "list")), 3);
    assert_true(json_is_null(json_object_get(json, "none")));
    assert_ptr_equal(dw_json_own(c, NULL), NULL);
    json_t *own = json_string("x");
    assert_ptr_equal(dw_json_own(c, own), own);
    assert_null(dw_json(c, "text", "\xff"));
    assert_error(DW_EMISUSE, "UTF-8");
    assert_null(dw_json_list(c, UINT64_MAX));
    assert_error(DW_EMISUSE, "dw_out");
}

/* Trees are in memory of another allocator, and the call's all the same. */
static void trees_count_as_memory(void **state)
{
    char text[1001];
    const char *thousand = text;
    const dw_bytes bytes = { text, 600 };

    (void)state;
    memset(text, 'x', 1000);
    text[1000] = 0;
    size_t before = c->memory;
    dw_json(c, "text", thousand, "bytes", bytes);
    assert_in_range(c->memory - before, 1800, 2600);
    dw_scope_begin(c);
    for (int i = 0; i < 1000; i++)
        dw_json_list(c, thousand);
    assert_true(c->memory - before > 1000000);
    dw_scope_end(c);
    assert_in_range(c->memory - before, 1800, 2600);
}

/* ---- texts and time ---- */

static void texts_grow(void **state)
{
    char wanted[5001];

    (void)state;
    assert_string_equal(dw_format(c, "%d-%s", 5, "x"), "5-x");
    assert_string_equal(dw_format(c, "%s", ""), "");
    assert_string_equal(dw_copy(c, (dw_str){ "abc", 2 }), "ab");
    assert_string_equal(dw_copy(c, (dw_str){ NULL, 0 }), "");
    dw_text *t = dw_text_new(c), *other = dw_text_new(c);
    assert_string_equal(dw_text_get(t).p, "");
    for (int i = 0; i < 5000; i++) {
        wanted[i] = (char)('a' + i % 26);
        host_call_api.text_add(t, &wanted[i], 1);
        if (i % 100 == 0)
            dw_text_add(other, "in between");
    }
    wanted[5000] = 0;
    dw_text_add(t, NULL);
    assert_int_equal(dw_text_get(t).n, 5000);
    assert_string_equal(dw_text_get(t).p, wanted);
    assert_int_equal(dw_text_get(other).n, 500);
    dw_text_add(NULL, "x");
}

static void times_are_rfc3339(void **state)
{
    dw_time t = { 5 };

    (void)state;
    assert_int_equal(dw_time_parse(c, "2026-11-21T08:05:00+01:00", &t), 0);
    assert_string_equal(dw_time_format(c, t), "2026-11-21T07:05:00.000000Z");
    assert_int_equal(dw_time_parse(c, "2026-11-21T08:05:00", &t), DW_EINVALID);
    assert_error(DW_EINVALID, "2026-11-21T08:05:00\" is no time");
    assert_int_equal(dw_time_parse(c, NULL, &t), DW_EINVALID);
    assert_int_equal(dw_time_parse(c, "x", NULL), DW_EMISUSE);
    assert_string_equal(dw_time_format(c, t), "2026-11-21T07:05:00.000000Z");
}

static void times_have_zones(void **state)
{
    const char *text = "";
    dw_time t = { 5 }, next = { 5 };

    (void)state;
    assert_int_equal(dw_time_parse_in(c, "2026-07-01T08:05:00", "Europe/Berlin", &t), 0);
    assert_string_equal(dw_time_format(c, t), "2026-07-01T06:05:00.000000Z");
    assert_int_equal(dw_time_format_in(c, t, "Europe/Berlin", &text), 0);
    assert_string_equal(text, "2026-07-01T08:05:00.000000+02:00");
    assert_int_equal(dw_time_format_in(c, t, "America/St_Johns", &text), 0);
    assert_string_equal(text, "2026-07-01T03:35:00.000000-02:30");
    assert_int_equal(dw_time_format_in(c, (dw_time){ INT64_MAX }, "Pacific/Auckland", &text), 0);
    assert_int_equal(dw_time_format_in(c, (dw_time){ INT64_MIN }, "America/St_Johns", &text), 0);
    assert_int_equal(dw_time_format_in(c, (dw_time){ -1 }, NULL, &text), 0);
    assert_string_equal(text, "1969-12-31T23:59:59.999999+00:00");
    assert_int_equal(dw_time_parse_in(c, "2026-07-01T08:05:00-03:00", "Europe/Berlin", &t), 0);
    assert_string_equal(dw_time_format(c, t), "2026-07-01T11:05:00.000000Z");
    assert_int_equal(dw_time_parse_in(c, "2026-03-29T02:30:00", "Europe/Berlin", &t), 0); /* never shown */
    assert_string_equal(dw_time_format(c, t), "2026-03-29T01:00:00.000000Z");
    assert_int_equal(dw_time_parse_in(c, "2026-03-29", "Europe/Berlin", &t), DW_EINVALID);
    assert_error(DW_EINVALID, "is no date and time");
    assert_int_equal(dw_time_parse_in(c, NULL, NULL, &t), DW_EINVALID);
    assert_int_equal(dw_time_format_in(c, t, "Europe/Berlim", &text), DW_EINVALID);
    assert_error(DW_EINVALID, "Europe/Berlin");

    assert_int_equal(host_when_next(c, "30 2 * * *", "Europe/Berlin", t, &next), 1);
    assert_string_equal(dw_time_format(c, next), "2026-03-30T00:30:00.000000Z");
    assert_int_equal(host_when_next(c, "every 15m", NULL, t, &next), 1);
    assert_string_equal(dw_time_format(c, next), "2026-03-29T01:15:00.000000Z");
    assert_int_equal(host_when_next(c, "2026-01-01T00:00:00", "Europe/Berlin", t, &next), 0);
    assert_int_equal(host_when_next(c, "every now", NULL, t, &next), DW_EINVALID);
    assert_int_equal(host_when_next(c, NULL, NULL, t, &next), DW_EINVALID);
    assert_int_equal(host_when_next(c, "every 1m", NULL, t, NULL), DW_EMISUSE);
}

/* ---- log ---- */

static void lines_say_whose_they_are(void **state)
{
    (void)state;
    dw_info(c, "folder read", "files", 3, "password", "hunter2", "plugin", "other");
    const char *log = captured_log_text();
    assert_non_null(strstr(log, "\"level\":\"info\",\"message\":\"folder read\",\"plugin\":\"notes\","
                                "\"callback\":\"operation createNote\",\"request\":\"r42\",\"files\":3,"
                                "\"password\":\"[redacted]\",\"plugin_\":\"other\"}"));
    dw_debug(c, "not now");
    assert_string_equal(captured_log_text(), "");
    dw_warn(c, ((dw_str){ "cut here", 3 }), "odd");
    log = captured_log_text();
    assert_non_null(strstr(log, "\"message\":\"cut\""));
    assert_non_null(strstr(log, "\"misuse\":\"a name without"));
    dw_error(c, 5);
    assert_non_null(strstr(captured_log_text(), "a log line has no text"));
    dw_log_any(&fixture_instance, DW_LOG_ERROR, "from anywhere", "n", 1);
    assert_non_null(
        strstr(captured_log_text(), "\"message\":\"from anywhere\",\"plugin\":\"notes\",\"n\":1}"));
    dw_log_any((dw_instance *)NULL, DW_LOG_ERROR, "from nobody");
    assert_non_null(strstr(captured_log_text(), "used its instance where it must not"));
}

static char heard[64];

static void hear(dw_instance *i, int level, const char *text, dw_list pairs, void *ud)
{
    (void)ud;
    snprintf(heard, sizeof(heard), "%s %d %s %zu", i->name, level, text, pairs.n);
}

static void the_harness_hears_all(void **state)
{
    (void)state;
    fixture_process.logged = hear;
    dw_debug(c, "quiet", "n", 1);
    assert_string_equal(heard, "notes 0 quiet 2");
    assert_string_equal(captured_log_text(), "");
}

/* ---- counting ---- */

static int64_t value_of(const char *name, const char *labels)
{
    return metric_value(metrics_counter(name, "Counted by the plugin", labels));
}

static void counters_count(void **state)
{
    (void)state;
    dw_count(c, "entries", 3, "source", "c\"sv", "n", 5);
    dw_count(c, "entries", 4u, "source", "c\"sv", "n", 5);
    dw_count(c, "entries", 1, "source", "other", "n", 5);
    dw_count(c, "plain", 2);
    dw_count(c, "plain", 0);
    assert_int_equal(value_of("dowel_notes_entries_total", "plugin=\"notes\",source=\"c\\\"sv\",n=\"5\""), 7);
    assert_int_equal(value_of("dowel_notes_entries_total", "plugin=\"notes\",source=\"other\",n=\"5\""), 1);
    assert_int_equal(value_of("dowel_notes_plain_total", "plugin=\"notes\""), 2);
    assert_string_equal(captured_log_text(), "");
}

/* Names of plugins and of what they count may both have a _ in them. */
static void counters_of_two_plugins_never_mix(void **state)
{
    dw_instance one = { .magic = INSTANCE_MAGIC, .name = "a", .process = &fixture_process };
    dw_instance other = { .magic = INSTANCE_MAGIC, .name = "a_b", .process = &fixture_process };

    (void)state;
    dw_call *of_one = fixture_begin_with((struct call_options){ .instance = &one });
    dw_count(of_one, "b_c", 3);
    call_end(of_one);
    dw_call *of_other = fixture_begin_with((struct call_options){ .instance = &other });
    dw_count(of_other, "c", 5);
    call_end(of_other);
    assert_int_equal(value_of("dowel_a_b_c_total", "plugin=\"a\""), 3);
    assert_int_equal(value_of("dowel_a_b_c_total", "plugin=\"a_b\""), 5);
    counters_destroy(one.counters);
    counters_destroy(other.counters);
}

static void wrong_counts_are_misuse(void **state)
{
    (void)state;
    dw_count(c, "Entries", 1);
    assert_error(DW_EMISUSE, "a name that is not of a-z");
    dw_count(c, "a", -1);
    assert_error(DW_EMISUSE, "whole number of 0 or more");
    dw_count(c, "a", 1.5);
    dw_count(c, "a");
    assert_error(DW_EMISUSE, "no name and number");
    dw_count(c, "a", 1, "b");
    assert_error(DW_EMISUSE, "pairs");
    dw_count(c, "a", 1, "b c", 1);
    assert_error(DW_EMISUSE, "label's name");
    dw_count(c, "a", 1, "plugin", "other");
    assert_error(DW_EMISUSE, "the label plugin");
    dw_count(c, "a", 1, "b", "\xff");
    assert_error(DW_EMISUSE, "UTF-8");
    dw_count(c, "a", 1, "b", dw_format(c, "%0129d", 1));
    assert_error(DW_EMISUSE, "128 bytes");
}

static unsigned occurrences(const char *text, const char *part)
{
    unsigned n = 0;

    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

static void ids_are_no_labels(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNTERS_MAX + 100; i++)
            dw_count(c, "many", 1, "id", i);
    }
    assert_int_equal(occurrences(captured_log_text(), "more sets of labels"), 1);
    assert_int_equal(value_of("dowel_notes_many_total", "plugin=\"notes\",id=\"5\""), 2);
    assert_int_equal(value_of("dowel_notes_many_total", "plugin=\"notes\",id=\"1099\""), 0);
    struct counters *counters = fixture_instance.counters;
    fixture_instance.counters = NULL;
    counters_destroy(counters);
}

/* ---- secure ---- */

static void ids_digests_and_equality(void **state)
{
    char id[64];

    (void)state;
    snprintf(id, sizeof(id), "%s", dw_id(c));
    assert_true(strcmp(id, dw_id(c)) < 0);
    assert_int_equal(strlen(dw_random_token(c, 32)), 43);
    assert_int_equal(strlen(dw_random_token(c, 0)), 43);
    assert_error(DW_EMISUSE, "dw_random_token");
    assert_string_equal(dw_digest_hex(c, DW_SHA256, (dw_bytes){ "abc", 3 }),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    /* RFC 4231, test case 2 */
    const char *mac =
        dw_hmac_hex(c, DW_SHA256, (dw_secret){ "Jefe" }, (dw_bytes){ "what do ya want for nothing?", 28 });
    assert_string_equal(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_null(dw_digest_hex(c, (enum dw_digest)99, (dw_bytes){ "abc", 3 }));
    assert_error(DW_EMISUSE, "dw_digest_hex");
    assert_null(dw_hmac_hex(c, DW_SHA256, (dw_secret){ "" }, (dw_bytes){ "abc", 3 }));
    assert_null(dw_hmac_hex(c, DW_SHA256, (dw_secret){ NULL }, (dw_bytes){ "abc", 3 }));
    assert_error(DW_EMISUSE, "key is empty");
    assert_int_equal(dw_equal("a", "a"), 1);
    assert_int_equal(dw_equal("a", "b"), 0);
    assert_int_equal(dw_equal(NULL, NULL), 0);
}

static void texts_are_sealed(void **state)
{
    struct keyring *keys, *others;
    const char *sealed;
    dw_str plain;

    (void)state;
    assert_int_equal(dw_seal(c, (dw_str){ "secret", 6 }, &sealed), DW_EUNAVAILABLE);
    assert_error(DW_EUNAVAILABLE, "no keys");
    assert_null(keyring_parse(&keys, str_from("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="), NULL));
    assert_null(keyring_parse(&others, str_from("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), NULL));
    fixture_process.keyring = keys;
    assert_int_equal(dw_seal(c, (dw_str){ "secret", 6 }, &sealed), 0);
    assert_int_equal(dw_unseal(c, sealed, &plain), 0);
    assert_int_equal(plain.n, 6);
    assert_string_equal(plain.p, "secret");
    assert_int_equal(dw_seal(c, (dw_str){ NULL, 0 }, &sealed), 0);
    assert_int_equal(dw_unseal(c, sealed, &plain), 0);
    assert_string_equal(plain.p, "");
    assert_int_equal(dw_unseal(c, "gAAAA", &plain), DW_EINVALID);
    assert_int_equal(dw_unseal(c, NULL, &plain), DW_EMISUSE);
    assert_int_equal(dw_seal(c, (dw_str){ "x", 1 }, NULL), DW_EMISUSE);
    fixture_process.keyring = others;
    assert_int_equal(dw_unseal(c, sealed, &plain), DW_EINVALID);
    assert_error(DW_EINVALID, "not sealed by this server");
    keyring_destroy(others);
    keyring_destroy(keys);
}

/* Both made by Python's cryptography 38. */
#define PYTHONS_KEY "yMnKy8zNzs_Q0dLT1NXW19jZ2tvc3d7f4OHi4-Tl5uc="
#define PYTHONS_TOKEN                                                                                        \
    "gAAAAABnLPbAAAECAwQFBgcICQoLDA0OD0Rq54AGu5N-U0Vx1pnXU-P-gpBhnPiOdoR46z2N0mUzAjUk5Z45Jvg7E2v2xHOk9EQTP-" \
    "ZXJCgBW6qeVPzkFiQ="

static void tokens_of_others_are_opened_with_their_key(void **state)
{
    static const char other[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    dw_str plain = { NULL, 0 };

    (void)state; /* the server itself has no keys here: none is needed */
    assert_int_equal(dw_unseal_with(c, (dw_secret){ PYTHONS_KEY }, PYTHONS_TOKEN, &plain), 0);
    assert_int_equal(plain.n, strlen("ZammadToken-4711"));
    assert_string_equal(plain.p, "ZammadToken-4711");
    assert_int_equal(dw_unseal_with(c, (dw_secret){ other }, PYTHONS_TOKEN, &plain), DW_EINVALID);
    assert_error(DW_EINVALID, "not sealed with this key");
    assert_int_equal(dw_unseal_with(c, (dw_secret){ PYTHONS_KEY }, "gAAAA", &plain), DW_EINVALID);
    assert_int_equal(dw_unseal_with(c, (dw_secret){ PYTHONS_KEY }, "", &plain), DW_EINVALID);
    assert_int_equal(dw_unseal_with(c, (dw_secret){ "changeme" }, PYTHONS_TOKEN, &plain), DW_EINVALID);
    assert_error(DW_EINVALID, "44 characters");
    assert_int_equal(dw_unseal_with(c, (dw_secret){ NULL }, PYTHONS_TOKEN, &plain), DW_EMISUSE);
    assert_int_equal(dw_unseal_with(c, (dw_secret){ PYTHONS_KEY }, NULL, &plain), DW_EMISUSE);
}

static int start(void **state)
{
    json_start();
    return captured_log_open(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failures_carry_their_pairs, begin, end),
        cmocka_unit_test_setup_teardown(failures_say_when_to_try_again, begin, end),
        cmocka_unit_test_setup_teardown(failures_have_a_word_for_machines, begin, end),
        cmocka_unit_test_setup_teardown(wrong_failures_are_misuse, begin, end),
        cmocka_unit_test_setup_teardown(places_are_collected, begin, end),
        cmocka_unit_test_setup_teardown(json_is_parsed_strictly, begin, end),
        cmocka_unit_test_setup_teardown(members_are_read_by_name, begin, end),
        cmocka_unit_test_setup_teardown(json_is_made_and_owned, begin, end),
        cmocka_unit_test_setup_teardown(trees_count_as_memory, begin, end),
        cmocka_unit_test_setup_teardown(texts_grow, begin, end),
        cmocka_unit_test_setup_teardown(times_are_rfc3339, begin, end),
        cmocka_unit_test_setup_teardown(times_have_zones, begin, end),
        cmocka_unit_test_setup_teardown(lines_say_whose_they_are, begin, end),
        cmocka_unit_test_setup_teardown(the_harness_hears_all, begin, end),
        cmocka_unit_test_setup_teardown(counters_count, begin, end),
        cmocka_unit_test_setup_teardown(counters_of_two_plugins_never_mix, begin, end),
        cmocka_unit_test_setup_teardown(wrong_counts_are_misuse, begin, end),
        cmocka_unit_test_setup_teardown(ids_are_no_labels, begin, end),
        cmocka_unit_test_setup_teardown(ids_digests_and_equality, begin, end),
        cmocka_unit_test_setup_teardown(texts_are_sealed, begin, end),
        cmocka_unit_test_setup_teardown(tokens_of_others_are_opened_with_their_key, begin, end),
    };

    return cmocka_run_group_tests_name("host_call", tests, start, captured_log_close);
}
