/* What knows neither calls nor the network: amounts, numbers, dates, facts, hints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "amount.h"
#include "fact.h"
#include "hint.h"
#include "http_date.h"
#include "idmap.h"
#include "recent.h"
#include "row.h"

/* ---- memory that runs out: the n-th time from now; 0: never ----
 * NOLINTBEGIN(bugprone-reserved-identifier): these are the linker's names */

static unsigned fails_in;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool fails_now(void)
{
    return fails_in > 0 && --fails_in == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __real_calloc(n, size);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &error);

    if (!json)
        fail_msg("%s: %s", text, error.text);
    return json;
}

/* ---- amounts ---- */

static void becomes(const char *before, const char *after)
{
    char *out;
    size_t n;
    int rc = amount_quote(before, strlen(before), &out, &n);

    assert_int_equal(rc, strcmp(before, after) != 0);
    if (rc == 1) {
        assert_string_equal(out, after);
        assert_int_equal(n, strlen(after));
    } else {
        assert_null(out);
    }
    free(out);
}

static void numbers_that_are_amounts_become_texts_digit_by_digit(void **state)
{
    (void)state;
    becomes("[{\"time_unit\":22.1}]", "[{\"time_unit\":\"22.1\"}]");
    becomes("[{\"time_unit\" : \n-0.30000000000000000001e2,\"id\":1}]",
            "[{\"time_unit\" : \n\"-0.30000000000000000001e2\",\"id\":1}]");
    becomes("{\"a\":{\"time_unit\":1},\"b\":[{\"time_unit\":123456789012345678901234567890}]}",
            "{\"a\":{\"time_unit\":\"1\"},\"b\":[{\"time_unit\":\"123456789012345678901234567890\"}]}");
}

static void what_is_no_amount_stays(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"time_unit\":\"22.0\"}",
        "{\"time_unit\":\"1,5\"}",
        "{\"time_unit\":null}",
        "{\"time_units\":1,\"ime_unit\":2}",
        "{\"title\":\"\\\"time_unit\\\": 5\"}",
        "{\"title\":\"time_unit\",\"n\":5}",
        "[\"time_unit\", 5]",
        "{\"title\":\"half a text",
        "{\"title\":\"ends in a stroke\\",
        "{\"time_unit\"",
        "{\"time_unit\":",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        becomes(texts[i], texts[i]);
}

/* ---- whatever comes ---- */

enum { DEPTH = 5 };

static unsigned chance(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 16) % below;
}

static json_t *grow(unsigned *seed, unsigned depth)
{
    static const char *const texts[] = { "", "time_unit", "\"time_unit\":5", "\\", "\"", "a: 1.5" };
    json_t *json;

    switch (depth == DEPTH ? 5 : chance(seed, depth ? 6 : 4)) {
    case 0: return json_real(chance(seed, 1000) / 8.0);
    case 1: return json_integer((json_int_t)chance(seed, 100) - 50);
    case 2: return json_string(texts[chance(seed, 6)]);
    case 3: return json_null();
    case 4:
        json = json_array();
        for (unsigned i = chance(seed, 4); i > 0; i--)
            json_array_append_new(json, grow(seed, depth - 1));
        return json;
    default:
        json = json_object();
        for (unsigned i = chance(seed, 4); i > 0; i--)
            json_object_set_new(json, texts[chance(seed, 2) ? 1 : chance(seed, 6)], grow(seed, depth - 1));
        return json;
    }
}

/* Amounts are texts now, and nothing else has changed. */
static bool is_quoted(const json_t *before, const json_t *after)
{
    const char *name;
    json_t *member;
    size_t i;

    if (json_is_array(before)) {
        json_array_foreach((json_t *)before, i,
                           member) if (!is_quoted(member, json_array_get(after, i))) return false;
        return json_array_size(before) == json_array_size(after);
    }
    if (!json_is_object(before))
        return json_equal(before, after);
    json_object_foreach((json_t *)before, name, member)
    {
        const json_t *now = json_object_get(after, name);
        bool is_amount = strcmp(name, "time_unit") == 0 && json_is_number(member);
        if (is_amount ? !json_is_string(now) : !is_quoted(member, now))
            return false;
    }
    return json_object_size(before) == json_object_size(after);
}

static void json_stays_what_it_was_and_half_of_it_is_survived(void **state)
{
    unsigned seed = 1, changed = 0;
    (void)state;

    for (unsigned n = 0; n < 20000; n++) {
        json_t *before = grow(&seed, DEPTH);
        char *text = json_dumps(before, JSON_ENCODE_ANY | (n % 2 ? JSON_INDENT(1) : JSON_COMPACT)), *out;
        size_t length = strlen(text), out_n;
        if (amount_quote(text, length, &out, &out_n) == 1) {
            json_t *after = json_loadb(out, out_n, JSON_DECODE_ANY, NULL);
            changed++;
            if (!is_quoted(before, after))
                fail_msg("%s became %s", text, out);
            json_decref(after);
            free(out);
        }
        char *half = malloc(length + 1); /* of its own, so that a step beyond its end is seen */
        memcpy(half, text, length);
        assert_true(amount_quote(half, chance(&seed, (unsigned)length + 1), &out, &out_n) >= 0);
        free(out);
        free(half);
        free(text);
        json_decref(before);
    }
    assert_true(changed > 1000);
}

/* ---- numbers of rows ---- */

static int64_t id_of(const char *text)
{
    json_t *json = json_of(text);
    int64_t id = row_id(json);

    json_decref(json);
    return id;
}

static void a_rows_number_is_above_zero_also_as_a_text(void **state)
{
    (void)state;
    assert_int_equal(id_of("12"), 12);
    assert_int_equal(id_of("\"12\""), 12);
    assert_int_equal(id_of("999999999999999999"), 999999999999999999);
    assert_int_equal(id_of("0"), 0);
    assert_int_equal(id_of("-3"), 0);
    assert_int_equal(id_of("\"-3\""), 0);
    assert_int_equal(id_of("\"\""), 0);
    assert_int_equal(id_of("\"12a\""), 0);
    assert_int_equal(id_of("\"9999999999999999999\""), 0);
    assert_int_equal(id_of("12.5"), 0);
    assert_int_equal(id_of("{}"), 0);
    assert_int_equal(row_id(NULL), 0);
}

/* ---- maps ---- */

static void a_map_keeps_what_was_put_in(void **state)
{
    struct idmap m = { 0 };
    (void)state;

    assert_null(idmap_get(&m, 1));
    for (int64_t i = 1; i <= 5000; i++)
        assert_int_equal(idmap_put(&m, i * 500, (union idvalue){ .number = -i }), 0);
    assert_int_equal(idmap_put(&m, 500, (union idvalue){ .number = 7 }), 0);
    assert_int_equal(m.n, 5000);
    assert_int_equal(idmap_get(&m, 500)->number, 7);
    for (int64_t i = 2; i <= 5000; i++)
        assert_int_equal(idmap_get(&m, i * 500)->number, -i);
    assert_false(idmap_has(&m, 501));
    assert_false(idmap_has(&m, 0));
    assert_int_equal(idmap_put(&m, 0, (union idvalue){ 0 }), -1);
    idmap_clear(&m, NULL);
    assert_false(idmap_has(&m, 500));
    assert_int_equal(idmap_put(&m, 500, (union idvalue){ 0 }), 0);
    idmap_clear(&m, NULL);
}

/* ---- dates ---- */

static void a_servers_date_is_read(void **state)
{
    (void)state;
    assert_int_equal(http_date_seconds("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    assert_int_equal(http_date_seconds("Fri, 27 Nov 2026 18:22:03 GMT"), 1795803723);
    assert_int_equal(http_date_seconds("Thu, 29 Feb 2024 23:59:59 GMT"), 1709251199);
    assert_int_equal(http_date_seconds(NULL), -1);
    assert_int_equal(http_date_seconds(""), -1);
    assert_int_equal(http_date_seconds("tomorrow, perhaps"), -1);
    assert_int_equal(http_date_seconds("Fri, 27 Nov 2026 18:22:03 CET"), -1);
    assert_int_equal(http_date_seconds("Fri, 27 nov 2026 18:22:03 GMT"), -1);
    assert_int_equal(http_date_seconds("Fri, 27 anF 2026 18:22:03 GMT"), -1);
    assert_int_equal(http_date_seconds("Fri, 27 Nov 2026 25:22:03 GMT"), -1);
}

/* ---- facts ---- */

static struct person *person_of(const char *text)
{
    json_t *row = json_of(text);
    struct person *p = fact_person(7, row);

    json_decref(row);
    assert_non_null(p);
    return p;
}

static void a_person_has_the_name_that_there_is(void **state)
{
    static const struct {
        const char *row, *name;
    } cases[] = {
        { "{\"firstname\":\"Anna\",\"lastname\":\"Köhler\",\"login\":\"ak\"}", "Anna Köhler" },
        { "{\"firstname\":\"\",\"lastname\":\"Köhler\",\"login\":\"ak\"}", "Köhler" },
        { "{\"firstname\":\"Anna\",\"lastname\":null,\"login\":\"ak\"}", "Anna" },
        { "{\"firstname\":\"\",\"lastname\":\"\",\"login\":\"ak\"}", "ak" },
    };
    struct person *p;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        p = person_of(cases[i].row);
        assert_string_equal(p->name, cases[i].name);
        free(p);
    }
    p = person_of("{\"email\":\"a@example.org\",\"organization_id\":3,\"organization\":\"Firm\"}");
    assert_null(p->name);
    assert_string_equal(p->email, "a@example.org");
    assert_string_equal(p->organization_name, "Firm");
    assert_int_equal(p->organization, 3);
    free(p);
    p = fact_person(7, NULL);
    assert_false(p->known);
    free(p);
}

static void a_ticket_keeps_its_texts(void **state)
{
    json_t *row =
        json_of("{\"id\":5,\"number\":\"22005\",\"title\":\"\\\"<\\u00e9>\",\"organization_id\":null,"
                "\"customer_id\":9,\"organization\":null}");
    struct ticket *t = fact_ticket(5, row);
    (void)state;

    json_decref(row);
    assert_string_equal(t->number, "22005");
    assert_string_equal(t->title, "\"<é>");
    assert_null(t->organization_name);
    assert_int_equal(t->organization, 0);
    assert_int_equal(t->customer, 9);
    free(t);
}

/* ---- hints ---- */

static int64_t hint_in(const char *text)
{
    json_t *json = json_of(text);
    int64_t id = hint_ticket(json);

    json_decref(json);
    return id;
}

static void a_hint_is_found_in_what_admins_write(void **state)
{
    (void)state;
    assert_int_equal(hint_in("{\"ticket\":{\"id\":12,\"number\":\"22012\"},\"article\":{}}"), 12);
    assert_int_equal(hint_in("{\"ticket\":{\"id\":\"12\"}}"), 12);
    assert_int_equal(hint_in("{\"ticket_id\":\"12\"}"), 12);
    assert_int_equal(hint_in("{\"ticketId\":12}"), 12);
    assert_int_equal(hint_in("{\"ticket\":\"12\"}"), 12);
    assert_int_equal(hint_in("{\"article\":{\"ticket_id\":12}}"), 12);
    assert_int_equal(hint_in("{\"ticket_id\":\"#{ticket.id}\"}"), 0);
    assert_int_equal(hint_in("{\"ticket\":{}}"), 0);
    assert_int_equal(hint_in("{\"id\":12}"), 0); /* of what? */
    assert_int_equal(hint_in("[12]"), 0);
    assert_int_equal(hint_in("\"12\""), 0);
    assert_int_equal(hint_in("null"), 0);
}

/* ---- without memory ---- */

static void without_memory_nothing_is_made_and_nothing_lost(void **state)
{
    json_t *row = json_of("{\"id\":5,\"number\":\"22005\",\"firstname\":\"Ann\"}");
    struct idmap m = { 0 };
    char *out = NULL;
    size_t n = 1;
    (void)state;

    fails_in = 1;
    assert_int_equal(amount_quote("{\"time_unit\":1}", 15, &out, &n), -1);
    assert_null(out);
    assert_int_equal(n, 0);
    fails_in = 1;
    assert_null(fact_ticket(5, row));
    fails_in = 1;
    assert_null(fact_person(5, row));
    fails_in = 1;
    assert_int_equal(idmap_put(&m, 1, (union idvalue){ .number = 1 }), -1);
    assert_false(idmap_has(&m, 1));
    for (int64_t i = 1; i <= 48; i++)
        assert_int_equal(idmap_put(&m, i, (union idvalue){ .number = i }), 0);
    fails_in = 1; /* it has to grow */
    assert_int_equal(idmap_put(&m, 49, (union idvalue){ .number = 49 }), -1);
    for (int64_t i = 1; i <= 48; i++)
        assert_int_equal(idmap_get(&m, i)->number, i);
    assert_int_equal(idmap_put(&m, 49, (union idvalue){ .number = 49 }), 0);
    fails_in = 0;
    idmap_clear(&m, NULL);
    json_decref(row);
}

/* ---- people of a minute ago ---- */

static void people_are_remembered_for_a_minute_and_of_one_connection(void **state)
{
    static struct recent recent;
    const dw_time now = { INT64_C(1772445600000000) }, soon = { now.us + 59000000 },
                  late = { now.us + 60000000 };
    json_t *row =
        json_pack("{ssssss}", "firstname", "Maren", "email", "maren@example.org", "organization", "Lindgren");
    struct person *known = fact_person(7, row), *gone = fact_person(8, NULL),
                  *other = fact_person(7 + RECENT_SLOTS, row);
    struct person *p;

    (void)state;
    recent_init(&recent);
    assert_null(recent_person(&recent, 1, 7, now));
    recent_keep(&recent, 1, known, now);
    p = recent_person(&recent, 1, 7, soon);
    assert_non_null(p);
    assert_int_equal(p->id, 7);
    assert_true(p->known);
    assert_string_equal(p->name, "Maren");
    assert_string_equal(p->email, "maren@example.org");
    assert_string_equal(p->organization_name, "Lindgren");
    free(p);
    assert_null(recent_person(&recent, 1, 7, late));
    assert_null(recent_person(&recent, 2, 7, soon));
    recent_keep(&recent, 1, gone, now); /* whoever is not there may be there at once */
    assert_null(recent_person(&recent, 1, 8, soon));
    fails_in = 1;
    assert_null(recent_person(&recent, 1, 7, soon));
    fails_in = 0;
    recent_keep(&recent, 1, other, now); /* takes the place of the first */
    assert_null(recent_person(&recent, 1, 7, soon));
    p = recent_person(&recent, 1, 7 + RECENT_SLOTS, soon);
    assert_non_null(p);
    free(p);
    recent_finish(&recent);
    free(known);
    free(gone);
    free(other);
    json_decref(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_that_are_amounts_become_texts_digit_by_digit),
        cmocka_unit_test(what_is_no_amount_stays),
        cmocka_unit_test(json_stays_what_it_was_and_half_of_it_is_survived),
        cmocka_unit_test(a_rows_number_is_above_zero_also_as_a_text),
        cmocka_unit_test(a_map_keeps_what_was_put_in),
        cmocka_unit_test(a_servers_date_is_read),
        cmocka_unit_test(a_person_has_the_name_that_there_is),
        cmocka_unit_test(a_ticket_keeps_its_texts),
        cmocka_unit_test(a_hint_is_found_in_what_admins_write),
        cmocka_unit_test(without_memory_nothing_is_made_and_nothing_lost),
        cmocka_unit_test(people_are_remembered_for_a_minute_and_of_one_connection),
    };

    return cmocka_run_group_tests_name("zammad_rows", tests, NULL, NULL);
}
