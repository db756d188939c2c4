/* The audit log: records, their seals, what verify finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit_fixture.h"

static struct audit_fixture fixture;

static int setup(void **state)
{
    *state = &fixture;
    return audit_fixture_open(&fixture);
}

static int teardown(void **state)
{
    audit_fixture_close(*state);
    return 0;
}

static void what_was_recorded_is_sealed_and_verified(void **state)
{
    struct audit_fixture *f = *state;

    assert_int_equal(audit_check(f), 0);
    audit_write_some(f, 3);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(f->verified.unsealed, 3);
    assert_int_equal(audit_seal_once(f), 3);
    assert_int_equal(audit_seal_once(f), 0);
    if (audit_check(f) != 0)
        fail_msg("%s", buf_text(&f->said));
    assert_int_equal(f->verified.unsealed, 0);
    assert_int_equal(f->verified.records, 3);
    assert_int_equal(f->verified.seq, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_recorded_is_sealed_and_verified, setup, teardown),
    };

    return DB_ON_EVERY_ENGINE("audit", tests);
}
