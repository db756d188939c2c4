/* Which plugin comes before which, and which cannot come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "plugin/order.h"
#include "util/compiler.h"

/* ---- versions ---- */

static int compare(const char *a, const char *b)
{
    struct version x, y;

    assert_int_equal(version_parse(str_from(a), &x), 0);
    assert_int_equal(version_parse(str_from(b), &y), 0);
    assert_int_equal(version_compare(&x, &y), -version_compare(&y, &x));
    return version_compare(&x, &y);
}

static void versions_compare_by_number(void **state)
{
    (void)state;
    assert_int_equal(compare("1.2.0", "1.2"), 0);
    assert_int_equal(compare("1.9", "1.10"), -1);
    assert_int_equal(compare("2", "1.99.99"), 1);
    assert_int_equal(compare("1.0.0.1", "1"), 1);
    assert_int_equal(compare("1.0-rc1", "1.0"), -1);
    assert_true(compare("1.0-rc1", "1.0-rc2") < 0);
    assert_true(compare("1.0-rc", "1.0-rc.1") < 0);
    assert_int_equal(compare("1.0.1-rc1", "1.0"), 1);
}

static void what_is_no_version_is_refused(void **state)
{
    static const char *const wrong[] = { "",     "one",  "1.", ".1",           "1..2",    "1.2.3.4.5",
                                         "-rc1", "1.0-", "v1", "1.4294967296", "1.0-r c", "1.0 " };
    struct version v;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        if (version_parse(str_from(wrong[i]), &v) == 0)
            fail_msg("\"%s\" is taken for a version", wrong[i]);
    }
}

/* ---- needs ---- */

static void needs_are_read(void **state)
{
    struct order_need needs[ORDER_NEEDS_MAX];
    struct buf why = BUF_INIT;

    (void)state;
    assert_int_equal(order_parse("  auth>=1.0  mail=1.2 chat ", needs, &why), 3);
    assert_true(str_equal(needs[0].name, STR_OF("auth")));
    assert_int_equal(needs[0].how, ORDER_AT_LEAST);
    assert_true(str_equal(needs[0].version, STR_OF("1.0")));
    assert_int_equal(needs[1].how, ORDER_EXACTLY);
    assert_int_equal(needs[2].how, ORDER_ANY);
    assert_int_equal(order_parse("", needs, &why), 0);
    assert_int_equal(why.n, 0);
}

static void what_is_no_need_is_named(void **state)
{
    static const char *const wrong[] = { "auth>1.0", "auth>=",  "Auth",      ">=1.0",
                                         "auth<=2",  "auth>=x", "auth,mail", "=1" };
    struct order_need needs[ORDER_NEEDS_MAX];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        struct buf why = BUF_INIT;
        if (order_parse(wrong[i], needs, &why) >= 0)
            fail_msg("\"%s\" is taken", wrong[i]);
        assert_non_null(strstr(buf_text(&why), wrong[i]));
        buf_finish(&why);
    }
}

/* ---- sorting ---- */

struct play {
    struct arena arena;
    struct order_plugin plugins[8];
    size_t n;
    char sequence[200]; /* "a b c" */
};

static int setup(void **state)
{
    static struct play p;

    memset(&p, 0, sizeof(p));
    arena_init(&p.arena, NULL, 0, 0);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct play *p = *state;
    arena_finish(&p->arena);
    return 0;
}

static struct order_plugin *add(struct play *p, const char *name, const char *needs, const char *wants)
{
    p->plugins[p->n] =
        (struct order_plugin){ .name = name, .version = "1.5", .needs = needs, .wants = wants };
    return &p->plugins[p->n++];
}

static const char *sort(struct play *p)
{
    size_t sequence[8];
    int n = order_sort(p->plugins, p->n, sequence, &p->arena);

    assert_true(n >= 0);
    p->sequence[0] = 0;
    for (int i = 0; i < n; i++) {
        strcat(p->sequence, i ? " " : "");
        strcat(p->sequence, p->plugins[sequence[i]].name);
    }
    return p->sequence;
}

static void without_needs_names_decide(void **state)
{
    add(*state, "c", "", "");
    add(*state, "a", "", "");
    add(*state, "b", "", "");
    assert_string_equal(sort(*state), "a b c");
}

static void needs_and_wants_come_before(void **state)
{
    add(*state, "a", "d>=1.0", "");
    add(*state, "b", "", "c nowhere");
    add(*state, "c", "", "");
    add(*state, "d", "c=1.5.0", "");
    assert_string_equal(sort(*state), "c b d a");
}

static void a_missing_need_declines_and_so_does_a_declined_one(void **state)
{
    struct order_plugin *c = add(*state, "c", "b", "");
    struct order_plugin *b = add(*state, "b", "ghost>=2", "");

    add(*state, "a", "", "c");
    assert_string_equal(sort(*state), "a");
    assert_string_equal(b->declined,
                        "needs the plugin ghost, which is not enabled: dowel plugin enable ghost");
    assert_non_null(strstr(c->declined, "needs b, which was declined: needs the plugin ghost"));
}

static void a_wrong_version_names_both(void **state)
{
    struct order_plugin *b = add(*state, "b", "a>=2.0", ""), *c = add(*state, "c", "a=1.4", "");

    add(*state, "a", "", "");
    assert_string_equal(sort(*state), "a");
    assert_string_equal(b->declined, "needs a>=2.0, but the version of a is 1.5");
    assert_string_equal(c->declined, "needs a=1.4, but the version of a is 1.5");
}

static void who_was_declined_before_stays_so(void **state)
{
    struct order_plugin *a = add(*state, "a", "", ""), *b = add(*state, "b", "a>=9", "");

    a->version = "";
    a->declined = "it is broken";
    assert_string_equal(sort(*state), "");
    assert_string_equal(a->declined, "it is broken");
    assert_string_equal(b->declined, "needs a, which was declined: it is broken");
}

static void a_ring_declines_its_members_and_names_it(void **state)
{
    struct order_plugin *a = add(*state, "a", "b", ""), *b = add(*state, "b", "c", ""),
                        *c = add(*state, "c", "a x", ""), *d = add(*state, "d", "c", ""),
                        *e = add(*state, "e", "e", "");

    add(*state, "x", "", "");
    assert_string_equal(sort(*state), "x");
    assert_non_null(strstr(a->declined, "in a ring: a -> b -> c -> a;"));
    assert_non_null(strstr(b->declined, "in a ring: b -> c -> a -> b;"));
    assert_non_null(strstr(c->declined, "in a ring: c -> a -> b -> c;"));
    assert_non_null(strstr(d->declined, "needs c, which was declined"));
    assert_non_null(strstr(e->declined, "in a ring: e -> e;"));
}

static void a_ring_of_wants_only_loses_a_wish(void **state)
{
    add(*state, "b", "", "a");
    add(*state, "a", "", "b");
    add(*state, "c", "b", "");
    assert_string_equal(sort(*state), "a b c");
}

static void a_want_gives_way_to_needs(void **state)
{
    add(*state, "a", "b", "");
    add(*state, "b", "", "a");
    assert_string_equal(sort(*state), "b a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_compare_by_number),
        cmocka_unit_test(what_is_no_version_is_refused),
        cmocka_unit_test(needs_are_read),
        cmocka_unit_test(what_is_no_need_is_named),
        cmocka_unit_test_setup_teardown(without_needs_names_decide, setup, teardown),
        cmocka_unit_test_setup_teardown(needs_and_wants_come_before, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_need_declines_and_so_does_a_declined_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_version_names_both, setup, teardown),
        cmocka_unit_test_setup_teardown(who_was_declined_before_stays_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ring_declines_its_members_and_names_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ring_of_wants_only_loses_a_wish, setup, teardown),
        cmocka_unit_test_setup_teardown(a_want_gives_way_to_needs, setup, teardown),
    };
    return cmocka_run_group_tests_name("plugin_order", tests, NULL, NULL);
}
