/* timesync_model_test.c - random histories of both sides, of faults and of servers that fail, against what must be true in the end: every
 * booking that can be moved has exactly one timesheet or waits for a person, and what was exported is as it was.
 *
 * DOWEL_MODEL_SEED=N replays one history, DOWEL_MODEL_HISTORIES=N says how many there are. */
#include "sync_rig.h"

enum { OPERATIONS = 60 };

static uint64_t seed;

static unsigned pick(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((seed >> 33) % below);
}

/* ---- what was exported, as it was then ---- */

static struct page exported[RIG_PAGES];
static unsigned n_exported;

static struct page *some_page(void)
{
    struct page *p = books.n ? &books.all[pick(books.n)] : NULL;

    return p && !p->gone ? p : NULL;
}

static struct booking *some_booking(void)
{
    return desk.n ? &desk.all[pick(desk.n)] : NULL;
}

static dw_time the_time = { 0 };

static void pass(dw_span span)
{
    the_time.us += span.us;
    dw_harness_advance(h, span);
}

/* ---- operations ---- */

static char history[OPERATIONS * 64];

static void note(const char *what, const char *of)
{
    const size_t n = strlen(history);

    if (n < sizeof(history) - 64)
        snprintf(history + n, sizeof(history) - n, "%s %s; ", what, of);
}

static void do_book(void)
{
    static const char *const amounts[] = { "10", "7.5", "0", "-3", "60", "1,5", "0.25" };
    static const char *const activities[] = { "work", "work", "work", "work", "travel" };
    char id[16], ticket[16];
    struct booking *b;

    if (desk.n >= 40)
        return;
    snprintf(id, sizeof(id), "%u", desk.n + 1);
    snprintf(ticket, sizeof(ticket), "%u", 100 + pick(6));
    b = book(id, ticket, amounts[pick(7)]);
    snprintf(b->activity, sizeof(b->activity), "%s", activities[pick(5)]);
    snprintf(b->customer, sizeof(b->customer), "C%u", pick(3));
    b->created = b->changed = the_time;
    note("book", id);
}

static void do_edit(void)
{
    struct booking *b = some_booking();

    if (!b || b->gone)
        return;
    snprintf(b->amount, sizeof(b->amount), "%u", pick(4) ? 5 + pick(90) : 0);
    b->changed = the_time;
    note("edit", b->id);
}

static void do_delete(void)
{
    struct booking *b = some_booking();

    if (!b)
        return;
    b->gone = !b->gone;
    b->changed = the_time;
    note(b->gone ? "delete" : "put back", b->id);
}

static void do_merge(void)
{
    struct booking *b = some_booking();

    if (!b || b->gone)
        return;
    snprintf(b->ticket, sizeof(b->ticket), "%u", 100 + pick(6));
    b->changed = the_time;
    note("move", b->id);
}

static void do_export(void)
{
    struct page *p = some_page();

    /* What is under way when it is exported nobody can call back. */
    if (!p || p->exported || (books.is_late && strcmp(books.late.id, p->id) == 0))
        return;
    p->exported = true;
    p->changed = the_time;
    exported[n_exported++] = *p;
    note("export", p->id);
}

static void do_edit_there(void)
{
    struct page *p = some_page();

    if (!p || p->exported)
        return;
    p->end.us += 60000000;
    p->seconds += 60;
    p->changed = the_time;
    note("edit there", p->id);
}

static void do_delete_there(void)
{
    struct page *p = some_page();

    if (!p || p->exported)
        return;
    p->gone = true;
    note("delete there", p->id);
}

static void do_fault(void)
{
    static const int codes[] = { DW_EUNKNOWN,     DW_EUNKNOWN, DW_EUNKNOWN, DW_EUPSTREAM,
                                 DW_EUNAVAILABLE, DW_EAUTH,    DW_ERATE,    DW_EINVALID };
    const int code = codes[pick(8)];
    const bool may_act = code == DW_EUNKNOWN || code == DW_EUPSTREAM;

    books.fault = (struct fault){
        .at = 1 + pick(3),
        .code = code,
        .acts = may_act && pick(2),
        .reason = code == DW_EINVALID ? "OVERLAP" : NULL,
        .late = { books.is_late || pick(3) ? 0 : 1000000 * (int64_t)(1 + pick(80)) },
    };
    if (!books.fault.acts)
        books.fault.late.us = 0;
    note("fault", books.fault.acts ? "that acts" : "");
}

static void do_fail(void)
{
    static const enum dw_error codes[] = { DW_EUNAVAILABLE, DW_ECANCELLED, DW_EUNKNOWN };

    dw_harness_fail(h, 1 + pick(120), codes[pick(3)]);
    note("fail", "a step");
}

static void do_pass(void)
{
    pass(DW_SECONDS(1 + (int)pick(200)));
    note("wait", "");
}

static void do_run(void)
{
    static const char *const kinds[] = { "poll", "poll", "full", "tickets" };
    const char *kind = kinds[pick(4)];
    char scope[64];

    snprintf(scope, sizeof(scope), "{\"tickets\":[\"%u\"]}", 100 + pick(6));
    start_run(kind, strcmp(kind, "tickets") == 0 ? scope : "{}", false, NULL);
    note("run", kind);
    run_jobs();
}

static void do_jobs(void)
{
    run_jobs();
    note("jobs", "");
}

static void (*const operations[])(void) = {
    do_book,  do_book, do_book, do_book,   do_edit,       do_edit,         do_delete,
    do_merge, do_run,  do_run,  do_run,    do_run,        do_fault,        do_fail,
    do_pass,  do_pass, do_jobs, do_export, do_edit_there, do_delete_there,
};

/* ---- what must be true ---- */

static bool waits_for_person(const char *entry)
{
    return *case_of(entry) != '\0';
}

static void check_booking(const struct booking *b)
{
    const struct page *p = page_for(b->id); /* two are a failure there */
    const char *state = state_of(b->id);

    if (!*state) {
        if (!b->gone || p)
            fail_msg("%s was lost", b->id);
        return;
    }
    if (strcmp(state, "synced") == 0 && !p)
        fail_msg("%s says it is synced, and has no timesheet", b->id);
    if (strcmp(state, "waiting") == 0 || strcmp(state, "failed") == 0)
        fail_msg("%s is %s still", b->id, state);
    if (strcmp(state, "deciding") == 0 && !waits_for_person(b->id))
        fail_msg("%s is for a person to decide, and has no case", b->id);
    if (strcmp(state, "deciding") != 0 && waits_for_person(b->id))
        fail_msg("%s is %s, and has a case %s", b->id, state, case_of(b->id));
    if (strcmp(state, "synced") == 0 && !p->exported && p->seconds != strtol(b->amount, NULL, 10) * 60 &&
        !strpbrk(b->amount, ",."))
        fail_msg("%s has %s minutes, and its timesheet %lld seconds", b->id, b->amount,
                 (long long)p->seconds);
    if (b->gone && strcmp(state, "synced") == 0)
        fail_msg("%s is gone, and is synced", b->id);
    if (!b->gone && strcmp(state, "gone") == 0)
        fail_msg("%s is there, and counts as gone", b->id);
}

static void check_exported(const struct page *was)
{
    const struct page *is = page_of(was->id);

    if (!is || is->gone || strcmp(is->text, was->text) != 0 || is->begin.us != was->begin.us ||
        is->end.us != was->end.us || strcmp(is->project, was->project) != 0)
        fail_msg("%s was exported, and is not as it was", was->id);
}

static void settle_down(void)
{
    struct numbers n;

    dw_harness_fail(h, 0, DW_EINTERNAL);
    books.fault.at = 0;
    for (int i = 0; i < 10; i++) {
        run_jobs();
        pass(DW_MINUTES(5));
    }
    for (int i = 0; i < 2; i++) {
        n = run("full");
        if (strcmp(n.state, "done") != 0)
            fail_msg("the last run is %s: %s", n.state, n.reason);
    }
    if (n.created || n.updated || n.deleted)
        fail_msg("the last run had something to do: %lld %lld %lld", (long long)n.created,
                 (long long)n.updated, (long long)n.deleted);
}

static void one_history(uint64_t of)
{
    static const char *const rules[] = {
        "{\"max_deletions\":0}",
        ("{\"max_deletions\":0,\"source_deleted\":\"remove\",\"target_edited\":\"restore\","
         "\"target_deleted\":\"create\"}"),
        "{\"max_deletions\":0,\"source_deleted\":\"remove\",\"project\":\"of_customer\"}",
        "{\"max_deletions\":0,\"target_edited\":\"restore\",\"zero\":\"decide\",\"parallel\":1}",
    };

    seed = of;
    *history = '\0';
    n_exported = 0;
    rig_start(rules[pick(4)]);
    the_time = DAY;
    for (int i = 0; i < OPERATIONS; i++) {
        operations[pick(sizeof(operations) / sizeof(*operations))]();
        if (pick(3) == 0)
            pass(DW_SECONDS(1));
    }
    settle_down();
    for (unsigned i = 0; i < desk.n; i++)
        check_booking(&desk.all[i]);
    for (unsigned i = 0; i < n_exported; i++)
        check_exported(&exported[i]);
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE intent <> ''"), 0);
    assert_int_equal(rig_stop(NULL), 0);
}

static uint64_t current;

static int say_seed(void **state)
{
    if (h)
        print_message("DOWEL_MODEL_SEED=%llu replays it: %s\n", (unsigned long long)current, history);
    return rig_stop(state);
}

static void nothing_is_lost_and_nothing_doubled(void **state)
{
    const char *one = getenv("DOWEL_MODEL_SEED"), *many = getenv("DOWEL_MODEL_HISTORIES");
    const unsigned n = many ? (unsigned)strtoul(many, NULL, 10) : 40;

    (void)state;
    if (one) {
        current = strtoull(one, NULL, 10);
        one_history(current);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        current = 1000 + i;
        one_history(current);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(nothing_is_lost_and_nothing_doubled,
                                                                  say_seed) };

    return ON_EVERY_ENGINE("model", tests);
}
