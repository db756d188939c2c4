/* timesync_compare_test.c - the whole matrix: source x link x target x is it as wanted x is it exported x rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compare.h"

const dw_host *dw_host_;

#define ANY (-1)

/* The first line that fits says what is to come out. Written from the design, not from compare.c. */
static const struct line {
    int source, link, target, as_wanted, rounded, exported;
    int source_deleted, target_edited, target_deleted; /* rules */
    enum verdict verdict;
    enum reason reason;
} lines[] = {
    /* not followed: nothing is ever done */
    { ANY, LINK_UNFOLLOWED, ANY, ANY, ANY, ANY, ANY, ANY, ANY, VERDICT_UNFOLLOW, REASON_NONE },
    /* without a timesheet */
    { SOURCE_GONE, LINK_NONE, ANY, ANY, ANY, ANY, ANY, ANY, ANY, VERDICT_FORGET, REASON_NONE },
    { ANY, LINK_NONE, ANY, ANY, ANY, ANY, ANY, ANY, ANY, VERDICT_CREATE, REASON_NONE },
    /* gone at the source */
    { SOURCE_GONE, ANY, TARGET_UNKNOWN, ANY, ANY, ANY, ANY, ANY, ANY, VERDICT_LOOK, REASON_NONE },
    { SOURCE_GONE, ANY, TARGET_ABSENT, ANY, ANY, ANY, ANY, ANY, ANY, VERDICT_FORGET, REASON_NONE },
    { SOURCE_GONE, ANY, ANY, ANY, ANY, true, ANY, ANY, ANY, VERDICT_CASE, REASON_LOCKED_OR_EXPORTED },
    { SOURCE_GONE, ANY, TARGET_CHANGED, ANY, ANY, ANY, ANY, ANY, ANY, VERDICT_CASE, REASON_DELETED_SOURCE },
    { SOURCE_GONE, ANY, TARGET_SAME, ANY, ANY, ANY, SOURCE_DELETED_REMOVE, ANY, ANY, VERDICT_REMOVE,
      REASON_NONE },
    { SOURCE_GONE, ANY, TARGET_SAME, ANY, ANY, ANY, SOURCE_DELETED_DECIDE, ANY, ANY, VERDICT_CASE,
      REASON_DELETED_SOURCE },
    /* nobody looked */
    { SOURCE_SAME, ANY, TARGET_UNKNOWN, ANY, ANY, ANY, ANY, ANY, ANY, VERDICT_UNCHANGED, REASON_NONE },
    { SOURCE_CHANGED, ANY, TARGET_UNKNOWN, ANY, ANY, ANY, ANY, ANY, ANY, VERDICT_LOOK, REASON_NONE },
    /* gone at the target */
    { ANY, ANY, TARGET_ABSENT, ANY, ANY, ANY, ANY, ANY, TARGET_DELETED_DECIDE, VERDICT_CASE,
      REASON_DELETED_TARGET },
    { ANY, ANY, TARGET_ABSENT, ANY, ANY, ANY, ANY, ANY, TARGET_DELETED_SKIP, VERDICT_SKIP,
      REASON_DELETED_TARGET },
    { ANY, ANY, TARGET_ABSENT, ANY, ANY, ANY, ANY, ANY, TARGET_DELETED_CREATE, VERDICT_CREATE, REASON_NONE },
    /* it is what is wanted, whoever made it so */
    { SOURCE_CHANGED, ANY, ANY, true, ANY, ANY, ANY, ANY, ANY, VERDICT_ACCEPT, REASON_NONE },
    { SOURCE_SAME, ANY, TARGET_CHANGED, true, ANY, ANY, ANY, ANY, ANY, VERDICT_ACCEPT, REASON_NONE },
    /* both say the same, but for what the target rounds */
    { SOURCE_CHANGED, ANY, TARGET_CHANGED, ANY, true, true, ANY, ANY, ANY, VERDICT_CASE,
      REASON_LOCKED_OR_EXPORTED },
    { SOURCE_CHANGED, ANY, TARGET_CHANGED, ANY, true, false, ANY, ANY, ANY, VERDICT_UPDATE, REASON_NONE },
    /* somebody edited it */
    { ANY, ANY, TARGET_CHANGED, ANY, ANY, ANY, ANY, TARGET_EDITED_UNFOLLOW, ANY, VERDICT_UNFOLLOW,
      REASON_NONE },
    { ANY, ANY, TARGET_CHANGED, ANY, ANY, true, ANY, TARGET_EDITED_RESTORE, ANY, VERDICT_CASE,
      REASON_LOCKED_OR_EXPORTED },
    { ANY, ANY, TARGET_CHANGED, ANY, ANY, false, ANY, TARGET_EDITED_RESTORE, ANY, VERDICT_UPDATE,
      REASON_NONE },
    { SOURCE_SAME, ANY, TARGET_CHANGED, ANY, ANY, ANY, ANY, TARGET_EDITED_DECIDE, ANY, VERDICT_CASE,
      REASON_TARGET_CHANGED },
    { SOURCE_CHANGED, ANY, TARGET_CHANGED, ANY, ANY, ANY, ANY, TARGET_EDITED_DECIDE, ANY, VERDICT_CASE,
      REASON_BOTH_CHANGED },
    /* it is as it was; that it was exported is no edit */
    { SOURCE_SAME, ANY, TARGET_SAME, ANY, ANY, ANY, ANY, ANY, ANY, VERDICT_UNCHANGED, REASON_NONE },
    { SOURCE_CHANGED, ANY, TARGET_SAME, ANY, ANY, true, ANY, ANY, ANY, VERDICT_CASE,
      REASON_LOCKED_OR_EXPORTED },
    { SOURCE_CHANGED, ANY, TARGET_SAME, ANY, ANY, false, ANY, ANY, ANY, VERDICT_UPDATE, REASON_NONE },
};

static bool fits(int wanted, int is)
{
    return wanted == ANY || wanted == is;
}

static const struct line *line_of(const struct compare_in *in, const struct rules *r)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        const struct line *l = &lines[i];

        if (fits(l->source, (int)in->source) && fits(l->link, (int)in->link) &&
            fits(l->target, (int)in->target) && fits(l->as_wanted, in->is_as_wanted) &&
            fits(l->rounded, in->is_rounded) && fits(l->exported, in->is_exported) &&
            fits(l->source_deleted, (int)r->source_deleted) &&
            fits(l->target_edited, (int)r->target_edited) && fits(l->target_deleted, (int)r->target_deleted))
            return l;
    }
    return NULL;
}

static void matrix(void **state)
{
    unsigned seen[sizeof(lines) / sizeof(*lines)] = { 0 };

    (void)state;
    for (unsigned n = 0; n < 3U * 3 * 4 * 2 * 2 * 2 * 2 * 3 * 3; n++) {
        unsigned left = n;
        struct compare_in in;
        struct rules r = { 0 };

#define PICK(of)   \
    (left % (of)); \
    left /= (of)
        in.source = (enum side_source)PICK(3);
        in.link = (enum side_link)PICK(3);
        in.target = (enum side_target)PICK(4);
        in.is_as_wanted = PICK(2);
        in.is_rounded = PICK(2);
        in.is_exported = PICK(2);
        r.source_deleted = PICK(2);
        r.target_edited = PICK(3);
        r.target_deleted = PICK(3);

        const struct line *l = line_of(&in, &r);
        const struct compare_out out = compare(&in, &r);

        assert_non_null(l);
        seen[l - lines]++;
        if (out.verdict != l->verdict || out.reason != l->reason)
            fail_msg("source %d link %d target %d wanted %d exported %d, rules %u %u %u: %d %s, not %d %s",
                     (int)in.source, (int)in.link, (int)in.target, in.is_as_wanted, in.is_exported,
                     r.source_deleted, r.target_edited, r.target_deleted, (int)out.verdict,
                     reason_name(out.reason), (int)l->verdict, reason_name(l->reason));
        /* The promise, in one line. */
        if (in.is_exported && in.target != TARGET_ABSENT && in.link == LINK_LINKED)
            assert_false(out.verdict == VERDICT_UPDATE || out.verdict == VERDICT_REMOVE);
    }
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        assert_true(seen[i] > 0);
}

static void reasons_have_names(void **state)
{
    (void)state;
    for (int i = REASON_NONE; i < REASONS; i++) {
        assert_int_equal(reason_from(reason_name((enum reason)i)), i);
        assert_true(i == REASON_NONE || *reason_text((enum reason)i));
    }
    assert_int_equal(reason_from("NO_SUCH"), REASON_OTHER);
    assert_int_equal(reason_from(NULL), REASON_NONE);
    for (unsigned bit = 1; bit <= ACTION_DISMISS; bit <<= 1)
        assert_int_equal(action_from(action_name((enum action)bit)), bit);
    assert_int_equal(action_from("no such"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(matrix), cmocka_unit_test(reasons_have_names) };

    return cmocka_run_group_tests_name("comparing", tests, NULL, NULL);
}
