/* timesync_settle_test.c - an answer got lost, and what is there then is what was sent, or somebody's edit; whatever is wanted by now, and
 * however the target rounds. */
#include "sync_rig.h"

/* The run that ends with an answer that nobody got, as far as it goes at once. */
static const char *answer_gets_lost(void)
{
    const char *id;

    fail_next(DW_EUNKNOWN, true, (dw_span){ 0 });
    id = start_run("full", "{}", false, NULL);
    run_jobs();
    return id;
}

static void change_rules(const char *rules)
{
    json_t *json = json_loads(rules, 0, NULL);

    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET rules = $1", json));
    json_decref(json);
}

/* ---- rules that are others by now ---- */

/* It was written and nobody said so, and then the rules say something else: what is there is what was sent, and nobody's edit. */
static void the_rules_changed_meanwhile(void **state)
{
    const char *id;

    (void)state;
    rig_start("{\"billable\":\"always\"}");
    book("1", "1", "10");
    run("full");
    edit(&desk.all[0], "20");
    id = answer_gets_lost();
    change_rules("{\"billable\":\"never\"}");
    assert_int_equal(run_through(id).to_decide, 0);
    run("full");
    assert_string_equal(case_of("1"), "");
    assert_int_equal(page_for("1")->billable, DW_BILLABLE_NO);
    assert_int_equal(page_for("1")->seconds, 1200);
}

/* The same of one that was made. */
static void the_rules_changed_since_it_was_made(void **state)
{
    const char *id;

    (void)state;
    rig_start("{\"billable\":\"always\"}");
    book("1", "1", "10");
    id = answer_gets_lost();
    change_rules("{\"billable\":\"never\"}");
    assert_int_equal(run_through(id).to_decide, 0);
    assert_string_equal(case_of("1"), "");
    assert_int_equal(page_for("1")->billable, DW_BILLABLE_NO);
    assert_int_equal(books.creates, 1);
}

/* And that hides nobody's edit. */
static void the_rules_changed_and_somebody_edited(void **state)
{
    const char *id;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        rig_start("{\"billable\":\"always\"}");
        book("1", "1", "10");
        if (i == 1) {
            run("full");
            edit(&desk.all[0], "20");
        }
        id = answer_gets_lost();
        edit_page(page_for("1"), 1800);
        change_rules("{\"billable\":\"never\"}");
        assert_int_equal(run_through(id).to_decide, 1);
        assert_string_equal(case_of("1"), "BOTH_CHANGED");
        assert_int_equal(page_for("1")->seconds, i ? 3000 : 2400);
        assert_int_equal(run("full").to_decide, 1);
        rig_stop(NULL);
    }
}

/* What is wanted by now is what somebody made of it meanwhile; what was sent was something else. */
static void somebody_made_it_what_is_wanted_now(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    id = answer_gets_lost();
    page_for("1")->begin.us -= INT64_C(600000000);
    page_for("1")->seconds += 600;
    edit(&desk.all[0], "20");
    run_tickets("1");
    run_through(id);
    run("full");
    assert_string_equal(case_of("1"), "");
    assert_int_equal(page_for("1")->seconds, 1200);
}

/* Nothing says whether it is billable, and the target finds that anew for another project: nobody's edit. */
static void the_target_says_what_is_billable(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    snprintf(desk.all[0].customer, sizeof(desk.all[0].customer), "Globex");
    id = answer_gets_lost();
    page_for("1")->billable = DW_BILLABLE_NO;
    assert_int_equal(run_through(id).to_decide, 0);
    assert_int_equal(run("full").unchanged, 1);
}

/* ---- a target that rounds by more than a minute ---- */

static void book_of_all_sorts(unsigned n)
{
    static const char *const amounts[] = { "13", "42", "4", "72", "15", "57", "5", "115", "36", "1" };
    char id[16];

    for (unsigned i = 0; i < n; i++) {
        snprintf(id, sizeof(id), "%u", 100 + i);
        book(id, "9", amounts[i % 10])->created.us += INT64_C(60000000) * 23 * i;
    }
}

/* With so many bookings that were answered, the same number again of which one answer is lost. */
static const char *rounds_and_loses(const char *rules, unsigned known)
{
    rig_start(rules);
    books.rounds = true;
    books.grid = 15;
    book_of_all_sorts(known);
    run("full");
    book("1", "1", "10");
    return answer_gets_lost();
}

/* What it answered to others says how it rounds. */
static void it_is_known_how_it_rounds(void **state)
{
    const char *id;

    (void)state;
    id = rounds_and_loses("{}", 10);
    assert_int_equal(page_for("1")->seconds, 900);
    assert_int_equal(run_through(id).to_decide, 0);
    assert_string_equal(state_of("1"), "synced");
    edit(&desk.all[10], "32");
    assert_int_equal(run_through(answer_gets_lost()).to_decide, 0);
    assert_int_equal(page_for("1")->seconds, 2700);
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(books.writes, 12);
    assert_int_equal(run("full").unchanged, 11);
}

/* So somebody's edit is none of it, whatever the rule says of edits. */
static void an_edit_is_no_rounding(void **state)
{
    static const struct {
        const char *rules, *state;
    } of[] = { { "{}", "deciding" }, { "{\"target_edited\":\"unfollow\"}", "unfollowed" } };
    const char *id;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        id = rounds_and_loses(of[i].rules, 10);
        edit_page(page_for("1"), 900);
        assert_int_equal(run_through(id).to_decide, 1);
        run("full");
        assert_string_equal(state_of("1"), of[i].state);
        assert_int_equal(page_for("1")->seconds, 1800);
        assert_int_equal(books.writes, 11);
        rig_stop(NULL);
    }
}

/* Who cannot know asks. */
static void it_is_not_known_how_it_rounds(void **state)
{
    const char *id = rounds_and_loses("{}", 0);

    (void)state;
    assert_int_equal(run_through(id).to_decide, 1);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
}

/* Nor is it left alone for good because of that. */
static void it_may_have_been_rounded(void **state)
{
    const char *id;

    (void)state;
    rig_start("{\"target_edited\":\"unfollow\"}");
    book("1", "1", "10");
    id = answer_gets_lost();
    edit_page(page_for("1"), 900);
    run_through(id);
    assert_string_equal(state_of("1"), "synced");
    run("full");
    assert_string_equal(state_of("1"), "synced");
    edit(&desk.all[0], "25");
    run("full");
    assert_int_equal(page_for("1")->seconds, 1500);
    assert_int_equal(books.creates, 1);
}

/* ---- billed before we could look ---- */

/* Nobody knows whether the bill has what was there before, or what was written. */
static void it_was_billed_before_we_looked(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    edit(&desk.all[0], "20");
    id = answer_gets_lost();
    page_for("1")->exported = true;
    assert_int_equal(run_through(id).to_decide, 1);
    assert_string_equal(case_of("1"), "EXPORTED_MEANWHILE");
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "EXPORTED_MEANWHILE");
    choose("1", "keep", NULL);
    assert_int_equal(run("full").unchanged, 1);
    assert_string_equal(case_of("1"), "");
    assert_int_equal(page_for("1")->seconds, 1200);
}

/* Of what did not happen, or is something else again by now, it is known: the bill does not have that. */
static void it_was_billed_as_it_was(void **state)
{
    const char *id;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        rig_start("{}");
        book("1", "1", "10");
        run("full");
        edit(&desk.all[0], "20");
        fail_next(DW_EUNKNOWN, i == 1, (dw_span){ 0 });
        id = start_run("full", "{}", false, NULL);
        run_jobs();
        page_for("1")->exported = true;
        if (i == 1) {
            edit(&desk.all[0], "25");
            run_tickets("1");
        }
        run_through(id);
        assert_string_equal(case_of("1"), "LOCKED_OR_EXPORTED");
        assert_int_equal(page_for("1")->seconds, i ? 1200 : 600);
        rig_stop(NULL);
    }
}

/* One that was made is on the bill as it was made. */
static void it_was_made_and_billed(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    id = answer_gets_lost();
    page_for("1")->exported = true;
    assert_int_equal(run_through(id).to_decide, 0);
    assert_int_equal(run("full").unchanged, 1);
    assert_string_equal(case_of("1"), "");
}

/* The same where an undo gave it back. */
static void it_was_billed_while_it_was_given_back(void **state)
{
    const char *second, *undo;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    edit(&desk.all[0], "20");
    second = start_run("full", "{}", false, NULL);
    run_through(second);
    fail_next(DW_EUNKNOWN, true, (dw_span){ 0 });
    undo = start_run("undo", "{}", false, second);
    run_jobs();
    page_for("1")->exported = true;
    run_through(undo);
    assert_string_equal(case_of("1"), "EXPORTED_MEANWHILE");
    assert_int_equal(page_for("1")->seconds, 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(the_rules_changed_meanwhile),
        ON(the_rules_changed_since_it_was_made),
        ON(the_rules_changed_and_somebody_edited),
        ON(somebody_made_it_what_is_wanted_now),
        ON(the_target_says_what_is_billable),
        ON(it_is_known_how_it_rounds),
        ON(an_edit_is_no_rounding),
        ON(it_is_not_known_how_it_rounds),
        ON(it_may_have_been_rounded),
        ON(it_was_billed_before_we_looked),
        ON(it_was_billed_as_it_was),
        ON(it_was_made_and_billed),
        ON(it_was_billed_while_it_was_given_back),
    };

    return ON_EVERY_ENGINE("settling", tests);
}
