#include "util/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int before;
    struct list node;
};

static void assert_order(struct list *l, const int *wanted, int n)
{
    struct list *at = l->next;

    for (int i = 0; i < n; i++, at = at->next) {
        assert_ptr_not_equal(at, l);
        assert_int_equal(LIST_OWNER(at, struct item, node)->before, wanted[i]);
        assert_ptr_equal(at->prev->next, at);
    }
    assert_ptr_equal(at, l);
    assert_ptr_equal(l->prev->next, l);
}

static void items_come_and_go(void **state)
{
    struct list l;
    struct item items[4] = { { .before = 1 }, { .before = 2 }, { .before = 3 }, { .before = 4 } };

    (void)state;
    list_init(&l);
    assert_true(list_empty(&l));
    for (int i = 0; i < 4; i++)
        list_append(&l, &items[i].node);
    assert_order(&l, (const int[]){ 1, 2, 3, 4 }, 4);
    list_remove(&items[1].node);
    list_remove(&items[1].node); /* twice is harmless */
    assert_true(list_empty(&items[1].node));
    assert_order(&l, (const int[]){ 1, 3, 4 }, 3);
    list_remove(&items[0].node);
    list_remove(&items[3].node);
    list_append(&l, &items[1].node);
    assert_order(&l, (const int[]){ 3, 2 }, 2);
    list_remove(&items[2].node);
    list_remove(&items[1].node);
    assert_true(list_empty(&l));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(items_come_and_go) };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
